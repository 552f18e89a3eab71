"""A table of events as columns: nulls, empty texts, dictionaries, chunks and facets."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest

from features.errors import SourceError
from features.event_columns import EventColumns, hours_of_week, read_columns, told_number

MONDAY = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)
ROW = {"tenant": "t", "time": MONDAY, "actor_uid": "ada", "action": "open"}


def texts(table: pa.Table, name: str) -> list[str]:
    column = read_columns(table).texts[name]
    return [column.values[code] for code in column.codes.tolist()]


def test_null_and_empty_are_absent_and_a_missing_column_is_absent_throughout() -> None:
    table = pa.Table.from_pylist([{**ROW, "address": None}, {**ROW, "address": ""}, {**ROW, "address": "a"}])
    column = read_columns(table).texts["address"]
    assert (column.codes == len(column.values) - 1).tolist() == [True, True, False]
    assert texts(table, "country") == ["", "", ""]


def test_chunks_and_dictionaries_are_one_column() -> None:
    some = pa.chunked_array([pa.array(["a", None]).dictionary_encode(), pa.array(["b", "a"]).dictionary_encode()])
    table = pa.Table.from_pylist([ROW] * 4).append_column("device", some)
    assert texts(table, "device") == ["a", "", "b", "a"]
    assert len(read_columns(table.slice(0, 0)).time) == 0


def test_a_dictionary_that_says_a_text_twice_says_it_once() -> None:
    held = pa.DictionaryArray.from_arrays(pa.array([0, 1, 2, 3, 4, None], pa.int32()), pa.array(["a", "b", "a", "", None]))
    table = pa.Table.from_pylist([ROW] * 6).append_column("device", pa.chunked_array([held]))
    column = read_columns(table).texts["device"]
    assert texts(table, "device") == ["a", "b", "a", "", "", ""]
    assert column.codes[0] == column.codes[2]
    assert (column.codes == len(column.values) - 1).tolist() == [False, False, False, True, True, True]


@pytest.mark.parametrize("name", ["tenant", "actor_uid", "action", "time"])
def test_rows_without_what_is_needed_are_left_out(name: str) -> None:
    found = read_columns(pa.Table.from_pylist([ROW, {**ROW, name: None}, ROW]))
    assert found.row.tolist() == [0, 2]
    assert all(len(column.codes) == 2 for column in found.texts.values())


def test_the_hour_of_the_week_is_utc_or_what_facets_tell() -> None:
    def facet(**told: str) -> list[dict[str, str]]:
        return [{"name": name, "value": value} for name, value in told.items()]

    rows = [[], facet(hour="23"), facet(hour="23", weekday="6"), facet(hour="24", weekday="x"), None]
    found = read_columns(pa.Table.from_pylist([{**ROW, "facets": facets} for facets in rows]))
    assert found.hour.tolist() == [9, 23, 6 * 24 + 23, 9, 9]
    assert hours_of_week(np.array([0.0]), np.array([-1]), np.array([-1])).tolist() == [3 * 24]


def test_facets_stay_with_their_events() -> None:
    told = [[("a", "1"), ("b", "2")], [], [("a", "3"), ("", "4"), ("c", None)], [("b", "2")]]
    rows = [{**ROW, "facets": [{"name": name, "value": value} for name, value in facets]} for facets in told]
    found = read_columns(pa.Table.from_pylist([*rows[:2], {**ROW, "action": None}, *rows[2:]]))

    def facets(columns: EventColumns) -> list[tuple[int, str, str]]:
        at, names, values = columns.facets
        codes = zip(at.tolist(), names.codes.tolist(), values.codes.tolist(), strict=True)
        return [(event, names.values[name], values.values[value]) for event, name, value in codes]

    assert facets(found) == [(0, "a", "1"), (0, "b", "2"), (2, "a", "3"), (3, "b", "2")]
    assert facets(found.part(2, 9)) == [(0, "a", "3"), (1, "b", "2")]
    assert facets(found.where(np.array([True, False, False, True]))) == [(0, "a", "1"), (0, "b", "2"), (1, "b", "2")]


def test_facets_of_many_parts_may_be_longer_together_than_an_array_of_texts() -> None:
    facets = [{"name": "f", "value": "v" * 1000}] * 64
    part = pa.Table.from_pylist([{**ROW, "facets": facets}] * 999 + [{**ROW, "facets": [{"name": "g", "value": "w"}]}])
    parts = 2**31 // (999 * 64 * 1000) + 1
    found = read_columns(pa.concat_tables([part] * parts)).facets
    assert len(found.at) == parts * (999 * 64 + 1)
    assert found.at[found.names.codes == found.names.values.index("g")].tolist() == [1000 * at + 999 for at in range(parts)]


@pytest.mark.parametrize(("value", "number"), [("0", 0), ("23", 23), ("24", -1), ("-1", -1), ("", -1), ("²", -1), ("007", -1)])
def test_what_is_no_hour_tells_none(value: str, number: int) -> None:
    assert told_number("hour", value) == number


def test_coordinates_that_cannot_be_are_none() -> None:
    rows = [{**ROW, "latitude": value, "longitude": 5.0} for value in (52.0, None, 91.0, float("nan"), float("inf"))]
    assert read_columns(pa.Table.from_pylist(rows)).latitude.tolist()[0] == 52.0
    assert np.isnan(read_columns(pa.Table.from_pylist(rows)).latitude[1:]).all()


def test_a_table_without_times_or_with_columns_of_another_type_is_refused() -> None:
    with pytest.raises(SourceError):
        read_columns(pa.table({"tenant": ["t"]}))
    with pytest.raises(SourceError):
        read_columns(pa.Table.from_pylist([{**ROW, "time": "soon"}]))
