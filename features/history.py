"""The history: alerts, events, labels and decisions as Parquet parts under a manifest. What training reads and the service exports.

It may also hold ``corrections``, what people merged and split, ``placements``, in which incident correlation holds an alert, and
``day_verdicts``, what people said of the days of accounts and hosts.
``seq`` is the order of receipt over alerts, events and labels together (a service numbers events by themselves); where a writer gives
none, receipt time decides. The
manifest names each part with its sha-256 and rows; a history is written beside its place and moved there when complete.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Self, TypeVar

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.alert import Alert
from features.errors import HistoryError
from features.event_table import SCHEMA as EVENTS
from features.grouping import Correction, Placement
from features.label import DayVerdict, Label

SCHEMA_VERSION = 1
PART_ROWS = 100_000

_TIME = pa.timestamp("us", "UTC")
_TEXT = pa.string()
_ALERTS = pa.schema(
    [
        ("seq", pa.int64()), ("uid", _TEXT), ("tenant", _TEXT), ("time", _TIME), ("received_time", _TIME), ("product", _TEXT),
        ("rule_uid", _TEXT), ("rule_name", _TEXT), ("severity", pa.int8()), ("tactics", pa.list_(_TEXT)),
        ("techniques", pa.list_(_TEXT)),
        ("entities", pa.list_(pa.struct([("kind", _TEXT), ("uid", _TEXT), ("role", _TEXT)]))),
        ("observables", pa.list_(pa.struct([("kind", _TEXT), ("value", _TEXT)]))), ("message", _TEXT), ("raw", _TEXT),
    ]
)  # fmt: skip
_LABELS = pa.schema(
    [("seq", pa.int64()), ("time", _TIME), ("received_time", _TIME)]
    + [(name, _TEXT) for name in
       ("uid", "tenant", "alert_uid", "verdict", "provenance", "analyst", "reason", "incident_uid", "supersedes", "contests")]
    + [("shown", pa.float64())]
)  # fmt: skip
_EVENTS = pa.schema(
    [("seq", pa.int64())] + [EVENTS.field(name) for name in ("uid", "tenant", "time")] + [("received_time", _TIME), ("product", _TEXT)]
    + [field for field in EVENTS if field.name not in {"uid", "tenant", "time"}]
)  # fmt: skip
_DECISIONS = pa.schema(
    [
        ("uid", _TEXT), ("alert_uid", _TEXT), ("tenant", _TEXT), ("time", _TIME), ("revision", pa.int32()), ("action", _TEXT),
        ("priority", pa.int16()), ("score", pa.float64()), ("anomaly_score", pa.float64()), ("reason_codes", pa.list_(_TEXT)),
        ("bundle", _TEXT), ("shown", pa.float64()), ("supersedes", _TEXT), ("features", pa.list_(pa.float64())),
        ("published_action", _TEXT), ("tier", _TEXT), ("policy", _TEXT), ("certificate", _TEXT),
    ]
)  # fmt: skip
_CORRECTIONS = pa.schema(
    [("uid", _TEXT), ("tenant", _TEXT), ("judgement", _TEXT), ("time", _TIME), ("analyst", _TEXT), ("reason", _TEXT),
     ("parts", pa.list_(pa.list_(_TEXT)))]
)  # fmt: skip
_PLACEMENTS = pa.schema([("tenant", _TEXT), ("alert_uid", _TEXT), ("incident_uid", _TEXT)])
_DAY_VERDICTS = pa.schema(
    [("tenant", _TEXT), ("kind", _TEXT), ("uid", _TEXT), ("day", pa.date32()), ("verdict", _TEXT), ("time", _TIME), ("analyst", _TEXT),
     ("reason", _TEXT)]
)  # fmt: skip
SCHEMAS = {
    "alerts": _ALERTS, "labels": _LABELS, "events": _EVENTS, "decisions": _DECISIONS, "corrections": _CORRECTIONS,
    "placements": _PLACEMENTS, "day_verdicts": _DAY_VERDICTS,
}  # fmt: skip
"""What a part of each kind holds."""

Item = TypeVar("Item")


class Part(msgspec.Struct, frozen=True):
    """One Parquet file: what it holds, its rows, its digest."""

    file: str
    kind: str
    rows: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True):
    """What a history consists of. ``context`` names the folder of context versions, if there is one."""

    schema_version: int
    parts: list[Part]
    context: str = ""

    def rows(self, kind: str) -> int:
        """Return the number of rows of that kind."""
        return sum(part.rows for part in self.parts if part.kind == kind)


class HistoryWriter:
    """Write a history; use as a context manager. Nothing appears at ``path`` unless the block ends without an error.

    Raises ``HistoryError`` when there is something at ``path`` already that is not a history.
    """

    def __init__(self, path: Path) -> None:
        if path.is_file() or (path.exists() and not (path / "manifest.json").exists() and any(path.iterdir())):
            raise HistoryError(str(path), "is in use by something that is not a history")
        self._path = path
        self._draft = path.with_name(path.name + ".part")
        self._parts: list[Part] = []
        self._context = ""
        self._seq = 0

    def __enter__(self) -> Self:
        shutil.rmtree(self._draft, ignore_errors=True)
        self._draft.mkdir(parents=True)
        return self

    def alerts(self, alerts: Sequence[Alert], seqs: Sequence[int] | None = None) -> None:
        """Append alerts in the order of receipt."""
        rows = [_alert_row(alert, seq) for alert, seq in zip(alerts, self._number(alerts, seqs), strict=True)]
        self._write("alerts", rows)

    def labels(self, labels: Sequence[Label], seqs: Sequence[int] | None = None) -> None:
        """Append labels in the order of receipt."""
        rows = [
            {**msgspec.structs.asdict(label), "seq": seq} for label, seq in zip(labels, self._number(labels, seqs), strict=True)
        ]
        self._write("labels", rows)

    def decisions(self, rows: Sequence[dict[str, Any]]) -> None:
        """Append decisions, as rows of the decisions' schema."""
        self._write("decisions", rows)

    def corrections(self, corrections: Sequence[Correction]) -> None:
        """Append what people merged and split, in the order in which they did."""
        self._write("corrections", [msgspec.structs.asdict(correction) for correction in corrections])

    def placements(self, placements: Sequence[Placement]) -> None:
        """Append in which incidents correlation holds alerts."""
        self._write("placements", [msgspec.structs.asdict(placement) for placement in placements])

    def day_verdicts(self, verdicts: Sequence[DayVerdict]) -> None:
        """Append what people said of days, in the order in which they did."""
        self._write("day_verdicts", [msgspec.structs.asdict(verdict) for verdict in verdicts])

    def context(self, folder: Path) -> None:
        """Take the context versions along."""
        if folder.is_dir():
            shutil.copytree(folder, self._draft / "context")
            self._context = "context"

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if kind is not None:
            shutil.rmtree(self._draft, ignore_errors=True)
            return
        manifest = Manifest(SCHEMA_VERSION, self._parts, self._context)
        (self._draft / "manifest.json").write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=1))
        shutil.rmtree(self._path, ignore_errors=True)
        self._draft.rename(self._path)

    def _number(self, items: Sequence[object], seqs: Sequence[int] | None) -> Sequence[int]:
        if seqs is None:
            seqs = range(self._seq, self._seq + len(items))
        return seqs

    def table(self, kind: str, table: pa.Table) -> None:
        """Append rows of any kind, already numbered. Raises ``HistoryError`` for a table of another schema than the kind's."""
        if table.schema != SCHEMAS[kind]:
            raise HistoryError(str(self._path), f"a table of {kind} has another schema")
        if "seq" in table.schema.names and len(table):
            self._seq = max(self._seq, pc.max(table["seq"]).as_py() + 1)
        for start in range(0, len(table), PART_ROWS):
            some = table.slice(start, PART_ROWS)
            name = f"{kind}-{sum(part.kind == kind for part in self._parts):05d}.parquet"
            pq.write_table(some, self._draft / name, compression="zstd")
            digest = hashlib.sha256((self._draft / name).read_bytes()).hexdigest()
            self._parts.append(Part(name, kind, len(some), digest))

    def _write(self, kind: str, rows: Sequence[dict[str, Any]]) -> None:
        self.table(kind, pa.Table.from_pylist(list(rows), schema=SCHEMAS[kind]))


