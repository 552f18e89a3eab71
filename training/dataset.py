"""A data set as training sees it: facts in the order of receipt, labels beside them, nothing decided yet."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path

import msgspec
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.alert import Alert, main_entity
from features.anomalies import EntityAnomalies
from features.context import Context
from features.encode import COLUMNS, FactBlock, FactEncoder, RuleRef
from features.files import Reject
from features.grouping import Correction
from features.history import read_manifest
from features.label import Label
from features.reading import Chunk, read_chunks
from features.timeline import Timeline, merge
from training.errors import DataError
from training.verdicts import UNLABELLED, Codes, Judged, judged, part_principals

BIN_SECONDS = 300.0

__all__ = ["BIN_SECONDS", "UNLABELLED", "Dataset", "families", "load_dataset"]


@dataclass
class Dataset:
    """n alerts in input order.

    ``group`` i8[n]: (tenant, rule, entity, five-minute bin), the unit in which repeats of one act count once. ``entity`` i4[n]:
    index into ``entities``, the uids of main entities. ``verdicts``
    says what is known of each alert from ``labels``; ``excluded`` are labels that were told to be left out.
    ``corrections`` are what people merged and split; ``placed``: by (tenant, uid) the incident in which correlation holds an alert.
    ``timeline`` holds the same alerts, and the labels' facts, in the order of receipt.
    """

    path: Path
    block: FactBlock
    received: NDArray[np.float64]
    seq: NDArray[np.int64]
    uids: list[str]
    tenants: list[str]
    tenant: NDArray[np.int32]
    rules: list[RuleRef]
    rule: NDArray[np.int32]
    entities: list[str]
    entity: NDArray[np.int32]
    group: NDArray[np.int64]
    verdicts: Judged
    labels: list[tuple[int, Label]]
    sources: list[str]
    source: NDArray[np.int32]
    row: NDArray[np.int64]
    encoder: FactEncoder
    rejects: list[Reject] = field(default_factory=list)
    duplicates: int = 0
    excluded: list[Label] = field(default_factory=list)
    corrections: list[Correction] = field(default_factory=list)
    placed: dict[tuple[str, str], str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.uids)

    @property
    def target(self) -> NDArray[np.int8]:
        """1 attack, 0 benign, −1 unlabelled (never a negative)."""
        return self.verdicts.target

    @property
    def incident(self) -> NDArray[np.int32]:
        """Index into ``verdicts.incidents``, −1 for none."""
        return self.verdicts.incident

    @property
    def kind(self) -> NDArray[np.int32]:
        """Index into ``verdicts.kinds``, −1 for none."""
        return self.verdicts.kind

    @property
    def digest(self) -> str:
        """Hex digest of what was read: content, not the installation's hashes."""
        whole = hashlib.sha256()
        for column in (self.block.time, self.tenant, self.rule, self.target, self.incident):
            whole.update(np.ascontiguousarray(column).tobytes())
        whole.update(
            "\x1f".join([*self.tenants, *(f"{r.product} {r.uid}" for r in self.rules), *self.verdicts.incidents]).encode()
        )
        for correction in self.corrections:
            whole.update(msgspec.json.encode(correction))
        return whole.hexdigest()

    def label_times(self, rows: NDArray[np.int64] | slice = slice(None)) -> NDArray[np.float64]:
        """Return when the label in force on each of ``rows`` (all alerts) was given, epoch seconds; +inf for the unlabelled."""
        labels = self.verdicts.label[rows].tolist()
        return np.array([np.inf if i < 0 else self.labels[i][1].time.timestamp() for i in labels], np.float64)

    def rows_by_uid(self) -> dict[tuple[str, str], int]:
        """Return the row of each alert by (tenant, uid)."""
        return {(self.tenants[t], uid): i for i, (t, uid) in enumerate(zip(self.tenant.tolist(), self.uids, strict=True))}

    def relabelled(self, labels: list[tuple[int, Label]], without_labels_of: Collection[str] = ()) -> Dataset:
        """Return the data set with these labels instead, less what the analysts ``without_labels_of`` said."""
        kept, excluded = part_principals(labels, without_labels_of)
        corrections = [one for one in self.corrections if one.analyst not in without_labels_of]
        verdicts = judged(len(self), kept, self.rows_by_uid(), self.placed)
        return replace(self, labels=kept, excluded=excluded, corrections=corrections, verdicts=verdicts)

    def without(self, rows: NDArray[np.bool_]) -> Dataset:
        """Return the data set as if the alerts in the mask ``rows`` had never happened. Codes and names stay the same."""
        keep = np.flatnonzero(~rows)
        per_alert = ("received", "seq", "tenant", "rule", "entity", "group", "source", "row")
        return replace(
            self,
            block=self.block.take(keep),
            uids=[self.uids[i] for i in keep],
            verdicts=self.verdicts.take(keep),
            **{name: getattr(self, name)[keep] for name in per_alert},
        )

    def timeline(self, labels: list[tuple[int, Label]] | None = None) -> Timeline:
        """Return the facts in the order of receipt, with ``labels`` (all of the data set's if not given)."""
        told = self.labels if labels is None else labels
        keep = {label.alert_uid for _, label in told}
        row_of = {(self.tenants[self.tenant[i]], uid): i for i, uid in enumerate(self.uids) if uid in keep}
        return merge(self.block, self.received, self.seq, told, row_of)


