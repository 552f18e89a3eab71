"""How fast verdicts may be given."""

from __future__ import annotations

import logging
from datetime import timedelta
from pathlib import Path

import pytest

from features.label import Label, Provenance
from service.errors import RateLimitedError
from service.keys import Role
from service.metrics import LABEL_BURSTS
from service.pace import BURST_VERDICTS, Pace
from tests.conftest import START, build_alert, build_label
from tests.service.client import Service, finding


def given(number: int, at: float, analyst: str = "ann", provenance: Provenance = Provenance.HUMAN) -> Label:
    """Return a verdict received ``at`` seconds after the start."""
    when = START + timedelta(seconds=at)
    return build_label(build_alert(number), uid=f"l{number}", received_time=when, analyst=analyst, provenance=provenance)


def new(_label: Label) -> bool:
    return False


def test_the_limit_is_for_each_analyst_and_moves_on_with_time() -> None:
    pace = Pace(10, [given(i, 60.0 * i) for i in range(10)])
    with pytest.raises(RateLimitedError) as caught:
        pace.admit([given(10, 600.0), given(11, 600.0)], new)
    assert caught.value.retry_seconds == 3060  # until the second of the ten is an hour old
    pace.admit([given(12, 600.0, "bob")], new)
    pace.admit([given(13, 600.0, provenance=Provenance.IMPORT)] * 100, new)
    pace.admit([given(14, 3661.0), given(15, 3661.0)], new)
    pace.admit([given(16, 600.0)], lambda _label: True)


def test_more_than_fit_into_an_hour_never_fit() -> None:
    with pytest.raises(RateLimitedError) as caught:
        Pace(10).admit([given(i, 0.0) for i in range(11)], new)
    assert caught.value.retry_seconds == 3600


def test_a_burst_is_an_alarm_once(caplog: pytest.LogCaptureFixture) -> None:
    before = LABEL_BURSTS._value.get()
    pace = Pace(10_000)
    with caplog.at_level(logging.WARNING):
        for i in range(BURST_VERDICTS):
            pace.note(given(i, i))
        assert not caplog.records
        for i in range(50):
            pace.note(given(1000 + i, BURST_VERDICTS + i, "ann\n{}"))
            pace.note(given(2000 + i, BURST_VERDICTS + i))
    assert len(caplog.records) == 1
    assert LABEL_BURSTS._value.get() == before + 1


def test_too_many_at_once_take_nothing_and_a_restart_forgives_nothing(tmp_path: Path) -> None:
    verdicts = [{"alert_uid": f"a{i}", "verdict": "true_positive", "uid": f"l{i}"} for i in range(8)]
    with Service(tmp_path, max_labels_an_hour=10, max_labels=12) as service:
        service.post([finding(f"a{i}") for i in range(8)])
        key = service.keys[Role.ANALYST]
        answer = service.post(verdicts + verdicts, "/v1/labels", key)
        assert answer.status_code == 413
        assert "12" in answer.json()["detail"]
        assert len(service.send("GET", "/v1/queue").json()["alerts"]) == 8
        assert service.post(verdicts[:6], "/v1/labels", key).status_code == 201
        assert service.post(verdicts[:6], "/v1/labels", key).status_code == 201  # again: nothing new
        many = [{**verdict, "uid": f"m{i}"} for i, verdict in enumerate(verdicts[:5])]
    with Service(tmp_path, max_labels_an_hour=10) as service:
        key = service.keys[Role.ANALYST]  # another key of the same analyst
        answer = service.post(many, "/v1/labels", key)
        assert answer.status_code == 429
        assert answer.headers["content-type"] == "application/problem+json"
        assert 0 < int(answer.headers["retry-after"]) <= 3600
        assert len(service.send("GET", "/v1/queue").json()["alerts"]) == 2
        assert service.post(many[:4], "/v1/labels", key).status_code == 201
        imports = [{**verdict, "uid": f"i{i}", "provenance": "import"} for i, verdict in enumerate(verdicts * 3)]
        assert service.post(imports, "/v1/labels").status_code == 201
