"""GET /v1/incidents and what they hold."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest

from models.calibration import priority
from models.incidents.priority import DEFAULT
from service.incidents import records
from service.keys import Role
from tests.service.client import Service, finding, until
from tests.service.incidents.alerts import DAY, caught_up, get, grouping, high, incident_of, listed, post


def test_alerts_of_one_host_and_hour_are_one_incident(service: Service) -> None:
    post(service, *(high(f"a{i}", rule=f"r{i}", seconds=60 * i) for i in range(3)), high("b", rule="x", host="elsewhere"))
    uids = grouping(service, "a0", "a1", "a2", "b")
    assert len({uids["a0"], uids["a1"], uids["a2"]}) == 1
    assert uids["b"] not in (None, uids["a0"])
    found = get(service, str(uids["a0"]))
    assert [line["alert_uids"] for line in found["lines"]] == [["a0"], ["a1"], ["a2"]]
    assert (found["alerts"], found["status"], found["revision"]) == (3, "open", 1)
    assert len(found["links"]) == 2
    assert all("both name h1" in link["why"][0] for link in found["links"])
    assert found["first"] < found["last"]
    assert [event["kind"] for event in found["events"]] == ["raised"]
    assert [item["uid"] for item in listed(service)] == [item["uid"] for item in listed(service, "status=open")]
    assert len(listed(service)) == 2


def test_what_is_unlikely_is_in_no_incident(service: Service) -> None:
    post(service, finding("a", severity_id=1), finding("b", rule="r2", severity_id=3))
    assert grouping(service, "a", "b") == {"a": None, "b": None}
    assert listed(service) == []
    metrics = ("tamis_incidents_raised_total", "tamis_correlation_behind 0.0", 'tamis_incidents{status="open"}')
    until(service, lambda: all(metric in service.send("GET", "/metrics").text for metric in metrics))


def test_the_metric_says_how_far_correlation_is_behind_at_the_moment(service: Service) -> None:
    service.run(service.host.incidents.stop())
    service.post([high("a"), high("b")])
    assert "tamis_correlation_behind 2.0" in service.send("GET", "/metrics").text


def test_unlikely_alerts_join_when_a_likely_one_comes(service: Service) -> None:
    post(service, finding("a", rule="r2", severity_id=3))
    assert incident_of(service, "a") is None
    post(service, high("b", seconds=60))
    assert incident_of(service, "a") == incident_of(service, "b") is not None


def test_a_repeat_is_counted_and_what_joins_is_a_revision(service: Service) -> None:
    post(service, high("a"))
    uid = str(incident_of(service, "a"))
    post(service, high("b", seconds=1))
    again = get(service, uid)
    assert (again["revision"], again["alerts"], len(again["lines"])) == (2, 2, 1)
    post(service, high("c", rule="r2", seconds=60))
    later = get(service, uid)
    assert (later["revision"], later["alerts"], len(later["lines"])) == (3, 3, 2)
    assert [event["kind"] for event in later["events"]] == ["raised", "joined"]
    assert grouping(service, "a", "b", "c") == dict.fromkeys("abc", uid)


def test_two_incidents_that_something_joins_are_one_under_the_name_of_the_larger(service: Service) -> None:
    post(service, high("a", host="h1", rule="r1"), high("a2", host="h1", rule="r2", seconds=30))
    post(service, high("b", host="h2", rule="r3", seconds=60))
    larger, smaller = str(incident_of(service, "a")), str(incident_of(service, "b"))
    assert larger != smaller
    both = {"device": {"hostname": "h1"}, "dst_endpoint": {"hostname": "h2"}, "src_endpoint": {"hostname": "h1"}}
    post(service, high("c", rule="r4", seconds=90, **both))
    found = get(service, smaller)
    assert (found["uid"], found["merged"]) == (larger, [smaller])
    assert grouping(service, "a", "a2", "b", "c") == dict.fromkeys(("a", "a2", "b", "c"), larger)
    assert [item["uid"] for item in listed(service)] == [larger]
    assert [item["uid"] for item in listed(service, "status=merged")] == [smaller]
    assert "merged" in {event["kind"] for event in found["events"]}


def test_pages_are_stable_while_incidents_come(service: Service) -> None:
    post(service, *(high(f"a{i}", host=f"h{i}", rule=f"r{i}") for i in range(9)))
    wanted = [item["uid"] for item in listed(service)]
    seen: list[str] = []
    cursor = ""
    while True:
        page = service.send("GET", f"/v1/incidents?limit=3&cursor={cursor}").json()
        seen += [item["uid"] for item in page["incidents"]]
        if page["next"] is None:
            break
        cursor = page["next"]
        post(service, high(f"new{len(seen)}", host=f"n{len(seen)}"), high(f"again{len(seen)}", host="h0", rule="r0"))
    assert seen == wanted


def test_since(service: Service) -> None:
    post(service, high("a"))
    updated = listed(service)[0]["updated"].replace("+", "%2B")
    assert len(listed(service, f"since={updated}")) == 1
    assert listed(service, "since=2100-01-01T00:00:00Z") == []


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=201", "status=x", "cursor=x", "cursor=-1", "cursor=" + "9" * 30, "since=x", "since=2024-01-01T00:00:00"],
)
def test_wrong_parameters(service: Service, query: str) -> None:
    assert service.send("GET", f"/v1/incidents?{query}").status_code == 422


def test_unknown_and_foreign(service: Service) -> None:
    post(service, high("a"))
    uid = incident_of(service, "a")
    assert service.send("GET", "/v1/incidents/none").status_code == 404
    answer = service.send("GET", f"/v1/incidents/{uid}", service.other)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert listed(service, key=service.other) == []


def test_tenants_never_share_an_incident(service: Service) -> None:
    post(service, high("a"), high("b", rule="r2", seconds=30))
    post(service, high("a"), high("b", rule="r2", seconds=30), key=service.other)
    mine, theirs = listed(service), listed(service, key=service.other)
    assert (len(mine), len(theirs)) == (1, 1)
    assert mine[0]["uid"] != theirs[0]["uid"]
    assert mine[0]["alerts"] == theirs[0]["alerts"] == 2


def test_an_analyst_sees_a_priority_and_no_score(service: Service) -> None:
    post(service, *(high(f"a{i}", rule=f"r{i}", seconds=60 * i) for i in range(3)))
    uid = str(incident_of(service, "a0"))
    seen, all_of_it = get(service, uid, Role.ANALYST), get(service, uid)
    assert 0 <= seen["priority"] == all_of_it["priority"] <= 100
    assert all("anomaly" in line for line in all_of_it["lines"])
    assert "probability" in str(all_of_it["links"])
    page = service.send("GET", "/v1/incidents", service.keys[Role.ANALYST]).text
    queue = service.send("GET", "/v1/queue?budget=5", service.keys[Role.ANALYST]).text
    for text in (str(seen), page, queue):
        assert not any(word in text for word in ("score", "probability", "anomaly", "audit", "shown"))


def test_the_priority_shown_is_the_learned_one_everywhere(service: Service) -> None:
    """What belongs together matters more than the highest of its alerts alone."""
    post(service, *(high(f"a{i}", rule=f"r{i}", seconds=60 * i) for i in range(3)), high("alone", host="h9"))
    together, alone = (get(service, str(incident_of(service, uid))) for uid in ("a0", "alone"))
    assert max(line["score"] for line in together["lines"]) == max(line["score"] for line in alone["lines"])
    assert together["score"] > alone["score"]
    assert together["priority"] > alone["priority"]
    with service.host.database.engine.connect() as connection:
        record = records.find(connection, "acme", together["uid"])
    assert record is not None
    assert together["score"] == record.score == DEFAULT.probability(record.incident)
    assert together["priority"] == priority(np.array([record.score]))[0]
    queue = service.send("GET", "/v1/queue?budget=5").json()["incidents"]
    known = {one["uid"]: (one["score"], one["priority"]) for one in (together, alone)}
    for told in (listed(service), [item["incident"] for item in queue]):
        assert {one["uid"]: (one["score"], one["priority"]) for one in told} == known


# -- bad input --------------------------------------------------------------------------------------------------------


def bare(uid: str, **more: Any) -> dict[str, Any]:
    """Return a likely alert that names nobody."""
    record = high(uid, **more)
    del record["device"]
    return record


def test_alerts_without_entities_stay_alone(service: Service) -> None:
    post(service, bare("a"), bare("b", rule="r2", seconds=1), bare("c", seconds=2))
    uids = grouping(service, "a", "b", "c")
    assert uids["a"] == uids["c"] != uids["b"]  # c repeats a
    assert None not in uids.values()


def test_an_alert_with_a_thousand_entities(service: Service) -> None:
    observables = [{"name": "x", "type": "IP Address", "type_id": 2, "value": f"10.0.{i // 250}.{i % 250}"} for i in range(1000)]
    post(service, high("many", observables=observables), high("other", rule="r2", host="10.0.3.9", seconds=30))
    uid = str(incident_of(service, "many"))
    assert uid != incident_of(service, "other")
    assert get(service, uid)["alerts"] == 1


def test_a_hub_joins_nothing(service: Service) -> None:
    """A proxy that hundreds of lines name: its alerts do not glue each other together."""
    records = [high(f"p{i}", rule=f"r{i}", host="proxy", seconds=i) for i in range(600)]
    post(service, *records)
    later = [high(f"q{i}", rule=f"s{i}", host="proxy", seconds=3600 + i) for i in range(3)]
    post(service, *later)
    assert len(set(grouping(service, "q0", "q1", "q2").values())) == 3


def test_times_years_apart(service: Service) -> None:
    year = 365 * DAY
    post(service, high("a"), high("b", rule="r2", seconds=-3 * year), high("c", rule="r3", seconds=-year))
    assert len(set(grouping(service, "a", "b", "c").values())) == 3
    post(service, high("d", rule="r4", seconds=30))
    assert incident_of(service, "d") == incident_of(service, "a")


def test_a_burst_of_late_alerts_ends_where_it_would_have(service: Service) -> None:
    records = [high(f"a{i}", rule=f"r{i % 7}", host=f"h{i % 3}", seconds=37 * i) for i in range(60)]
    post(service, *records)
    wanted = {frozenset(group) for group in _groups(service, records)}
    late = [msgspec.json.decode(msgspec.json.encode(record)) for record in records]
    other = service.other
    service.post(late[40:], key=other)
    caught_up(service)
    service.post(late[:40][::-1], key=other)
    caught_up(service)
    assert {frozenset(group) for group in _groups(service, records, other)} == wanted


def _groups(service: Service, records: list[dict[str, Any]], key: str | None = None) -> list[list[str]]:
    found: dict[str, list[str]] = {}
    for record in records:
        uid = record["finding_info"]["uid"]
        found.setdefault(service.send("GET", f"/v1/alerts/{uid}", key).json()["incident"], []).append(uid)
    return list(found.values())
