"""The table of bad input in ``base.py``, row by row, where the contract does not hold it already."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from features.errors import RecordError
from features.event import Event
from features.normalisers.base import Place
from features.normalisers.events import EVENT_NORMALISERS

GOLDEN = Path(__file__).parents[2] / "golden" / "events"
RECEIVED = datetime(2024, 3, 4, 12, tzinfo=UTC)
ACTORS: dict[str, tuple[str, Any]] = {
    "cloudtrail": ("userIdentity", {"type": "IAMUser"}),
    "github": ("actor", ""),
    "m365": ("UserId", "NOT-FOUND"),
    "native": ("actor", None),
    "ocsf": ("user", {}),
    "okta": ("actor", {"type": "IP address", "id": "192.0.2.1"}),
}
"""Where each product names the actor, and a value that names nobody."""


def sample(fmt: str, case: int = 0) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((GOLDEN / f"{fmt}.json").read_text())[case]["raw"]
    return record


def decode(fmt: str, record: object, received: datetime = RECEIVED) -> Event:
    raw = record.encode() if isinstance(record, str) else json.dumps(record).encode()
    return EVENT_NORMALISERS[fmt].decode(raw, Place("acme", received, "file", 3))


@pytest.mark.parametrize("fmt", sorted(ACTORS))
@pytest.mark.parametrize("absent", [True, False])
def test_without_an_actor_a_record_is_put_aside_and_the_field_named(fmt: str, absent: bool) -> None:
    field, nobody = ACTORS[fmt]
    record = sample(fmt) | {field: nobody}
    if absent:
        del record[field]
    with pytest.raises(RecordError) as refused:
        decode(fmt, record)
    assert refused.value.field.startswith(field if fmt != "ocsf" else "actor.user")
    assert (refused.value.source, refused.value.row) == ("file", 3)


def test_a_line_that_names_nobody_is_put_aside() -> None:
    for line in (
        "Mar  4 08:15:30 web-1 sshd[1]: Failed password for  from 203.0.113.5 port 4 ssh2",
        "Mar  4 08:15:30 web-1 kernel: x",
    ):
        with pytest.raises(RecordError, match="nobody's act"):
            decode("linux-auth", line)


@pytest.mark.parametrize(
    "time", ["1989-12-31T23:59:59Z", "2100-01-01T00:00:00Z", "2024-03-04T08:00:00", "2024-03-04T12:05:01Z", "", 7]
)
def test_times_that_cannot_be(time: object) -> None:
    with pytest.raises(RecordError) as refused:
        decode("native", sample("native") | {"time": time})
    assert refused.value.field == "time"


@pytest.mark.parametrize("time", ["1990-01-01T00:00:00Z", "2024-03-04T12:05:00Z", "2024-03-04T13:05:00+01:00"])
def test_times_that_can(time: str) -> None:
    assert decode("native", sample("native") | {"time": time}).time == datetime.fromisoformat(time)


def test_products_whose_times_are_utc_may_leave_the_zone_out() -> None:
    assert decode("m365", sample("m365")).time == datetime(2024, 3, 4, 8, 15, 30, tzinfo=UTC)
    shifted = sample("m365") | {"CreationTime": "2024-03-04T08:15:30+02:00"}
    assert decode("m365", shifted).time == datetime(2024, 3, 4, 6, 15, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("fmt", "field"), [("m365", "UserId"), ("m365", "Operation"), ("m365", "UserAgent"), ("github", "repo"), ("github", "actor")]
)
def test_nobody_hides_an_act_behind_a_long_text(fmt: str, field: str) -> None:
    long = [decode(fmt, sample(fmt) | {"user": None, field: "x" * 5000 + end}) for end in "ab"]
    assert long[0] != long[1]
    for event in long:
        texts = [event.actor.uid, event.action, event.source.device, event.target.uid if event.target else ""]
        assert max(map(len, texts)) == 1024


def test_at_most_so_many_facets() -> None:
    many = [{"name": "f", "value": str(i)} for i in range(1000)]
    assert [facet.value for facet in decode("native", sample("native") | {"facets": many}).facets] == [str(i) for i in range(64)]


@pytest.mark.parametrize(
    "place", [{"lat": 91, "lon": 0}, {"lat": 1}, {"lat": "1", "lon": "2"}, {"lat": True, "lon": True}, None, []]
)
def test_coordinates_of_no_place_are_left_out(place: object) -> None:
    record = sample("okta")
    record["client"]["geographicalContext"]["geolocation"] = place
    source = decode("okta", record).source
    assert (source.country, source.latitude, source.longitude) == ("DE", None, None)


def test_hostile_text_is_kept_as_it_is() -> None:
    name = "\u202eada\x00'; DROP TABLE events; --<script>"
    assert decode("github", sample("github") | {"actor": name}).actor.uid == name


def test_a_role_is_one_program_however_many_sessions_it_has() -> None:
    record = sample("cloudtrail", 1)
    del record["userIdentity"]["sessionContext"]
    actors = set()
    for i in range(50):
        record["userIdentity"]["arn"] = f"arn:aws:sts::111122223333:assumed-role/reader/i-{i}"
        record["userIdentity"]["principalId"] = f"AROAEXAMPLE:i-{i}"
        event = decode("cloudtrail", record)
        assert event.by_program
        actors.add(event.actor.uid)
    assert actors == {"arn:aws:iam::111122223333:role/reader"}


@pytest.mark.parametrize(
    ("kind", "name", "by_program"),
    [
        (0, "ada@example.org", False), (2, "ada@example.org", False), (5, "ada@example.org", False), (5, "scanner", True),
        (4, "ServicePrincipal_1", True), (0, "app@sharepoint", True), (3, "NT AUTHORITY\\SYSTEM", True), ("Regular", "ada", False),
        (None, "Certificate", True), (None, "ada@example.org", False),
    ],
)  # fmt: skip
def test_who_is_a_program_in_microsoft_365(kind: int | str | None, name: str, by_program: bool) -> None:
    assert decode("m365", sample("m365") | {"UserType": kind, "UserId": name}).by_program == by_program


def test_a_line_of_a_clock_in_another_zone_is_seen() -> None:
    line = "Mar  4 14:00:00 web-1 sshd[1]: Accepted password for ada from 203.0.113.5 port 4 ssh2"
    with pytest.raises(RecordError, match="lies 2:00:00 ahead"):
        decode("linux-auth", line)
    assert decode("linux-auth", line, RECEIVED + timedelta(hours=2)).time.hour == 14
    with pytest.raises(RecordError, match="no year"):
        EVENT_NORMALISERS["linux-auth"].decode(line.encode(), Place("acme"))
