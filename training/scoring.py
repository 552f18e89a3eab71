"""Batch scoring: the service's engine over files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from features.alert import Alert
from features.anomalies import EntityAnomalies
from features.encode import FactBlock
from features.timeline import history_facts
from models.bundle import ModelBundle, Scored
from models.engine import ScoringEngine
from models.limits import LimitTable
from models.live_policy import LivePolicy
from models.live_rules import LiveRules
from training.dataset import Dataset, load_dataset
from training.walk import CHUNK

_SCHEMA = pa.schema(
    [
        ("source", pa.string()), ("source_row", pa.int64()), ("alert_uid", pa.string()), ("time", pa.timestamp("us", "UTC")),
        ("tenant", pa.string()), ("score", pa.float64()), ("priority", pa.int16()), ("action", pa.string()),
        ("anomaly_score", pa.float64()), ("reason_codes", pa.list_(pa.string())), ("bundle", pa.string()),
        ("published_action", pa.string()), ("tier", pa.string()), ("certificate", pa.string()), ("policy", pa.string()),
    ]
)  # fmt: skip


class LiveRun(NamedTuple):
    """Under which live policy a file is scored (``None``: none can be read), at a time, epoch seconds, by which entries expire."""

    policy: LivePolicy | None
    now: float


_SHADOW = LiveRun(LivePolicy(), 0.0)


def score_file(
    bundle: ModelBundle,
    data: Path,
    fmt: str,
    out: Path,
    secret: bytes,
    *,
    history: Path | None,
    told: Callable[[str], None],
    live: LiveRun = _SHADOW,
    anomalies: EntityAnomalies | None = None,
) -> tuple[int, int]:
    """Score the alerts at ``data`` and write a row for each, in input order; return how many were scored and rejected.

    ``live`` says what is published; where nothing was ever said, every tenant is in shadow. Responses are counted by the alerts' own times.
    ``anomalies``: how unusual entities were when.

    Counters start empty unless ``history`` is folded in first. Labels in ``data`` are never read. Rejects go to
    ``<out>.rejects.jsonl``; nothing is written when the input cannot be read.
    """
    told("reading")
    marks = _Marks(bundle, live)
    dataset = load_dataset(data, fmt, secret, labels=False, each=marks.see, anomalies=anomalies)
    engine = ScoringEngine(bundle, dataset.encoder)
    rules = LiveRules(live.policy, bundle, engine.limits)
    if history is not None:
        told("folding the history")
        for block in past_facts(history, engine):
            engine.fold(block)
    told("scoring")
    found = marks.found

    def judge(scored: Scored, block: FactBlock, alert: NDArray[np.int64]) -> Scored:
        return rules.apply(scored, block, found[alert], block.time, live.now)

    table = _table(dataset, list(_walk(dataset, engine, judge)), bundle, rules.digest)
    write_parquet(table, out)
    write_rejects(dataset, out)
    return len(dataset), len(dataset.rejects)


def score_walk(dataset: Dataset, engine: ScoringEngine) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return score f8[n] and anomaly f8[n] of each alert by what was known when it came."""
    score, anomaly = np.full(len(dataset), np.nan), np.zeros(len(dataset))
    for alert, scored in _walk(dataset, engine):
        score[alert], anomaly[alert] = scored.score, scored.anomaly
    return score, anomaly


def scored_alone(
    bundle: ModelBundle, data: Path, fmt: str, secret: bytes, told: Callable[[str], None]
) -> tuple[Dataset, NDArray[np.float64], NDArray[np.float64]]:
    """Read the alerts at ``data``; return them with the score f8[n] and anomaly f8[n] of each by what was known when it came.

    Counters start empty; labels are never read. Raises ``SourceError`` and ``HistoryError``.
    """
    told("reading")
    dataset = load_dataset(data, fmt, secret, labels=False)
    told("scoring")
    return dataset, *score_walk(dataset, ScoringEngine(bundle, dataset.encoder))


def write_parquet(table: pa.Table, out: Path) -> None:
    """Write a table, whole or not at all."""
    out.parent.mkdir(parents=True, exist_ok=True)
    draft = out.with_name(out.name + ".part")
    try:
        pq.write_table(table, draft, compression="zstd")
        draft.replace(out)
    finally:
        draft.unlink(missing_ok=True)