def load_dataset(
    path: Path,
    fmt: str,
    secret: bytes,
    *,
    labels: bool,
    tenant: str = "",
    also: Path | None = None,
    without_labels_of: Collection[str] = (),
    progress: Callable[[int], None] | None = None,
    each: Callable[[Sequence[Alert]], None] | None = None,
    anomalies: EntityAnomalies | None = None,
) -> Dataset:
    """Read everything at ``path``, and the history ``also``. ``progress`` is told the number of alerts read so far, ``each`` is
    shown the alerts themselves, in input order: what is kept of them are facts and names.

    ``without_labels_of``: analysts whose labels and corrections are taken as never given. ``anomalies``: how unusual entities were.

    Raises ``SourceError``, ``HistoryError`` and, where nobody of such a name gave any, ``DataError``; single bad records are in ``rejects``.
    """
    gathered = _Gathered(_encoder(path, fmt, secret, anomalies))
    more = read_chunks(also, "history", labels=labels) if also else ()
    for chunk in chain(read_chunks(path, fmt, labels=labels, tenant=tenant), more):
        gathered.add(chunk)
        if each:
            each(chunk.alerts)
        if progress:
            progress(len(gathered.uids))
    spoke = {label.analyst for _, label in gathered.labels} | {correction.analyst for correction in gathered.corrections}
    strangers = set(without_labels_of) - spoke
    if strangers:
        raise DataError(str(path), f"no label was given by {', '.join(sorted(strangers))}")
    return gathered.dataset(path).relabelled(gathered.labels, without_labels_of)


def families(dataset: Dataset, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the family of each of ``rows``: tenant × UTC day × entity × rule, as a number."""
    day = np.floor(dataset.block.time[rows] / 86400.0).astype(np.int64)
    keys = np.stack(
        [dataset.tenant[rows], day, dataset.rule[rows], dataset.block.columns[rows, COLUMNS.index("entity")].astype(np.int64)],
        axis=1,
    )
    return np.asarray(np.unique(keys, axis=0, return_inverse=True)[1].reshape(-1), np.int64)


class _Gathered:
    """Chunks on their way into a data set, as compact columns."""

    def __init__(self, encoder: FactEncoder) -> None:
        self.encoder = encoder
        self.blocks: list[FactBlock] = []
        self.uids: list[str] = []
        self.labels: list[tuple[int, Label]] = []
        self.corrections: list[Correction] = []
        self.placed: dict[tuple[str, str], str] = {}
        self.rejects: list[Reject] = []
        self.duplicates = 0
        self._tenants, self._rules, self._entities, self._sources = (Codes() for _ in range(4))
        self._received = array("d")
        self._seq, self._tenant, self._rule, self._entity, self._source, self._row = (array("q") for _ in range(6))

    def add(self, chunk: Chunk) -> None:
        """Take one chunk."""
        self.blocks.append(self.encoder.alerts(chunk.alerts))
        self.uids += [alert.uid for alert in chunk.alerts]
        self._received.extend(alert.received_time.timestamp() for alert in chunk.alerts)
        self._seq.extend(chunk.seqs or [0] * len(chunk.alerts))
        self._tenant.extend(self._tenants(alert.tenant) for alert in chunk.alerts)
        self._rule.extend(self._rules(RuleRef(a.product, a.rule.uid, a.rule.name)) for a in chunk.alerts)
        self._entity.extend(self._entities(main_entity(alert).uid) for alert in chunk.alerts)
        self._source.extend(self._sources(source) for source in chunk.sources)
        self._row.extend(chunk.rows)
        self.labels += chunk.labels
        self.corrections += chunk.corrections
        self.placed |= {(one.tenant, one.alert_uid): one.incident_uid for one in chunk.placements}
        self.rejects += chunk.rejects
        self.duplicates += chunk.duplicates

    def dataset(self, path: Path) -> Dataset:
        """Return the data set, all unlabelled so far."""
        block, n = FactBlock.concat(self.blocks), len(self.uids)
        return Dataset(
            path=path,
            block=block,
            received=np.array(self._received),
            seq=np.array(self._seq, np.int64),
            uids=self.uids,
            tenants=[str(name) for name in self._tenants.of],
            tenant=np.array(self._tenant, np.int32),
            rules=[rule for rule in self._rules.of if isinstance(rule, RuleRef)],
            rule=np.array(self._rule, np.int32),
            entities=[str(name) for name in self._entities.of],
            entity=np.array(self._entity, np.int32),
            group=_groups(block),
            verdicts=judged(n, [], {}),
            labels=self.labels,
            corrections=self.corrections,
            placed=self.placed,
            sources=[str(name) for name in self._sources.of],
            source=np.array(self._source, np.int32),
            row=np.array(self._row, np.int64),
            encoder=self.encoder,
            rejects=self.rejects,
            duplicates=self.duplicates,
        )


def _encoder(path: Path, fmt: str, secret: bytes, anomalies: EntityAnomalies | None) -> FactEncoder:
    folder = path / read_manifest(path).context if fmt == "history" else None
    context = Context.load(folder) if folder is not None and folder != path else Context.empty()
    return FactEncoder(secret, context, context.aliases, anomalies)


def _groups(block: FactBlock) -> NDArray[np.int64]:
    keys = [block.columns[:, COLUMNS.index(name)] for name in ("tenant", "rule", "entity")]
    bins = np.floor(block.time / BIN_SECONDS).astype(np.int64)
    frame = pd.DataFrame({"t": keys[0], "r": keys[1], "e": keys[2], "b": bins})
    return np.asarray(frame.groupby(["t", "r", "e", "b"], sort=False).ngroup(), np.int64)
