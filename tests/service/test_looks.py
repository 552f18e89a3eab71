"""A drawn would-be suppression that one person calls an attack is looked at by others, who are not told."""

from __future__ import annotations

from typing import Any

from service.keys import Role
from tests.service.client import Service
from tests.service.test_audit import decide, is_drawn
from tests.service.watch.world import people


def draw(service: Service) -> str:
    """Return a drawn alert."""
    found: str = next(d["alert_uid"] for d in decide(service) if is_drawn(d))
    return found


def queued(service: Service, key: str) -> dict[str, Any]:
    return {one["alert_uid"]: one for one in service.send("GET", "/v1/queue?limit=500", key).json()["alerts"]}


def say(service: Service, uid: str, key: str, verdict: str = "true_positive", **more: str) -> None:
    assert service.post({"alert_uid": uid, "verdict": verdict, **more}, "/v1/labels", key).status_code == 201


def established(service: Service, keys: list[str]) -> None:
    """Have all give verdicts."""
    others = [d["alert_uid"] for d in decide(service) if not is_drawn(d) and d["action"] == "queue"]
    for key, uid in zip(keys, others, strict=False):
        say(service, uid, key, "false_positive")


def test_it_waits_for_two_more_who_see_nothing_of_it(audited: Service) -> None:
    ann, bob, eve = keys = people(audited)
    established(audited, keys)
    uid = draw(audited)
    before = queued(audited, bob)[uid]
    say(audited, uid, ann)
    assert uid not in queued(audited, ann)
    assert queued(audited, bob)[uid] == before
    assert audited.send("GET", f"/v1/decisions/{uid}", bob).json() == before["decision"]
    assert "score" in audited.send("GET", f"/v1/decisions/{uid}", ann).json()
    say(audited, uid, bob)
    assert uid in queued(audited, eve)
    say(audited, uid, eve)
    assert not any(uid in queued(audited, key) for key in (*keys, audited.keys[Role.ADMIN]))


def test_saying_it_again_is_no_other_voice(audited: Service) -> None:
    ann, bob, eve = keys = people(audited)
    established(audited, keys)
    uid = draw(audited)
    for _ in range(3):
        say(audited, uid, ann)
    say(audited, uid, bob)
    assert uid in queued(audited, eve)


def test_where_there_are_fewer_people_all_of_them_do(audited: Service) -> None:
    ann, bob = people(audited, 2)
    uid = draw(audited)
    say(audited, uid, ann)
    assert uid not in queued(audited, bob)


def test_one_who_contradicts_sends_it_to_whoever_decides(audited: Service) -> None:
    ann, bob, eve = keys = people(audited)
    established(audited, keys)
    uid = draw(audited)
    say(audited, uid, ann)
    say(audited, uid, bob, "false_positive")
    contested = queued(audited, eve)[uid]["contested_label"]
    assert uid in queued(audited, ann)
    say(audited, uid, eve, "false_positive", supersedes=contested)
    assert not any(uid in queued(audited, key) for key in keys)


def test_what_was_queued_anyway_or_called_benign_is_settled_at_once(audited: Service) -> None:
    ann, bob, _ = keys = people(audited)
    established(audited, keys)
    uid = draw(audited)
    other = next(d["alert_uid"] for d in decide(audited)[::-1] if not is_drawn(d) and d["action"] == "queue")
    say(audited, uid, ann, "benign_positive")
    say(audited, other, ann)
    assert not {uid, other} & set(queued(audited, bob))
