"""What an export says of incidents: the acts of analysts by alerts, and where alerts are now."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from features.grouping import Correction, Judgement
from features.history import read_corrections, read_placements
from service.export import export
from service.incidents import records
from service.incidents.records import Event
from tests.service.client import Service
from tests.service.incidents.alerts import grouping, high, incident_of, line_of, merge, post, split


def _exported(service: Service, folder: Path, since: datetime | None = None) -> tuple[list[Correction], dict[str, str]]:
    export(service.settings, folder / "out", since)
    placed = {one.alert_uid: one.incident_uid for one in read_placements(folder / "out")}
    return read_corrections(folder / "out"), placed


@pytest.fixture
def edited(service: Service) -> Service:
    """A service in which a and a2 were merged with b, and a2 was split off again."""
    post(
        service,
        high("a"),
        high("again", seconds=1),
        high("a2", rule="r2", seconds=30),
        high("b", rule="r3", host="h2", seconds=60),
    )
    uid = merge(service, str(incident_of(service, "b")), str(incident_of(service, "a")), reason="same intruder").json()["uid"]
    split(service, uid, [line_of(service, "a2")], reason="a scan")
    return service


def test_merges_and_splits_are_exported_by_the_alerts_that_they_were_about(edited: Service, tmp_path: Path) -> None:
    merged, parted = _exported(edited, tmp_path)[0]
    assert (merged.judgement, merged.analyst, merged.reason) == (Judgement.TOGETHER, "analyst", "same intruder")
    assert merged.parts == (("b",), ("a", "a2"))
    assert (parted.judgement, parted.analyst, parted.reason) == (Judgement.APART, "analyst", "a scan")
    assert parted.parts == (("a", "b"), ("a2",))
    assert merged.time < parted.time
    assert merged.uid != parted.uid


def test_placements_say_where_every_alert_is_now(edited: Service, tmp_path: Path) -> None:
    assert _exported(edited, tmp_path)[1] == grouping(edited, "a", "again", "a2", "b")


def test_what_came_together_by_itself_is_nobodys_correction(service: Service, tmp_path: Path) -> None:
    post(service, high("a"), high("b", rule="r2", host="h2", seconds=60))
    both = {"device": {"hostname": "h1"}, "dst_endpoint": {"hostname": "h2"}, "src_endpoint": {"hostname": "h1"}}
    post(service, high("c", rule="r4", seconds=90, **both))
    corrections, placed = _exported(service, tmp_path)
    assert corrections == []
    assert len(set(placed.values())) == 1


def test_what_was_before_is_left_out(edited: Service, tmp_path: Path) -> None:
    assert _exported(edited, tmp_path, datetime(2999, 1, 1, tzinfo=UTC)) == ([], {})


def test_a_merge_of_which_only_the_links_were_written_down_tells_of_these(service: Service, tmp_path: Path) -> None:
    post(service, high("a"), high("b", rule="r3", host="h2", seconds=60))
    a, b = (line_of(service, uid) for uid in ("a", "b"))
    event = Event(incident=str(incident_of(service, "a")), time=1.0, kind="merged", by="ann", body={"joins": [[a, b]]})
    with service.host.database.engine.begin() as connection:
        records.append(connection, [event])
    (found,) = _exported(service, tmp_path)[0]
    assert msgspec.structs.astuple(found)[2:] == (Judgement.TOGETHER, found.time, "ann", (("a",), ("b",)), "")
