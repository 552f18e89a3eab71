"""Which rows of a native table are whole events as they stand, so that the normaliser would only say them again.

Such a row's texts are there where they must be and none is too long, its kinds and outcome are known, its time can be, its place is on
earth or not told at all. Of all others the normaliser has to say what they are.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.alert import MAX_NAME, EntityKind
from features.event import MAX_FACETS, Outcome
from features.normalisers.base import EARLIEST, LATEST

_OPTIONAL = ("target_uid", "address", "country", "device", "application")
_KINDS = [kind.value for kind in EntityKind]
Rows = NDArray[np.bool_]


def whole_rows(batch: pa.RecordBatch, tenant: str = "") -> Rows:
    """Return which rows of a batch of :data:`features.event_table.SCHEMA` are whole events of ``tenant``, or of any if that is empty."""
    told = [_length(batch[name], 1) for name in ("uid", "actor_uid", "action")]
    told += [_length(batch["tenant"], 1)] if not tenant else [_one_of(batch["tenant"], ["", tenant])]
    told += [_length(batch[name], 0) for name in _OPTIONAL]
    told += [_one_of(batch["actor_kind"], ["", *_KINDS]), _one_of(batch["outcome"], ["", *(one.value for one in Outcome)])]
    told += [_one_of(batch["target_kind"], _KINDS) | ~_length(batch["target_uid"], 1)]
    told += [_between(batch["time"], EARLIEST, LATEST), _on_earth(batch), _facets(batch["facets"])]
    found: Rows = np.logical_and.reduce(told)
    return found


def only_once(uids: pa.ChunkedArray) -> Rows:
    """Return which of the uids are no other row's."""
    if pc.count_distinct(uids).as_py() == len(uids):
        return np.ones(len(uids), bool)
    coded = uids.combine_chunks().dictionary_encode()
    codes = np.asarray(pc.fill_null(coded.indices, len(coded.dictionary)))
    found: Rows = np.bincount(codes)[codes] == 1
    return found


def _length(column: pa.Array, least: int) -> Rows:
    length = np.asarray(pc.fill_null(pc.utf8_length(column), 0))
    return (length >= least) & (length <= MAX_NAME)


def _one_of(column: pa.Array, values: Iterable[str]) -> Rows:
    return np.asarray(pc.is_in(pc.fill_null(column, ""), value_set=pa.array(list(values))))


def _between(column: pa.Array, first: datetime, end: datetime) -> Rows:
    scalar = [pa.scalar(moment, column.type) for moment in (first, end)]
    return _true(pc.and_(pc.greater_equal(column, scalar[0]), pc.less(column, scalar[1])))


def _on_earth(batch: pa.RecordBatch) -> Rows:
    degrees = [batch[name] for name in ("latitude", "longitude")]
    no_place = np.logical_and.reduce([np.asarray(pc.is_null(one)) for one in degrees])
    there = [_true(pc.less_equal(pc.abs(one), most)) for one, most in zip(degrees, (90.0, 180.0), strict=True)]
    found: Rows = no_place | (there[0] & there[1])
    return found


def _facets(column: pa.Array) -> Rows:
    out = np.asarray(pc.fill_null(pc.list_value_length(column), 0)) <= MAX_FACETS
    parents, flat = np.asarray(pc.list_parent_indices(column)), pc.list_flatten(column)
    named = _length(pc.struct_field(flat, "name"), 1) & _length(pc.struct_field(flat, "value"), 1)
    out[parents[~named]] = False
    return out


def _true(column: Any) -> Rows:
    return np.asarray(pc.fill_null(column, False))
