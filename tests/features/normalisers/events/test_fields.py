"""Reading fields of no fixed type."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.normalisers.events.base import bounded
from features.normalisers.events.fields import address_of, named_values, text_at, text_of


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("192.0.2.1", "192.0.2.1"), ("192.0.2.1:443", "192.0.2.1"), ("[2001:db8::1]:443", "2001:db8::1"), ("[2001:db8::1]", "2001:db8::1"),
        ("2001:DB8:0::1", "2001:db8::1"), ("::ffff:192.0.2.1", "192.0.2.1"), ("AWS Internal", ""), ("", ""), ("1", ""), ("[x]:1", ""),
        ("192.0.2.1.", ""), ("x" * 5000, ""), ("fe80::1%eth0", "fe80::1%eth0"),
    ],
)  # fmt: skip
def test_addresses(text: str, address: str) -> None:
    assert address_of(text) == address
    assert address_of(None, "", text, "203.0.113.1") == (address or "203.0.113.1")


def test_texts() -> None:
    assert text_at({"a": {"b": "c"}}, "a", "b") == "c"
    assert text_at({"a": ["b"]}, "a", "b") == text_at(None, "a") == text_at({"a": {}}, "a") == ""
    assert [text_of(value) for value in (True, False, 7, 1.5, 10**400, None, "x")] == ["true", "false", "7", "", "", "", "x"]
    assert named_values([{"Name": "a", "Value": 1}, {"Name": "b"}, "x", {"Value": 2}]) == {"a": "1", "b": ""}
    assert named_values({"Name": "a"}) == {}


@given(st.text(max_size=3000), st.text(max_size=3000))
def test_long_texts_have_bounded_length_and_stay_distinct(one: str, other: str) -> None:
    short = bounded(one), bounded(other)
    assert all(len(text) <= 1024 for text in short)
    assert (short[0] == short[1]) == (one == other)
    assert bounded("x" * 1024) == "x" * 1024
    assert bounded("x" * 5000 + "a") != bounded("x" * 5000 + "b")
