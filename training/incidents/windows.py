"""What a short day sees of attacks whose times are known: the windows of the AIT Alert Data Set (``attack_windows.csv``).

A window is reachable where an attacker's alert lies in it that the data set itself puts to it (``time_label``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.alert import Alert, from_epoch
from models.incidents.model import IncidentModel
from training.correlate import Correlated, correlate, read_alerts
from training.dataset import Dataset
from training.incident_queue import days_of
from training.incident_queue import ranked as ranked_incidents
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


def tables(
    dataset: Dataset, score: NDArray[np.float64], anomaly: NDArray[np.float64], windows: Windows, data: Path
) -> list[Table]:
    """Return what the queue covers and what correlation joins; ``score`` f8[n] is out of fold by tenant, ``anomaly`` f8[n] in bits."""
    alerts = read_alerts(data, "ait-ads")
    found = correlate(alerts, score, anomaly=anomaly)
    places = Places.of(dataset, score, anomaly, alerts)
    return [
        _queue_table(dataset, score, windows),
        _incident_table(dataset, windows, found, places),
        _first_table(dataset, windows, found, places),
    ]


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


def _incident_table(dataset: Dataset, windows: Windows, found: Correlated, places: Places) -> Table:
    day = np.floor(dataset.block.time / DAY_SECONDS).astype(np.int64)
    by_host = (dataset.tenant.astype(np.int64) * (int(day.max()) + 1) + day) * len(dataset.entities) + dataset.entity
    rows: list[list[Cell]] = []
    for code, tenant in enumerate(dataset.tenants):
        mine = dataset.tenant == code
        own = sum(name == tenant for name, _ in windows.names)
        count = len(np.unique(found.incident[mine]))
        ours = _held(dataset, windows, np.where(found.raised, found.incident, -1), mine)
        beside = _held(dataset, windows, by_host, mine)
        rows.append(
            [tenant, int(mine.sum()), count, 1.0 - count / mine.sum(),
             f"{len(ours.windows)} of {own}", ours.benign, _told(places.of_incident(*one, found) for one in ours.first),
             f"{len(beside.windows)} of {own}", beside.benign, _told(places.of_group(*one, by_host) for one in beside.first)]
        )  # fmt: skip
    columns = [
        "tenant", "alerts", "incidents", "fewer", "windows held", "benign in them", "their ranks",
        "by host and day", "benign in them ", "their ranks ",
    ]  # fmt: skip
    note = (
        f"The {_MOST_INCIDENTS} incidents that hold most windows, background aside; beside them the {_MOST_INCIDENTS} best groups by "
        "host and day. Their ranks, in the order in which they come to show the attack, are those at the end of that day: in the queue "
        "of incidents (none: not yet raised, or shown only as like another), and among groups by highest score."
    )
    return Table("Alerts joined into incidents", columns, rows, note)


def _first_table(dataset: Dataset, windows: Windows, found: Correlated, places: Places) -> Table:
    rows: list[list[Cell]] = []
    for code, tenant in enumerate(dataset.tenants):
        first = _held(dataset, windows, np.where(found.raised, found.incident, -1), dataset.tenant == code).first
        if not first:
            rows.append([tenant, "", "none", "none", "no incident holds any window"])
            continue
        day = places.day(first[0][1])
        ranks = [places.of_incident(*one, found) for one in first if places.day(one[1]) == day]
        best = min((rank for rank in ranks if rank is not None), default=None)
        rows.append([tenant, day.isoformat(), _told([best]), *places.standing(*first[0], found)])
    note = (
        "Of the incidents that hold the attack those that show it on the first day on which any does, at the end of that day: the best "
        "rank in the queue of incidents, and the rank of the first in time. One that is like another has no rank of its own; it is "
        "shown with that one."
    )
    columns = ["tenant", "day", "rank of the best", "of the first in time", "why not"]
    return Table("The attack in the queue of incidents of its first day", columns, rows, note, (1, 4))


def _told(ranks: Iterable[int | None]) -> str:
    return ", ".join("none" if rank is None else str(rank) for rank in ranks)


class _Held(NamedTuple):
    """The ``windows`` that the best few groups hold, the share of ``benign`` alerts in these groups, and each of them with the row
    of its ``first`` alert in a window, in the order of time."""

    windows: set[int]
    benign: float
    first: list[tuple[int, int]]


def _held(dataset: Dataset, windows: Windows, group: NDArray[np.int64], mine: NDArray[np.bool_]) -> _Held:
    """Return what the best few groups hold, chosen one after the other."""
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
    benign = float((dataset.target[picked] != 1).mean()) if picked.any() else float("nan")
    in_time = inside[np.argsort(dataset.block.time[inside], kind="stable")]
    first = {int(group[row]): int(row) for row in in_time[::-1] if group[row] in chosen}
    return _Held(held, benign, sorted(first.items(), key=lambda one: (dataset.block.time[one[1]], one)))


@dataclass(frozen=True)
class Places:
    """At which rank things stand at the end of a day. ``incidents``: by day and line, in the queue of incidents; ``like``: the rank
    of what an incident without a rank is shown with."""

    dataset: Dataset
    score: NDArray[np.float64]
    incidents: dict[tuple[date, str], int]
    like: dict[tuple[date, str], int]

    @classmethod
    def of(cls, dataset: Dataset, score: NDArray[np.float64], anomaly: NDArray[np.float64], alerts: Sequence[Alert]) -> Places:
        """Rank the incidents of each day with the default model."""
        model, found, beside = IncidentModel(), {}, {}
        for day, shown in days_of(alerts, score, model, None, anomaly):
            lines = {(incident.tenant, incident.uid): incident.lines for incident in shown}
            for row in ranked_incidents(day, shown, model, None, len(shown)):
                found.update({(day, line.uid): row.rank for line in lines[row.tenant, row.incident]})
                beside.update({(day, line.uid): row.rank for uid in row.like for line in lines[row.tenant, uid]})
        return cls(dataset, score, found, beside)

    def of_incident(self, group: int, row: int, found: Correlated) -> int | None:
        """Return the rank on the day of alert ``row`` of what was to become an incident, ``None`` where it had none."""
        return self._best(self.incidents, group, row, found)

    def standing(self, group: int, row: int, found: Correlated) -> tuple[str, str]:
        """Return the rank on the day of alert ``row`` of what was to become an incident, and why it had none."""
        rank, like = (self._best(ranks, group, row, found) for ranks in (self.incidents, self.like))
        if rank is not None:
            return str(rank), ""
        return "none", "not yet raised" if like is None else f"like the one of rank {like}"

    def _best(self, ranks: dict[tuple[date, str], int], group: int, row: int, found: Correlated) -> int | None:
        day = self.day(row)
        told = (ranks.get((day, line.uid)) for line in found.incidents[found.names[group]].lines)
        return min((rank for rank in told if rank is not None), default=None)

    def day(self, row: int) -> date:
        """Return the day of alert ``row``."""
        return from_epoch(float(self.dataset.block.time[row])).date()

    def of_group(self, group: int, row: int, groups: NDArray[np.int64]) -> int:
        """Return the rank of a group by highest score among those of its tenant on the day of alert ``row``."""
        day = np.floor(self.dataset.block.time / DAY_SECONDS)
        same = (self.dataset.tenant == self.dataset.tenant[row]) & (day == day[row])
        highest = pd.Series(self.score[same]).groupby(groups[same]).max()
        return 1 + int((highest > highest[group]).sum())
