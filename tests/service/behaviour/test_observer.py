"""The observer: what it says follows from what is stored, once, whatever breaks off."""

from __future__ import annotations

import time
from pathlib import Path

from tests.service.behaviour.world import alarming, entity, looked, scored


def test_alerts_raise_the_risk_of_whom_they_name_and_a_rule_alone_no_further_than_its_cap(tmp_path: Path) -> None:
    with scored(tmp_path) as service:
        service.post([alarming(f"a{i}", user="Anna", host="WS-1") for i in range(30)])
        looked(service)
        for kind, uid in (("user", "anna"), ("host", "ws-1")):
            told = entity(service, kind, uid)
            assert 10.0 < told["risk"] <= 75.0
        service.post([alarming("b", rule="r2", user="anna")])
        looked(service)
        assert entity(service, "user", "anna")["risk"] > told["risk"]
        assert time.time() > 0
