"""Arrays as bytes: the same again, and nothing else is taken for them."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest

from models.behaviour import arrays
from models.errors import BundleError

SHAPES = {"a": ("f8", 2), "b": ("i4", 1)}
HELD = {"a": np.eye(2), "b": np.arange(3, dtype=np.int32)}


def test_arrays_come_back_as_they_were_and_the_same_arrays_are_the_same_bytes() -> None:
    data = arrays.to_bytes(HELD)
    assert data == arrays.to_bytes(dict(reversed(HELD.items())))
    read = arrays.from_bytes(data, SHAPES, "here")
    assert {name: array.tolist() for name, array in read.items()} == {name: array.tolist() for name, array in HELD.items()}


def test_what_is_missing_of_another_kind_or_no_number_is_refused() -> None:
    for held in ({"a": HELD["a"]}, {**HELD, "a": np.ones(2)}, {**HELD, "b": np.ones(3)}, {**HELD, "a": np.full((2, 2), np.inf)}):
        with pytest.raises(BundleError, match="here"):
            arrays.from_bytes(arrays.to_bytes(held), SHAPES, "here")
    with pytest.raises(BundleError, match="damaged"):
        arrays.from_bytes(b"no arrays", SHAPES, "here")


def test_what_swells_when_unpacked_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrays, "MAX_BYTES", 10_000)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("a.npy", bytes(20_000))
    with pytest.raises(BundleError, match="more than"):
        arrays.from_bytes(file.getvalue(), SHAPES, "here")
