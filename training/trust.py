"""How far a label can be trusted: people err in one verdict of six, and now and then somebody does so on purpose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from models.calibration import Calibrator
from training.dataset import UNLABELLED, Dataset
from training.sample import capped, floods, weights
from training.surroundings import Surroundings, judgements
from training.verdicts import both_classes

VERDICT_ERROR, _WORTH = 0.17, 50.0
"""How often a person's verdict is wrong, as measured on people: what is believed before there is data, worth as many labels."""
_MOST_ERROR = 0.35
_ROUNDS = 25
_MANY = 200
"""Judgements from which on what surrounds an alert is asked, too: fitted to a few it agrees with whatever they say."""
_LEAST_WEIGHT = 0.05

LISTED = ["tenant", "alert_uid", "rule", "verdict", "analyst", "given", "label_uid", "right", "score"]


@dataclass(frozen=True)
class Trust:
    """``right`` f8[n]: probability that the label in force is right; ``calibrator``: margin → probability of a *true* attack,
    though the labels that it was fitted on are wrong now and then. ``false`` and ``miss`` f8[n]: how often who gave the label
    calls an attack what is none, and the other way round (imports: 0).
    """

    right: NDArray[np.float64]
    calibrator: Calibrator
    false: NDArray[np.float64]
    miss: NDArray[np.float64]

    @property
    def doubted(self) -> NDArray[np.bool_]:
        """Which labels are likelier wrong than right: not learned from until somebody looks again."""
        return self.right < 0.5

    @property
    def weight(self) -> NDArray[np.float64]:
        """How much each label tells: 1 when it is certain, next to nothing when it may as well be the other one."""
        return np.maximum(2.0 * self.right - 1.0, _LEAST_WEIGHT)

    def believed(self, dataset: Dataset, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return the alerts in ``mask`` whose label is not doubted; all of them where doubt would leave one class without any."""
        kept = mask & ~self.doubted
        return kept if both_classes(dataset.target[kept]) else mask

    def said(self, score: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how probable it is that somebody *says* attack, given the probability ``score`` f8[n] that it is one."""
        return score * (1.0 - self.miss) + (1.0 - score) * self.false


class Errors(NamedTuple):
    """How often each of p principals calls an attack what is none (``false`` f8[p]), and the other way round (``miss`` f8[p])."""

    false: NDArray[np.float64]
    miss: NDArray[np.float64]


def blind_trust(dataset: Dataset, errors: Errors | None = None) -> Trust:
    """Return what can be said of labels before any model has spoken; without ``errors`` all people err as was measured."""
    principal = dataset.verdicts.principal
    measured = np.full(len(dataset.verdicts.principals), VERDICT_ERROR)
    people, rates = principal >= 0, errors or Errors(measured, measured)
    false, miss = np.zeros(len(dataset)), np.zeros(len(dataset))
    false[people], miss[people] = (rate[principal[people]] for rate in rates)
    right, evidence = np.ones(len(dataset)), _evidence(dataset, false, miss, np.flatnonzero(people))
    right[people] = expit(np.where(dataset.target[people] == 1, evidence, -evidence))
    return Trust(right, Calibrator(1.0, 0.0), false, miss)


def _evidence(
    dataset: Dataset, false: NDArray[np.float64], miss: NDArray[np.float64], rows: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return by how much the labels in force on ``rows`` raise the log-odds of an attack; each voice counts."""
    said = dataset.target[rows] == 1
    each = np.where(said, np.log((1.0 - miss[rows]) / false[rows]), np.log(miss[rows] / (1.0 - false[rows])))
    return np.asarray(dataset.verdicts.voices[rows] * each, np.float64)


def trust(dataset: Dataset, raw: NDArray[np.float64]) -> Trust:
    """Learn from a crowd (Raykar et al. 2010), the classifier given by its out-of-fold margins ``raw`` f8[n] (NaN: none).

    Expectation: each alert's true class, given its score, what surrounds it, and what was said by people who err (see
    :func:`verdict_errors`). Maximisation: how probable an attack is, given score and surroundings (score alone while few have
    spoken). What one person said of several alerts at one moment is one judgement, right or wrong as a whole: the alert that
    looks most like an attack speaks for it, and it weighs one. Floods are left out. The error rates are held fixed: freed, they
    sink until every label is right. What people agree on no model overrules.
    """
    rows = np.flatnonzero(~np.isnan(raw) & (dataset.target != UNLABELLED) & ~floods(dataset))
    if not len(rows):
        return blind_trust(dataset)
    target, judgement = dataset.target[rows], judgements(dataset)
    weight = _weight(dataset, rows, judgement[rows])
    found = blind_trust(dataset, verdict_errors(dataset, raw, rows))
    attack = target.astype(np.float64)
    people = np.flatnonzero(dataset.verdicts.principal[rows] >= 0)
    evidence = _evidence(dataset, found.false, found.miss, rows[people])
    signs = _signs(dataset, raw, rows[people], judgement)
    many = both_classes(target[people]) and len(np.unique(judgement[rows[people]])) >= _MANY
    loudest = raw[rows].copy()
    loudest[people] = signs[:, 0]
    for _ in range(_ROUNDS if len(people) else 0):
        if many:
            prior = _prior(signs, attack[people], weight[people])
        else:
            fitted = Calibrator.fit(loudest, attack, weight)
            prior = fitted.slope * signs[:, 0] + fitted.intercept
        attack[people] = expit(prior + evidence)
    right = found.right.copy()
    right[rows] = np.where(target == 1, attack, 1.0 - attack)
    agreed = dataset.verdicts.confirmed
    right[agreed] = np.maximum(right[agreed], found.right[agreed])
    return Trust(right, Calibrator.fit(raw[rows], attack, weight), found.false, found.miss)


def _weight(dataset: Dataset, rows: NDArray[np.int64], judgement: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return what each of ``rows`` weighs: an imported group one, a judgement one, no principal more than its share."""
    weight = weights(dataset, rows)
    people = judgement >= 0
    of_judgement = pd.Series(weight[people]).groupby(judgement[people]).transform("sum").to_numpy(np.float64)
    weight[people] /= of_judgement
    return capped(weight, dataset.verdicts.principal[rows])


def _signs(
    dataset: Dataset, raw: NDArray[np.float64], rows: NDArray[np.int64], judgement: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return what speaks for and against each judgement, f8[m, 5]: its own highest margin, and around it the highest margin
    (0 and a flag where there is none), attacks, and benign judgements, as logarithms."""
    around = Surroundings.of(dataset, raw, judgement)
    columns = [raw, around.loudest, np.log1p(around.attacks), np.log1p(around.benigns)]
    frame = pd.DataFrame(np.column_stack(columns)[rows]).groupby(judgement[rows]).transform("max")
    frame["alone"] = frame[1].isna()
    return frame.fillna(0.0).to_numpy(np.float64)


def _prior(signs: NDArray[np.float64], attack: NDArray[np.float64], weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the log-odds of an attack by its signs alone: a logistic regression on the probabilities ``attack`` f8[m]."""
    half, scaled = len(attack), np.asarray(StandardScaler().fit_transform(signs))
    fitted = LogisticRegression(C=10.0, max_iter=200).fit(
        np.concatenate([scaled, scaled]),
        np.repeat([1, 0], half),
        sample_weight=np.concatenate([weight * attack, weight * (1.0 - attack)]),
    )
    return np.asarray(fitted.decision_function(scaled), np.float64)


def verdict_errors(dataset: Dataset, raw: NDArray[np.float64], rows: NDArray[np.int64]) -> Errors:
    """Return how often each principal is wrong, read off the lower half by score of what they judged.

    Hardly anything there is an attack, so what is called one is called so by mistake (anchor points: Menon et al. 2015). Draws
    of the audit are left out where there is enough else: they were looked at again when called an attack. What the policy chose
    to show holds more attacks, so the rates lean upwards. What is not known of a person is taken from people as measured
    elsewhere. How often attacks are missed cannot be read off; who never cries wolf may close everything, so nobody is taken to
    miss fewer than people on the whole cry wolf.
    """
    principal, count = dataset.verdicts.principal, len(dataset.verdicts.principals)
    people = rows[principal[rows] >= 0]
    shown = people[dataset.verdicts.shown[people] >= 1.0]
    people = shown if len(shown) >= _WORTH else people
    middle = pd.Series(raw[people]).groupby(principal[people]).transform("median").to_numpy(np.float64)
    lower = people[raw[people] <= middle]
    weight = weights(dataset, lower)
    given = np.bincount(principal[lower], weight, count)
    wrong = np.bincount(principal[lower], weight * (dataset.target[lower] == 1), count)
    false = np.minimum((wrong + VERDICT_ERROR * _WORTH) / (given + _WORTH), _MOST_ERROR)
    return Errors(false, np.maximum(false, false.mean() if count else 0.0))


def second_looks(dataset: Dataset, trusted: Trust, score: NDArray[np.float64]) -> pd.DataFrame:
    """Return the labels that are likely wrong, a row (``LISTED``) for each group, least trusted first: who said what of which
    alert. ``score`` f8[n]: the probability of an attack by models that had not seen the label."""
    rows = np.flatnonzero(trusted.doubted & (dataset.target != UNLABELLED))
    return look_again(dataset, rows[np.argsort(trusted.right[rows], kind="stable")], trusted, score)


def look_again(dataset: Dataset, rows: NDArray[np.int64], trusted: Trust, score: NDArray[np.float64]) -> pd.DataFrame:
    """Return who said what of the alerts ``rows``, in their order, once (``LISTED``) for each group and verdict."""
    listed: list[dict[str, Any]] = []
    seen: set[tuple[int, int]] = set()
    for row in rows.tolist():
        key = (int(dataset.group[row]), int(dataset.target[row]))
        if key in seen:
            continue
        seen.add(key)
        label, rule = dataset.labels[int(dataset.verdicts.label[row])][1], dataset.rules[int(dataset.rule[row])]
        listed.append(
            {
                "tenant": label.tenant, "alert_uid": label.alert_uid, "rule": rule.name or rule.uid, "verdict": label.verdict.value,
                "analyst": label.analyst, "given": label.time, "label_uid": label.uid, "right": float(trusted.right[row]),
                "score": float(score[row]),
            }
        )  # fmt: skip
    return pd.DataFrame(listed, columns=LISTED)
