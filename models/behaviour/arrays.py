"""Plain arrays as bytes of a bundle: npz without pickle, with names and kinds of numbers that are checked on reading."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.counters import NPZ_DAMAGE
from models.errors import BundleError

MAX_BYTES = 2**28
"""Arrays that say that they are larger together are not read."""
Arrays = dict[str, NDArray[Any]]


def to_bytes(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Return the arrays as npz: the same arrays are the same bytes."""
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **{name: arrays[name] for name in sorted(arrays)})
    return file.getvalue()


def from_bytes(data: bytes, shapes: Mapping[str, tuple[str, int]], source: str) -> Arrays:
    """Read what :func:`to_bytes` wrote: each array of ``shapes``, with that type and number of dimensions, and finite.

    Raises ``BundleError``, naming ``source``.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            if sum(member.file_size for member in packed.infolist()) > MAX_BYTES:
                raise BundleError(source, f"arrays of more than {MAX_BYTES} bytes")
        with np.load(io.BytesIO(data), allow_pickle=False) as saved:
            out = {name: saved[name] for name in shapes}
    except NPZ_DAMAGE as error:
        raise BundleError(source, f"damaged arrays: {error}") from error
    for name, (kind, dimensions) in shapes.items():
        array = out[name]
        if array.dtype != np.dtype(kind) or array.ndim != dimensions:
            raise BundleError(source, f"{name} is {array.dtype} with {array.ndim} dimensions, not {kind} with {dimensions}")
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise BundleError(source, f"{name} holds a number that is none")
    return out
