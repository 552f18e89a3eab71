"""Assessing labels before a retrain: who said what, what counts, and what deserves a second look."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pandas as pd

from models.bundle import ModelBundle
from training.assemble import Weighed, weigh_labels
from training.dataset import Dataset
from training.fit import FitParameters, Told, TrainingRows
from training.probes import belief_before, not_agreed, recent
from training.report import Cell, Table
from training.trust import LISTED, Trust, look_again, second_looks


@dataclass(frozen=True)
class Assessment:
    """``by_principal``: a row for each who gave labels; ``left_out``: labels not in force, by why. Labels that deserve a second
    look: ``doubtful``, those likely wrong, and ``not_agreed``, those that call benign what the champion suspects without people
    agreeing on it: with many around one thing the gate would refuse a model that learns from them."""

    by_principal: Table
    left_out: Table
    doubtful: pd.DataFrame
    not_agreed: pd.DataFrame

    def tables(self, most: int = 20) -> list[Table]:
        """Return everything for a terminal, the first ``most`` labels of each kind among it."""
        wrong = _table("Likely wrong: look again", self.doubtful, most, "score: of an attack, by models without it")
        against = "score: of an attack, by the champion before it"
        not_agreed = _table("Benign against the champion, not agreed on: look again", self.not_agreed, most, against)
        return [self.by_principal, self.left_out, wrong, *([not_agreed] if len(self.not_agreed) else [])]


def listed(found: Assessment | None) -> pd.DataFrame:
    """Return all labels that deserve a second look, with ``why``; none where there are no labels of people."""
    doubtful, against = (found.doubtful, found.not_agreed) if found else (pd.DataFrame(columns=LISTED),) * 2
    return pd.concat([doubtful.assign(why="likely_wrong"), against.assign(why="not_agreed")], ignore_index=True)


def assess(
    dataset: Dataset, parameters: FitParameters, champion: ModelBundle | None = None, told: Told = lambda text: None
) -> Assessment:
    """Weigh every label by models that have not seen it; where no model can be fitted, every label keeps the benefit of the doubt."""
    return assessed(dataset, weigh(dataset, parameters, told), champion)


def weigh(dataset: Dataset, parameters: FitParameters, told: Told = lambda text: None) -> Weighed:
    """Walk the facts and weigh every label (see :func:`training.assemble.weigh_labels`)."""
    told("walking the facts")
    return weigh_labels(TrainingRows.gather(dataset, seed=parameters.seed), parameters, told)


def assessed(dataset: Dataset, weighed: Weighed, champion: ModelBundle | None = None) -> Assessment:
    """Return what the weighed labels are like."""
    trusted, known = weighed.trusted, dataset.verdicts
    rows: list[list[Cell]] = []
    for number, name in enumerate(["imported", *known.principals], -1):
        own = (known.principal == number) & (dataset.target >= 0)
        if own.any():
            attack, benign = int((dataset.target[own] == 1).sum()), int((dataset.target[own] == 0).sum())
            rows.append(
                [name.replace("\x1f", " / "), attack, benign, int(trusted.doubted[own].sum()), float(trusted.right[own].mean())]
            )
    reasons = Counter(known.left_out.values())
    return Assessment(
        Table("Labels in force", ["who", "attack", "benign", "likely wrong", "mean trust"], rows),
        Table("Labels not in force", ["why", "labels"], [[why.value, count] for why, count in sorted(reasons.items())]),
        second_looks(dataset, trusted, trusted.calibrator(weighed.oof.raw)),
        _not_agreed(dataset, trusted, champion),
    )


def _not_agreed(dataset: Dataset, trusted: Trust, champion: ModelBundle | None) -> pd.DataFrame:
    if champion is None:
        return look_again(dataset, np.empty(0, np.int64), trusted, trusted.right)
    fresh = recent(dataset, champion)
    belief = belief_before(dataset, champion, fresh)
    return look_again(dataset, not_agreed(dataset, belief, fresh), trusted, belief)


def _table(title: str, listed: pd.DataFrame, most: int, score: str) -> Table:
    rows: list[list[Cell]] = [
        [f"{r['alert_uid']} ({r['tenant']})", r["rule"], r["verdict"], r["analyst"], f"{r['given']:%Y-%m-%d %H:%M}", r["right"],
         r["score"]]
        for r in listed.head(most).to_dict("records")
    ]  # fmt: skip
    columns = ["alert", "rule", "verdict", "who said it", "when", "right", "score"]
    return Table(title, columns, rows, f"{len(listed)} in all; right: probability that the verdict is right; {score}")
