"""What type an incident is, read from its facts: what the attacker holds, and where.

By ATT&CK techniques where products name them, else by tactics; never by a product's own rule. Each line of the incident is a
set of signs, and the first row of a table that they meet is the type.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

import msgspec

from features.alert import EntityKind
from models.incidents.attack import TACTICS, tactic_place
from models.incidents.incident import Incident, Line
from models.playbooks.signs import SIGNS_OF_TECHNIQUES, Sign, bare


class IncidentType(StrEnum):
    """What has happened, in the words by which it is handled."""

    RANSOMWARE = "ransomware"
    SUPPLY_CHAIN = "supply_chain"
    SERVER_COMPROMISE = "server_compromise"
    CREDENTIAL_THEFT = "credential_theft"
    EXFILTRATION = "exfiltration"
    MALWARE = "malware"
    INTRUSION = "intrusion"
    SESSION_THEFT = "session_theft"
    CLOUD_FOOTHOLD = "cloud_foothold"
    CREDENTIAL_COMPROMISE = "credential_compromise"
    ACCOUNT_TAKEOVER = "account_takeover"
    WEB_ATTACK = "web_attack"
    PHISHING = "phishing"
    CREDENTIAL_GUESSING = "credential_guessing"
    INSIDER = "insider"
    DENIAL_OF_SERVICE = "denial_of_service"
    RECONNAISSANCE = "reconnaissance"
    UNKNOWN = "unknown"


TITLES: dict[IncidentType, str] = {
    IncidentType.RANSOMWARE: "ransomware or other destruction",
    IncidentType.SUPPLY_CHAIN: "a tampered product of a supplier",
    IncidentType.SERVER_COMPROMISE: "a server taken over through what it offers",
    IncidentType.CREDENTIAL_THEFT: "credentials read from a host",
    IncidentType.EXFILTRATION: "data taken out by an intruder",
    IncidentType.MALWARE: "malware on a host",
    IncidentType.INTRUSION: "an intruder who looks around",
    IncidentType.SESSION_THEFT: "a stolen session or token",
    IncidentType.CLOUD_FOOTHOLD: "a lasting way into a cloud account",
    IncidentType.CREDENTIAL_COMPROMISE: "an account whose password is known to others",
    IncidentType.ACCOUNT_TAKEOVER: "an account in the hands of others",
    IncidentType.WEB_ATTACK: "attempts on an exposed application, with no sign that they worked",
    IncidentType.PHISHING: "phishing that nobody is known to have followed",
    IncidentType.CREDENTIAL_GUESSING: "guessing of passwords, with no sign that it worked",
    IncidentType.INSIDER: "data gathered or taken with no sign of an intruder: perhaps somebody of the house",
    IncidentType.DENIAL_OF_SERVICE: "denial of service",
    IncidentType.RECONNAISSANCE: "reconnaissance from outside",
    IncidentType.UNKNOWN: "something of no known type",
}


class Typed(msgspec.Struct, frozen=True, gc=False):
    """The type of an incident and the ``facts`` that made it so, a sentence each.

    ``lines``: uids of those that show what the attacker holds, and so where to act; not of those that show what was only tried.
    """

    type: IncidentType
    facts: tuple[str, ...]
    lines: tuple[str, ...]

    @property
    def title(self) -> str:
        """The type in words."""
        return TITLES[self.type]


class _Row(NamedTuple):
    """It is ``type`` if there is one of ``some`` and, where given, one of ``also``. ``held``: what the attacker then holds."""

    type: IncidentType
    some: frozenset[Sign]
    also: frozenset[Sign] = frozenset()
    held: frozenset[Sign] = frozenset()


_HOSTS = frozenset({Sign.FOOTHOLD, Sign.CONTROL, Sign.DUMPING, Sign.MOVEMENT, Sign.WEB_SHELL, Sign.DESTRUCTION, Sign.TAMPERED})
_INSIDE = _HOSTS | {Sign.LOOKING}
_ACCOUNTS = frozenset({Sign.TOKEN, Sign.CONSENT, Sign.ACCOUNT_CHANGED, Sign.PROMPTING, Sign.LOGON, Sign.MAIL_RULE})
_DATA = frozenset({Sign.GATHERING, Sign.LEAVING})
_NONE = frozenset[Sign]()
_ROWS = (
    _Row(IncidentType.RANSOMWARE, frozenset({Sign.DESTRUCTION}), _NONE, _HOSTS),
    _Row(IncidentType.SUPPLY_CHAIN, frozenset({Sign.TAMPERED}), _NONE, _HOSTS),
    _Row(IncidentType.SERVER_COMPROMISE, frozenset({Sign.WEB_SHELL}), _NONE, _HOSTS),
    _Row(IncidentType.SERVER_COMPROMISE, frozenset({Sign.EXPLOIT}), _INSIDE | _DATA, _HOSTS),
    _Row(IncidentType.CREDENTIAL_THEFT, frozenset({Sign.DUMPING}), _NONE, _HOSTS),
    _Row(IncidentType.EXFILTRATION, frozenset({Sign.LEAVING}), _INSIDE, _HOSTS | {Sign.LEAVING}),
    _Row(IncidentType.MALWARE, frozenset({Sign.FOOTHOLD, Sign.CONTROL}), _NONE, _HOSTS),
    _Row(IncidentType.INTRUSION, frozenset({Sign.MOVEMENT, Sign.LOOKING}), _NONE, _HOSTS),
    _Row(IncidentType.SESSION_THEFT, frozenset({Sign.TOKEN}), _NONE, _ACCOUNTS),
    _Row(IncidentType.CLOUD_FOOTHOLD, frozenset({Sign.ACCOUNT_CHANGED, Sign.CONSENT}), _NONE, _ACCOUNTS),
    # a mail rule shows somebody in and at work, whose session must end; else what is held may be no more than the password
    _Row(IncidentType.ACCOUNT_TAKEOVER, frozenset({Sign.MAIL_RULE}), _NONE, _ACCOUNTS),
    _Row(IncidentType.CREDENTIAL_COMPROMISE, frozenset({Sign.PROMPTING}), _NONE, _ACCOUNTS),
    _Row(IncidentType.CREDENTIAL_COMPROMISE, frozenset({Sign.GUESSING}), frozenset({Sign.LOGON}), _ACCOUNTS),
    _Row(IncidentType.ACCOUNT_TAKEOVER, frozenset({Sign.LOGON}), _NONE, _ACCOUNTS),
    _Row(IncidentType.WEB_ATTACK, frozenset({Sign.EXPLOIT})),
    _Row(IncidentType.PHISHING, frozenset({Sign.LURE})),
    _Row(IncidentType.CREDENTIAL_GUESSING, frozenset({Sign.GUESSING})),
    _Row(IncidentType.INSIDER, frozenset({Sign.REMOVABLE}), _NONE, _DATA | {Sign.REMOVABLE}),
    _Row(IncidentType.INSIDER, _DATA, frozenset({Sign.PERSON}), _DATA),
    _Row(IncidentType.EXFILTRATION, _DATA),
    _Row(IncidentType.DENIAL_OF_SERVICE, frozenset({Sign.FLOOD})),
    _Row(IncidentType.RECONNAISSANCE, frozenset({Sign.SCANNING})),
)
"""What is worst, and can least wait, stands first: the first row that holds is the type."""
_BY_TACTIC_ON_HOSTS = {
    "execution": Sign.FOOTHOLD, "persistence": Sign.FOOTHOLD, "privilege-escalation": Sign.FOOTHOLD,
    "defense-evasion": Sign.FOOTHOLD, "initial-access": Sign.EXPLOIT, "credential-access": Sign.DUMPING,
}  # fmt: skip
_BY_TACTIC_ON_ACCOUNTS = {
    "execution": Sign.ACCOUNT_CHANGED, "persistence": Sign.ACCOUNT_CHANGED, "privilege-escalation": Sign.ACCOUNT_CHANGED,
    "defense-evasion": Sign.ACCOUNT_CHANGED, "initial-access": Sign.LOGON, "credential-access": Sign.GUESSING,
}  # fmt: skip
_BY_TACTIC = {
    "reconnaissance": Sign.SCANNING, "resource-development": Sign.SCANNING, "discovery": Sign.LOOKING,
    "lateral-movement": Sign.MOVEMENT, "collection": Sign.GATHERING, "command-and-control": Sign.CONTROL,
    "exfiltration": Sign.LEAVING, "impact": Sign.DESTRUCTION,
}  # fmt: skip
_NAMES = tuple(TACTICS)
_PEOPLE = frozenset({EntityKind.USER, EntityKind.MAILBOX, EntityKind.APPLICATION})
_MACHINES = frozenset({EntityKind.HOST, EntityKind.PROCESS, EntityKind.FILE})
_WEIGHTY = 0.25
"""Lines that score below this share of the highest say nothing of the type: they may be noise that was swept along."""
_MOST_FACTS = 4


def type_of(incident: Incident) -> Typed:
    """Return the type of an incident and what made it so; ``unknown`` where no product names a tactic or technique."""
    lines = weighty(incident.lines)
    signs = {line.uid: signs_of(line) for line in lines}
    present = frozenset[Sign]().union(*signs.values())
    for row in _ROWS:
        if present & row.some and (not row.also or present & row.also):
            telling = [line for line in lines if signs[line.uid] & (row.some | (row.also - {Sign.PERSON}))]
            held = [line for line in lines if signs[line.uid] & row.held] or telling
            return Typed(row.type, _facts(telling), tuple(line.uid for line in held))
    return Typed(IncidentType.UNKNOWN, ("No line names an ATT&CK tactic or technique that tells a type.",), ())


def weighty(lines: Iterable[Line]) -> list[Line]:
    """Return the lines that score at least a quarter of the highest; all of them where no model spoke."""
    lines = list(lines)
    least = _WEIGHTY * max((line.score for line in lines), default=0.0)
    return [line for line in lines if line.score >= least]


def signs_of(line: Line) -> frozenset[Sign]:
    """Return what one line is a sign of: its techniques say, and where they do not, its tactics."""
    kinds = {entity.kind for entity in line.entities}
    found = {sign for technique in line.techniques for sign in _of_technique(technique)}
    if not found:
        table = _BY_TACTIC | (_BY_TACTIC_ON_ACCOUNTS if kinds & _PEOPLE and not kinds & _MACHINES else _BY_TACTIC_ON_HOSTS)
        places = [tactic_place(tactic) for tactic in line.tactics]
        found = {table[_NAMES[place]] for place in places if place is not None}
    return frozenset(found | {Sign.PERSON} if found and kinds & _PEOPLE else found)


def _of_technique(technique: str) -> frozenset[Sign]:
    """Return the signs of a technique, its own or its parent's (``T1003.001``: of ``T1003``)."""
    name = bare(technique)
    return SIGNS_OF_TECHNIQUES.get(name) or SIGNS_OF_TECHNIQUES.get(name.partition(".")[0]) or frozenset()


def _facts(lines: list[Line]) -> tuple[str, ...]:
    """Say it by the strongest lines: what the product reported, with its technique."""
    told = dict.fromkeys(
        fact(line) for line in sorted(lines, key=lambda line: (-line.score, -line.severity, line.first, line.uid))
    )
    more = len(told) - _MOST_FACTS
    return (*list(told)[:_MOST_FACTS], *([f"And {more} more of the kind."] if more > 0 else []))


def fact(line: Line) -> str:
    """Say in a sentence what a line reports. Names come from products and attackers: cut short, nothing unprintable."""
    told = shown(line.rule.name or line.rule.uid)
    what = ", ".join(dict.fromkeys(filter(None, map(bare, line.techniques)))) or ", ".join(map(shown, line.tactics[:3]))
    return f"{shown(line.product)} reported “{told}”" + (f" ({what})." if what else ".")


def shown(text: str, most: int = 80) -> str:
    """Return text from outside as it may stand in a sentence: one line, printable, cut at ``most`` characters."""
    plain = "".join(c if c.isprintable() else " " for c in text[: most + 1])
    return plain if len(plain) <= most else plain[: most - 1] + "…"
