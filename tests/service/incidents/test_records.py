"""Incidents as stored, and what correlation reads."""

from __future__ import annotations

import sqlite3

import pytest
from sqlalchemy import update

from service.incidents import feed, records
from service.store import database as db
from service.store.tables import alerts
from tests.service.client import Service
from tests.service.incidents.alerts import get, high, incident_of, merge, post


@pytest.mark.parametrize("change", ["UPDATE incident_events SET kind = 'x'", "DELETE FROM incident_events"])
def test_what_happened_cannot_be_changed(service: Service, change: str) -> None:
    post(service, high("a"))
    other = sqlite3.connect(service.settings.database)
    try:
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            other.execute(change)
    finally:
        other.close()


def test_from_any_uid_it_is_one_step_to_what_the_incident_has_become(service: Service) -> None:
    post(
        service,
        *(high(f"{name}{i}", host=name, rule=f"r{i}", seconds=i) for n, name in enumerate("abc") for i in range((n + 1) ** 2)),
    )
    a, b, c = (str(incident_of(service, f"{name}0")) for name in "abc")
    merge(service, a, b)
    merge(service, b, c)
    found = get(service, c)
    assert found["uid"] == c
    assert set(found["merged"]) == {a, b}
    assert get(service, a)["uid"] == get(service, b)["uid"] == c


def test_an_incident_with_its_alerts_and_their_decisions(service: Service) -> None:
    post(service, high("a"), high("a2", seconds=1), high("b", rule="r2", seconds=30), high("other", host="h9"))
    uid = str(incident_of(service, "a"))
    lines = {uid: line["uid"] for line in get(service, uid)["lines"] for uid in line["alert_uids"]}
    with service.host.database.engine.connect() as connection:
        found = records.alerts_of(connection, uid)
        stored = db.find_seqs(connection, [seq for seq, _ in found])
    assert [(stored[seq].alert.uid, line) for seq, line in found] == [(name, lines[name]) for name in ("a", "a2", "b")]
    assert all(one.decision.priority == 50 for one in stored.values())


def test_what_another_model_says_is_no_revision(service: Service) -> None:
    post(service, high("a"), high("b", host="h2"))
    a, b = (str(incident_of(service, uid)) for uid in "ab")
    before = get(service, a)
    with service.host.database.engine.begin() as connection:
        records.rescore(connection, {b: 0.5, "unknown": 0.5})
        records.rescore(connection, {})
    assert get(service, a) == before
    assert (get(service, b)["score"], get(service, b)["priority"], get(service, b)["revision"]) == (0.5, 50, 1)


def test_how_far_back_the_last_days_begin(service: Service) -> None:
    for n in range(20):
        service.post(high(f"a{n}"))
    database = service.host.database

    def backdate(connection: object) -> None:
        database.writer.exec_driver_sql("DROP TRIGGER alerts_no_update")
        database.writer.execute(update(alerts).values(received=alerts.c.seq * 100.0))

    service.run(service.host.write(backdate))
    with database.engine.connect() as connection:
        assert feed.before_the_last(connection, 500.0) in (13, 14)
        assert feed.before_the_last(connection, 1e9) == 0
        assert feed.before_the_last(connection, 0.0) in (18, 19)


def test_of_no_alerts_nothing_is_read(service: Service) -> None:
    with service.host.database.engine.connect() as connection:
        assert feed.before_the_last(connection, 500.0) == 0
        assert feed.heard(connection, 0, 10) == []
        assert feed.behind(connection, 0) == 0
