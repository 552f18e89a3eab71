"""The queue as a batch: for each tenant and day the families to look at first, by what is known when the day is over."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from models.bundle import ModelBundle
from models.coverage import Aspects, cover
from training.dataset import Dataset
from training.scoring import scored_alone, write_parquet, write_rejects

DAY_SECONDS = 86400.0
SPAN_SECONDS = 60.0
"""Length of a time window of its own: what happened in one minute is one thing worth seeing."""
NOTHING = 0.003
"""A score that counts for nothing, or floods of low scores would add up to something worth seeing."""
FAMILY = ["tenant", "day", "host", "rule"]
_SCHEMA = pa.schema(
    [
        ("tenant", pa.string()), ("day", pa.date32()), ("rank", pa.int32()), ("family", pa.string()), ("host", pa.string()),
        ("rule", pa.string()), ("score", pa.float64()), ("alerts", pa.int64()),
    ]
)  # fmt: skip


@dataclass(frozen=True)
class Queue:
    """The chosen families, a row (``FAMILY``, rank, score, alerts) each; how many alerts and families there were to choose from."""

    rows: pd.DataFrame
    alerts: int
    families: int
    rejects: int


def queue_file(
    bundle: ModelBundle, data: Path, fmt: str, out: Path, secret: bytes, *, budget: int, told: Callable[[str], None]
) -> Queue:
    """Rank the families of each tenant and day, write the first ``budget`` of each to ``out``, rejects beside it.

    Counters start empty; labels in ``data`` are never read; each alert is scored by what was known when it came. Raises
    ``SourceError`` and ``HistoryError``; nothing is written then.
    """
    dataset, score, _ = scored_alone(bundle, data, fmt, secret, told)
    told("ranking")
    chosen = ranked(dataset, score, budget)
    _write(dataset, chosen.rows, out)
    write_rejects(dataset, out)
    return chosen


def ranked(dataset: Dataset, score: NDArray[np.float64], budget: int) -> Queue:
    """Return the families to look at first; ``score`` f8[n]: the probability of an attack of each alert."""
    frame = pd.DataFrame(
        {
            "tenant": dataset.tenant, "day": np.floor(dataset.block.time / DAY_SECONDS).astype(np.int64), "host": dataset.entity,
            "rule": dataset.rule, "span": np.floor(dataset.block.time / SPAN_SECONDS).astype(np.int64), "score": score,
        }
    )  # fmt: skip
    parts = [_of_a_day(some, budget) for _, some in frame.groupby(["tenant", "day"], sort=True)]
    rows = pd.concat([part for part, _ in parts], ignore_index=True)
    return Queue(rows, len(dataset), sum(count for _, count in parts), len(dataset.rejects))


def _of_a_day(frame: pd.DataFrame, budget: int) -> tuple[pd.DataFrame, int]:
    """Return the first ``budget`` families of one tenant's day, and how many there are.

    What is covered are the minutes of hosts, each as surely as the surest alert that a chosen family has there.
    """
    families = frame.groupby(FAMILY, as_index=False, sort=True).agg(score=("score", "max"), alerts=("score", "size"))
    told = frame[frame["score"] > NOTHING]
    number = pd.MultiIndex.from_frame(families[FAMILY]).get_indexer(pd.MultiIndex.from_frame(told[FAMILY]))
    shown = told.assign(item=number).groupby(["item", "host", "span"], as_index=False).agg({"score": "max"})
    item, place = np.asarray(shown["item"], np.int64), np.asarray(shown.groupby(["host", "span"]).ngroup(), np.int64)
    chance = shown["score"].to_numpy(np.float64) - NOTHING
    order, _ = cover(np.zeros(len(families)), Aspects(item, place, chance, np.ones(len(shown))), budget)
    picked = families.iloc[order].reset_index(drop=True)
    return picked.assign(rank=np.arange(1, len(picked) + 1)), len(families)


def family_uid(tenant: str, day: date, host: str, rule: str) -> str:
    """Return what names a family: the same on every machine."""
    text = "\x1f".join([tenant, day.isoformat(), host, rule])
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def _write(dataset: Dataset, rows: pd.DataFrame, out: Path) -> None:
    days = [date(1970, 1, 1) + timedelta(days=int(day)) for day in rows["day"]]
    tenants = [dataset.tenants[i] for i in rows["tenant"]]
    hosts = [dataset.entities[i] for i in rows["host"]]
    rules = [dataset.rules[i].uid for i in rows["rule"]]
    columns = {
        "tenant": tenants, "day": days, "rank": rows["rank"].to_numpy(np.int32),
        "family": [family_uid(*told) for told in zip(tenants, days, hosts, rules, strict=True)],
        "host": hosts, "rule": rules, "score": rows["score"].to_numpy(np.float64), "alerts": rows["alerts"].to_numpy(np.int64),
    }  # fmt: skip
    write_parquet(pa.table(columns, schema=_SCHEMA), out)