def _alert_row(alert: Alert, seq: int) -> dict[str, Any]:
    row = msgspec.to_builtins(alert, builtin_types=(type(alert.time),))
    rule = row.pop("rule")
    return {**_ALERT_DEFAULTS, **row, "seq": seq, "rule_uid": rule["uid"], "rule_name": rule.get("name", ""),
            "entities": [{"role": "related", **entity} for entity in row.get("entities", ())]}  # fmt: skip


_ALERT_DEFAULTS = {"raw": "", "message": "", "severity": 0, "tactics": (), "techniques": (), "observables": ()}


def read_manifest(path: Path) -> Manifest:
    """Return the manifest of a history. Raises ``HistoryError``."""
    try:
        manifest = msgspec.json.decode((path / "manifest.json").read_bytes(), type=Manifest)
    except (OSError, msgspec.MsgspecError) as error:
        raise HistoryError(str(path / "manifest.json"), f"unreadable: {error}") from error
    if manifest.schema_version != SCHEMA_VERSION:
        raise HistoryError(str(path), f"schema version {manifest.schema_version}, this version reads {SCHEMA_VERSION}")
    return manifest


def _batches(path: Path, kind: str, size: int, convert: Callable[[dict[str, Any]], Item]) -> Iterator[list[Item]]:
    for part in read_manifest(path).parts:
        if part.kind != kind:
            continue
        file = path / part.file
        try:
            if hashlib.sha256(file.read_bytes()).hexdigest() != part.sha256:
                raise HistoryError(str(file), "does not have the digest that the manifest names")
            for batch in pq.ParquetFile(file).iter_batches(size):
                yield [convert(row) for row in batch.to_pylist()]
        except (OSError, pa.ArrowException, KeyError, msgspec.ValidationError) as error:
            raise HistoryError(str(file), f"unreadable: {error}") from error


