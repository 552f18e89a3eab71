"""Scenarios that mix: accounts taken over, insiders who steal, and what the attackers of the alerts do under their accounts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from training.simulator.attacks import Act
from training.simulator.behaviour.catalogue import DO
from training.simulator.behaviour.deeds import Deeds, deeds
from training.simulator.behaviour.scenarios import Make
from training.simulator.behaviour.stage import Stage
from training.simulator.behaviour.town import Town, attackers_device
from training.simulator.behaviour.work import habitual, placed, programs
from training.simulator.campaigns import KINDS
from training.simulator.people import DEPARTMENTS
from training.simulator.rows import DAY, HOUR, NONE
from training.simulator.world import COUNTRIES


def takeover(stage: Stage) -> Iterator[Deeds]:
    """An account is taken over: on some days of a week somebody reads its mail from afar, makes a rule, fetches files."""
    drawn = stage.days_of(fit=True, present=True)
    if drawn:
        who, first = drawn
        known_country = stage.rng.random() < 0.4
        source = {"address": stage.outside_address(), "device": attackers_device(stage.town, stage.case)}
        days = first + np.flatnonzero(np.append(True, stage.rng.random(6) < 0.5))
        acts = (
            ["mailbox.rule"],
            ["file.download"] * 12,
            ["consent.grant", "mfa.enrol"],
            ["record.view"] * 15,
            ["file.share"] * 5,
        )
        for number, day in enumerate(days[days < stage.town.world.days].tolist()):
            shift = stage.shift(who, day, 2)
            country = int(shift.country[0]) if known_country else (stage.town.world.country + 5 + stage.case) % len(COUNTRIES)
            more = acts[number if number < 2 else int(stage.rng.integers(0, len(acts)))]
            names = ["logon", *["mail.read"] * int(stage.rng.integers(4, 14)), *more]
            yield stage.scripted(shift._replace(start=np.array([stage.day_start(day)])), names, country=country, **source)


def insider(stage: Stage) -> Iterator[Deeds]:
    """Somebody about to leave gathers what is not theirs, on some evenings of two weeks, packs it and sends it home."""
    drawn = stage.days_of(fit=True, present=True)
    if drawn:
        who, first = drawn
        town, days = stage.town, stage.following(drawn[0], first, 10, present=True)
        days = days[np.sort(stage.rng.permutation(len(days))[: int(stage.rng.integers(4, 8))])]
        own = int(town.world.people.department[who])
        regions = stage.rng.choice(np.setdiff1d(np.arange(len(DEPARTMENTS)), [own]), 2, replace=False)
        for number, day in enumerate(days.tolist()):
            count = int(stage.rng.integers(8, 35))
            files = placed(town, "file", stage.rng.choice(regions, count), stage.rng.random(count) ** 0.5)
            evening = stage.shift(who, day, 2, after=stage.rng.uniform(6.0, 12.5), home=bool(stage.rng.random() < 0.5))
            yield stage.scripted(evening, [str(stage.rng.choice(["file.read", "file.download"])) for _ in files], target=files)
            if number % 2:
                night = evening._replace(start=evening.start + 2 * HOUR)
                yield stage.scripted(night, ["archive.create", *["file.share", "mail.send"] * int(stage.rng.integers(1, 4))])


MIXED: dict[str, Make] = {"takeover": takeover, "insider": insider}
_DONE: dict[str, dict[str, int]] = {
    "credential_access": {"logon": 6, "process.start": 4},
    "lateral_movement": {"server.logon": 6, "server.command": 5},
    "exfiltration": {"file.read": 20, "archive.create": 1, "file.share": 5},
    "impact": {"file.write": 60, "server.command": 5},
    "insider_collection": {"file.read": 30, "record.view": 15},
    "insider_staging": {"file.download": 25, "archive.create": 2},
    "insider_exfiltration": {"mail.send": 6, "file.share": 8},
    "account_takeover": {"logon": 4, "mail.read": 5, "mfa.enrol": 1},
    "mail_collection": {"logon": 1, "mail.read": 25, "mailbox.rule": 1},
    "cloud_persistence": {"logon": 2, "consent.grant": 1, "token.create": 2, "role.assign": 1},
    "session_theft": {"logon": 2, "mail.read": 3, "chat.post": 2},
    "cloud_collection": {"file.download": 25, "mail.read": 8},
}
"""What of an attacker's step shows as events of the account, and about how often. Other steps use no account."""
_FROM_AFAR = frozenset({"account_takeover", "mail_collection", "cloud_persistence", "session_theft", "cloud_collection"})


def campaigns(
    town: Town, acts: Sequence[Act], names: Sequence[str], first_case: int, rng: np.random.Generator
) -> Iterator[Deeds]:
    """Return what the attackers of the alerts did under people's accounts: same account, same time, so both tell one story.

    ``names`` holds each attack's sort; its case is ``first_case`` plus its number.
    """
    for act in acts:
        kind = KINDS[act.kind]
        if kind not in _DONE or act.user < 0:
            continue
        wanted = _DONE[kind]
        action = np.repeat([DO[name] for name in wanted], 1 + rng.poisson(np.array(list(wanted.values())) - 1.0))
        time = act.time + np.cumsum(rng.exponential(100.0, len(action)))
        who = np.full(len(action), act.user)
        target = habitual(town, who, time, action, rng)
        if "insider" in names[act.incident] or kind in {"exfiltration", "impact"}:
            files = placed(town, "file", rng.integers(0, len(DEPARTMENTS), len(action)), rng.random(len(action)))
            target = np.where(target >= town.first["contact"], target, files)
            target = np.where(np.isin(action, [DO["file.read"], DO["file.write"], DO["file.download"]]), files, target)
        afar = kind in _FROM_AFAR
        day = np.clip((time / DAY).astype(np.int64), 0, town.world.days - 1)
        yield deeds(
            time, account=who, action=action, target=np.where(target == NONE, act.host, target),
            address=(198 << 24) + (18 << 16) + (-2 - act.source) if afar and act.source < NONE else (10 << 24) + act.host,
            country=(town.world.country + act.domain) % len(COUNTRIES) if afar else town.country(who, day),
            device=attackers_device(town, act.incident) if afar else town.laptop(who, time),
            program=programs(who, action, target), failed=rng.random(len(action)) < 0.1, case=first_case + act.incident,
        )  # fmt: skip
