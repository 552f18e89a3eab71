"""A simulated world as the feedback evaluation sees it: alerts as facts, the truth beside them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.anomalies import EntityAnomalies
from features.encode import COLUMNS
from features.label import Label
from training.dataset import Dataset, load_dataset
from training.metrics import GroupScores, group_scores
from training.simulator.rows import DAY, ON_PURPOSE, START

MONTH_DAYS = 30


@dataclass(frozen=True)
class World:
    """n alerts with their truth; ``dataset`` carries the labels that a SOC without Tamis gave.

    ``attack`` b[n], ``incident`` str[n] ("" for none), ``on_purpose`` b[n]; ``case`` i8[n]: what an analyst judges as one
    (tenant, rule, entity, day and cause); ``day`` i8[n] from 0; ``start``: epoch seconds of day 0.
    """

    dataset: Dataset
    attack: NDArray[np.bool_]
    incident: NDArray[np.str_]
    on_purpose: NDArray[np.bool_]
    case: NDArray[np.int64]
    day: NDArray[np.int64]
    start: float

    @classmethod
    def load(cls, folder: Path, secret: bytes, anomalies: EntityAnomalies | None = None) -> World:
        """Read what ``simulate`` wrote into ``folder``. Raises ``SourceError`` and ``HistoryError``."""
        dataset = load_dataset(folder / "history", "history", secret, labels=True, anomalies=anomalies)
        truth = pd.read_parquet(folder / "truth.parquet").set_index(["tenant", "alert_uid"])
        tenants = np.array(dataset.tenants)[dataset.tenant]
        truth = truth.reindex(pd.MultiIndex.from_arrays([tenants, dataset.uids]))
        incident = truth["incident_uid"].fillna("").to_numpy().astype(np.str_)
        start = START.timestamp()
        day = np.floor((dataset.received - start) / DAY).astype(np.int64)
        entity = dataset.block.columns[:, COLUMNS.index("entity")]
        keys = pd.DataFrame({"t": dataset.tenant, "r": dataset.rule, "e": entity, "d": day, "i": incident})
        case = keys.groupby(list(keys.columns), sort=False).ngroup().to_numpy()
        purposeful = truth["origin"].isin(ON_PURPOSE).to_numpy()
        return cls(dataset, incident != "", incident, purposeful, np.asarray(case, np.int64), day, start)

    @property
    def months(self) -> int:
        """Whole months in it."""
        return int((self.day.max() + 1) // MONTH_DAYS)

    def month(self, number: int) -> NDArray[np.bool_]:
        """Return which alerts were received in month ``number``, from 0."""
        return np.asarray(self.day // MONTH_DAYS == number)

    def groups(self, raw: NDArray[np.float64], rows: NDArray[np.int64]) -> GroupScores:
        """Return the alert groups among ``rows`` with their highest margin and the truth; ``raw`` f8[n]."""
        return group_scores(raw[rows], self.attack[rows].astype(np.int8), self.dataset.group[rows], self.dataset.tenant[rows])

    def until(self, month: int, labels: list[tuple[int, Label]]) -> Dataset:
        """Return the alerts up to the end of ``month``, with these ``labels``."""
        return self.dataset.without(self.day >= (month + 1) * MONTH_DAYS).relabelled(labels)

    def end_of(self, month: int) -> float:
        """Return when month ``month`` is over, epoch seconds."""
        return self.start + (month + 1) * MONTH_DAYS * DAY
