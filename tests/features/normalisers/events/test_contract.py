"""One contract that every normaliser of events keeps: golden records give golden events, hostile ones a ``RecordError``, nothing else."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.alert import MAX_NAME, EntityKind
from features.errors import RecordError, UnknownFormatError
from features.event import Event
from features.normalisers.base import Place
from features.normalisers.events import EVENT_NORMALISERS, get_event_normaliser
from features.normalisers.events.base import MAX_RECORD
from tests.features.normalisers.spoiling import NO_RECORD, every_field_left_out, every_field_spoilt, with_any_json

FOLDER = Path(__file__).parents[2] / "golden" / "events"
GOLDEN: dict[str, list[dict[str, Any]]] = {name: json.loads((FOLDER / f"{name}.json").read_text()) for name in EVENT_NORMALISERS}
CASES = [(name, i) for name, records in GOLDEN.items() for i in range(len(records))]
STRUCTURED = [(name, i) for name, i in CASES if isinstance(GOLDEN[name][i]["raw"], dict)]
LINES = [(name, i) for name, i in CASES if isinstance(GOLDEN[name][i]["raw"], str)]
RECEIVED = datetime(2024, 3, 4, 12, tzinfo=UTC)
ACME = Place("acme", RECEIVED, "file.json", 7)
formats = pytest.mark.parametrize("name", sorted(EVENT_NORMALISERS))
golden = pytest.mark.parametrize(("name", "case"), CASES)
structured = pytest.mark.parametrize(("name", "case"), STRUCTURED)


def _raw(record: Any) -> bytes:
    return record.encode() if isinstance(record, str) else json.dumps(record).encode()


def _decode(name: str, raw: bytes, place: Place = ACME) -> Event | None:
    """Decode; ``None`` for a clean refusal."""
    try:
        event = get_event_normaliser(name).decode(raw, place)
    except RecordError as error:
        refusal = error
    else:
        return _sound(name, event, place)
    assert refusal.reason
    assert (refusal.source, refusal.row) == (place.source, place.row)
    str(refusal).encode()
    return None


def _sound(name: str, event: Event, place: Place) -> Event:
    assert msgspec.convert(msgspec.to_builtins(event), Event) == event, "an event outside its own type"
    assert event.time.tzinfo is UTC
    assert place.received_time is not None
    assert event.time <= place.received_time + timedelta(minutes=5)
    assert event.actor.kind in {EntityKind.USER, EntityKind.APPLICATION} or name == "native"
    assert all(len(text) <= MAX_NAME for text in msgspec.structs.astuple(event.source)[:4])
    msgspec.json.encode(event)
    return event


@golden
def test_a_golden_record_gives_its_golden_event(name: str, case: int) -> None:
    record = GOLDEN[name][case]
    raw = _raw(record["raw"])
    event = EVENT_NORMALISERS[name].decode(raw, ACME)
    found = json.loads(msgspec.json.encode(event))
    if "uid" not in record["event"]:
        assert len(found.pop("uid")) == 32
    assert found == record["event"]
    assert EVENT_NORMALISERS[name].decode(raw, ACME) == event
    again = EVENT_NORMALISERS["native"].decode(msgspec.json.encode(event), ACME)
    assert again == event, "what is stored and exported is read back as it was"


@structured
def test_every_field_spoilt_is_refused_or_read_into_a_valid_event(name: str, case: int) -> None:
    for raw in every_field_spoilt(GOLDEN[name][case]["raw"]):
        _decode(name, raw)


@structured
def test_every_field_left_out_is_refused_or_read_into_a_valid_event(name: str, case: int) -> None:
    for raw in every_field_left_out(GOLDEN[name][case]["raw"]):
        _decode(name, raw)


@formats
@pytest.mark.parametrize("raw", NO_RECORD)
def test_what_is_no_record_at_all_is_refused(name: str, raw: bytes) -> None:
    assert _decode(name, raw) is None


@formats
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_any_json_is_refused_or_read_into_a_valid_event(name: str, data: st.DataObject) -> None:
    _decode(name, data.draw(with_any_json([record["raw"] for record in GOLDEN[name] if isinstance(record["raw"], dict)])))


@pytest.mark.parametrize(("name", "case"), LINES)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_any_line_is_refused_or_read_into_a_valid_event(name: str, case: int, data: st.DataObject) -> None:
    raw = bytearray(_raw(GOLDEN[name][case]["raw"]))
    for at, byte in data.draw(st.lists(st.tuples(st.integers(0, len(raw) - 1), st.integers(0, 255)), max_size=4)):
        raw[at] = byte
    _decode(name, bytes(raw) + data.draw(st.binary(max_size=20)))


@golden
@pytest.mark.parametrize("cut", [0.1, 0.5, 0.9])
def test_a_record_cut_short_never_crashes(name: str, case: int, cut: float) -> None:
    raw = _raw(GOLDEN[name][case]["raw"])
    _decode(name, raw[: int(len(raw) * cut)])


@golden
def test_a_time_ahead_of_its_receipt_is_refused(name: str, case: int) -> None:
    raw = _raw(GOLDEN[name][case]["raw"])
    event = EVENT_NORMALISERS[name].decode(raw, ACME)
    tolerated = Place("acme", event.time - timedelta(minutes=5))
    assert EVENT_NORMALISERS[name].decode(raw, tolerated).time == event.time
    with pytest.raises(RecordError, match="ahead of its receipt") as refused:
        EVENT_NORMALISERS[name].decode(raw, Place("acme", event.time - timedelta(minutes=5, seconds=1)))
    assert refused.value.field


@structured
def test_unknown_fields_are_ignored(name: str, case: int) -> None:
    record = GOLDEN[name][case]["raw"]
    plain = EVENT_NORMALISERS[name].decode(_raw(record), ACME)
    more = EVENT_NORMALISERS[name].decode(_raw({**record, "surprise": {"a": [1, None]}, "\u202e": "x"}), ACME)
    assert msgspec.structs.replace(more, uid=plain.uid) == plain


@formats
def test_a_record_of_enormous_size_is_refused_before_it_is_decoded(name: str) -> None:
    with pytest.raises(RecordError, match="bytes, allowed are"):
        EVENT_NORMALISERS[name].decode(b'{"a":"' + b"x" * MAX_RECORD + b'"}', ACME)


@formats
def test_another_tenants_record_and_one_of_no_tenant_are_refused(name: str) -> None:
    raw = _raw(GOLDEN[name][0]["raw"])
    with pytest.raises(RecordError, match="tenant"):
        EVENT_NORMALISERS[name].decode(
            raw, Place("other", RECEIVED) if EVENT_NORMALISERS[name].shape.names_tenant else Place("", RECEIVED)
        )


def test_an_unknown_format_names_those_that_are_known() -> None:
    with pytest.raises(UnknownFormatError, match="cloudtrail, github, linux-auth, m365, native, ocsf, okta"):
        get_event_normaliser("csv")
