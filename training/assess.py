"""Assessing labels before a retrain: who said what, what counts, and what deserves a second look."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import pandas as pd

from training.assemble import weigh_labels
from training.dataset import Dataset
from training.fit import FitParameters, Told, TrainingRows
from training.report import Cell, Table
from training.trust import second_looks


@dataclass(frozen=True)
class Assessment:
    """``by_principal``: a row for each who gave labels; ``left_out``: labels not in force, by why; ``doubtful``: second looks."""

    by_principal: Table
    left_out: Table
    doubtful: pd.DataFrame

    def tables(self, most: int = 20) -> list[Table]:
        """Return everything for a terminal, the ``most`` doubtful labels among it."""
        rows: list[list[Cell]] = [
            [f"{r['alert_uid']} ({r['tenant']})", r["rule"], r["verdict"], r["analyst"], f"{r['given']:%Y-%m-%d %H:%M}", r["right"],
             r["score"]]
            for r in self.doubtful.head(most).to_dict("records")
        ]  # fmt: skip
        note = f"{len(self.doubtful)} in all; right: probability that the verdict is right; score: of an attack, by models without it"
        columns = ["alert", "rule", "verdict", "who said it", "when", "right", "score"]
        return [self.by_principal, self.left_out, Table("Likely wrong: look again", columns, rows, note)]


def assess(dataset: Dataset, parameters: FitParameters, told: Told = lambda text: None) -> Assessment:
    """Weigh every label by models that have not seen it; where no model can be fitted, every label keeps the benefit of the doubt."""
    told("walking the facts")
    oof, trusted, _ = weigh_labels(TrainingRows.gather(dataset, seed=parameters.seed), parameters, told)
    known = dataset.verdicts
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
        second_looks(dataset, trusted, trusted.calibrator(oof.raw)),
    )
