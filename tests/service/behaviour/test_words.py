"""What people say of a day: it weighs on the risk, a day that was held is learned or dropped by it, and a restart changes nothing."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from features.alert import from_epoch
from features.history import read_day_verdicts
from features.label import Verdict
from service.behaviour import records
from service.behaviour.words import Part, Place, upcoming
from service.export import export
from service.keys import Role
from service.store.entity_tables import anomalies, day_verdicts
from tests.service.behaviour.world import DAY, TODAY, alarming, entity, looked, received, scored, week
from tests.service.client import Service

SOON: dict[str, Any] = {"poll_seconds": 3600.0, "late_seconds": 60.0}
PEOPLE = [f"p{i}" for i in range(6)]
FIRST, ODD = TODAY - 80, TODAY - 3
"""The first day, and the first on which p1 is not itself."""


def on(day: int) -> str:
    return from_epoch(day * DAY).date().isoformat()


def say(service: Service, day: int, verdict: str, status: int = 201, *, key: str | None = None, **more: Any) -> Any:
    kind, uid = more.pop("kind", "user"), more.pop("uid", "p1")
    answer = service.post({"day": on(day), "verdict": verdict, **more}, f"/v1/entities/{kind}/{uid}/verdicts", key=key)
    assert answer.status_code == status, answer.text
    return answer.json()


def lived(service: Service, days: Iterable[int]) -> None:
    """Let everybody live through some days, each closed before anything of the next is received, and p1 no more as usual from ``ODD`` on."""
    for day in days:
        some = week(day, PEOPLE, strange="p1" if day >= ODD else "")
        received(service, [one for one in some if one.time.timestamp() > day * DAY + 300.0])
        service.host.observer.now = lambda day=day: (day + 1) * DAY + 180.0
        looked(service)


def held(service: Service) -> list[tuple[str, str, int]]:
    """Whose days are held, and which."""
    watching = service.host.observer.memory.watching
    assert watching is not None
    waits = watching._engine._days._guard.held._waiting
    return sorted((account.kind.value, account.entity, day) for account, its in waits.items() for day, _ in its.days)


def judged(service: Service) -> list[Any]:
    with service.host.database.engine.connect() as connection:
        return sorted(tuple(row) for row in connection.execute(select(anomalies)))


def test_a_day_called_harmless_weighs_nothing_and_what_is_taken_back_weighs_again(tmp_path: Path) -> None:
    with Service(tmp_path / "var", **SOON) as service:
        lived(service, range(FIRST, ODD + 1))
        before = entity(service, "user", "p1")
        assert before["decided"] == "monitor"
        assert before["deviates"][0]["verdict"] is None
        said = say(service, ODD, "false_positive", reason="P1 was in Paris")
        told = {"verdict": "false_positive", "reason": f"{before['pseudonym']} was in Paris", "by": "admin", "time": said["time"]}
        assert said == {"kind": "user", "uid": "p1", "pseudonym": before["pseudonym"], "day": on(ODD), **told}
        export(service.settings, tmp_path / "history", None)
        (told_on,) = read_day_verdicts(tmp_path / "history")
        assert (told_on.tenant, told_on.kind, told_on.uid, told_on.day.isoformat()) == ("acme", "user", "p1", on(ODD))
        assert told_on.verdict is Verdict.FALSE_POSITIVE
        looked(service)
        after = entity(service, "user", "p1")
        assert after["risk"] < before["risk"] / 2
        assert after["deviates"][0]["verdict"] == after["anomalies"][0]["verdict"] == told
        say(service, ODD, "undetermined")
        looked(service)
        assert entity(service, "user", "p1")["risk"] == pytest.approx(before["risk"], abs=0.2)
        say(service, ODD, "true_positive")
        looked(service)
        assert entity(service, "user", "p1")["risk"] == pytest.approx(75.0, abs=5.0), "all that behaviour may say"
        say(service, ODD, "benign_positive")
        looked(service)
        assert entity(service, "user", "p1")["risk"] == after["risk"]
        for ahead in (2.0, 3.0, 4.0, 5.0):
            service.host.observer.now = lambda ahead=ahead: (ODD + ahead) * DAY
            looked(service)
        assert entity(service, "user", "p1")["decided"] == "none"
        words = service.send("GET", "/v1/entities/user/p1/records").json()["day_verdicts"]
        assert [one["verdict"] for one in words] == ["false_positive", "undetermined", "true_positive", "benign_positive"]


def began(service: Service, *, told: bool) -> None:
    """Live until two days of p1 are held; then, if it is ``told``, days are called this and that while events wait to be taken up."""
    lived(service, range(FIRST + 20, ODD + 2))
    service.host.observer.now = lambda: (ODD + 2.8) * DAY
    waits = held(service)
    mine, hosts = [one for one in waits if one[:2] == ("user", "p1")], [one for one in waits if one[0] == "host"]
    assert [day for *_, day in mine][-2:] == [ODD, ODD + 1]
    received(service, week(ODD + 2, PEOPLE[:1]))
    if told:
        say(service, ODD, "benign_positive")
        say(service, hosts[0][2], "benign_positive", kind="host", uid=hosts[0][1])
        say(service, hosts[-1][2], "true_positive", kind="host", uid=hosts[-1][1])
        service.run(service.host.observer.look())
        received(service, week(ODD + 2, PEOPLE[1:3]))


def went_on(service: Service, *, told: bool, again: bool = False) -> tuple[list[Any], list[Any], set[Any]]:
    """Live on, folding all ``again`` after each day; return what was judged, what is held, and what is no more."""
    service.host.observer.now = lambda: (ODD + 2.9) * DAY
    looked(service)
    waits = held(service)
    assert ("user", "p1", ODD + 1) in waits
    assert (("user", "p1", ODD) in waits) != told
    if told:
        say(service, ODD + 1, "true_positive")
        looked(service)
    gone = set(waits) - set(held(service))
    for day in range(ODD + 3, ODD + 7):
        lived(service, [day])
        if again:
            service.host.observer.memory.forget()
    looked(service)
    return judged(service), held(service), gone


def test_a_held_day_is_learned_or_dropped_and_what_follows_is_the_same_after_restarts(tmp_path: Path) -> None:
    given: dict[str, Any] = {**SOON, "false_discovery": 0.5}
    with Service(tmp_path / "a", **given) as service:
        began(service, told=True)
        at_once = went_on(service, told=True)
    assert at_once[2] == {("user", "p1", ODD + 1)}
    for name in "bc":
        (tmp_path / name).mkdir()
        shutil.copy(tmp_path / "a" / "secret.key", tmp_path / name / "secret.key")  # values are counted under keyed hashes
    with Service(tmp_path / "b", **given) as service:
        began(service, told=True)
    with Service(tmp_path / "b", **given) as service:
        assert went_on(service, told=True, again=True) == at_once
    with Service(tmp_path / "c", **given) as service:
        began(service, told=False)
        received(service, week(ODD + 2, PEOPLE[1:3]))
        assert went_on(service, told=False)[0] != at_once[0], "without a word it is judged otherwise"


def test_who_may_say_what_of_which_day(tmp_path: Path) -> None:
    with scored(tmp_path, late_seconds=60.0) as service:
        lived(service, range(TODAY - 3, TODAY))
        service.post(alarming("a"))
        received(service, week(TODAY, ["p1"]))
        looked(service)
        pseudonym, analyst = entity(service, "user", "p1")["pseudonym"], service.keys[Role.ANALYST]
        assert say(service, TODAY - 2, "undetermined", uid=pseudonym, key=analyst)["uid"] == pseudonym
        say(service, TODAY - 2, "false_positive", 404, key=analyst)  # a name cannot be tried
        say(service, TODAY - 2, "false_positive", 404, uid="nobody")
        say(service, TODAY - 2, "false_positive", 404, uid=pseudonym, key=service.other)
        for role in (Role.PIPELINE, Role.SCIENTIST):
            say(service, TODAY - 2, "false_positive", 403, key=service.keys[role])
        say(service, TODAY, "false_positive", 409)
        say(service, TODAY + 2, "false_positive", 422)
        say(service, TODAY - 30, "false_positive", 422)
        say(service, TODAY - 2, "false_positive", 422, uid="anna")  # known by an alert only
        for verdict in ("duplicate", "harmless", ""):
            say(service, TODAY - 2, verdict, 422)
        say(service, TODAY - 2, "false_positive", 422, more="x")
        say(service, TODAY - 2, "false_positive", 422, reason="x" * 501)
        for body in ({}, {"day": on(TODAY - 2)}, {"day": "yesterday", "verdict": "false_positive"}, [], "x"):
            assert service.post(body, "/v1/entities/user/p1/verdicts").status_code == 422, body
        with service.host.database.engine.connect() as connection:
            assert len(connection.execute(select(day_verdicts)).all()) == 1
            with pytest.raises(IntegrityError):
                connection.exec_driver_sql("UPDATE day_verdicts SET verdict = 'true_positive'")
        say(service, TODAY - 1, "false_positive")
        service.run(service.host.write(lambda connection: records.forget(connection, (TODAY - 1) * DAY, 0.0, 100)))
        with service.host.database.engine.connect() as connection:
            assert [row.day for row in connection.execute(select(day_verdicts))] == [TODAY - 1], "kept as long as the judgement"
        assert service.send("DELETE", "/v1/entities/user/p1").status_code == 200
        with service.host.database.engine.connect() as connection:
            assert connection.execute(select(day_verdicts)).all() == []


def test_a_word_stands_between_the_events_that_were_received_before_and_after_it(tmp_path: Path) -> None:
    with Service(tmp_path / "var", **SOON) as service:
        lived(service, range(TODAY - 3, TODAY))
        with service.host.database.engine.connect() as connection:
            last = connection.exec_driver_sql("SELECT max(seq) FROM events").scalar_one()
        say(service, TODAY - 2, "false_positive")
        received(service, week(TODAY, ["p1"]))
        say(service, TODAY - 2, "undetermined")

        def after(event: int, word: int, most: int = 1000, until: Place | None = None) -> tuple[list[int], int]:
            with service.host.database.engine.connect() as connection:
                part: Part = upcoming(connection, Place(event, word), most, until)
            return [one.seq for one in part.events], 0 if part.word is None else part.word.seq

        assert after(last - 2, 0) == ([last - 1, last], 1)
        assert after(last - 2, 0, most=1) == ([last - 1], 0)
        assert after(last, 0) == ([], 1)
        new, word = after(last, 1)
        assert (new[0], word) == (last + 1, 2)
        assert after(last, 1, until=Place(last + 1, 1)) == ([last + 1], 0)
        assert after(new[-1], 2) == ([], 0)
