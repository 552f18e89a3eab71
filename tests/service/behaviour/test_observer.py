"""The observer: what it says follows from what is stored, once, whatever breaks off."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median

import msgspec
import pytest
from sqlalchemy import Table, select

from models.live_policy import Mode, NeverTouch
from models.policy_store import PolicyStore
from models.risk import EntityRisk
from service.behaviour import records
from service.behaviour.observer import Observer
from service.errors import OverloadedError
from service.store.entity_tables import anomalies, control_changes, entities, risk_days
from service.store.events import count_events, event_row, insert_events
from tests.service.behaviour.world import (
    BOUNDED,
    DAY,
    TODAY,
    Driven,
    alarm,
    alarming,
    benign,
    entity,
    later,
    looked,
    received,
    scored,
    told,
    week,
)
from tests.service.bundles import automate
from tests.service.client import Service, until

PEOPLE = [f"p{i}" for i in range(6)]


def stored(service: Service, *tables: Table) -> list[object]:
    """All that the observer wrote, but for when it last looked."""
    found: list[object] = []
    with service.host.database.engine.connect() as connection:
        for table in tables or (entities, anomalies, risk_days, control_changes):
            named = [
                column for column in table.c if column.name not in {"updated", "since", "time", "risk", "id", "seq", "pseudonym"}
            ]
            found += sorted(tuple(row) for row in connection.execute(select(*named)))
    return found


def known(service: Service) -> dict[tuple[str, str], EntityRisk]:
    """What is known of entities, as old as it would be forgotten now."""
    found = {}
    with service.host.database.engine.connect() as connection:
        for kind, uid, payload in connection.execute(select(entities.c.kind, entities.c.uid, entities.c.payload)):
            found[kind, uid] = msgspec.json.decode(payload, type=EntityRisk)
            found[kind, uid].forget(service.host.observer.now())
    return found


def test_alerts_raise_the_risk_of_whom_they_name_and_a_rule_alone_no_further_than_its_cap(tmp_path: Path) -> None:
    with scored(tmp_path) as service:
        service.post([alarming(f"a{i}", user="Anna", host="WS-1") for i in range(30)])
        looked(service)
        for kind, uid in (("user", "anna"), ("host", "ws-1")):
            before = entity(service, kind, uid)
            assert 10.0 < before["risk"] <= 75.0
            assert [one["rule"]["uid"] for one in before["sources"]] == ["r1"]
        service.post(alarming("b", rule="r2"))
        looked(service)
        after = entity(service, "user", "ANNA")
        assert (after["uid"], after["risk"] > before["risk"]) == ("Anna", True)
        later(service, 14 * DAY)
        assert entity(service, "user", "anna")["risk"] < after["risk"] / 1.5


def test_a_verdict_lowers_it_and_taken_back_raises_it_again(tmp_path: Path) -> None:
    with scored(tmp_path) as service:
        service.post(alarming("a"))
        looked(service)
        before = entity(service, "user", "anna")["risk"]
        first = service.post({"alert_uid": "a", "verdict": "false_positive"}, "/v1/labels").json()
        looked(service)
        assert entity(service, "user", "anna")["risk"] == 0.0
        service.post({"alert_uid": "a", "verdict": "undetermined", "supersedes": first["uid"]}, "/v1/labels")
        looked(service)
        assert entity(service, "user", "anna")["risk"] == pytest.approx(before, abs=0.2)


def test_what_a_machine_said_lowers_nothing(tmp_path: Path) -> None:
    with scored(tmp_path) as service:
        service.post(alarming("a"))
        assert (
            service.post({"alert_uid": "a", "verdict": "false_positive", "provenance": "automation"}, "/v1/labels").status_code
            == 201
        )
        looked(service)
        assert entity(service, "user", "anna")["risk"] > 10.0


def test_an_alert_about_too_many_is_about_nobody_and_one_without_a_model_says_nothing(tmp_path: Path, service: Service) -> None:
    service.post(alarming("a"))
    looked(service)
    assert service.send("GET", "/v1/entities/user/anna").status_code == 404
    with scored(tmp_path / "other") as other:
        found = alarming("many")
        found["resources"] = [{"name": f"h{i}", "type": "host"} for i in range(5)]
        found["evidences"] = [{"actor": {"user": {"name": f"u{i}"}}} for i in range(50)]
        other.post(found)
        looked(other)
        assert len(other.send("GET", "/v1/entities").json()["entities"]) <= 20


def test_a_crash_loses_nothing_and_tells_nothing_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with scored(tmp_path, **BOUNDED) as service:
        benign(service)
        service.post([alarming(f"a{i}", f"rule {i}") for i in range(4)])
        observer = service.host.observer
        write = observer._write

        async def fails(*_: object) -> None:
            raise OverloadedError("a power cut")

        monkeypatch.setattr(observer, "_write", fails)
        with pytest.raises(OverloadedError):
            service.run(observer.look())
        monkeypatch.setattr(observer, "_write", write)
        looked(service)
        before, sent = stored(service), told(service)
        assert entity(service, "user", "anna")["control"] == "restrict"
    with Driven(tmp_path / "var", poll_seconds=3600.0, **BOUNDED) as service:
        looked(service)
        assert stored(service) == before
        assert told(service) == sent


def test_behaviour_is_judged_when_a_day_has_ended_and_is_the_same_after_a_restart(tmp_path: Path) -> None:
    days = range(TODAY - 85, TODAY)
    with Driven(tmp_path / "a", poll_seconds=3600.0) as service:
        for day in days:
            received(service, week(day, PEOPLE, strange="p1" if day >= TODAY - 3 else ""))
        looked(service)
        whole, risks = stored(service, anomalies), known(service)
        told_of = entity(service, "user", "p1")
        assert told_of["risk"] > 5.0, "its last days are unlike it"
        assert told_of["deviates"]
        assert {one["detector"] for one in told_of["sources"]} == {"behaviour"}
        assert told_of["peers"]["count"] == len(PEOPLE) - 1
        assert 2.0 <= told_of["baseline"]["events_a_day"]["median"] <= 5.0
        assert told_of["baseline"]["usual"]["country"][0]["value"] == "DE"
        assert median(entity(service, "user", name)["risk"] for name in PEOPLE) < told_of["risk"]
    with Driven(tmp_path / "b", poll_seconds=3600.0) as service:
        observer = service.host.observer
        for day in days:
            received(service, week(day, PEOPLE, strange="p1" if day >= TODAY - 3 else ""))
            observer.now = lambda day=day: (day + 1) * DAY  # type: ignore[misc]
            if day % 5 == 0:
                looked(service)
            if day % 30 == 0:
                observer.memory.forget()
    with Driven(tmp_path / "b", poll_seconds=3600.0) as service:
        looked(service)
        assert stored(service, anomalies) == whole
        assert known(service) == risks, "levels stood longer or shorter, but what is known is the same"


def test_a_control_needs_a_bound_a_mode_and_nothing_that_stops_it(tmp_path: Path) -> None:
    with scored(tmp_path, **BOUNDED) as service:
        alarm(service)
        held = entity(service, "user", "anna")
        assert (held["decided"], held["control"]) == ("restrict", "monitor")
        assert "Too little is proven" in held["why"]
        assert [one.kind for one in told(service)] == ["control.withheld"]
        benign(service)
        later(service, 3601.0)
        out = entity(service, "user", "anna")
        assert (out["decided"], out["control"], out["why"]) == ("restrict", "restrict", "")
        assert [one["level"] for one in out["bounds"] if one["granted"]] == ["step_up", "restrict"]
        service.send("POST", "/v1/policy/stop", content=b"{}")
        looked(service)
        assert entity(service, "user", "anna")["control"] == "monitor"
        service.send("POST", "/v1/policy/resume", content=b"{}")
        looked(service)
        assert entity(service, "user", "anna")["control"] == "restrict"
        never = NeverTouch(kind="user", uid="ANNA")  # type: ignore[arg-type]
        store, when = PolicyStore(service.settings.policy), datetime(2026, 1, 1, tzinfo=UTC)
        store.change(lambda policy: type(policy)(modes=policy.modes, never_touch=(never,)), by="kim", time=when)
        looked(service)
        assert "never touched" in entity(service, "user", "anna")["why"]
        automate(tmp_path / "var", mode=Mode.ADVISE)
        levels = [one.kind for one in told(service)]
        assert levels.count("risk.level_changed") == 4, "up, down by the stop, up again, down by the guardrail"


def test_a_control_goes_down_late_and_is_told_once(tmp_path: Path) -> None:
    with scored(tmp_path, **BOUNDED) as service:
        benign(service)
        alarm(service)
        assert entity(service, "user", "anna")["control"] == "restrict"
        for _ in range(40):
            later(service, DAY)
        assert entity(service, "user", "anna")["control"] == "none"
        changes = [(one["decided"], one["control"]) for one in entity(service, "user", "anna")["controls"]][::-1]
        places = ["none", "monitor", "step_up", "restrict"]
        assert [places.index(one) for one, _ in changes] == sorted((places.index(one) for one, _ in changes), reverse=True)
        said = [one for one in told(service) if one.kind == "risk.level_changed"]
        assert len({one.uid for one in said}) == len(said) == 3


def test_bounds_are_proved_anew_when_a_day_has_ended_for_all_and_not_after_each_import(tmp_path: Path) -> None:
    with Driven(tmp_path / "var", poll_seconds=3600.0, late_seconds=60.0) as service:
        observer = service.host.observer
        observer.now = lambda: TODAY * DAY
        received(service, week(TODAY - 1, PEOPLE))
        looked(service)
        observer.now = lambda: TODAY * DAY + 30.0
        looked(service)
        before = observer.bounds
        assert not stored(service, anomalies)
        rows = [event_row(one, observer.now()) for one in week(TODAY - 3, PEOPLE)]
        service.run(service.host.write(partial(insert_events, rows=rows)))
        later(service, 20.0)
        assert stored(service, anomalies), "the import was judged"
        assert observer.bounds is before
        later(service, 60.0)
        assert observer.bounds is not before


def test_records_are_kept_as_long_as_the_settings_say(tmp_path: Path) -> None:
    kept = {"keep_events_seconds": 10 * DAY, "keep_anomalies_seconds": 20 * DAY, "keep_risk_seconds": 30 * DAY}
    with Driven(tmp_path / "var", poll_seconds=3600.0, **kept) as service:
        for day in range(TODAY - 40, TODAY):
            received(service, week(day, PEOPLE[:2]))
        looked(service)
        later(service, 3601.0)
        with service.host.database.engine.connect() as connection:
            assert 0 < count_events(connection)["acme"] <= 11 * 10
            oldest = connection.exec_driver_sql("SELECT min(day) FROM anomalies").scalar_one()
            assert oldest >= TODAY - 21
        later(service, 15 * DAY)
        with service.host.database.engine.connect() as connection:
            assert count_events(connection) == {}
            assert connection.exec_driver_sql("SELECT min(day) FROM anomalies").scalar_one() >= TODAY - 6
            assert connection.exec_driver_sql("SELECT count(*) FROM entities").scalar_one() >= 2
        later(service, 40 * DAY)
        with service.host.database.engine.connect() as connection:
            for table in (entities, anomalies, risk_days, control_changes):
                assert connection.execute(select(table)).first() is None, table


def test_the_observer_runs_by_itself(tmp_path: Path) -> None:
    with scored(tmp_path) as first:
        first.post(alarming("a"))
    with Service(tmp_path / "var", poll_seconds=0.05) as service:
        assert isinstance(service.host.observer, Observer)
        until(service, lambda: service.send("GET", "/v1/entities/user/anna").status_code == 200)
        assert entity(service, "user", "anna")["risk"] > 10.0
        with service.host.database.engine.connect() as connection:
            assert records.listed(connection, "other", None, 10, None) == []
