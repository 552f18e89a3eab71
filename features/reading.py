"""Reading files of alerts: any format, a chunk at a time, and one broken record never stops the run."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from features.alert import Alert, content_digest
from features.errors import RecordError, SourceError
from features.files import Reject, json_items, opened, reject
from features.grouping import Correction, Placement
from features.history import read_alerts as read_history_alerts
from features.history import read_corrections, read_placements
from features.history import read_labels as read_history_labels
from features.label import Label
from features.normalisers import Place, get_normaliser
from features.normalisers.ait_ads import COLUMNS, AitAds

CHUNK = 20_000
_AFTER_ALERTS = 2**62
"""Order of receipt of a label that came with its alert: after every alert received at the same time."""
_SUFFIXES = {"ait-ads": ("_alerts.csv", "_alerts.csv.xz", "_alerts.csv.gz")}
_JSON_SUFFIXES = (".json", ".jsonl", ".ndjson", ".json.gz", ".jsonl.gz", ".ndjson.gz", ".json.xz", ".jsonl.xz", ".ndjson.xz")


@dataclass
class Chunk:
    """Some alerts in input order, with the file and 0-based row of each, and what came with them.

    ``seqs`` is the order of receipt where the input records one (a history), else empty; each label has one too.
    """

    alerts: list[Alert] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    seqs: list[int] = field(default_factory=list)
    labels: list[tuple[int, Label]] = field(default_factory=list)
    corrections: list[Correction] = field(default_factory=list)
    placements: list[Placement] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    duplicates: int = 0


def read_chunks(path: Path, fmt: str, *, labels: bool, tenant: str = "", size: int = CHUNK) -> Iterator[Chunk]:
    """Read the alerts at ``path`` (a file, or a folder of them) in input order, ``size`` a chunk.

    With ``labels=False`` what the input says of verdicts and of incidents is not looked at. A record seen again with the same content
    is counted and dropped, with other content it is a reject. Raises ``SourceError`` when a file cannot be read, and when
    there is no alert at all.
    """
    if fmt == "history":
        yield from _history(path, labels, size)
        return
    get_normaliser(fmt)
    seen: dict[int, bytes] = {}
    chunk, found, broken = Chunk(), 0, ""
    for alert, raw, source, row, label in _records(path, fmt, labels, tenant):
        if isinstance(alert, RecordError):
            chunk.rejects.append(reject(alert, raw, source, row))
            broken = broken or f"; first {RecordError(alert.reason, field=alert.field, source=source, row=row)}"
        elif _is_new(alert, seen, chunk, source, row):
            chunk.alerts.append(alert)
            chunk.sources.append(source)
            chunk.rows.append(row)
            if label is not None:
                chunk.labels.append((_AFTER_ALERTS, label))
            found += 1
        if len(chunk.alerts) + len(chunk.rejects) >= size:
            yield chunk
            chunk = Chunk()
    if chunk.alerts or chunk.rejects or chunk.labels or chunk.duplicates:
        yield chunk
    if not found:
        raise SourceError(str(path), f"holds no alert that could be read{broken}")


def _is_new(alert: Alert, seen: dict[int, bytes], chunk: Chunk, source: str, row: int) -> bool:
    name = f"{alert.tenant}\x1f{alert.uid}".encode("utf-8", "surrogatepass")
    key = int.from_bytes(hashlib.blake2b(name, digest_size=8).digest(), "little")
    digest = content_digest(alert)[:8]
    before = seen.setdefault(key, digest)
    if before is digest:
        return True
    if before == digest:
        chunk.duplicates += 1
    else:
        error = RecordError("this uid came before with other content", field="uid")
        chunk.rejects.append(reject(error, alert.uid.encode("utf-8", "replace"), source, row))
    return False


def _history(path: Path, labels: bool, size: int) -> Iterator[Chunk]:
    row = 0
    for batch in read_history_alerts(path, size):
        chunk = Chunk([alert for _, alert in batch], [path.name] * len(batch), list(range(row, row + len(batch))))
        chunk.seqs = [seq for seq, _ in batch]
        row += len(batch)
        yield chunk
    if not row:
        raise SourceError(str(path), "holds no alert")
    if labels:
        yield Chunk(labels=read_history_labels(path), corrections=read_corrections(path), placements=read_placements(path))


def _files(path: Path, fmt: str) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise SourceError(str(path), "no such file or folder")
    suffixes = _SUFFIXES.get(fmt, _JSON_SUFFIXES)
    files = sorted(file for file in path.iterdir() if file.name.endswith(suffixes) and file.is_file())
    if not files:
        raise SourceError(str(path), f"no file of format {fmt} here (*{', *'.join(suffixes)})")
    return files


def _records(
    path: Path, fmt: str, labels: bool, tenant: str
) -> Iterator[tuple[Alert | RecordError, bytes | None, str, int, Label | None]]:
    for file in _files(path, fmt):
        with opened(file) as stream:
            if fmt == "ait-ads" and ".csv" in file.suffixes:
                with io.TextIOWrapper(stream, "utf-8-sig", errors="surrogateescape", newline="\n") as lines:
                    yield from _csv_rows(lines, file, labels, tenant or file.name.split("_alerts")[0].split(".")[0])
            else:
                yield from _json_records(stream, file, fmt, labels, tenant)


def _csv_rows(
    lines: IO[str], file: Path, labels: bool, network: str
) -> Iterator[tuple[Alert | RecordError, bytes | None, str, int, Label | None]]:
    normaliser = AitAds()
    first = next(lines, "")
    if not first.strip():
        raise SourceError(str(file), "empty file")
    try:
        header = _cells(first)
    except RecordError as error:
        raise SourceError(str(file), f"header: {error.reason}") from error
    needed = COLUMNS if labels else COLUMNS[:5]
    for column in needed:
        if column not in header:
            raise SourceError(str(file), f"header: no column {column!r}")
    at = [header.index(column) for column in COLUMNS[:5]]
    verdict_at = header.index("event_label") if labels else -1
    place = Place(tenant=network, source=file.name)
    for row, line in enumerate(lines):
        try:
            cells = _cells(line)
            if len(cells) != len(header):
                raise RecordError(f"{len(cells)} fields, the header has {len(header)}")
            time, name, ip, host, short = (cells[i] for i in at)
            _check_text(name + ip + host + cells[verdict_at] if labels else name + ip + host)
            alert = normaliser.row(time=time, name=name, ip=ip, host=host, short=short, uid=f"{network}-{row}", place=place)
        except RecordError as error:
            yield error, line.encode("utf-8", "surrogateescape"), file.name, row, None
            continue
        yield alert, None, file.name, row, normaliser.verdict(cells[verdict_at], alert) if labels else None


def _cells(line: str) -> list[str]:
    """Return the fields of one line. A line is a record, so that a quote left open spoils no other."""
    line = line.rstrip("\r\n")
    if '"' not in line:
        return line.split(",")
    try:
        return next(csv.reader((line,), strict=True))
    except csv.Error as error:
        raise RecordError(f"broken line: {error}") from error


def _check_text(text: str) -> None:
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        raise RecordError("not UTF-8")


def _json_records(
    stream: IO[bytes], file: Path, fmt: str, labels: bool, tenant: str
) -> Iterator[tuple[Alert | RecordError, bytes | None, str, int, Label | None]]:
    normaliser = get_normaliser(fmt)
    stem = file.name.split(".")[0]
    place = Place(tenant=tenant if tenant or fmt == "ocsf" else stem, source=file.name)
    for row, line in enumerate(json_items(stream)):
        raw = line
        try:
            if fmt == "suricata":
                raw = _unwrap_splunk(line)
            alert = normaliser.decode(raw, place)
            label = normaliser.label(raw, alert) if labels else None
        except RecordError as error:
            yield error, line, file.name, row, None
            continue
        yield alert, None, file.name, row, label


def _unwrap_splunk(line: bytes) -> bytes:
    """Return the EVE record inside a Splunk export (``result._raw``), or the line itself."""
    if b'"_raw"' not in line:
        return line
    try:
        wrapper = json.loads(line)
        return str(wrapper["result"]["_raw"]).encode("utf-8", "replace")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise RecordError("neither an EVE record nor a Splunk export of one", field="result._raw") from error
