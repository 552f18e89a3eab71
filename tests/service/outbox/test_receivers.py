"""Receivers: kept in a private file, told what they want, signed for with the secrets of the hour."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from service.errors import InvalidError, NotFoundError, RefusedTargetError, StartError
from service.outbox.receivers import PAGERDUTY_URL, Receiver, ReceiverStore, Template
from service.outbox.targets import Target
from tests.service.outbox.stub import TIME, message

TARGET = Target(url="https://hooks.example.com/tamis")
KEY = "0123456789abcdef0123456789ABCDEF"


def test_what_is_added_is_read_by_another(tmp_path: Path) -> None:
    store, other = ReceiverStore(tmp_path / "receivers.json"), ReceiverStore(tmp_path / "receivers.json")
    assert other.read() == ()
    made, secret = store.add("pager", Target(url=PAGERDUTY_URL), TIME, template=Template.PAGERDUTY, routing_key=KEY)
    assert other.read() == (made,)
    assert made.signing_keys(TIME) == [secret]
    assert (tmp_path / "receivers.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"name": ""}, InvalidError),
        ({"name": "a\nb"}, InvalidError),
        ({"target": Target(url="http://hooks.example.com/")}, RefusedTargetError),
        ({"target": Target(url="https://10.0.0.1/")}, RefusedTargetError),
        ({"target": Target(url=TARGET.url, allow_private=("10.0.0.0/99",))}, InvalidError),
        ({"kinds": ("incident",)}, InvalidError),
        ({"kinds": ("*",)}, InvalidError),
        ({"kinds": ("incident*",)}, InvalidError),
        ({"template": Template.PAGERDUTY}, InvalidError),
        ({"routing_key": KEY}, InvalidError),
        ({"template": Template.PAGERDUTY, "routing_key": KEY[:-1]}, InvalidError),
        ({"template": Template.PAGERDUTY, "routing_key": KEY[:-1] + "-"}, InvalidError),
    ],
)
def test_what_cannot_be_is_not_added(tmp_path: Path, wrong: dict[str, Any], error: type[Exception]) -> None:
    store = ReceiverStore(tmp_path / "receivers.json")
    given = {"name": "soar", "target": TARGET, "now": TIME, **wrong}
    with pytest.raises(error):
        store.add(**given)
    assert store.read() == ()


def receiver(**fields: Any) -> Receiver:
    return Receiver(uid="rcv_1", name="soar", target=TARGET, created=TIME, **fields)


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ({}, True),
        ({"tenant": "acme"}, True),
        ({"tenant": "other"}, False),
        ({"kinds": ("incident.escalated",)}, True),
        ({"kinds": ("threshold.changed", "incident.*")}, True),
        ({"kinds": ("threshold.*",)}, False),
        ({"kinds": ("incident.esc",)}, False),
        ({"removed": TIME}, False),
        ({"template": Template.PAGERDUTY}, True),
    ],
)
def test_who_wants_what(fields: dict[str, Any], wanted: bool) -> None:
    assert receiver(**fields).wants(message()) == wanted


def test_nobody_is_woken_by_what_pagerduty_has_no_action_for() -> None:
    assert receiver().wants(message(kind="threshold.changed"))
    assert not receiver(template=Template.PAGERDUTY).wants(message(kind="threshold.changed"))


def test_rotation_overlaps(tmp_path: Path) -> None:
    store = ReceiverStore(tmp_path / "receivers.json")
    made, first = store.add("soar", TARGET, TIME)
    second = store.rotate(made.uid, TIME, timedelta(hours=24))
    third = store.rotate(made.uid, TIME + timedelta(hours=1), timedelta(hours=48))
    (now,) = store.read()
    assert now.signing_keys(TIME + timedelta(hours=2)) == [third, second, first]
    assert now.signing_keys(TIME + timedelta(hours=24)) == [third, second]  # its end is not put off by the next
    assert now.signing_keys(TIME + timedelta(hours=49)) == [third]
    store.rotate(made.uid, TIME + timedelta(hours=50), timedelta())
    assert len(store.read()[0].keys) == 2


def test_removal_forgets_the_secrets(tmp_path: Path) -> None:
    store = ReceiverStore(tmp_path / "receivers.json")
    made, secret = store.add("pager", Target(url=PAGERDUTY_URL), TIME, template=Template.PAGERDUTY, routing_key=KEY)
    store.remove(made.uid, TIME)
    text = (tmp_path / "receivers.json").read_text()
    assert secret not in text
    assert KEY not in text
    for change in (lambda: store.remove(made.uid, TIME), lambda: store.retry(made.uid), lambda: store.retry("rcv_x")):
        with pytest.raises(NotFoundError):
            change()


def test_a_damaged_file_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "receivers.json").write_text('[{"uid": 1}]')
    with pytest.raises(StartError, match=r"receivers\.json"):
        ReceiverStore(tmp_path / "receivers.json").read()
