"""Splitting bodies."""

from __future__ import annotations

import contextlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.body import split
from service.errors import InvalidError

RECORDS = st.lists(st.dictionaries(st.text(max_size=5), st.integers(-(2**53), 2**53), max_size=3), min_size=1, max_size=5)


@given(RECORDS)
def test_an_array_and_ndjson_hold_the_same_records(records: list[dict[str, int]]) -> None:
    lines = [msgspec.json.encode(record) for record in records]
    assert split(msgspec.json.encode(records), "application/json").items == lines
    assert split(b"\n".join(lines), "application/x-ndjson").items == lines


@given(st.binary(max_size=200))
def test_any_bytes_are_split_or_refused(body: bytes) -> None:
    with contextlib.suppress(InvalidError):
        assert split(body, "application/json").items


@pytest.mark.parametrize(("body", "single"), [(b"{}", True), (b' {\n"a": 1\n} ', True), (b"{}\n{}", False), (b"[{}]", False)])
def test_single(body: bytes, single: bool) -> None:
    assert split(body, "").single is single
