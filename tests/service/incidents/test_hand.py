"""POST /v1/incidents/{uid}/merge and …/split."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from service.incidents import hand
from service.incidents.batch import Batch
from service.incidents.records import Event, Status, set_status
from service.keys import Role
from tests.models.incidents.test_correlator_order import Scored, stories
from tests.service.client import Service
from tests.service.incidents.alerts import DAY, get, grouping, high, incident_of, line_of, listed, merge, post, split
from tests.service.incidents.world import World

FAR = 10 * DAY


@pytest.fixture
def apart(service: Service) -> tuple[Service, str, str]:
    """A service with two incidents: a (alerts a, a2), b (alert b)."""
    post(service, high("a"), high("a2", rule="r2", seconds=30), high("b", rule="r3", host="h2", seconds=60))
    return service, str(incident_of(service, "a")), str(incident_of(service, "b"))


def test_merged_incidents_stay_one(apart: tuple[Service, str, str]) -> None:
    service, a, b = apart
    answer = merge(service, b, a, reason="same intruder")
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert (found["uid"], found["merged"], found["revision"]) == (a, [b], 2)
    assert answer.headers["etag"] == '"2"'
    assert "joined by an analyst" in [why for link in found["links"] for why in link["why"]]
    event = found["events"][-1]
    assert (event["kind"], event["by"], event["what"]["reason"]) == ("merged", "analyst", "same intruder")
    assert get(service, b)["uid"] == a
    post(service, high("later", rule="r5", host="h2", seconds=120))
    assert grouping(service, "a", "b", "later") == dict.fromkeys(("a", "b", "later"), a)
    assert len(get(service, a)["links"]) == 3


def test_split_incidents_stay_two(service: Service) -> None:
    post(service, *(high(f"a{i}", rule=f"r{i}", seconds=40 * i) for i in range(5)))
    uid = str(incident_of(service, "a0"))
    lines = [line_of(service, "a1"), line_of(service, "a3")]
    answer = split(service, uid, lines, reason="a scan")
    assert answer.status_code == 200, answer.text
    new = answer.json()["uid"]
    assert new != uid
    assert grouping(service, "a0", "a1", "a2", "a3", "a4") == {"a0": uid, "a1": new, "a2": uid, "a3": new, "a4": uid}
    assert len(get(service, new)["links"]) == 1
    assert len(get(service, uid)["links"]) == 2
    assert get(service, uid)["events"][-1]["what"]["into"] == new
    post(service, high("later", rule="r9", seconds=250))
    assert incident_of(service, "later") in (uid, new)
    assert len(listed(service)) == 2


def test_what_was_split_can_be_merged_again(service: Service) -> None:
    post(service, *(high(f"a{i}", rule=f"r{i}", seconds=40 * i) for i in range(4)))
    uid = str(incident_of(service, "a0"))
    new = split(service, uid, [line_of(service, "a1")]).json()["uid"]
    assert merge(service, uid, new).json()["uid"] == uid
    assert set(grouping(service, "a0", "a1", "a2", "a3").values()) == {uid}
    post(service, high("later", rule="r9", seconds=250))
    assert incident_of(service, "later") == uid
    again = split(service, uid, [line_of(service, "a1"), line_of(service, "a2")]).json()["uid"]
    assert grouping(service, "a0", "a1", "a2", "a3") == {"a0": uid, "a1": again, "a2": again, "a3": uid}


def test_edits_survive_a_restart(tmp_path: Path) -> None:
    with Service(tmp_path) as service:
        post(service, *(high(f"a{i}", rule=f"r{i}", seconds=40 * i) for i in range(4)), high("b", host="h2", rule="x"))
        uid = str(incident_of(service, "a0"))
        new = split(service, uid, [line_of(service, "a1"), line_of(service, "a2")]).json()["uid"]
        joined = merge(service, str(incident_of(service, "b")), new).json()["uid"]
        wanted = grouping(service, "a0", "a1", "a2", "a3", "b")
        before = get(service, uid), get(service, joined)
    with Service(tmp_path) as service:
        assert grouping(service, "a0", "a1", "a2", "a3", "b") == wanted
        post(service, high("later", rule="r9", seconds=250), high("c", rule="y", host="h2", seconds=20))
        assert {uid: incident_of(service, uid) for uid in wanted} == wanted
        assert incident_of(service, "later") in (uid, joined)
        assert incident_of(service, "c") == joined
        now = get(service, uid), get(service, joined)
        assert [
            {line["uid"] for line in one["lines"]} <= {line["uid"] for line in other["lines"]}
            for one, other in zip(before, now, strict=True)
        ] == [True, True]


def test_of_another_revision(apart: tuple[Service, str, str]) -> None:
    service, a, b = apart
    for more in ({"revision": 7}, {"revision": 2}):
        assert merge(service, a, b, **more).status_code == 409
    key = service.keys[Role.ANALYST]
    wrong = service.send("POST", f"/v1/incidents/{a}/merge", key, content=b'{"with":["x"]}', headers={"if-match": '"9"'})
    assert wrong.status_code == 409
    odd = service.send("POST", f"/v1/incidents/{a}/merge", key, content=b'{"with":["x"]}', headers={"if-match": '"x"'})
    assert odd.status_code == 422
    assert get(service, a)["revision"] == 1
    assert merge(service, a, b, revision=1).status_code == 200


def test_what_cannot_be_merged(apart: tuple[Service, str, str]) -> None:
    service, a, b = apart
    assert merge(service, a, a).status_code == 422
    assert merge(service, a, b, b).status_code == 422
    assert merge(service, a, "none").status_code == 404
    assert merge(service, "none", a).status_code == 404
    assert merge(service, a).status_code == 422
    assert service.post({"with": [b]}, f"/v1/incidents/{a}/merge", service.other).status_code == 404
    assert service.post({"with": [b], "by": "me"}, f"/v1/incidents/{a}/merge").status_code == 422
    assert (get(service, a)["revision"], get(service, b)["revision"]) == (1, 1)
    merge(service, a, b)
    assert merge(service, a, b).status_code == 422  # b has become a


def test_what_cannot_be_split(apart: tuple[Service, str, str]) -> None:
    service, a, b = apart
    mine = [line["uid"] for line in get(service, a)["lines"]]
    theirs = [line["uid"] for line in get(service, b)["lines"]]
    for lines in (mine, theirs, [], ["none"], [mine[0], "none"]):
        answer = split(service, a, lines)
        assert answer.status_code == 422
        assert answer.headers["content-type"] == "application/problem+json"
    assert split(service, b, theirs).status_code == 422
    assert split(service, "none", mine[:1]).status_code == 404
    assert get(service, a)["revision"] == 1


def close(service: Service, uid: str) -> None:
    event = Event(incident=uid, time=1.0, kind="closed", by="test")
    service.run(service.host.incidents.change("acme", uid, None, lambda c, record: set_status(c, record, Status.CLOSED, event)))


def test_what_is_closed_changes_no_more(apart: tuple[Service, str, str]) -> None:
    service, a, b = apart
    close(service, a)
    before = get(service, a)
    assert (before["status"], before["revision"], before["events"][-1]["kind"]) == ("closed", 2, "closed")
    assert merge(service, a, b).status_code == 409
    assert merge(service, b, a).status_code == 409
    assert split(service, a, [before["lines"][0]["uid"]]).status_code == 409
    post(service, high("later", rule="r9", seconds=90))
    fresh = incident_of(service, "later")
    assert fresh not in (None, a)
    assert get(service, a)["lines"] == before["lines"]
    assert [line["alert_uids"] for line in get(service, str(fresh))["lines"]] == [["later"]]


def test_closing_survives_a_restart(tmp_path: Path) -> None:
    with Service(tmp_path) as service:
        post(service, high("a"))
        uid = str(incident_of(service, "a"))
        close(service, uid)
    with Service(tmp_path) as service:
        post(service, high("b", rule="r2", seconds=30))
        assert incident_of(service, "b") not in (None, uid)
        assert get(service, uid)["status"] == "closed"


def _told(alerts: list[Scored]) -> World:
    world = World()
    for one, score in sorted(alerts, key=lambda item: item[0].time):
        world.take([one], score or 0.3)
    return world


@settings(max_examples=60, deadline=None)
@given(stories(), st.randoms(use_true_random=False))
def test_each_half_of_what_is_split_stays_together(alerts: list[Scored], chance: random.Random) -> None:
    """Whatever the links between the two halves had to say for those within them."""
    world = _told(alerts)
    one = max(world.tracker.book.held.values(), key=lambda held: len(held.lines), default=None)
    assume(one is not None and len(one.lines) > 3)
    assert one is not None
    taken = set(chance.sample(one.lines, chance.randint(1, len(one.lines) - 1)))
    rest, batch = set(one.lines) - taken, Batch(1.0, "ann")
    uid = hand.split(world.tracker, one, taken, "", batch)
    world.keep(batch)
    (new,), (old,) = ({world.lines[line] for line in lines} for lines in (taken, rest))
    assert new != old
    assert {new, old} == {world.records[name].merged_into or name for name in (uid, one.uid)}


@settings(max_examples=60, deadline=None)
@given(stories(), st.randoms(use_true_random=False))
def test_of_what_is_merged_no_line_is_left_out(alerts: list[Scored], chance: random.Random) -> None:
    world = _told(alerts)
    held = list(world.tracker.book.held.values())
    assume(len(held) > 1)
    one, other = chance.sample(held, 2)
    assume(one.tenant == other.tenant)
    lines, batch = {*one.lines, *other.lines}, Batch(1.0, "ann")
    uid = hand.merge(world.tracker, one, [other], "", batch)
    world.keep(batch)
    assert {world.lines[line] for line in lines} == {uid}
