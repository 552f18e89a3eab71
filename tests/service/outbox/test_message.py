"""Messages."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
import pytest

from service.errors import InvalidError
from service.outbox.message import MAX_DATA_BYTES, MAX_SUMMARY, Message
from tests.service.outbox.stub import message


def test_each_has_a_uid_that_can_be_signed() -> None:
    uids = {message().uid for _ in range(100)}
    assert len(uids) == 100
    assert not any("." in uid for uid in uids)


def test_it_survives_being_stored() -> None:
    made = message(data={"b": [1.5, None], "a": "ü"})
    assert msgspec.json.decode(msgspec.json.encode(made), type=Message) == made


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "incident"},
        {"kind": "Incident.Escalated"},
        {"kind": "incident.escalated\n"},
        {"kind": "incident." + "x" * 100},
        {"tenant": ""},
        {"tenant": "x" * 2000},
        {"subject": ""},
        {"subject": "\ud800"},
        {"time": datetime(2024, 1, 1)},  # noqa: DTZ001
        {"data": {"x": object()}},
        {"data": {"x": "\ud800"}},
        {"data": {"x": "y" * MAX_DATA_BYTES}},
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_stored(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidError):
        message(**wrong)


def test_a_summary_is_one_line() -> None:
    assert message(summary="a\r\nb\x00\x1b[31m  c\u2028d").summary == "a b [31m c d"
    assert len(message(summary="x" * 5000).summary) == MAX_SUMMARY
