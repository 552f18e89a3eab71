"""Native events as an Arrow table, read as columns of codes: every distinct text is looked at once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.errors import SourceError

REQUIRED = ("tenant", "actor_uid", "action")
TEXTS = (*REQUIRED, "actor_kind", "target_kind", "target_uid", "address", "country", "device", "application", "outcome")
"""Columns of text; an absent one is empty throughout. Further columns: ``time``, ``latitude``, ``longitude``, ``facets``."""
TOLD = ("hour", "weekday")
"""Facets that say the local hour and day of week; see :func:`local_hours`."""


class Texts(NamedTuple):
    """A column of text: ``codes`` are places in ``values``; the last of these is the empty text, which stands for absence."""

    codes: NDArray[np.int32]
    values: list[str]


class EventColumns(NamedTuple):
    """n events as columns. ``row`` is each event's row in the table; ``incomplete`` counts rows without tenant, actor, action or time."""

    row: NDArray[np.int64]
    time: NDArray[np.float64]
    hour: NDArray[np.int64]
    latitude: NDArray[np.float64]
    longitude: NDArray[np.float64]
    texts: dict[str, Texts]
    incomplete: int

    def take(self, index: NDArray[np.int64]) -> EventColumns:
        """Return the events at ``index``, in its order."""
        if len(index) == len(self.row):
            return self
        texts = {name: Texts(column.codes[index], column.values) for name, column in self.texts.items()}
        return EventColumns(
            self.row[index],
            self.time[index],
            self.hour[index],
            self.latitude[index],
            self.longitude[index],
            texts,
            self.incomplete,
        )


def read_columns(table: pa.Table) -> EventColumns:
    """Return the columns of a table of events, in its order. Raises ``SourceError`` where a column cannot be read."""
    try:
        texts = {name: _texts(table, name) for name in TEXTS}
        microseconds = table["time"].cast(pa.timestamp("us", "UTC")).cast(pa.int64())
        told = [_told(table, name) for name in TOLD]
        places = [_numbers(table, name) for name in ("latitude", "longitude")]
    except (KeyError, pa.ArrowException) as error:
        raise SourceError("table of events", f"a column is missing or of another type: {error}") from error
    whole = np.asarray(pc.is_valid(microseconds))
    for name in REQUIRED:
        whole &= texts[name].codes != len(texts[name].values) - 1
    time = np.asarray(pc.fill_null(microseconds, 0)) / 1e6
    kept = np.flatnonzero(whole)
    rows = np.arange(len(whole))
    columns = EventColumns(rows, time, hours_of_week(time, *told), places[0], places[1], texts, len(whole) - len(kept))
    return columns.take(kept)


def hours_of_week(time: NDArray[np.float64], hour: NDArray[np.int64], weekday: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the hour of the week, 0 for Monday's first: as told by ``hour`` and ``weekday``, and where these are −1, of UTC."""
    day = np.floor(time / 86400.0)
    clock = ((time - day * 86400.0) // 3600.0).astype(np.int64)
    of_week = (day.astype(np.int64) + 3) % 7
    found: NDArray[np.int64] = np.where(weekday >= 0, weekday, of_week) * 24 + np.where(hour >= 0, hour, clock)
    return found


def told_number(name: str, value: str) -> int:
    """Return the number that the facet ``hour`` or ``weekday`` tells, −1 where it tells none."""
    limit = 24 if name == "hour" else 7
    return int(value) if len(value) <= 2 and value.isascii() and value.isdigit() and int(value) < limit else -1


def _texts(table: pa.Table, name: str) -> Texts:
    if name not in table.schema.names:
        return Texts(np.zeros(len(table), np.int32), [""])
    column = table[name]
    if not pa.types.is_dictionary(column.type):
        column = column.cast(pa.string()).dictionary_encode()
    column = column.unify_dictionaries()
    values = [value or "" for value in column.chunk(0).dictionary.to_pylist()] if column.num_chunks else []
    indices = [pc.fill_null(chunk.indices, len(values)) for chunk in column.chunks]
    codes = np.concatenate([np.asarray(part) for part in indices]) if indices else np.zeros(0)
    if "" in values:
        codes = np.where(codes == values.index(""), len(values), codes)
    return Texts(codes.astype(np.int32), [*values, ""])


def _numbers(table: pa.Table, name: str) -> NDArray[np.float64]:
    if name not in table.schema.names:
        return np.full(len(table), np.nan)
    return np.asarray(pc.fill_null(table[name].cast(pa.float64()), np.nan), np.float64)


def _told(table: pa.Table, name: str) -> NDArray[np.int64]:
    out = np.full(len(table), -1, np.int64)
    if "facets" not in table.schema.names:
        return out
    facets = table["facets"].combine_chunks()
    if isinstance(facets, pa.ChunkedArray):
        facets = pa.concat_arrays(facets.chunks)
    rows, flat = np.asarray(pc.list_parent_indices(facets)), pc.list_flatten(facets)
    wanted = np.flatnonzero(np.asarray(pc.fill_null(pc.equal(pc.struct_field(flat, "name"), name), False)))[::-1]
    values = pc.struct_field(flat, "value").take(pa.array(wanted)).to_pylist()
    out[rows[wanted]] = [told_number(name, value or "") for value in values]  # the first of several holds
    return out
