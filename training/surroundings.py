"""What happened around each alert that a person judged: a campaign leaves more than one trace, a mistake stands alone."""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.encode import COLUMNS
from training.dataset import Dataset

NEAR_SECONDS = 12.0 * 3600.0
"""Alerts in the same span of this length, or in the one before or after it, are near."""
_KEYS = ("entity", "user", "address")
_CELL = ["tenant", "key", "span"]


class Surroundings(NamedTuple):
    """Of n alerts: what is near in time on the same entity, user or address, and was not judged in one with the alert.

    ``loudest`` f8[n]: the highest margin there, NaN for none. ``attacks`` and ``benigns`` f8[n]: how many judgements there say
    so, each import being one. Each is the most that any of the keys has; zero where nobody judged the alert.
    """

    loudest: NDArray[np.float64]
    attacks: NDArray[np.float64]
    benigns: NDArray[np.float64]

    @classmethod
    def of(cls, dataset: Dataset, raw: NDArray[np.float64], judgement: NDArray[np.int64]) -> Self:
        """Look around. ``raw`` f8[n]: margins, NaN for none; ``judgement`` i8[n]: which alerts were judged in one, −1 for none."""
        n = len(dataset)
        found = cls(np.full(n, np.nan), np.zeros(n), np.zeros(n))
        for key in _KEYS:
            for mine, its in zip(found, _around(_frame(dataset, raw, judgement, key), n), strict=True):
                np.fmax(mine, its, out=mine)
        return found


def judgements(dataset: Dataset) -> NDArray[np.int64]:
    """Return a number for all that one person said alike at one moment (a request, a case), i8[n]; −1 where no person did."""
    found = np.full(len(dataset), -1, np.int64)
    people = np.flatnonzero(dataset.verdicts.principal >= 0)
    keys = {"who": dataset.verdicts.principal[people], "moment": dataset.label_times(people), "said": dataset.target[people]}
    found[people] = pd.DataFrame(keys).groupby(list(keys), sort=False).ngroup().to_numpy()
    return found


def _frame(dataset: Dataset, raw: NDArray[np.float64], judgement: NDArray[np.int64], key: str) -> pd.DataFrame:
    """Return the alerts with a margin or a label whose key people judged anywhere; what they did not is a judgement of its own."""
    values = dataset.block.columns[:, COLUMNS.index(key)]
    told = ~np.isnan(raw) | (dataset.target >= 0)
    rows = np.flatnonzero((values != 0) & told & np.isin(values, values[judgement >= 0]))
    return pd.DataFrame(
        {
            "row": rows, "tenant": dataset.tenant[rows], "key": values[rows],
            "span": np.floor(dataset.block.time[rows] / NEAR_SECONDS).astype(np.int64),
            "judgement": np.where(judgement[rows] >= 0, judgement[rows], -1 - rows), "raw": raw[rows],
            "said": dataset.target[rows],
        }
    )  # fmt: skip


def _around(frame: pd.DataFrame, n: int) -> tuple[NDArray[np.float64], ...]:
    """Return what of other judgements is near each judged alert: highest margin, attacks, benign."""
    spread = pd.concat([frame.assign(span=frame["span"] + step) for step in (-1, 0, 1)])
    voices = spread.groupby([*_CELL, "judgement"], as_index=False).agg({"raw": "max", "said": "first"})
    voices = voices.sort_values("raw", ascending=False, kind="stable")
    place = voices.groupby(_CELL).cumcount()
    first = voices[place == 0].set_index(_CELL)
    second = voices[place == 1].set_index(_CELL)["raw"]
    counts = [(voices["said"] == said).groupby([voices[c] for c in _CELL]).sum() for said in (1, 0)]
    own = frame[frame["judgement"] >= 0]
    cell = pd.MultiIndex.from_frame(own[_CELL])
    mine = first["judgement"].reindex(cell).to_numpy() == own["judgement"].to_numpy()
    loudest = np.where(mine, second.reindex(cell).to_numpy(), first["raw"].reindex(cell).to_numpy())
    found = [np.full(n, np.nan), np.zeros(n), np.zeros(n)]
    found[0][own["row"]] = loudest
    for said, array, count in zip((1, 0), found[1:], counts, strict=True):
        array[own["row"]] = count.reindex(cell).to_numpy() - (own["said"].to_numpy() == said)
    return tuple(found)
