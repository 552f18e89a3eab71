"""What a policy would have done to a log."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.certificates.objective import TIERS, Aim
from models.decision import Action
from models.limits import LimitTable
from models.offpolicy import OffPolicy, off_policy
from models.pace import MINUTES, VerdictColumns, handling, judgements, paced
from models.policy import ACTIONS, ThresholdPolicy
from models.whatif.log import Log, NamedAlert, Names, groups_of

MOST_NAMED = 1000
"""So many alerts, and incidents, are named at most; counts are of all."""
_SUPPRESS, _APPROVE = ACTIONS.index(Action.SUPPRESS), ACTIONS.index(Action.APPROVE)


class Pace(msgspec.Struct, frozen=True):
    """Minutes of a person for an alert, and where they come from: ``given``, ``verdicts`` or ``assumed``."""

    minutes: float
    source: str


class Lost(msgspec.Struct, frozen=True, kw_only=True):
    """A true positive that would be hidden: an alert of ``score``; or an incident whose every alert would be, told by its highest
    of ``alerts``. ``incident_uid`` is empty where none is known."""

    incident_uid: str
    score: float
    alert: NamedAlert
    alerts: int = 1


class TierOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """Responses that a tier would authorise: how many a day; of those ``judged``, so many were ``not_due``."""

    tier: str
    a_day: float
    judged: int
    not_due: int


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a policy would have done to a log.

    ``bound``: what is proven of the suppression over all alerts (1: nothing). ``hidden`` alerts of ``alerts``; ``drawn_a_day`` of them
    go to a person for the audit. ``groups``: rule × entity × five minutes, hidden when all their alerts are. ``attacks_hidden`` of
    ``attacks`` alerts called true positives would be hidden, ``incidents_lost`` of ``incidents`` whole; ``hidden_attacks`` and
    ``lost`` name them.
    """

    objectives: list[str]
    certificates: list[dict[str, Any]]
    bound: float
    hidden: int
    hidden_a_day: float
    drawn_a_day: float
    groups_hidden: int
    hours_a_day: float
    responses: list[TierOutcome]
    approvals_a_day: float
    attacks_hidden: int
    hidden_attacks: list[Lost]
    incidents_lost: int
    lost: list[Lost]
    misses: OffPolicy | None


def pace_of(received: NDArray[np.float64], verdicts: VerdictColumns, minutes: float | None = None) -> Pace:
    """Return what an alert costs: as given, else as people's verdicts on alerts ``received`` f8[n] then tell, else as is assumed."""
    if minutes is not None:
        return Pace(minutes, "given")
    human = verdicts.take(paced(received, verdicts))
    seconds = handling(judgements(received, np.zeros(len(received), np.int64), human)).seconds
    return Pace(MINUTES, "assumed") if np.isnan(seconds) else Pace(seconds / 60.0, "verdicts")


def outcome(policy: ThresholdPolicy, log: Log, names: Names, pace: Pace) -> Outcome:
    """Return what ``policy`` would have done."""
    ruling = policy.decide(log.score, log.evidence, LimitTable(policy.certificates, names.rules, names.tenants).read(log.block))
    hidden = ruling.actions == _SUPPRESS
    attacks, lost = _hidden_attacks(hidden, log), _lost_incidents(hidden, log)
    drawn, whole = float(log.drawn[hidden].sum()), policy.of(Aim.SUPPRESSION)
    return Outcome(
        objectives=list(dict.fromkeys(one.objective for one in policy.certificates)),
        certificates=[one.told() for one in policy.certificates],
        bound=whole.bound if whole is not None and whole.granted else 1.0,
        hidden=int(hidden.sum()),
        hidden_a_day=float(hidden.sum()) / log.days,
        drawn_a_day=drawn / log.days,
        groups_hidden=_whole(hidden, groups_of(log.block)),
        hours_a_day=(float(hidden.sum()) - drawn) * pace.minutes / 60.0 / log.days,
        responses=[_responses(tier, ruling.tiers, log) for tier in range(1, len(TIERS) + 1)],
        approvals_a_day=float((ruling.actions == _APPROVE).sum()) / log.days,
        attacks_hidden=len(attacks),
        hidden_attacks=[_named(row, log, names) for row in attacks[:MOST_NAMED].tolist()],
        incidents_lost=len(lost),
        lost=[_named(row, log, names, count) for row, count in lost[:MOST_NAMED]],
        misses=None if log.seen is None else off_policy(hidden, log.seen),
    )


def _responses(tier: int, tiers: NDArray[np.int64], log: Log) -> TierOutcome:
    of = tiers == tier
    judged = of & (log.target >= 0)
    wrong = int((log.target[judged] == 0).sum())
    return TierOutcome(tier=TIERS[tier - 1].value, a_day=float(of.sum()) / log.days, judged=int(judged.sum()), not_due=wrong)


def _whole(hidden: NDArray[np.bool_], group: NDArray[np.int64]) -> int:
    """Return how many groups are hidden whole."""
    return len(np.unique(group)) - len(np.unique(group[~hidden]))


def _hidden_attacks(hidden: NDArray[np.bool_], log: Log) -> NDArray[np.int64]:
    """Return the rows of hidden true positives, the highest score first."""
    rows = np.flatnonzero(hidden & (log.target == 1))
    return rows[np.argsort(-log.score[rows], kind="stable")]


def _lost_incidents(hidden: NDArray[np.bool_], log: Log) -> list[tuple[int, int]]:
    """Return the row of the highest alert, and the count of alerts, of each incident that is hidden whole; highest first."""
    attack = (log.target == 1) & (log.incident >= 0)
    gone = attack & hidden & ~np.isin(log.incident, np.unique(log.incident[attack & ~hidden]))
    rows = np.flatnonzero(gone)
    rows = rows[np.argsort(-log.score[rows], kind="stable")]
    _, first, counts = np.unique(log.incident[rows], return_index=True, return_counts=True)
    order = np.argsort(first)
    return list(zip(rows[first[order]].tolist(), counts[order].tolist(), strict=True))


def _named(row: int, log: Log, names: Names, alerts: int = 1) -> Lost:
    incident = int(log.incident[row])
    uid = names.incident(incident) if incident >= 0 else ""
    return Lost(incident_uid=uid, score=float(log.score[row]), alert=names.alert(row), alerts=alerts)