def write_rejects(dataset: Dataset, out: Path) -> None:
    """Write the records that could not be read to ``<out>.rejects.jsonl``; no file where there are none."""
    rejects = out.with_name(out.name + ".rejects.jsonl")
    rejects.unlink(missing_ok=True)
    if dataset.rejects:
        rejects.write_bytes(b"\n".join(msgspec.json.encode(reject) for reject in dataset.rejects) + b"\n")


def past_facts(history: Path, engine: ScoringEngine) -> Iterator[FactBlock]:
    """Yield the facts of a history, or of an ``ait-ads`` folder or file, in the order of receipt."""
    if (history / "manifest.json").exists():
        yield from history_facts(history, engine.encoder)
        return
    past = load_dataset(history, "ait-ads", engine.encoder.secret, labels=False)
    engine.encoder.register(past.encoder.rules.values(), past.encoder.tenants.values())
    yield past.timeline([]).block


class _Marks:
    """What guardrails say of names in alerts, in input order: kept while the alerts are read."""

    def __init__(self, bundle: ModelBundle, live: LiveRun) -> None:
        self._rules = LiveRules(live.policy, bundle, LimitTable((), {}, {}))
        self._now, self._parts = live.now, [np.zeros(0, np.int64)]

    def see(self, alerts: Sequence[Alert]) -> None:
        """Look at some alerts."""
        self._parts.append(self._rules.marks(alerts, self._now))

    @property
    def found(self) -> NDArray[np.int64]:
        """The marks of all alerts seen, as reason-code bits i8[n]."""
        return np.concatenate(self._parts)


_Judge = Callable[[Scored, FactBlock, NDArray[np.int64]], Scored]


def _as_decided(scored: Scored, _block: FactBlock, _alert: NDArray[np.int64]) -> Scored:
    return scored


def _walk(dataset: Dataset, engine: ScoringEngine, judge: _Judge = _as_decided) -> Iterator[tuple[NDArray[np.int64], Scored]]:
    """Yield rows of alerts in the order of receipt, and what ``judge`` makes of how they were scored."""
    timeline = dataset.timeline([])
    alert_of = np.empty(len(dataset), np.int64)
    alert_of[timeline.alert_at] = np.arange(len(dataset))
    for start in range(0, len(dataset), CHUNK):
        span = slice(start, start + CHUNK)
        block = timeline.block.take(span)
        judged = judge(engine.score(block), block, alert_of[span])
        yield alert_of[span], judged._replace(features=judged.features[:0])


def _table(dataset: Dataset, parts: list[tuple[NDArray[np.int64], Scored]], bundle: ModelBundle, policy: str) -> pa.Table:
    order = np.argsort(np.concatenate([alert for alert, _ in parts]))
    n = len(order)

    def column(name: str) -> NDArray[np.float64]:
        return np.concatenate([getattr(scored, name) for _, scored in parts])[order]

    def texts(name: str) -> pa.Array:
        return pa.array([str(text) for _, scored in parts for text in getattr(scored, name)], pa.string()).take(pa.array(order))

    codes = [[str(code) for code in row] for _, scored in parts for row in scored.reason_codes]
    columns = {
        "source": pa.DictionaryArray.from_arrays(dataset.source, dataset.sources).cast(pa.string()),
        "source_row": dataset.row,
        "alert_uid": dataset.uids,
        "time": pa.array((dataset.block.time * 1e6).round().astype(np.int64)).cast(pa.timestamp("us", "UTC")),
        "tenant": pa.DictionaryArray.from_arrays(dataset.tenant, dataset.tenants).cast(pa.string()),
        "score": column("score"),
        "priority": column("priority").astype(np.int16),
        "action": texts("actions"),
        "anomaly_score": column("anomaly"),
        "reason_codes": pa.array(codes).take(pa.array(order)),
        "bundle": pa.array([bundle.digest] * n),
        "published_action": texts("published"),
        "tier": texts("tiers"),
        "certificate": texts("certificates"),
        "policy": pa.array([policy] * n, pa.string()),
    }
    return pa.table(columns, schema=_SCHEMA)
