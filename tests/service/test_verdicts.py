"""Two analysts at odds, a verdict taken back, and what the counters see of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from service.keys import KeyStore, Role
from tests.service.client import Service, finding
from tests.service.test_scorer import features

AFTER = "2023-11-15T00:00:00Z"


def say(service: Service, who: str, verdict: str, **more: Any) -> dict[str, Any]:
    """Give a verdict on ``a`` as one of two analysts; return the label as stored."""
    key = service.keys[Role.ANALYST] if who == "ann" else service.keys[Role.ADMIN]
    answer = service.post({"alert_uid": "a", "verdict": verdict, "time": AFTER, **more}, "/v1/labels", key)
    assert answer.status_code == 201, answer.text
    stored: dict[str, Any] = answer.json()
    return stored


def waits(service: Service) -> bool:
    """Whether ``a`` is in the queue."""
    return any(item["alert_uid"] == "a" for item in service.send("GET", "/v1/queue").json()["alerts"])


def test_two_at_odds_until_one_who_names_the_last_decides(service: Service) -> None:
    service.post(finding("a"))
    first = say(service, "ann", "true_positive")
    contest = say(service, "bob", "false_positive")
    assert contest["contests"] == first["uid"]
    assert "supersedes" not in contest
    assert waits(service)
    third = say(service, "ann", "true_positive")
    assert third["contests"] == contest["uid"]
    assert waits(service)
    late = service.post({"alert_uid": "a", "verdict": "true_positive", "supersedes": contest["uid"]}, "/v1/labels")
    assert late.status_code == 409
    decided = say(service, "bob", "false_positive", supersedes=third["uid"])
    assert "contests" not in decided
    assert not waits(service)


def test_agreement_and_second_thoughts_supersede(service: Service) -> None:
    service.post(finding("a"))
    first = say(service, "ann", "false_positive")
    agreed = say(service, "bob", "benign_positive")
    assert (agreed["supersedes"], agreed.get("contests")) == (first["uid"], None)
    changed = say(service, "bob", "true_positive")
    assert (changed["supersedes"], changed.get("contests")) == (agreed["uid"], None)
    assert not waits(service)


def test_undetermined_takes_a_verdict_back(service: Service) -> None:
    service.post(finding("a"))
    say(service, "ann", "undetermined")
    assert not waits(service)
    say(service, "ann", "true_positive")
    say(service, "ann", "undetermined")
    assert waits(service)
    say(service, "ann", "undetermined")
    assert not waits(service)


def test_another_takes_a_verdict_back_only_by_its_name(service: Service) -> None:
    service.post(finding("a"))
    first = say(service, "ann", "true_positive")
    contest = say(service, "bob", "undetermined")
    assert contest["contests"] == first["uid"]
    assert "contests" not in say(service, "bob", "undetermined", supersedes=contest["uid"])
    assert waits(service)


@pytest.mark.parametrize("mark", [{"contests": "x"}, {"shown": 0.5}, {"analyst": "bob"}, {"received_time": AFTER}])
def test_what_a_client_cannot_set(service: Service, mark: dict[str, Any]) -> None:
    service.post(finding("a"))
    answer = service.post({"alert_uid": "a", "verdict": "true_positive", **mark}, "/v1/labels")
    assert answer.status_code == 422
    assert service.host.scorer.seq == 1


def test_a_machine_does_not_take_back_what_a_person_said(service: Service) -> None:
    service.post(finding("a"))
    machine = {"alert_uid": "a", "verdict": "false_positive", "provenance": "automation"}
    assert service.post(machine, "/v1/labels").status_code == 201
    person = say(service, "ann", "true_positive")
    assert "contests" not in person
    assert service.post(machine, "/v1/labels").status_code == 409
    assert service.post({**machine, "supersedes": person["uid"]}, "/v1/labels").status_code == 409


def test_the_same_contest_again_is_the_same_label(service: Service) -> None:
    service.post(finding("a"))
    say(service, "ann", "true_positive")
    assert say(service, "bob", "false_positive", uid="x") == say(service, "bob", "false_positive", uid="x")


def later(tmp_path: Path, name: str, story: list[tuple[str, str, dict[str, Any]]]) -> NDArray[np.float64]:
    """Return the features of later alerts after verdicts on ``a``; ``{"supersedes": ""}`` names the last of them."""
    var = tmp_path / name
    var.mkdir()
    (var / "secret.key").write_bytes(b"s" * 32)
    with Service(var) as service:
        service.post([finding("a"), finding("b")])
        last = ""
        for who, verdict, more in story:
            last = say(service, who, verdict, **({"supersedes": last} if more else {}))["uid"]
        service.post([finding("later", seconds=2 * 86400.0), finding("sibling", rule="r2", seconds=2 * 86400.0)])
        return features(service)


NAMED = {"supersedes": ""}


@pytest.mark.parametrize(
    ("story", "same_as"),
    [
        ([("ann", "true_positive", {}), ("bob", "false_positive", {})], []),
        ([("ann", "true_positive", {}), ("bob", "false_positive", {}), ("ann", "true_positive", {})], []),
        ([("ann", "true_positive", {}), ("ann", "undetermined", {})], []),
        ([("ann", "true_positive", {}), ("bob", "duplicate", {})], []),
        (
            [("ann", "true_positive", {}), ("bob", "false_positive", {}), ("ann", "true_positive", NAMED)],
            [("bob", "true_positive", {})],
        ),
        ([("ann", "true_positive", {}), ("bob", "false_positive", NAMED)], [("ann", "false_positive", {})]),
        ([("ann", "undetermined", {}), ("bob", "true_positive", {})], [("ann", "true_positive", {})]),
    ],
)
def test_the_counters_see_what_is_in_force_and_nothing_else(
    tmp_path: Path, story: list[tuple[str, str, dict[str, Any]]], same_as: list[tuple[str, str, dict[str, Any]]]
) -> None:
    found, wanted = later(tmp_path, "story", story), later(tmp_path, "wanted", same_as)
    assert np.allclose(found, wanted, rtol=1e-9, atol=1e-12, equal_nan=True)


def test_nothing_that_was_refused_becomes_a_label(service: Service) -> None:
    """Unknown alerts, those of others, verdicts of the future and foreign words leave the counters as they were."""
    service.post([finding("a"), finding("b")])
    foreign = KeyStore(service.settings.keys).create(Role.ANALYST, "other", "eve")
    good: dict[str, Any] = {"alert_uid": "a", "verdict": "true_positive"}
    for bad, key, status in (
        ({**good, "alert_uid": "none"}, None, 404),
        (good, foreign, 404),
        ({**good, "time": "2099-01-01T00:00:00Z"}, None, 422),
        ({**good, "verdict": "malicious"}, None, 422),
    ):
        answer = service.post(bad, "/v1/labels", key)
        assert answer.status_code == status
        if bad["verdict"] == "malicious":
            assert "benign_positive" in answer.json()["errors"][0]["reason"]
    mixed = service.post([{**good, "alert_uid": "none"}, {**good, "verdict": "evil"}], "/v1/labels")
    assert mixed.status_code == 422
    assert [error["row"] for error in mixed.json()["errors"]] == [0, 1]
    assert service.host.scorer.seq == 2
