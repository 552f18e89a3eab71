"""Records spoilt in every way that a sender could think of, for the contracts of the normalisers of alerts and of events."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

Path = tuple[Any, ...]

SPOILERS: list[Any] = [
    None, True, -1, 0, 10**30, 10**400, -(10**400), 1.5, "", " ", "x" * 2000, "NaN", "1e999", "\x00", "\u202e", [], {}, [[]], [None],
    ["x" * 2000], {"name": []}, "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "2024-03-04T08:00:00",
    "2024-13-04T08:00:00Z", "1969-12-31T00:00:00Z", "2024-03-05T00:00:00Z", 253402300799, 253402300799000, -62135596800,
    {"uid": "x" * 2000, "name": "y"}, {"uid": "x" * 2000, "kind": "user"}, {"tamis": {"time": "9999-12-31T23:59:59-23:59"}},
    [{"Name": 1, "Value": {}}], {"userId": ["x"]},
]  # fmt: skip
_DEEP = (b"[" * 5000 + b"]" * 5000, b'{"a":' * 5000 + b"1" + b"}" * 5000)
RAW_SPOILERS = [b"NaN", b"Infinity", b"1e999", b"-1e999", b"9" * 5000, b'"\\ud800"', b'"\xff\xfe"', *_DEEP]
NO_RECORD = [b"", b" ", b"{", b"{}", b"[]", b"null", b"1", b'"x"', b"\xff", b"\x00", b"\xef\xbb\xbf{}", *RAW_SPOILERS]


def paths(value: object, path: Path = ()) -> list[Path]:
    """Return where each part of a record is, at every depth."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return ([path] if path else []) + [deeper for key, part in inner for deeper in paths(part, (*path, key))]


def every_field_spoilt(record: dict[str, Any]) -> Iterator[bytes]:
    """Yield the record once for each field and spoiler in its place."""
    for path in paths(record):
        for value in SPOILERS:
            yield json.dumps(_spoilt(record, path, value)).encode()
        marked = json.dumps(_spoilt(record, path, "@@")).encode()
        for token in RAW_SPOILERS:
            yield marked.replace(b'"@@"', token)


def every_field_left_out(record: dict[str, Any]) -> Iterator[bytes]:
    """Yield the record once without each of its fields."""
    for path in paths(record):
        found = copy.deepcopy(record)
        del _holder(found, path)[path[-1]]
        yield json.dumps(found).encode()


@st.composite
def with_any_json(draw: st.DrawFn, records: list[dict[str, Any]]) -> bytes:
    """Draw one of the records with any JSON in the place of one of its fields."""
    leaves = (
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=["Cs"]), max_size=10)
    )
    values = st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3), max_leaves=5
    )
    record = draw(st.sampled_from(records))
    return json.dumps(_spoilt(record, draw(st.sampled_from(paths(record))), draw(values))).encode()


def _spoilt(record: dict[str, Any], path: Path, value: object) -> dict[str, Any]:
    found = copy.deepcopy(record)
    _holder(found, path)[path[-1]] = value
    return found


def _holder(record: Any, path: Path) -> Any:
    for key in path[:-1]:
        record = record[key]
    return record
