"""The live policy over HTTP: whose it is, who may change it, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from models.live_policy import Condition, Mode, NeverSuppress, Setting, Withdrawal
from models.policy_store import PolicyStore
from service.keys import Role
from service.policy_edits import restore, stop
from tests.conftest import START
from tests.service.bundles import publish
from tests.service.client import Service, finding


@pytest.fixture
def served(tmp_path: Path) -> Any:
    publish(tmp_path / "var", tmp_path / "work")
    with Service(tmp_path / "var") as running:
        yield running


def say(service: Service, body: object, *, method: str = "PATCH", key: str | None = None, match: str = "*") -> httpx.Response:
    return service.send(method, "/v1/policy", key, content=msgspec.json.encode(body), headers={"if-match": match})


def test_without_a_word_a_tenant_is_in_shadow(service: Service) -> None:
    answer = service.send("GET", "/v1/policy", service.keys[Role.PIPELINE])
    body = answer.json()
    assert (body["version"], body["mode"], body["stopped"], body["modes"]) == (0, "shadow", False, [])
    assert answer.headers["etag"] == f'"{body["policy"]}"'
    again = service.send("GET", "/v1/policy", headers={"if-none-match": answer.headers["etag"]})
    assert again.status_code == 304


def test_a_mode_is_given_with_the_certificate_on_which_it_rests(served: Service) -> None:
    assert say(served, {"modes": [{"mode": "automate"}]}).status_code == 422
    given = say(served, {"modes": [{"mode": "automate", "transferred": True}], "note": "after a month"}).json()
    certificate = served.host.scorer.engine.bundle.policy.certificates[0].uid  # type: ignore[union-attr]
    assert [(m["tenant"], m["effect"], m["certificate"]) for m in given["modes"]] == [("acme", "automate", certificate)]
    foreign = say(served, {"modes": [{"mode": "advise", "transferred": True, "certificate": "0" * 16}]})
    assert foreign.status_code == 422
    made = served.post(finding("a")).json()
    assert made["policy"] == given["policy"]
    (latest, *_) = served.send("GET", "/v1/policy/history").json()["versions"]
    assert (latest["version"], latest["by"], latest["note"]) == (given["version"], "admin", "after a month")


def test_without_a_certificate_there_is_only_shadow(service: Service) -> None:
    refused = say(service, {"modes": [{"mode": "advise", "transferred": True}]})
    assert refused.status_code == 422
    assert "certificate" in refused.json()["detail"]
    assert say(service, {"modes": [{"mode": "shadow"}]}).status_code == 200


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{", b'{"never_suppres": []}', b'{"stops": []}', b'{"never_suppress": [{"by": "colour"}]}',
     b'{"never_suppress": [{"by": "severity", "value": "9"}]}', b'{"never_suppress": [{"by": "decoy", "value": "x"}]}',
     b'{"never_suppress": [{"by": "technique", "value": "1059"}]}', b'{"modes": [{"mode": "shadow"}, {"mode": "shadow"}]}',
     b'{"modes": [{"mode": "shadow", "group": "colour:red"}]}', b'{"never_suppress": [{"by": "decoy", "expires": "2026-01-01T00:00:00"}]}',
     b'{"caps": [{"tier": "minimal", "most": -1, "window_seconds": 1}]}', b'{"habit_from": 0}', b"[" * 100_000],
)  # fmt: skip
def test_what_is_not_understood_changes_nothing(service: Service, body: bytes) -> None:
    answer = service.send("PATCH", "/v1/policy", content=body)
    assert answer.status_code == 422, answer.text
    assert str(service.settings.var) not in answer.text
    assert service.send("GET", "/v1/policy").json()["version"] == 0


def test_put_says_anew_and_patch_changes(service: Service) -> None:
    first = say(
        service,
        {"never_suppress": [{"by": "severity", "value": "4"}], "caps": [{"tier": "minimal", "most": 1, "window_seconds": 9}]},
    )
    second = say(service, {"never_suppress": [{"by": "decoy"}]})
    assert [e["by"] for e in second.json()["never_suppress"]] == ["decoy"]
    assert len(second.json()["caps"]) == 1
    assert service.send("PUT", "/v1/policy", content=b"{}").status_code == 412
    assert say(service, {}, method="PUT", match=first.headers["etag"]).status_code == 412
    third = say(service, {}, method="PUT", match=second.headers["etag"]).json()
    assert (third["never_suppress"], third["caps"]) == ([], [])


def test_a_tenant_neither_sees_nor_changes_anothers(service: Service) -> None:
    say(service, {"never_suppress": [{"by": "decoy"}], "note": "secret"})
    other = service.send("GET", "/v1/policy", service.other)
    assert other.json()["never_suppress"] == []
    assert "secret" not in service.send("GET", "/v1/policy/history", service.other).text
    assert say(service, {"never_suppress": [{"by": "decoy", "tenant": "acme"}]}, key=service.other).status_code == 403
    say(service, {}, method="PUT", key=service.other)
    assert len(service.send("GET", "/v1/policy").json()["never_suppress"]) == 1
    assert service.post({}, "/v1/policy/stop", service.other).json()["stopped"] is True
    assert service.send("GET", "/v1/policy").json()["stopped"] is False


def test_an_analyst_stops_and_an_admin_resumes(served: Service) -> None:
    ann = served.keys[Role.ANALYST]
    stopped = served.send("POST", "/v1/policy/stop", ann).json()
    assert stopped["stopped"] is True
    assert [(s["tenant"], s["by"]) for s in stopped["stops"]] == [("acme", "analyst")]
    assert served.post({}, "/v1/policy/resume", ann).status_code == 403
    assert served.post({"note": "all is well"}, "/v1/policy/resume").json()["stopped"] is False
    assert served.post({}, "/v1/policy/resume").status_code == 422


def test_a_damaged_version_can_be_stopped_but_not_changed(served: Service) -> None:
    (served.settings.policy / "00000002.json").write_bytes(b"{")
    assert served.send("GET", "/v1/policy").json()["refused"] is True
    refused = say(served, {"never_suppress": [{"by": "decoy"}]})
    assert refused.status_code == 409
    assert served.post({}, "/v1/policy/stop").json()["stopped"] is True
    assert say(served, {"never_suppress": [{"by": "decoy"}]}).status_code == 200


def test_what_stopped_everywhere_is_not_a_tenants_to_lift(service: Service) -> None:
    PolicyStore(service.settings.policy).change(stop("", "ann", START), by="ann", time=START)
    assert service.send("GET", "/v1/policy").json()["stopped"] is True
    assert service.post({}, "/v1/policy/resume").status_code == 422


def test_a_withdrawn_certificate_bars_the_mode_until_it_is_restored(served: Service) -> None:
    store, uid = PolicyStore(served.settings.policy), served.host.scorer.engine.bundle.policy.certificates[0].uid  # type: ignore[union-attr]
    gone = Withdrawal(tenant="acme", certificate=uid, time=START)
    store.change(lambda p: msgspec.structs.replace(p, withdrawals=(gone,)), by="test", time=START)
    seen = served.send("GET", "/v1/policy").json()
    assert (seen["mode"], seen["modes"][0]["why"]) == ("shadow", "withdrawn")
    assert say(served, {"modes": [{"mode": "advise", "transferred": True}]}).status_code == 422
    store.change(restore("acme", uid, None), by="ann", time=START)
    assert served.send("GET", "/v1/policy").json()["mode"] == "automate"


def test_what_holds_everywhere_is_seen_by_all(service: Service) -> None:
    entry = NeverSuppress(by=Condition.DECOY)
    setting = Setting(tenant="other", mode=Mode.SHADOW)
    PolicyStore(service.settings.policy).change(
        lambda p: msgspec.structs.replace(p, never_suppress=(entry,), modes=(setting,)), by="ann", time=START
    )
    seen = service.send("GET", "/v1/policy").json()
    assert (len(seen["never_suppress"]), seen["modes"]) == (1, [])
