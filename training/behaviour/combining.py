"""A supervised combination of detectors: a logistic weighing, learned from what people said of days, whose weights are never negative.

More surprise is never less abnormal, whatever few labels say. Nor does one person say alone how judges are weighed: of either kind of
days nobody counts for more than all others together, nor in a large team for more than of alerts (:func:`training.sample.capped`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from features.alert import EntityKind
from features.aliases import normalise_uid
from features.event_columns import EventColumns
from features.label import DayVerdict
from models.behaviour.combine import DETECTORS, Combination
from models.behaviour.day import ordinal_of
from models.behaviour.day_engine import DayEngine
from models.behaviour.day_vector import DayKey
from models.behaviour.model import BehaviourModel
from training.behaviour.vectors import gathered
from training.sample import capped

LEAST_OF_A_KIND = 30
"""With fewer days of either kind, each counted for what it weighs, nothing is learned."""
RIDGE = 1e-3

Floats = NDArray[np.float64]
_Day = tuple[int, str, str]


class Told(NamedTuple):
    """What the detectors told of a day."""

    key: DayKey
    told: tuple[float, ...]


class Said(NamedTuple):
    """What is in force of what people said of an account's day, and who said it."""

    attack: bool
    analyst: str


def told_days(columns: EventColumns, model: BehaviourModel) -> list[Told]:
    """Return what the detectors say of each day on which all of them know enough; events are in order of time."""
    days, vectors = gathered(columns)
    settled = DayEngine(model, 0.0, vectors=True).close(days, vectors)
    return [Told(key, its.told) for key, its in zip(vectors.keys, settled, strict=True) if its.told]


def said_of_days(verdicts: Sequence[DayVerdict], without_labels_of: Collection[str] = ()) -> dict[_Day, Said]:
    """Return what people said of accounts' days (ordinal, tenant, uid): the latest word that was given after the day's end.

    ``without_labels_of``: analysts whose words are taken as never given.
    """
    latest: dict[_Day, DayVerdict] = {}
    for one in sorted(verdicts, key=lambda one: one.time):
        ended = one.time.date() > one.day
        if ended and one.kind is not EntityKind.HOST and one.analyst not in without_labels_of:
            latest[ordinal_of(one.day), one.tenant, normalise_uid(one.uid)] = one
    return {day: Said(one.verdict.target == 1, one.analyst) for day, one in latest.items() if one.verdict.target >= 0}


def weights_of_days(said: Collection[Said]) -> Floats | None:
    """Return what each day counts, those of either kind as much as they are days; ``None`` where there are too few."""
    strange, weight = np.array([one.attack for one in said], bool), np.ones(len(said))
    _, analyst = np.unique([one.analyst for one in said], return_inverse=True)
    for kind in (strange, ~strange):
        weight[kind] = _never_alone(capped(weight[kind], analyst[kind].astype(np.int32)), analyst[kind])
        if weight[kind].sum() < LEAST_OF_A_KIND:
            return None
        weight[kind] *= kind.sum() / weight[kind].sum()
    return weight


def _never_alone(weight: Floats, analyst: NDArray[np.intp]) -> Floats:
    """Return the weights with those of each analyst scaled down to at most what all others' are together."""
    own = np.bincount(analyst, weight)[analyst]
    scaled: Floats = weight * np.minimum(1.0, (weight.sum() - own) / own)
    return scaled


def fit_combination(told: Floats, said: Sequence[Said]) -> Combination | None:
    """Fit the weighing of what was ``told`` (n × detectors); ``None`` where there is too little to learn from."""
    weight, strange = weights_of_days(said), np.array([one.attack for one in said], bool)
    if weight is None:
        return None
    x, y = np.column_stack([told, np.ones(len(told))]), np.where(strange, 1.0, -1.0)

    def loss(weights: Floats) -> tuple[float, Floats]:
        margin = y * (x @ weights)
        slope = -y * weight / (1.0 + np.exp(np.clip(margin, -500, 500)))
        ridge = RIDGE * weights * np.append(np.ones(told.shape[1]), 0.0)
        return float((weight * np.logaddexp(0.0, -margin)).mean() + 0.5 * ridge @ weights), x.T @ slope / len(y) + ridge

    bounds = [(0.0, None)] * told.shape[1] + [(None, None)]
    fitted = minimize(loss, np.zeros(x.shape[1]), jac=True, bounds=bounds, method="L-BFGS-B").x
    weights, attacks = tuple(float(one) for one in fitted[:-1]), int(strange.sum())
    harmless = len(strange) - attacks
    return Combination(detectors=DETECTORS, weights=weights, intercept=float(fitted[-1]), attacks=attacks, harmless=harmless)


def learn_combination(columns: EventColumns, model: BehaviourModel, said: Mapping[_Day, Said]) -> Combination | None:
    """Learn from what was ``said`` of days; ``None`` where that is too little. Events are in order of time."""
    if weights_of_days(said.values()) is None:
        return None
    labelled = [(one.told, said[_day(one.key)]) for one in told_days(columns, model) if _day(one.key) in said]
    return fit_combination(np.array([told for told, _ in labelled]), [one for _, one in labelled])


def _day(key: DayKey) -> _Day:
    return key.ordinal, key.tenant, normalise_uid(key.entity)
