"""Loaders of the public sets of user behaviour: ``masquerade`` (segments of commands) and ``git-activity`` (events)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from features.alert import Entity, EntityKind, Role
from features.errors import RecordError
from features.event import MAX_FACETS, Event, Facet, service_account, user
from features.event_reading import read_event_table as read_native_table
from features.event_reading import read_events as read_native
from features.event_table import table_of
from features.files import Reject
from features.normalisers import NORMALISERS
from features.normalisers.events import EVENT_NORMALISERS
from training.errors import DataError

FORMATS = ("masquerade", "git-activity")
_ALIASES = {"events": "native", "history": "native"}
TENANT = "git-activity"
"""All projects are one tenant: an account that moves to another project is the same account."""
_GIT = ("repo", "time", "tz_min", "user", "committer", "is_bot", "merge", "n_files", "dirs", "exts", "commit_lag_h")


class Typed(NamedTuple):
    """One segment of commands that an account typed."""

    user: str
    segment: int
    commands: tuple[str, ...]


class Loaded(NamedTuple):
    """The events of a file, and why some rows are none."""

    events: list[Event]
    rejected: list[RecordError]


class LoadedTable(NamedTuple):
    """The events of a file as a table in the native columns, and why some rows are none."""

    table: pa.Table
    rejected: list[RecordError]


def is_of_events(fmt: str) -> bool:
    """Whether a format is of what people did; where alerts have one of the same name, that is meant."""
    return fmt in FORMATS or (fmt in _ALIASES and fmt != "history") or fmt in EVENT_NORMALISERS.keys() - NORMALISERS.keys()


def read_events(path: Path, fmt: str, tenant: str = "") -> Loaded:
    """Read events of any format, in order of time; what came twice counts once. Raises ``DataError`` and ``SourceError``."""
    if fmt == "git-activity":
        return git_activity(path)
    fmt = _ALIASES.get(fmt, fmt)
    if fmt not in EVENT_NORMALISERS:
        known = ", ".join(sorted({*FORMATS, *_ALIASES, *EVENT_NORMALISERS}))
        raise DataError(str(path), f"unknown format {fmt!r} of events; known: {known}")
    found = read_native(path, fmt, tenant=tenant)
    return Loaded(found.events, [_error(one) for one in found.rejects])


def read_event_table(path: Path, fmt: str, tenant: str = "") -> LoadedTable:
    """Read what :func:`read_events` does as a table in the native columns."""
    if _ALIASES.get(fmt, fmt) != "native":
        loaded = read_events(path, fmt, tenant)
        return LoadedTable(table_of(loaded.events), loaded.rejected)
    found = read_native_table(path, "native", tenant=tenant)
    return LoadedTable(found.table, [_error(one) for one in found.rejects])


def _error(one: Reject) -> RecordError:
    return RecordError(one.reason, field=one.field, source=one.source, row=one.row)


def _table(path: Path, name: str, columns: tuple[str, ...]) -> pa.Table:
    """Read those columns of the Parquet file at ``path``, or of the file ``name`` in that folder."""
    file = path / name if path.is_dir() else path
    try:
        return pq.read_table(file, columns=list(columns))
    except (OSError, pa.ArrowException, KeyError) as error:
        raise DataError(str(file), f"not a Parquet file with the columns {', '.join(columns)}: {error}") from error


def masquerade(path: Path) -> dict[str, list[Typed]]:
    """Read each user's segments in their order. The column ``label`` is not read."""
    typed: dict[str, list[Typed]] = {}
    for row in _table(path, "segments.parquet", ("user", "segment", "commands")).to_pylist():
        if row["user"] and row["segment"] is not None:
            one = Typed(row["user"], int(row["segment"]), tuple((row["commands"] or "").split()))
            typed.setdefault(one.user, []).append(one)
    return {name: sorted(own, key=lambda one: one.segment) for name, own in sorted(typed.items())}


def masquerade_labels(path: Path) -> Mapping[tuple[str, int], bool]:
    """Return which segments another user typed: for the evaluation only."""
    rows = _table(path, "segments.parquet", ("user", "segment", "label")).to_pylist()
    return {(row["user"], int(row["segment"])): row["label"] == 1 for row in rows}


def git_activity(path: Path) -> Loaded:
    """Read commits as events, in order of time; rows without a user or with times that cannot be are rejected."""
    events, rejected = [], []
    for at, row in enumerate(_table(path, "events.parquet", _GIT).to_pylist()):
        try:
            events.append(_commit(row, at))
        except RecordError as error:
            rejected.append(error)
    return Loaded(_paused(sorted(events, key=lambda event: event.time)), rejected)


def _paused(events: Sequence[Event]) -> list[Event]:
    """Return the events, each with how long its account had done nothing before it."""
    last: dict[str, datetime] = {}
    out = []
    for event in events:
        before = last.get(event.actor.uid)
        last[event.actor.uid] = event.time
        minutes = (event.time - before).total_seconds() / 60 if before else None
        pause = Facet("pause", "unknown" if minutes is None else str(int(np.log2(minutes + 1))))
        out.append(msgspec.structs.replace(event, facets=(pause, *event.facets)[:MAX_FACETS]))
    return out


def _commit(row: Mapping[str, Any], at: int) -> Event:
    for name in ("user", "repo", "time", "tz_min"):
        if row[name] is None or row[name] == "":
            raise RecordError("is missing", field=name, source="git-activity", row=at)
    try:
        time = row["time"].replace(tzinfo=UTC)
        event = Event(
            uid=f"{row['repo']}/{at}",
            tenant=TENANT,
            time=time,
            actor=service_account(row["user"]) if row["is_bot"] else user(row["user"]),
            action="merge" if row["merge"] else "commit",
            target=Entity(EntityKind.APPLICATION, row["repo"], Role.TARGET),
            facets=tuple(_facets(row, time + timedelta(minutes=row["tz_min"]))[:MAX_FACETS]),
        )
        return msgspec.convert(msgspec.to_builtins(event), Event)
    except (OverflowError, ValueError, TypeError, AttributeError) as error:
        raise RecordError(str(error), source="git-activity", row=at) from error


def _facets(row: Mapping[str, Any], local: datetime) -> list[Facet]:
    """Return how a commit was made; names are of the set's own columns, hours and weekdays those of the author's clock."""
    directories = [name for name in (row["dirs"] or "").split("|") if name]
    project, files, lag = row["repo"], row["n_files"], row["commit_lag_h"] or 0.0
    committer = "self" if row["committer"] == row["user"] else row["committer"] or "unknown"
    pairs = [
        ("time_zone", str(row["tz_min"])),
        ("hour", str(local.hour)),
        ("weekday", str(local.weekday())),
        ("committer", committer),
        ("size", "unknown" if files is None or files < 0 else str(int(np.log2(files + 1)))),
        ("delay", str(int(np.log2(lag * 60 + 1))) if lag > 0 else "none"),
        ("manner", f"{'merge' if row['merge'] else 'commit'} {committer} {'later' if lag > 0 else 'at once'}"),
        *(("extension", name) for name in (row["exts"] or "").split("|") if name),
        *(("directory", f"{project}:{name}") for name in directories),
        *(("top_directory", f"{project}:{name}") for name in sorted({name.split("/")[0] for name in directories})),
    ]
    return [Facet(name, value) for name, value in pairs]
