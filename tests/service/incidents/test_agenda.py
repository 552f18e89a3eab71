"""GET /v1/queue?budget=N."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest

from features.alert import Observable
from models.calibration import odds_shown, priority
from models.incidents.agenda import agenda
from models.incidents.priority import DEFAULT
from service.incidents import records
from service.keys import Role
from tests.service.client import Service
from tests.service.incidents.alerts import DAY, caught_up, high, incident_of, post
from tests.service.incidents.test_hand import close
from tests.service.incidents.world import World, alert
from tests.service.test_audit import decide, is_drawn


def queue(service: Service, budget: int, role: Role = Role.ANALYST) -> list[dict[str, Any]]:
    answer = service.send("GET", f"/v1/queue?budget={budget}", service.keys[role])
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["incidents"]
    return found


def uids(service: Service, budget: int = 500) -> list[str]:
    return [item["incident"]["uid"] for item in queue(service, budget)]


def test_different_things_first(service: Service) -> None:
    post(
        service,
        *(high(f"s{i}", host="h1", rule="r1", seconds=i * DAY / 2) for i in range(6)),
        high("o", rule="r2", host="h2", severity_id=4),
    )
    found = queue(service, 2)
    assert [item["rank"] for item in found] == [1, 2]
    assert found[0]["incident"]["entities"][0]["uid"] == "h1"
    assert found[1]["incident"]["uid"] == incident_of(service, "o")
    assert "about host h2" in found[1]["why"]
    assert "score" not in str(found)
    assert len(queue(service, 1)) == 1


def test_what_is_judged_closed_or_foreign_is_not_there(service: Service) -> None:
    post(service, high("a"), high("a2", rule="r2", seconds=30), high("b", host="h2"), high("c", host="h3"))
    a, b, c = (str(incident_of(service, uid)) for uid in "abc")
    assert set(uids(service)) == {a, b, c}
    service.post({"alert_uid": "a", "verdict": "true_positive"}, "/v1/labels")
    close(service, b)
    assert set(uids(service)) == {a, c}
    service.post({"alert_uid": "a2", "verdict": "false_positive"}, "/v1/labels")
    assert uids(service) == [c]
    assert service.send("GET", "/v1/queue?budget=5", service.other).json()["incidents"] == []
    post(service, high("d", rule="r4", seconds=60))
    assert set(uids(service)) == {a, c}


def test_of_equal_scores_what_belongs_together_comes_before_what_stands_alone(service: Service) -> None:
    """The learned priority orders the queue, not the highest alert alone."""
    post(service, high("alone", host="h9"), *(high(f"a{i}", rule=f"r{i}", seconds=60 * i) for i in range(4)))
    assert uids(service)[0] == incident_of(service, "a0")
    post(service, *(high(f"b{i}", host="h9", rule=f"q{i}", seconds=60 * i) for i in range(6)))
    assert incident_of(service, "b0") == incident_of(service, "alone")
    assert set(uids(service)) == {incident_of(service, "a0"), incident_of(service, "alone")}


@pytest.mark.parametrize("query", ["budget=0", "budget=501", "budget=x"])
def test_wrong_parameters(service: Service, query: str) -> None:
    assert service.send("GET", f"/v1/queue?{query}").status_code == 422


def test_without_a_budget_it_is_the_queue_of_alerts(service: Service) -> None:
    post(service, high("a"))
    assert [item["alert_uid"] for item in service.send("GET", "/v1/queue").json()["alerts"]] == ["a"]


def test_a_draw_of_the_audit_is_seen_as_its_place_in_the_queue_tells(audited: Service) -> None:
    """An analyst who compares incidents with the queue cannot tell which alerts were drawn."""
    decided = {d["alert_uid"]: d for d in decide(audited)}
    caught_up(audited)
    drawn = {uid for uid, d in decided.items() if is_drawn(d)}
    assert drawn
    ann = audited.keys[Role.ANALYST]
    items = audited.send("GET", "/v1/incidents?limit=200", ann).json()["incidents"]
    details = [audited.send("GET", f"/v1/incidents/{item['uid']}", ann).json() for item in items]
    fields = {str(sorted(line)) for one in details for line in one["lines"]}
    assert len(fields) == 1
    assert not any(word in str(details) for word in ("score", "probability", "anomaly", "audit", "shown"))
    assert all(d["priority"] < 35 for uid, d in decided.items() if incident_of(audited, uid) is None)
    places = {uid: decision["priority"] for uid, decision in decided.items()}
    for item in items:
        assert abs(item["priority"] - as_the_queue_tells(audited, item["uid"], places)) <= 1
    assert any(incident_of(audited, uid) is not None for uid in drawn)


def as_the_queue_tells(service: Service, uid: str, places: dict[str, int]) -> int:
    """Return the priority of an incident by what the queue says of its alerts."""
    with service.host.database.engine.connect() as connection:
        record = records.find(connection, "acme", uid)
    assert record is not None
    told = [odds_shown(np.array([max(places[uid] for uid in line.alert_uids)]))[0] for line in record.incident.lines]
    lines = tuple(msgspec.structs.replace(line, score=float(p)) for line, p in zip(record.incident.lines, told, strict=True))
    seen = msgspec.structs.replace(record.incident, lines=lines)
    return int(priority(np.array([DEFAULT.probability(seen)]))[0])


def flooded(flood: int, kind: str) -> World:
    """Return a world of fifteen small incidents, with a flood upon one host in between: of one rule, of three, or of one rule
    that names another address each time."""
    world = World()
    for i in range(15):
        world.take([alert(f"i{i}.{n}", 0.05 * i + 0.001 * n, f"host{i}", rule=f"r{i}") for n in range(2)], score=0.15 + 0.05 * i)
    for start in range(0, flood, 2000):
        made = [
            alert(f"f{n}", 0.1 + 0.3 * n / flood, "flooded", rule=f"flood{n % 3}" if kind == "rules" else "flood")
            for n in range(start, min(start + 2000, flood))
        ]
        if kind == "addresses":
            made = [msgspec.structs.replace(one, observables=(Observable("ip", one.uid),)) for one in made]
        world.take(made, score=0.4)
    return world


def ranks(world: World) -> dict[str, int]:
    """Return the rank of each of the fifteen that has one."""
    found = {
        chosen.uid: chosen.rank for chosen in agenda([one.item for one in world.tracker.book.held.values() if one.item], 500)
    }
    names = {f"i{i}": world.incident(f"i{i}.0").uid for i in range(15)}
    return {name: found[uid] for name, uid in names.items() if uid in found}


@pytest.mark.parametrize(("kind", "size"), [("rule", 100_000), ("rules", 100_000), ("addresses", 20_000)])
def test_a_flood_upon_one_host_takes_at_most_one_place_from_the_others(kind: str, size: int) -> None:
    before, world = ranks(flooded(0, kind)), flooded(size, kind)
    after = ranks(world)
    assert len(before) > 10
    assert after.keys() == before.keys()
    assert all(after[name] <= rank + 1 for name, rank in before.items()), (before, after)
    assert len(world.records) < 300
    assert sum(record.alerts for record in world.records.values()) == size + 30
