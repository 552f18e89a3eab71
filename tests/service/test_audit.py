"""The audit draw: as often as it says, the same at every replay, and unmarked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from scipy.stats import binom

from features.history import read_decisions, read_labels
from models.audit import Audit, luck
from service.audit import RING
from service.export import export
from service.keys import Role
from service.store import database as db
from tests.service.bundles import AUDIT_LINE as LINE
from tests.service.bundles import publish
from tests.service.client import Service, finding

RATE = 0.3
RECORDS = [
    finding(f"a{i}", rule=f"r{1 + (i % 4 == 0) * (i % 3)}", host=f"h{i % 5}", seconds=20 * i) for i in range(600)
]  # rule r1 is known and soon habitual; the others are not known


def decide(service: Service, key: str | None = None) -> list[dict[str, Any]]:
    """Post all records; return their decisions."""
    found: list[dict[str, Any]] = service.post(RECORDS, key=key).json()["decisions"]
    return found


def is_drawn(decision: dict[str, Any]) -> bool:
    return "audit" in decision["reason_codes"]


def test_as_many_are_drawn_as_the_propensity_says(audited: Service) -> None:
    below = [d for d in decide(audited) if "below_threshold" in d["reason_codes"]]
    drawn = [d for d in below if is_drawn(d)]
    steady = [d for d in below if d["shown"] == RATE]
    assert len(steady) > 300
    low, high = binom.interval(0.999, len(steady), RATE)
    assert low <= sum(is_drawn(d) for d in steady) <= high
    assert {d["action"] for d in drawn} == {"queue"}
    assert {d["action"] for d in below if not is_drawn(d)} == {"suppress"}
    assert all(d["reason_codes"] == ["below_threshold", "audit"] for d in drawn)
    secret = audited.settings.secret.read_bytes()
    assert all((luck(secret, [("acme", d["alert_uid"])])[0] < d["shown"]) == is_drawn(d) for d in below)


def test_what_is_queued_anyway_is_shown_for_sure(audited: Service) -> None:
    assert all("shown" not in d for d in decide(audited) if "below_threshold" not in d["reason_codes"])


@pytest.mark.parametrize("restart", [False, True])
def test_the_draw_does_not_depend_on_how_alerts_come_together(tmp_path: Path, restart: bool) -> None:
    publish(tmp_path / "a", tmp_path / "work", audit=Audit(rate=RATE, daily=1.0, line=LINE))
    publish(tmp_path / "b", tmp_path / "work", audit=Audit(rate=RATE, daily=1.0, line=LINE))
    with Service(tmp_path / "a") as service:
        together = [{**d, "time": ""} for d in decide(service)]
    (tmp_path / "b" / "secret.key").write_bytes((tmp_path / "a" / "secret.key").read_bytes())
    apart: list[dict[str, Any]] = []
    for part in (RECORDS[:250], RECORDS[250:]):
        with Service(tmp_path / "b") as service:
            for start in range(0, len(part), 50 if restart else 125):
                apart += service.post(part[start : start + (50 if restart else 125)]).json()["decisions"]
    assert [{**d, "time": ""} for d in apart] == together


def test_its_place_is_one_of_those_lately_queued(audited: Service) -> None:
    decided = decide(audited)
    queued = [d["priority"] for d in decided if d["action"] == "queue" and not is_drawn(d)]
    assert {d["priority"] for d in decided if is_drawn(d)} <= {*queued, 50}
    with audited.host.database.engine.connect() as connection:
        assert db.lately_queued(connection, "acme", RING) == queued[-RING:]


def shape(value: object) -> object:
    """Return the keys and types of an answer, without what it says."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    return {str(shape(item)) for item in value} if isinstance(value, list) else type(value)


def test_an_analyst_cannot_tell_a_draw_from_the_rest(audited: Service) -> None:
    drawn = {d["alert_uid"]: is_drawn(d) for d in decide(audited) if d["action"] == "queue"}
    assert len(set(drawn.values())) == 2
    ann = audited.keys[Role.ANALYST]
    items = audited.send("GET", "/v1/queue?limit=500", ann).json()["alerts"]
    alone = [audited.send("GET", f"/v1/decisions/{item['alert_uid']}", ann).json() for item in items]
    assert [item["decision"] for item in items] == alone
    assert len(items) == len(drawn)
    shapes = {yes: {str(shape(item)) for item in items if drawn[item["alert_uid"]] == yes} for yes in (True, False)}
    assert shapes[True] == shapes[False]
    text = str(items) + str(alone)
    assert not any(f"'{word}'" in text for word in ("score", "anomaly_score", "reason_codes", "shown", "audit"))
    assert "speaks" not in text
    assert all(reason["contribution"] == 0.0 for decision in alone for reason in decision["reasons"])


def test_who_sees_what_after_a_verdict(audited: Service, tmp_path: Path) -> None:
    uid = next(d["alert_uid"] for d in decide(audited) if is_drawn(d) and d["shown"] == RATE)
    keys = audited.keys
    label = audited.post({"alert_uid": uid, "verdict": "false_positive"}, "/v1/labels", keys[Role.ANALYST]).json()
    assert "shown" not in label
    seen = {role: audited.send("GET", f"/v1/decisions/{uid}", keys[role]).json() for role in Role}
    for role in (Role.ANALYST, Role.PIPELINE):
        assert seen[role]["reason_codes"] == ["below_threshold"]
        assert "shown" not in seen[role]
        assert seen[role]["score"] == seen[Role.ADMIN]["score"]
    for role in (Role.ADMIN, Role.SCIENTIST):
        assert is_drawn(seen[role])
        assert seen[role]["shown"] == RATE
    export(audited.settings, tmp_path / "out", None)
    assert [given.shown for _, given in read_labels(tmp_path / "out")] == [RATE]
    written = {d["alert_uid"]: d for d in read_decisions(tmp_path / "out")}
    assert (written[uid]["shown"], written[uid]["reason_codes"]) == (RATE, ["below_threshold", "audit"])


def test_a_pipeline_is_told_the_codes_but_not_the_draw(audited: Service) -> None:
    decided = decide(audited, audited.keys[Role.PIPELINE])
    assert not any(is_drawn(d) or "shown" in d for d in decided)
    assert any(d["action"] == "queue" and d["reason_codes"] == ["below_threshold"] for d in decided)


def test_a_suppressed_alert_that_someone_looked_up_drew_no_lot(audited: Service, tmp_path: Path) -> None:
    uid = next(d["alert_uid"] for d in decide(audited) if d["action"] == "suppress" and d["shown"] < 1.0)
    assert "shown" not in audited.post({"alert_uid": uid, "verdict": "true_positive"}, "/v1/labels").json()


def test_the_rate_is_published(audited: Service) -> None:
    assert audited.send("GET", "/v1/thresholds").json()["audit"] == {"rate": RATE, "daily": 1.0, "rule": 0.0, "line": LINE}
