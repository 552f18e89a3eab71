"""POST /v1/labels, and what it does to the queue."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.service.client import Service, finding
from tests.service.test_scorer import features

AFTER = "2023-11-15T00:00:00Z"


@pytest.fixture
def taken(service: Service) -> Service:
    """A service with alerts ``a`` and ``b``."""
    service.post([finding("a"), finding("b")])
    return service


def test_a_verdict_takes_the_alert_off_the_queue(taken: Service) -> None:
    answer = taken.post({"alert_uid": "a", "verdict": "true_positive", "reason": "seen"}, "/v1/labels")
    assert answer.status_code == 201
    assert [item["alert_uid"] for item in taken.send("GET", "/v1/queue").json()["alerts"]] == ["b"]


def test_a_second_verdict_supersedes_the_first(taken: Service) -> None:
    first = taken.post({"alert_uid": "a", "verdict": "true_positive"}, "/v1/labels").json()
    second = taken.post({"alert_uid": "a", "verdict": "false_positive"}, "/v1/labels").json()
    assert second["supersedes"] == first["uid"]


@pytest.mark.parametrize("given", [{"time": AFTER}, {}])
def test_the_same_uid_again_is_the_same_label(taken: Service, given: dict[str, str]) -> None:
    label = {"uid": "l1", "alert_uid": "a", "verdict": "true_positive", **given}
    first, again = taken.post(label, "/v1/labels"), taken.post(label, "/v1/labels")
    assert again.status_code in (200, 201)
    assert first.json() == again.json()
    assert taken.post({**label, "verdict": "false_positive"}, "/v1/labels").status_code == 409


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"verdict": "nonsense"}, 422),
        ({"alert_uid": "none"}, 404),
        ({"time": "2099-01-01T00:00:00Z"}, 422),
        ({"time": "2023-11-14T00:00:00Z"}, 422),  # before the alert itself
        ({"time": "2023-11-15T00:00:00"}, 422),  # no zone
        ({"time": 3}, 422),
        ({"surprise": 1}, 422),
        ({"reason": "x" * 3000}, 422),
    ],
)
def test_refused(taken: Service, change: dict[str, object], status: int) -> None:
    answer = taken.post({"alert_uid": "a", "verdict": "true_positive", **change}, "/v1/labels")
    assert answer.status_code == status
    assert len(taken.send("GET", "/v1/queue").json()["alerts"]) == 2


def test_a_batch_names_what_was_refused(taken: Service) -> None:
    body = taken.post(
        [{"alert_uid": "a", "verdict": "true_positive"}, {"alert_uid": "z", "verdict": "true_positive"}], "/v1/labels"
    ).json()
    assert [label["alert_uid"] for label in body["labels"]] == ["a"]
    assert [reject["row"] for reject in body["rejected"]] == [1]


def test_a_label_of_another_tenants_alert_is_not_found(taken: Service) -> None:
    assert taken.post({"alert_uid": "a", "verdict": "true_positive"}, "/v1/labels", taken.other).status_code == 404


def test_supersedes_is_held_against_the_last_verdict(taken: Service) -> None:
    first = taken.post({"alert_uid": "a", "verdict": "true_positive"}, "/v1/labels").json()["uid"]
    correction = {"alert_uid": "a", "verdict": "false_positive", "supersedes": first}
    assert taken.post({**correction, "supersedes": "none"}, "/v1/labels").status_code == 409
    assert taken.post(correction, "/v1/labels").status_code == 201
    assert taken.post(correction, "/v1/labels").status_code == 409


@pytest.mark.parametrize("first", ["true_positive", "benign_positive", "undetermined"])
def test_a_verdict_taken_back_leaves_no_trace(tmp_path: Path, first: str) -> None:
    """The counters are those of a service that was given only the last verdict."""
    rows = []
    for name, verdicts in (("changed", (first, "true_positive", "false_positive")), ("once", ("false_positive",))):
        var = tmp_path / name
        var.mkdir()
        (var / "secret.key").write_bytes(b"s" * 32)
        with Service(var) as service:
            service.post([finding("a"), finding("b")])
            for verdict in verdicts:
                assert service.post({"alert_uid": "a", "verdict": verdict, "time": AFTER}, "/v1/labels").status_code == 201
            service.post([finding("later", seconds=2 * 86400.0), finding("sibling", rule="r2", seconds=2 * 86400.0)])
            rows.append(features(service))
    assert np.allclose(rows[0], rows[1], rtol=1e-9, atol=1e-12, equal_nan=True)
