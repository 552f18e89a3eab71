"""A supervised combination of detectors: a logistic weighing whose weights are never negative.

Learned from verdicts on days where there are enough; else without any label from impostors' days, made by letting two accounts of
one tenant change hands for a day. More surprise is never less abnormal, whatever few labels say.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from features.alert import EntityKind
from features.event import Event
from features.event_encode import EventEncoder
from features.label import Verdict
from models.behaviour.combine import DETECTORS, Combination
from models.behaviour.day import FIRST, Gatherer
from models.behaviour.day_engine import DayEngine
from models.behaviour.day_gather import DayGatherer, Seen
from models.behaviour.day_vector import DayKey
from models.behaviour.model import BehaviourModel
from models.behaviour.walk import EventWalk

LEAST_POSITIVE = 30
"""With fewer days of either kind nothing is learned."""
RIDGE = 1e-3
IMPOSTORS, KNOWN_DAYS = 0.02, 25
"""Share of account-days that change hands, of accounts with at least so many days before."""
_AT_ONCE, _EVER = 20_000, 10**6

Floats = NDArray[np.float64]
_Day = tuple[int, str, str]


class Told(NamedTuple):
    """What the detectors told of a day."""

    key: DayKey
    told: tuple[float, ...]


def told_days(events: Sequence[Event], model: BehaviourModel) -> list[Told]:
    """Return what the detectors say of each day on which all of them know enough; ``events`` are in order of time."""
    encoder, walk, vectors, days = EventEncoder(bytes(32), None), EventWalk(bytes(32)), DayGatherer(hosts=False), Gatherer()
    for at in range(0, len(events), _AT_ONCE):
        some = events[at : at + _AT_ONCE]
        block = encoder.events(some)
        vectors.add(Seen(block, walk.read(block), np.arange(len(some))), np.ones(len(some), bool))
        for event in some:
            days.add(event)
    ended = vectors.take(_EVER).vectors
    settled = DayEngine(model, 0.0, vectors=True).close(days.take(_EVER), ended)
    return [Told(key, its.told) for key, its in zip(ended.keys, settled, strict=True) if its.told]


def impostors(events: Sequence[Event], *, seed: int = 0) -> tuple[list[Event], set[_Day]]:
    """Let pairs of people of one tenant change hands for single days; return the events, and which days are another's."""
    rng = np.random.default_rng(seed)
    seen: dict[tuple[str, str], set[int]] = defaultdict(set)
    active: dict[tuple[int, str], list[str]] = defaultdict(list)
    for event in events:
        who, ordinal = (event.tenant, event.actor.uid), (event.time - FIRST).days
        if event.actor.kind is EntityKind.USER and ordinal not in seen[who]:
            seen[who].add(ordinal)
            if len(seen[who]) > KNOWN_DAYS:
                active[ordinal, event.tenant].append(event.actor.uid)
    other: dict[_Day, str] = {}
    for (ordinal, tenant), people in sorted(active.items()):
        drawn = rng.permutation(sorted(people)).tolist()[: 2 * int(rng.binomial(len(people) // 2, IMPOSTORS))]
        for first, second in zip(drawn[::2], drawn[1::2], strict=True):
            other[ordinal, tenant, first], other[ordinal, tenant, second] = second, first
    return [_swapped(event, other) for event in events], set(other)


def _swapped(event: Event, other: Mapping[_Day, str]) -> Event:
    uid = other.get(((event.time - FIRST).days, event.tenant, event.actor.uid))
    return event if uid is None else msgspec.structs.replace(event, actor=msgspec.structs.replace(event.actor, uid=uid))


def fit_combination(told: Floats, strange: NDArray[np.bool_], of: Literal["verdicts", "impostors"]) -> Combination | None:
    """Fit the weighing of what was ``told`` (n × detectors); ``None`` where there is too little to learn from."""
    if min(strange.sum(), (~strange).sum()) < LEAST_POSITIVE:
        return None
    x, y = np.column_stack([told, np.ones(len(told))]), np.where(strange, 1.0, -1.0)

    def loss(weights: Floats) -> tuple[float, Floats]:
        margin = y * (x @ weights)
        slope = -y / (1.0 + np.exp(np.clip(margin, -500, 500)))
        ridge = RIDGE * weights * np.append(np.ones(told.shape[1]), 0.0)
        return float(np.logaddexp(0.0, -margin).mean() + 0.5 * ridge @ weights), x.T @ slope / len(y) + ridge

    bounds = [(0.0, None)] * told.shape[1] + [(None, None)]
    fitted = minimize(loss, np.zeros(x.shape[1]), jac=True, bounds=bounds, method="L-BFGS-B").x
    prior = math.log(float(strange.sum()) / float((~strange).sum()))
    weights = tuple(float(weight) for weight in fitted[:-1])
    return Combination(detectors=DETECTORS, weights=weights, intercept=float(fitted[-1]), prior=prior, of=of)


def learn_combination(
    events: Sequence[Event], model: BehaviourModel, verdicts: Mapping[_Day, Verdict] | None = None, *, seed: int = 0
) -> Combination | None:
    """Learn from verdicts on days (ordinal, tenant, entity), if there are enough of them, else from impostors' days."""
    targets = {day: verdict.target for day, verdict in (verdicts or {}).items() if verdict.target >= 0}
    labelled = [one for one in told_days(events, model) if _day(one.key) in targets] if targets else []
    if labelled:
        strange = np.array([targets[_day(one.key)] == 1 for one in labelled])
        learned = fit_combination(np.array([one.told for one in labelled]), strange, "verdicts")
        if learned is not None:
            return learned
    swapped, theirs = impostors(events, seed=seed)
    days = told_days(swapped, model)
    if not days:
        return None
    return fit_combination(np.array([one.told for one in days]), np.array([_day(one.key) in theirs for one in days]), "impostors")


def _day(key: DayKey) -> _Day:
    return key.ordinal, key.tenant, key.entity
