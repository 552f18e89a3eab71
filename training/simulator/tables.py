"""From columns of numbers to Arrow: names are spelled out a vocabulary at a time, not a row at a time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from training.simulator.rows import NONE, START

ADDRESS = 1 << 40
"""A name's number from here on is an IPv4 address; below, a place in the list of names; −1 is no name."""
_TIME = pa.timestamp("us", "UTC")
_EPOCH = round(START.timestamp() * 1e6)


def chosen(code: NDArray[np.int64], vocabulary: Sequence[str]) -> pa.Array:
    """Return the text of each ``code``, a place in ``vocabulary``; −1 is the last of it."""
    places = np.where(code < 0, code + len(vocabulary), code).astype(np.int32)
    return pa.DictionaryArray.from_arrays(pa.array(places), pa.array(list(vocabulary), pa.string())).cast(pa.string())


def spelled(name: NDArray[np.int64], names: Sequence[str]) -> pa.Array:
    """Return the text of each number of a name; ``""`` for none."""
    different, place = np.unique(name, return_inverse=True)
    return chosen(place, ["" if i == NONE else _address(i - ADDRESS) if i >= ADDRESS else names[i] for i in different.tolist()])


def _address(number: int) -> str:
    return f"{number >> 24}.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def numbered(form: str, *numbers: tuple[NDArray[np.int64], int]) -> pa.Array:
    """Return ``form`` with each ``#`` replaced by a number of fixed width, one text for each row."""
    pieces = form.split("#")
    parts = [_repeated(pieces[0], len(numbers[0][0]))]
    for (number, width), piece in zip(numbers, pieces[1:], strict=True):
        digits = number[:, None] // 10 ** np.arange(width - 1, -1, -1) % 10 + ord("0")
        parts += [digits.astype(np.uint8), _repeated(piece, len(number))]
    characters = np.concatenate(parts, axis=1)
    offsets = np.arange(len(characters) + 1, dtype=np.int32) * characters.shape[1]
    return pa.StringArray.from_buffers(len(characters), pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(characters)))


def _repeated(text: str, count: int) -> NDArray[np.uint8]:
    return np.broadcast_to(np.frombuffer(text.encode(), np.uint8), (count, len(text.encode())))


def moments(seconds: NDArray[np.float64]) -> pa.Array:
    """Return times from seconds since the start."""
    return pa.array(np.round(seconds * 1e6).astype(np.int64) + _EPOCH).view(_TIME)


def listed(held: NDArray[np.bool_], item: pa.DataType, columns: Sequence[NDArray[np.generic] | pa.Array]) -> pa.Array:
    """Return lists of structs: row i holds the items k with ``held`` b[n, k]; ``columns``: the fields, n·k each, row by row."""
    keep = pa.array(held.ravel())
    fields = [pa.array(column).filter(keep) for column in columns]
    offsets = np.concatenate([[0], np.cumsum(held.sum(axis=1))]).astype(np.int32)
    values = pa.StructArray.from_arrays(fields, fields=list(item)) if pa.types.is_struct(item) else fields[0]
    return pa.ListArray.from_arrays(pa.array(offsets), values, type=pa.list_(item))