def _alert(row: dict[str, Any]) -> tuple[int, Alert]:
    seq = row.pop("seq")
    row["rule"] = {"uid": row.pop("rule_uid"), "name": row.pop("rule_name")}
    return seq, msgspec.convert(row, Alert)


def _label(row: dict[str, Any]) -> tuple[int, Label]:
    return row.pop("seq"), msgspec.convert(row, Label)


def read_alerts(path: Path, size: int = 20_000) -> Iterator[list[tuple[int, Alert]]]:
    """Yield (seq, alert) in the order of writing, ``size`` at a time. Raises ``HistoryError``."""
    yield from _batches(path, "alerts", size, _alert)


def read_labels(path: Path) -> list[tuple[int, Label]]:
    """Return all labels with their seq. Raises ``HistoryError``."""
    return [item for some in _batches(path, "labels", 20_000, _label) for item in some]


def read_decisions(path: Path) -> list[dict[str, Any]]:
    """Return all decisions as rows. Raises ``HistoryError``."""
    return [row for rows in _batches(path, "decisions", 20_000, dict) for row in rows]


def read_corrections(path: Path) -> list[Correction]:
    """Return what people merged and split, in the order of writing; nothing where a history has none. Raises ``HistoryError``."""
    return [item for some in _batches(path, "corrections", 20_000, lambda row: msgspec.convert(row, Correction)) for item in some]


def read_placements(path: Path) -> list[Placement]:
    """Return in which incidents correlation holds alerts; nothing where a history does not say. Raises ``HistoryError``."""
    return [item for some in _batches(path, "placements", 20_000, lambda row: msgspec.convert(row, Placement)) for item in some]


def read_day_verdicts(path: Path) -> list[DayVerdict]:
    """Return what people said of days, in the order of writing; nothing where a history has none. Raises ``HistoryError``."""
    return [
        item for some in _batches(path, "day_verdicts", 20_000, lambda row: msgspec.convert(row, DayVerdict)) for item in some
    ]
