"""What suppression and ordering would save, by scores of models that had not seen what they score."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.certificates.bounds import upper_bound
from models.certificates.certificate import Certificate
from models.certificates.certifier import certify
from models.certificates.objective import Objective
from models.decision import Action
from models.measures import DAY_SECONDS
from models.policy import ACTIONS, ThresholdPolicy
from training.assemble import Weighed
from training.certification import acts, calibrate, limits_of
from training.dataset import UNLABELLED, Dataset
from training.metrics import Suppression, suppression
from training.queue import FAMILY, ranked
from training.split import folds
from training.survey import Survey

LEAST_INCIDENTS, LEAST_BENIGN = 10, 100
"""Labelled incidents and benign groups (rule × entity × five minutes) below which no model is fitted for an estimate."""
MOST_MISSED = 0.2
"""A history whose incidents prove no more than this share of missed ones proves nothing worth acting on."""
LOOKS = (1, 3, 5, 10, 20, 50, 100)
ORDERS = ("as they come", "by rule", "by score", "covering")
"""Families (tenant × day × host × rule) in the order of arrival; by the share of attacks that their rule had in what the model
learned from; by highest score; and as the queue that covers has them (``training/queue.py``)."""


class Suppressed(NamedTuple):
    """What one objective would do: its certificate, which alerts it suppresses (b[n]), and what that costs labelled ones."""

    certificate: Certificate
    suppressed: NDArray[np.bool_]
    measured: Suppression


class Found(NamedTuple):
    """What ``looks`` a day and tenant find in each of ``ORDERS``: ``positives`` (families with a true positive) and ``incidents``."""

    looks: int
    positives: tuple[int, ...]
    incidents: tuple[int, ...]


class Ordering(NamedTuple):
    """``families`` of alerts with a label and a score, ``positives`` of them with an attack, of so many ``incidents``; what is found."""

    families: int
    positives: int
    incidents: int
    found: list[Found]


class Savings(NamedTuple):
    """What a model would save. ``suppressions``: first for the objective asked for; where that is refused, also for what so many
    incidents can prove, if that is anything. ``scored``: how many alerts have a score. ``doubtful``: incidents that rest on verdicts
    of people alone that are likely wrong; they count like any other.
    """

    scored: int
    doubtful: int
    suppressions: list[Suppressed]
    ordering: Ordering


def missing_labels(dataset: Dataset) -> str:
    """Return which labels are missing for an estimate; nothing if there are enough."""
    incidents = len(np.unique(acts(dataset)[dataset.target == 1]))
    benign = len(np.unique(dataset.group[dataset.target == 0]))
    lacks = [
        f"{least - there} more {what} ({there} of {least})"
        for there, least, what in (
            (incidents, LEAST_INCIDENTS, "incidents called true positives"),
            (benign, LEAST_BENIGN, "benign verdicts on different rules, entities or times"),
        )
        if there < least
    ]
    if lacks:
        return "missing: " + " and ".join(lacks)
    if not folds(dataset)[0]:
        return "missing: attacks and benign alerts at different times, or in several tenants, so that some can be held out"
    return ""


def savings(survey: Survey, weighed: Weighed, objective: Objective) -> Savings:
    """Return what suppression and ordering would have saved by out-of-fold scores."""
    dataset = survey.dataset
    score = weighed.trusted.calibrator(weighed.oof.raw)
    found = [_suppressed(dataset, weighed, score, objective)]
    provable = supported(found[0].certificate)
    if found[0].certificate.threshold is None and provable is not None:
        found.append(_suppressed(dataset, weighed, score, provable))
    hit = dataset.incident >= 0
    doubtful = pd.Series(weighed.trusted.doubted[hit]).groupby(dataset.incident[hit]).min().sum()
    return Savings(int(weighed.oof.scored.sum()), int(doubtful), found, ordering(dataset, weighed))


def supported(refused: Certificate) -> Objective | None:
    """Return the strictest objective, in whole percents, that as many incidents can prove with none missed, if it asks less."""
    alpha = math.ceil(upper_bound(refused.n, 0, refused.delta) * 100.0 - 1e-9) / 100.0
    if not refused.alpha < alpha <= MOST_MISSED:
        return None
    text = f"maximum suppression @ missed_incidents <= {alpha:.2f}, confidence {1.0 - refused.delta:.12g}"
    return Objective(text, alpha, refused.delta)


def _suppressed(dataset: Dataset, weighed: Weighed, score: NDArray[np.float64], objective: Objective) -> Suppressed:
    oof = weighed.oof
    certificates = certify(calibrate(dataset, oof, score, assumption=weighed.assumption), [objective])
    policy = ThresholdPolicy(certificates=certificates, escalate_from=None)
    ruling = policy.decide(score, oof.evidence, limits_of(dataset, certificates))
    suppressed = ruling.actions == ACTIONS.index(Action.SUPPRESS)
    rows = np.flatnonzero((dataset.target != UNLABELLED) & oof.scored)
    measured = suppression(suppressed[rows], dataset.target[rows], dataset.group[rows], acts(dataset)[rows])
    return Suppressed(certificates[0], suppressed, measured)


def ordering(dataset: Dataset, weighed: Weighed) -> Ordering:
    """Return what the first looks of each tenant's day find, in the order of each of ``ORDERS``. Alerts nobody judged are left out."""
    judged = (dataset.target != UNLABELLED) & weighed.oof.scored
    rows, some = np.flatnonzero(judged), dataset.without(~judged)
    score = weighed.trusted.calibrator(weighed.oof.raw[rows])
    days = np.floor(some.block.time / DAY_SECONDS).astype(np.int64)
    frame = pd.DataFrame(dict(zip(FAMILY, (some.tenant, days, some.entity, some.rule), strict=True)))
    frame["family"] = frame.groupby(FAMILY, sort=False).ngroup()
    told = frame.assign(time=some.block.time, score=score, share=weighed.oof.rule_risk[rows], attack=some.target == 1)
    how = {**dict.fromkeys(FAMILY, "first"), "time": "min", "score": "max", "share": "max", "attack": "max"}
    families = told.groupby("family").agg(how)
    places = [_by(families, "time"), _by(families, "share"), _by(families, "score"), _covering(some, score, families)]
    attack, at = families["attack"].to_numpy(bool), frame["family"].to_numpy()
    hit = some.target == 1
    incidents = [pd.Series(place[at[hit]]).groupby(some.incident[hit]).min().to_numpy() for place in places]
    deepest = max((int(place.max()) for place in places[:3] if len(place)), default=0)
    found = [
        Found(n, _within([place[attack] for place in places], n), _within(incidents, n))
        for n in LOOKS
        if n < deepest or n == LOOKS[0]
    ]
    return Ordering(len(families), int(attack.sum()), len(incidents[0]), found)


def _within(places: Sequence[NDArray[np.float64]], looks: int) -> tuple[int, ...]:
    return tuple(int((place <= looks).sum()) for place in places)


def _by(families: pd.DataFrame, column: str) -> NDArray[np.float64]:
    """Return each family's place in its tenant's day: earliest, or highest ``column``, first; what came first before its equals."""
    key = families["time"] if column == "time" else -families[column]
    order = np.lexsort((families["time"], key))
    place = np.empty(len(families))
    place[order] = families.iloc[order].groupby(["tenant", "day"]).cumcount().to_numpy() + 1
    return place


def _covering(dataset: Dataset, score: NDArray[np.float64], families: pd.DataFrame) -> NDArray[np.float64]:
    """Return each family's place in the queue that covers; infinite where it is not chosen."""
    if not len(families):
        return np.empty(0)
    chosen = ranked(dataset, score, LOOKS[-1]).rows
    at = pd.MultiIndex.from_frame(chosen[FAMILY]).get_indexer(pd.MultiIndex.from_frame(families[FAMILY]))
    return np.where(at >= 0, chosen["rank"].to_numpy(np.float64)[at], np.inf)
