"""The schedule of retries."""

from __future__ import annotations

import pytest

from service.outbox.records import State
from service.outbox.schedule import DELAYS, JITTER, judge
from service.outbox.sender import Outcome

FAILED = Outcome(500, "HTTP 500")


def test_it_is_that_of_standard_webhooks() -> None:
    starts = [sum(DELAYS[: n + 1]) for n in range(len(DELAYS))]
    told = ["0:00:00", "0:00:05", "0:05:05", "0:35:05", "2:35:05", "7:35:05", "17:35:05", "31:35:05", "51:35:05", "75:35:05"]
    assert [f"{at // 3600}:{at // 60 % 60:02}:{at % 60:02}" for at in starts] == told


@pytest.mark.parametrize("attempts", range(9))
def test_jitter_only_adds(attempts: int) -> None:
    assert judge(attempts, FAILED, 0.0) == (State.PENDING, DELAYS[attempts + 1])
    assert judge(attempts, FAILED, 0.999)[1] <= DELAYS[attempts + 1] * (1 + JITTER)


def test_ends() -> None:
    assert judge(9, FAILED, 0.5)[0] is State.FAILED
    assert judge(0, Outcome(410, "HTTP 410"), 0.5)[0] is State.DISABLED
    assert judge(9, Outcome(200), 0.5)[0] is State.SENT


def test_what_the_receiver_asks_for_puts_off_but_never_hastens() -> None:
    assert judge(0, Outcome(429, "HTTP 429", 90.0), 0.0) == (State.PENDING, 90.0)
    assert judge(3, Outcome(503, "HTTP 503", 1.0), 0.0) == (State.PENDING, 7200.0)
