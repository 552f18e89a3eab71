"""Native events as an Arrow table, read as columns of codes: every distinct text is looked at once."""

from __future__ import annotations

from typing import Any, NamedTuple

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
    """A column of text: ``codes`` are places in ``values``, one of each text; the last of these is the empty text, which stands for absence."""

    codes: NDArray[np.int32]
    values: list[str]


class FacetColumns(NamedTuple):
    """The facets of many events: of each its event (``at``, rising), its name and its value."""

    at: NDArray[np.int64]
    names: Texts
    values: Texts


class EventColumns(NamedTuple):
    """n events as columns. ``row`` is each event's row in the table, of which rows without tenant, actor, action or time are left out."""

    row: NDArray[np.int64]
    time: NDArray[np.float64]
    hour: NDArray[np.int64]
    latitude: NDArray[np.float64]
    longitude: NDArray[np.float64]
    texts: dict[str, Texts]
    facets: FacetColumns

    def where(self, fit: NDArray[np.bool_]) -> EventColumns:
        """Return the events that are ``fit``, in their order."""
        if fit.all():
            return self
        told, place = fit[self.facets.at], np.cumsum(fit) - 1
        return self._of(fit, told, place[self.facets.at[told]])

    def part(self, start: int, end: int) -> EventColumns:
        """Return the events from ``start`` on, before ``end``."""
        told = slice(*np.searchsorted(self.facets.at, [start, end]).tolist())
        return self._of(slice(start, end), told, self.facets.at[told] - start)

    def _of(self, which: Any, told: Any, at: NDArray[np.int64]) -> EventColumns:
        return EventColumns(
            self.row[which],
            self.time[which],
            self.hour[which],
            self.latitude[which],
            self.longitude[which],
            {name: Texts(column.codes[which], column.values) for name, column in self.texts.items()},
            FacetColumns(at, *(Texts(column.codes[told], column.values) for column in self.facets[1:])),
        )


def read_columns(table: pa.Table) -> EventColumns:
    """Return the columns of a table of events, in its order. Raises ``SourceError`` where a column cannot be read."""
    try:
        texts = {name: _texts(table, name) for name in TEXTS}
        microseconds = table["time"].cast(pa.timestamp("us", "UTC")).cast(pa.int64())
        facets = _facets(table)
        places = [_degrees(table, *one) for one in (("latitude", 90.0), ("longitude", 180.0))]
    except (KeyError, pa.ArrowException) as error:
        raise SourceError("table of events", f"a column is missing or of another type: {error}") from error
    told = [_told(facets, name, len(table)) for name in TOLD]
    whole = np.asarray(pc.is_valid(microseconds))
    for name in REQUIRED:
        whole &= texts[name].codes != len(texts[name].values) - 1
    time = np.asarray(pc.fill_null(microseconds, 0)) / 1e6
    rows = np.arange(len(whole))
    return EventColumns(rows, time, hours_of_week(time, *told), places[0], places[1], texts, facets).where(whole)


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
    return _coded(table[name])


def _coded(column: pa.ChunkedArray) -> Texts:
    if not pa.types.is_dictionary(column.type):
        column = column.cast(pa.large_string()).dictionary_encode()
    column = column.unify_dictionaries()
    values = [value or "" for value in column.chunk(0).dictionary.to_pylist()] if column.num_chunks else []
    if len(set(values)) < len(values):  # a dictionary may say a text twice
        return _coded(column.cast(pa.large_string()).fill_null(""))
    indices = [pc.fill_null(chunk.indices, len(values)) for chunk in column.chunks]
    codes = np.concatenate([np.asarray(part) for part in indices]) if indices else np.zeros(0)
    if "" in values:
        codes = np.where(codes == values.index(""), len(values), codes)
    return Texts(codes.astype(np.int32), [*values, ""])


def _degrees(table: pa.Table, name: str, most: float) -> NDArray[np.float64]:
    """Return coordinates, NaN where there are none or none that can be."""
    if name not in table.schema.names:
        return np.full(len(table), np.nan)
    told = np.asarray(pc.fill_null(table[name].cast(pa.float64()), np.nan), np.float64)
    return np.where(np.abs(told) <= most, told, np.nan)


def _facets(table: pa.Table) -> FacetColumns:
    if "facets" not in table.schema.names:
        return FacetColumns(np.zeros(0, np.int64), *(Texts(np.zeros(0, np.int32), [""]) for _ in range(2)))
    chunks = table["facets"].chunks
    starts = np.cumsum([0, *(len(chunk) for chunk in chunks)])
    parents = [
        np.asarray(pc.list_parent_indices(chunk), np.int64) + start for chunk, start in zip(chunks, starts[:-1], strict=True)
    ]
    at, flat = np.concatenate([np.zeros(0, np.int64), *parents]), [pc.list_flatten(chunk) for chunk in chunks]
    names, values = (
        _coded(pa.chunked_array([pc.struct_field(one, part).cast(pa.large_string()) for one in flat], pa.large_string()))
        for part in ("name", "value")
    )
    told = (names.codes < len(names.values) - 1) & (values.codes < len(values.values) - 1)
    return FacetColumns(at[told], *(Texts(one.codes[told], one.values) for one in (names, values)))


def _told(facets: FacetColumns, name: str, events: int) -> NDArray[np.int64]:
    """Return the number that each event's facet of that name tells: the first of several holds."""
    out = np.full(events, -1, np.int64)
    if name in facets.names.values:
        told = np.flatnonzero(facets.names.codes == facets.names.values.index(name))[::-1]
        number = np.array([told_number(name, value) for value in facets.values.values], np.int64)
        out[facets.at[told]] = number[facets.values.codes[told]]
    return out
