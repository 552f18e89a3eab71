"""How far a label can be trusted: people err in one verdict of six, and now and then somebody does so on purpose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from models.calibration import Calibrator
from training.dataset import UNLABELLED, Dataset
from training.sample import floods, weights
from training.surroundings import Surroundings, judgements
from training.verdicts import both_classes

VERDICT_ERROR, _WORTH = 0.17, 50.0
"""How often a person's verdict is wrong, as measured on people: what is believed before there is data, worth as many labels."""
_MOST_ERROR = 0.35
_ROUNDS = 25
_LEAST_WEIGHT = 0.05

LISTED = ["tenant", "alert_uid", "rule", "verdict", "analyst", "given", "label_uid", "right", "score"]


@dataclass(frozen=True)
class Trust:
    """``right`` f8[n]: probability that the label in force is right; ``calibrator``: margin → probability of a *true* attack,
    though the labels that it was fitted on are wrong now and then; ``error`` f8[n]: how often such a label is wrong (imports: 0).
    """

    right: NDArray[np.float64]
    calibrator: Calibrator
    error: NDArray[np.float64]

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
        return score * (1.0 - self.error) + (1.0 - score) * self.error


def blind_trust(dataset: Dataset, error: float = VERDICT_ERROR) -> Trust:
    """Return what can be said of labels before any model has spoken, ``error`` being how often one person is wrong.

    k who agree against nobody are wrong all at once: the odds of one to the power of k.
    """
    voices = dataset.verdicts.voices.astype(np.float64)
    odds = error / (1.0 - error)
    errors = np.where(dataset.verdicts.principal >= 0, odds**voices / (1.0 + odds**voices), 0.0)
    return Trust(1.0 - errors, Calibrator(1.0, 0.0), errors)


def trust(dataset: Dataset, raw: NDArray[np.float64]) -> Trust:
    """Learn from a crowd (Raykar et al. 2010), the classifier given by its out-of-fold margins ``raw`` f8[n] (NaN: none).

    Expectation: each alert's true class, given its score, what surrounds it, and what was said by people who err (see
    :func:`verdict_error`). Maximisation: how probable an attack is, given score and surroundings. What one person said of
    several alerts at one moment is one judgement, right or wrong as a whole; the alert that looks most like an attack speaks
    for it. Floods are left out; each group weighs one. The error rate is held fixed: freed, it sinks until every label is
    right. What people agree on no model overrules.
    """
    rows = np.flatnonzero(~np.isnan(raw) & (dataset.target != UNLABELLED) & ~floods(dataset))
    if not len(rows):
        return blind_trust(dataset)
    target, weight = dataset.target[rows], weights(dataset, rows)
    found = blind_trust(dataset, verdict_error(dataset, raw, rows))
    attack = target.astype(np.float64)
    people = np.flatnonzero(dataset.verdicts.principal[rows] >= 0)
    if both_classes(target[people]):
        signs, said, error = _signs(dataset, raw, rows[people]), target[people], found.error[rows[people]]
        for _ in range(_ROUNDS):
            attack[people] = _posterior(_prior(signs, attack[people], weight[people]), said, error)
    right = found.right.copy()
    right[rows] = np.where(target == 1, attack, 1.0 - attack)
    agreed = dataset.verdicts.confirmed
    right[agreed] = np.maximum(right[agreed], 1.0 - found.error[agreed])
    return Trust(right, Calibrator.fit(raw[rows], attack, weight), found.error)


def _signs(dataset: Dataset, raw: NDArray[np.float64], rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return what speaks for and against each judgement, f8[m, 5] standardised: its own highest margin, and around it the
    highest margin (0 and a flag where there is none), attacks, and benign judgements."""
    judgement = judgements(dataset)
    around = Surroundings.of(dataset, raw, judgement)
    columns = [raw, around.loudest, np.log1p(around.attacks), np.log1p(around.benigns)]
    frame = pd.DataFrame(np.column_stack(columns)[rows]).groupby(judgement[rows]).transform("max")
    frame["alone"] = frame[1].isna()
    return np.asarray(StandardScaler().fit_transform(frame.fillna(0.0).to_numpy(np.float64)))


def _prior(signs: NDArray[np.float64], attack: NDArray[np.float64], weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how probable an attack is by its signs alone: a logistic regression on the probabilities ``attack`` f8[m]."""
    half = len(attack)
    fitted = LogisticRegression(C=10.0, max_iter=200).fit(
        np.concatenate([signs, signs]),
        np.repeat([1, 0], half),
        sample_weight=np.concatenate([weight * attack, weight * (1.0 - attack)]),
    )
    return np.asarray(fitted.predict_proba(signs)[:, 1])


def verdict_error(dataset: Dataset, raw: NDArray[np.float64], rows: NDArray[np.int64]) -> float:
    """Return how often people are wrong: the share of "attack" among what they said of the lower half by score.

    Hardly anything there is an attack, so what is called one is called so by mistake (anchor points: Menon et al. 2015). Too
    high where the model has no skill, too low where people miss more attacks than they make up. Draws of the audit are left
    out where there is anything else: what is rarely an attack is rarely called one.
    """
    people = rows[dataset.verdicts.principal[rows] >= 0]
    shown = people[dataset.verdicts.shown[people] >= 1.0]
    people = shown if len(shown) else people
    if not len(people):
        return 0.0
    lower = people[raw[people] <= np.median(raw[people])]
    weight = weights(dataset, lower)
    said = float(weight[dataset.target[lower] == 1].sum())
    return float(min((said + VERDICT_ERROR * _WORTH) / (float(weight.sum()) + _WORTH), _MOST_ERROR))


def _posterior(prior: NDArray[np.float64], target: NDArray[np.int8], error: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the probability that each alert is an attack, given its score and what was said of it."""
    prior = np.clip(prior, 1e-6, 1.0 - 1e-6)
    of_attack = prior * np.where(target == 1, 1.0 - error, error)
    of_benign = (1.0 - prior) * np.where(target == 1, error, 1.0 - error)
    return np.asarray(of_attack / (of_attack + of_benign))


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
