"""How bundles come into service, and how damaged ones do not."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from features.default_view import DEFAULT_VIEW
from features.view import FeatureView
from models.bundle_store import BundleStore
from service import verifying
from tests.service import bundles
from tests.service.bundles import publish
from tests.service.client import Service, finding, serves, until
from tests.service.test_host import step
from tests.service.test_scorer import features

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def serve_until(service: Service, digest: str) -> list[str]:
    """Post one alert after the other until ``digest`` decides; return who decided each. None may fail."""
    deciders: list[str] = []
    while not deciders or deciders[-1] != digest:
        answers = service.send_all(
            [("POST", "/v1/alerts", msgspec.json.encode(finding(f"s{digest[:4]}{len(deciders)}{i}"))) for i in range(5)]
        )
        assert [answer.status_code for answer in answers] == [201] * 5
        deciders += [answer.json().get("bundle", "") for answer in answers]
    return deciders


def test_swap_without_a_failed_request(tmp_path: Path) -> None:
    first = publish(tmp_path / "var", tmp_path / "first", 1)
    with Service(tmp_path / "var", poll_seconds=0.05) as service:
        decided = service.post(finding("a")).json()
        assert decided["bundle"] == first
        assert 0.0 < decided["score"] < 1.0
        second = publish(tmp_path / "var", tmp_path / "second", 2)
        assert set(serve_until(service, second)) == {first, second}
        explained = service.send("GET", "/v1/decisions/a").json()
        assert explained["bundle"] == first
        assert explained["reasons"]
        assert service.send("GET", "/v1/thresholds").json()["bundle"] == second
        BundleStore(tmp_path / "var" / "bundles").rollback(by="test", time=NOW)
        assert set(serve_until(service, first)) == {first, second}


def test_a_damaged_bundle_is_refused_and_the_old_one_serves(tmp_path: Path) -> None:
    first = publish(tmp_path / "var", tmp_path / "first", 1)
    with Service(tmp_path / "var", poll_seconds=0.05) as service:
        for seed, damage in enumerate(("truncated", "golden", "missing"), 2):
            work = tmp_path / damage
            bundles.make_bundle(work, seed)
            model = work / "classifier.txt"
            if damage == "truncated":
                model.write_bytes(model.read_bytes()[:500])
            elif damage == "golden":
                (work / "golden.json").write_bytes(b"{}")
            else:
                model.unlink()
            digest = BundleStore(tmp_path / "var" / "bundles").publish(work, by="test", time=NOW)
            until(service, lambda digest=digest: digest in service.host.refused)  # type: ignore[misc]
            assert service.host.refused[digest], damage
            assert service.post(finding(damage)).json()["bundle"] == first
            ready = service.send("GET", "/readyz")
            assert ready.status_code == 200
            assert ready.json()["champion_refused"]


@pytest.mark.parametrize("check", ["import time; time.sleep(9)", "raise MemoryError", "import os; os.kill(os.getpid(), 9)", ""])
def test_a_check_that_was_of_no_avail_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, check: str) -> None:
    """It says nothing of the bundle; for want of a bundle all wait for a person meanwhile. ``""``: it could not be started."""
    digest = publish(tmp_path / "var", tmp_path / "first", 1)
    monkeypatch.setattr(verifying, "AGAIN_SECONDS", 0.0)
    with pytest.MonkeyPatch.context() as failing:
        failing.setattr(verifying, "_CHECK", check)
        failing.setattr(verifying, "_VERIFY_SECONDS", 1.0 if "sleep" in check else 60.0)
        if not check:
            failing.setattr(verifying.sys, "executable", str(tmp_path / "nowhere"))
        with Service(tmp_path / "var", poll_seconds=0.05) as service:
            assert service.post(finding("a")).json()["reason_codes"] == ["no_model"]
            assert digest in service.host.refused
            failing.undo()
            serves(service, digest)
            assert service.host.refused == {}


def test_other_counters_are_rebuilt_from_the_facts(tmp_path: Path) -> None:
    """A bundle with another counter specification sees what it would have seen, had it served from the start."""
    spec = msgspec.structs.replace(DEFAULT_VIEW.spec, half_lives=tuple(2.0 * h for h in DEFAULT_VIEW.spec.half_lives))
    stretched = [
        msgspec.structs.replace(feature, half_life=2.0 * feature.half_life, other_half_life=2.0 * feature.other_half_life)
        for feature in DEFAULT_VIEW.features
    ]
    view = FeatureView(spec, tuple(stretched))
    bundles.make_bundle(tmp_path / "other", 3, view)
    rows = []
    for name, late in (("early", False), ("late", True)):
        var = tmp_path / name
        var.mkdir()
        (var / "secret.key").write_bytes(b"s" * 32)
        store = BundleStore(var / "bundles")
        publish(var, tmp_path / f"{name}-first", 1)
        if not late:
            digest = store.publish(tmp_path / "other", by="test", time=NOW)
        with Service(var, poll_seconds=0.05) as service:
            for i in range(20):
                step(service, i)
            if late:
                digest = store.publish(tmp_path / "other", by="test", time=NOW)
                serves(service, digest)
            assert service.post(finding("last", rule="r1", host="h1", seconds=2000)).json()["bundle"] == digest
            rows.append(features(service)[-1].tobytes())
    assert rows[0] == rows[1]


def test_a_fact_in_flight_is_not_missed_by_counters_rebuilt(service: Service) -> None:
    """The scorer's number runs ahead of what is committed; an engine made aside counts from what it has read."""
    step(service, 1)
    service.host.scorer.seq += 5
    _, seq = service.host._engine_aside(None)  # type: ignore[arg-type]
    service.host.scorer.seq -= 5
    assert seq == 1


def test_a_damaged_champion_pointer_does_not_keep_the_service_from_starting(tmp_path: Path) -> None:
    """Without a model every alert goes to a person, which is safer than no service."""
    digest = publish(tmp_path / "var", tmp_path / "first", 1)
    pointer = tmp_path / "var" / "bundles" / "champion.json"
    whole = pointer.read_bytes()
    pointer.write_bytes(whole[:20])
    with Service(tmp_path / "var", poll_seconds=0.05) as service:
        assert service.post(finding("a")).json()["reason_codes"] == ["no_model"]
        pointer.write_bytes(whole)
        assert serve_until(service, digest)[-1] == digest
