"""Events: what is valid, who acted."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from features.event import MAX_FACETS, Event, Facet, Outcome, service_account, user

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def test_an_event_survives_json_and_knows_programs_from_people() -> None:
    event = Event(uid="1", tenant="t", time=NOON, actor=user("ann"), action="login", facets=(Facet("hour", "13"),))
    assert msgspec.json.decode(msgspec.json.encode(event), type=Event) == event
    assert event.outcome is Outcome.UNKNOWN
    assert not event.by_program
    assert msgspec.structs.replace(event, actor=service_account("backup")).by_program


@pytest.mark.parametrize(
    "wrong",
    [
        {"actor": None},
        {"actor": {"kind": "user", "uid": ""}},
        {"action": ""},
        {"outcome": "perhaps"},
        {"facets": [{"name": "directory", "value": str(n)} for n in range(MAX_FACETS + 1)]},
    ],
)
def test_what_cannot_be_an_event_is_refused(wrong: dict[str, object]) -> None:
    good = {"uid": "1", "tenant": "t", "time": NOON.isoformat(), "actor": {"kind": "user", "uid": "ann"}, "action": "login"}
    assert msgspec.convert(good, Event, strict=False).actor.uid == "ann"
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({**good, **wrong}, Event, strict=False)
