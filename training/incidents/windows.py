"""What a short day sees of attacks whose times are known: the windows of the AIT Alert Data Set (``attack_windows.csv``).

A window is reachable where an attacker's alert lies in it that the data set itself puts to it (``time_label``).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from training.correlate import Correlated, correlate, read_alerts
from training.dataset import Dataset
from training.queue import DAY_SECONDS, FAMILY, ranked
from training.report import Cell, Table

WINDOWS = "attack_windows.csv"
BUDGETS = (3, 5, 10)
_MOST_INCIDENTS = 3


@dataclass(frozen=True)
class Windows:
    """Reachable windows: ``names`` (tenant, attack), and for each alert the number of the window it lies in, −1 for none, i8[n]."""

    names: list[tuple[str, str]]
    of: NDArray[np.int64]


def read_windows(dataset: Dataset, data: Path) -> Windows | None:
    """Return the windows of the attacks in ``data``, a folder of AIT-ADS; ``None`` where it holds none."""
    if not (data / WINDOWS).is_file():
        return None
    told = np.empty(len(dataset), object)
    for code, source in enumerate(dataset.sources):
        mine = np.flatnonzero(dataset.source == code)
        labels = pd.read_csv(data / source, usecols=["time_label"], keep_default_na=False)["time_label"].to_numpy()
        told[mine] = labels[dataset.row[mine]]
    of = np.full(len(dataset), -1, np.int64)
    names: list[tuple[str, str]] = []
    tenant = np.array(dataset.tenants, object)[dataset.tenant]
    listed = pd.read_csv(data / WINDOWS)
    spans = listed[["start", "end"]].to_numpy(np.float64)
    for (start, end), scenario, attack in zip(spans, listed["scenario"], listed["attack"], strict=True):
        inside = (dataset.block.time >= start) & (dataset.block.time <= end)
        mine = inside & (tenant == scenario) & (told == attack) & (dataset.target == 1)
        if mine.any():
            of[mine] = len(names)
            names.append((str(scenario), str(attack)))
    return Windows(names, of)


def tables(dataset: Dataset, score: NDArray[np.float64], windows: Windows, data: Path) -> list[Table]:
    """Return what the queue covers and what correlation joins; ``score`` f8[n] is out of fold by tenant."""
    found = correlate(read_alerts(data, "ait-ads"), score)
    return [_queue_table(dataset, score, windows), _incident_table(dataset, windows, found)]


def reached(dataset: Dataset, score: NDArray[np.float64], windows: Windows, budget: int) -> set[int]:
    """Return the windows that an alert of the families chosen for some day lies in."""
    chosen = ranked(dataset, score, budget).rows
    return _windows_in(dataset, windows, chosen)


def _windows_in(dataset: Dataset, windows: Windows, chosen: pd.DataFrame) -> set[int]:
    inside = np.flatnonzero(windows.of >= 0)
    day = np.floor(dataset.block.time[inside] / DAY_SECONDS).astype(np.int64)
    columns = (dataset.tenant[inside], day, dataset.entity[inside], dataset.rule[inside])
    families = pd.MultiIndex.from_arrays([np.asarray(column, np.int64) for column in columns], names=FAMILY)
    picked = families.isin(pd.MultiIndex.from_frame(chosen[FAMILY].astype(np.int64)))
    return set(windows.of[inside][picked].tolist())


def _by_score(dataset: Dataset, score: NDArray[np.float64], budget: int) -> pd.DataFrame:
    """Return the families of highest score of each day: what a queue without an eye on variety shows."""
    day = np.floor(dataset.block.time / DAY_SECONDS).astype(np.int64)
    frame = pd.DataFrame({"tenant": dataset.tenant, "day": day, "host": dataset.entity, "rule": dataset.rule, "score": score})
    families = frame.groupby(FAMILY, as_index=False).agg({"score": "max"}).sort_values("score", ascending=False, kind="stable")
    found: pd.DataFrame = families.groupby(["tenant", "day"]).head(budget)
    return found


def _queue_table(dataset: Dataset, score: NDArray[np.float64], windows: Windows) -> Table:
    seen = {budget: reached(dataset, score, windows, budget) for budget in BUDGETS}
    rows: list[list[Cell]] = [
        ["queue that covers", *(len(seen[budget]) for budget in BUDGETS)],
        ["by score alone", *(len(_windows_in(dataset, windows, _by_score(dataset, score, budget))) for budget in BUDGETS)],
    ]
    missed = ", ".join(f"{attack} in {tenant}" for i, (tenant, attack) in enumerate(windows.names) if i not in seen[BUDGETS[-1]])
    title = f"Attack windows seen, of {len(windows.names)} that can be, by families a day"
    return Table(title, ["queue", *map(str, BUDGETS)], rows, f"Not seen at {BUDGETS[-1]}: {missed or 'none'}.")


def _incident_table(dataset: Dataset, windows: Windows, found: Correlated) -> Table:
    rows: list[list[Cell]] = []
    for code, tenant in enumerate(dataset.tenants):
        mine = dataset.tenant == code
        own = {i for i, (name, _) in enumerate(windows.names) if name == tenant}
        held, benign = _held(dataset, windows, np.where(found.raised, found.incident, -1), mine)
        days = np.floor(dataset.block.time / DAY_SECONDS).astype(np.int64) * len(dataset.entities) + dataset.entity
        by_day, beside = _held(dataset, windows, days, mine)
        count = len(np.unique(found.incident[mine]))
        rows.append(
            [tenant, int(mine.sum()), count, 1.0 - count / mine.sum(), f"{len(held)} of {len(own)}", benign,
             f"{len(by_day)} of {len(own)}", beside]
        )  # fmt: skip
    columns = ["tenant", "alerts", "incidents", "fewer", "windows held", "benign in them", "by host and day", "benign in them "]
    note = f"The {_MOST_INCIDENTS} incidents that hold most windows, background aside; beside them the {_MOST_INCIDENTS} best groups by host and day."
    return Table("Alerts joined into incidents", columns, rows, note)


def _held(dataset: Dataset, windows: Windows, group: NDArray[np.int64], mine: NDArray[np.bool_]) -> tuple[set[int], float]:
    """Return the windows that the best few groups hold, chosen one after the other, and the share of benign alerts in them."""
    inside = np.flatnonzero(mine & (windows.of >= 0) & (group >= 0))
    frame = pd.DataFrame({"group": group[inside], "window": windows.of[inside]})
    content = {int(str(name)): set(some) for name, some in frame.groupby("group")["window"]}
    held: set[int] = set()
    chosen: list[int] = []
    for _ in range(_MOST_INCIDENTS):
        best = max(content, key=lambda name: (len(content[name] - held), -name), default=None)
        if best is None or not content[best] - held:
            break
        chosen.append(best)
        held |= content[best]
    picked = mine & np.isin(group, chosen)
    return held, float((dataset.target[picked] != 1).mean()) if picked.any() else float("nan")
