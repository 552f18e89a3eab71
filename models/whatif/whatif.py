"""What proposed objectives would do, beside what the present ones do, and the trade-off over all thresholds."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.bundle import ModelBundle
from models.certificates.bounds import upper_bound
from models.certificates.certificate import EVERY, GRID, Certificate
from models.certificates.certifier import certify
from models.certificates.costs import Costs
from models.certificates.objective import Aim, Objective
from models.certificates.units import Calibration
from models.offpolicy import OffPolicy, off_policy
from models.policy import ThresholdPolicy, effective_score
from models.whatif.log import Log, Names, groups_of
from models.whatif.outcome import MOST_NAMED, Outcome, Pace, outcome

CURVE: NDArray[np.float64] = GRID[::5]
"""Thresholds of the trade-off: every quarter of a log-odd."""


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """One threshold over all alerts, whatever their group: ``k`` of the calibration's incidents lie whole below it, which bounds the
    rest by ``bound`` if it was chosen beforehand; what it would do. ``newly_lost`` names the incidents that the threshold before
    would not have lost. ``misses``: the estimated share of attacks among what is hidden."""

    threshold: float
    k: int
    bound: float
    hidden_a_day: float
    groups_hidden: int
    hours_a_day: float
    attacks_hidden: int
    incidents_lost: int
    newly_lost: list[str]
    misses: OffPolicy | None


class WhatIf(msgspec.Struct, frozen=True, kw_only=True):
    """What a proposal would do, beside what the bundle's own policy does, and the trade-off over all thresholds."""

    bundle: str
    alerts: int
    days: float
    scored: int
    groups: int
    attacks: int
    incidents: int
    pace: Pace
    present: Outcome
    proposed: Outcome
    curve: list[Point]
    notes: list[str]


def proposed(
    present: ThresholdPolicy, calibration: Calibration, objectives: Sequence[Objective], costs: Costs | None = None
) -> ThresholdPolicy:
    """Return the policy of a bundle if these were its objectives; ``costs`` (its own, where none are given) choose within them."""
    certificates = certify(calibration, objectives, present.audit.rate)
    return msgspec.structs.replace(present, certificates=certificates, costs=costs or present.costs)


def what_if(
    bundle: ModelBundle,
    proposal: ThresholdPolicy,
    log: Log,
    *,
    names: Names,
    pace: Pace,
    present: ThresholdPolicy | None = None,
    notes: Sequence[str] = (),
) -> WhatIf:
    """Return what ``proposal`` would do to a log, what the ``present`` policy (the bundle's own) does to it, and the trade-off."""
    attack = (log.target == 1) & ~np.isnan(log.score)
    return WhatIf(
        bundle=bundle.digest,
        alerts=len(log.score),
        days=log.days,
        scored=int((~np.isnan(log.score)).sum()),
        groups=int(groups_of(log.block).max(initial=-1)) + 1,
        attacks=int(attack.sum()),
        incidents=len(np.unique(log.incident[attack & (log.incident >= 0)])),
        pace=pace,
        present=outcome(present or bundle.policy, log, names, pace),
        proposed=outcome(proposal, log, names, pace),
        curve=trade_off(proposal, bundle.calibration, log, names, pace),
        notes=list(notes),
    )


def trade_off(
    policy: ThresholdPolicy,
    calibration: Calibration,
    log: Log,
    names: Names,
    pace: Pace,
) -> list[Point]:
    """Return what each threshold of ``CURVE`` would do, with the guardrails and costs of ``policy``."""
    from_score = _hidden_from(policy, log)
    attack = log.target == 1
    per_group, per_incident = _highest(groups_of(log.block), from_score), _highest(np.where(attack, log.incident, -1), from_score)
    units, delta = np.sort(np.array(calibration.incidents.score, np.float64)), _delta(policy.certificates)
    points: list[Point] = []
    before = -np.inf
    for t in CURVE.tolist():
        hidden = from_score < t
        k = int(np.searchsorted(units, t, side="left"))
        newly = [names.incident(number) for number in np.flatnonzero((per_incident >= before) & (per_incident < t)).tolist()]
        spared = float(hidden.sum()) - float(log.drawn[hidden].sum())
        points.append(
            Point(
                threshold=t,
                k=k,
                bound=1.0 if calibration.doubt else upper_bound(len(units), k, delta),
                hidden_a_day=float(hidden.sum()) / log.days,
                groups_hidden=int((per_group < t).sum()),
                hours_a_day=spared * pace.minutes / 60.0 / log.days,
                attacks_hidden=int((hidden & attack).sum()),
                incidents_lost=int((per_incident < t).sum()),
                newly_lost=newly[:MOST_NAMED],
                misses=None if log.seen is None else off_policy(hidden, log.seen),
            )
        )
        before = t
    return points


def _hidden_from(policy: ThresholdPolicy, log: Log) -> NDArray[np.float64]:
    """Return above which threshold each alert is hidden, f8[n]; infinite where none hides it."""
    score = effective_score(log.score, log.evidence, policy.guardrails)
    if policy.costs is not None:
        score = np.where(log.score < policy.costs.limits(log.evidence.criticality)[0], score, np.inf)
    return np.where(np.isnan(score) | (score > 1.0), np.inf, score)


def _highest(number: NDArray[np.int64], value: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the highest value under each number from 0 on; infinite for a number that does not come."""
    found = np.full(int(number.max(initial=-1)) + 1, -np.inf)
    np.maximum.at(found, number[number >= 0], value[number >= 0])
    return np.where(np.isneginf(found), np.inf, found)


def _delta(certificates: Sequence[Certificate]) -> float:
    return next((one.delta for one in certificates if one.aim is Aim.SUPPRESSION and one.group == EVERY), 0.05)
