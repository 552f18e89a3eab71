"""How many people say that an alert is an attack, and how many must before a would-be suppression counts as a miss."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
from sqlalchemy import Connection

from features.label import Label, Provenance, Verdict
from models.decision import Action, ReasonCode
from models.misses import LOOKS

_PEOPLE = frozenset({Provenance.HUMAN, Provenance.IMPORT})
_LATELY = 5_000
"""Of so many labels, the latest of all tenants, those who gave them are the people there are."""
_LAST = "SELECT payload FROM (SELECT tenant, payload FROM labels ORDER BY seq DESC LIMIT ?) WHERE tenant = ?"
_ON = "SELECT alert_seq, payload FROM labels WHERE alert_seq IN (SELECT value FROM json_each(?)) ORDER BY seq"
_DECODER = msgspec.json.Decoder(Label)


def labels_on(connection: Connection, alert_seqs: Iterable[int]) -> dict[int, list[Label]]:
    """Return the labels of those of some alerts that have any, in the order of receipt."""
    found: dict[int, list[Label]] = {}
    for seq, body in connection.exec_driver_sql(_ON, (msgspec.json.encode(list(alert_seqs)).decode(),)):
        found.setdefault(seq, []).append(_DECODER.decode(body))
    return found


def is_attack(told: Sequence[Label]) -> bool:
    """Whether the verdict in force, of all ``told`` on one alert, is a person's true positive."""
    return bool(told) and told[-1].target == 1 and told[-1].provenance is not Provenance.AUTOMATION


def attackers(told: Sequence[Label]) -> set[str]:
    """Return the people whose own last verdict on an alert is a true positive; none where another is in force."""
    latest = {label.analyst: label for label in told if label.provenance in _PEOPLE}
    return {name for name, label in latest.items() if label.verdict is Verdict.TRUE_POSITIVE} if is_attack(told) else set()


def needed(connection: Connection, tenant: str) -> int:
    """Return how many people must agree on a miss: ``LOOKS``, or all that gave verdicts in the tenant lately, where they are fewer."""
    names = set[str]()
    for (body,) in connection.exec_driver_sql(_LAST, (_LATELY, tenant)):
        label = _DECODER.decode(body)
        if label.provenance is Provenance.HUMAN:
            names.add(label.analyst)
        if len(names) >= LOOKS:
            break
    return max(1, len(names))


def has_looked(connection: Connection, alert_seqs: Iterable[int], analyst: str) -> set[int]:
    """Return those of some alerts that an analyst called an attack, as others have or have not yet: the rest is theirs to say."""
    return {seq for seq, told in labels_on(connection, alert_seqs).items() if analyst in attackers(told)}


def is_waiting(connection: Connection, alert_seq: int) -> bool:
    """Whether an alert waits for a person."""
    return connection.exec_driver_sql("SELECT 1 FROM queue WHERE alert_seq = ?", (alert_seq,)).first() is not None


def would_hide(action: str, codes: Sequence[str]) -> bool:
    """Whether an alert would be suppressed but for the audit's draw and the mode, from what a decision records."""
    return action == Action.SUPPRESS or ReasonCode.AUDIT in codes


def by_lot(action: str, codes: Sequence[str], published: str) -> bool:
    """Whether a would-be suppression came before people all the same: drawn, or as its tenant's mode suppresses nothing."""
    return would_hide(action, codes) and published != Action.SUPPRESS
