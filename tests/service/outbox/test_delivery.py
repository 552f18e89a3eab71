"""The delivery, to real receivers on the loopback and by a clock that is turned by hand."""

from __future__ import annotations

import asyncio
import json
import logging
from datetime import UTC, datetime, timedelta

import pytest

from service.metrics import OUTBOX_DELIVERIES, OUTBOX_PENDING
from service.outbox.records import State
from service.outbox.schedule import DELAYS
from service.outbox.signing import verify
from tests.service.outbox.post import START, Post, run, turn
from tests.service.outbox.stub import PATIENCE, TIME, Answer, Stub, message


def test_it_arrives_signed_and_once(post: Post) -> None:
    with Stub(otherwise=Answer(200, body=b"{garbage")) as stub:
        uid, old = post.add("soar", stub.target())
        new = post.store.rotate(uid, TIME, timedelta(hours=1))
        made = message(1)
        post.put(made)

        async def work() -> None:
            delivery = post.delivery()
            for _ in range(3):
                await turn(delivery)
                post.now += 100_000
            await delivery.stop()

        run(work())
        assert stub.uids == [made.uid]
        assert json.loads(stub.got[0].body)["data"] == {"incident": "i1", "alerts": 3}
        assert stub.got[0].headers["content-type"] == "application/json"
        for secret in (old, new):
            assert verify([secret], stub.got[0].headers, stub.got[0].body, START) == made.uid
    assert post.states() == ["sent"]


def test_a_dead_receiver_is_tried_for_three_days_and_then_given_up_with_an_alarm(
    post: Post, caplog: pytest.LogCaptureFixture
) -> None:
    failed = OUTBOX_DELIVERIES.labels("failed")._value.get()
    with Stub(otherwise=Answer(500)) as stub:
        post.add("soar", stub.target())
        made = message(1)
        post.put(made)
        tried: list[float] = []

        async def work() -> None:
            delivery = post.delivery()
            while "failed" not in post.states():
                before = len(stub.got)
                await turn(delivery)
                tried.extend([post.now - START] * (len(stub.got) - before))
                (item,) = post.all()
                assert OUTBOX_PENDING._value.get() == 1
                post.now = max(item.next_attempt - 0.5, post.now)
                await turn(delivery)  # not a moment too early
                assert len(stub.got) == before + 1
                post.now = max(item.next_attempt, post.now)
            post.now += 10 * 86_400
            await turn(delivery)

        run(work())
        assert tried == [sum(DELAYS[: n + 1]) for n in range(10)]
        assert stub.counts == {made.uid: 10}
        stamps = [int(got.headers["webhook-timestamp"]) for got in stub.got]
        assert stamps == [int(START + seconds) for seconds in tried]
    assert [(item.state, item.attempts, item.error) for item in post.all()] == [("failed", 10, "HTTP 500")]
    assert OUTBOX_DELIVERIES.labels("failed")._value.get() == failed + 1
    alarms = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert len(alarms) == 1
    assert made.uid in alarms[0]


def test_three_days_of_trouble_and_every_message_arrives(post: Post) -> None:
    """Slow, redirecting, limiting, crashing by turns: each message is known to the receiver by one uid, and arrives."""
    script = [
        Answer(302, (("location", "http://127.0.0.1:1/"),)), Answer(500), Answer(200, seconds=4.0), Answer(404), Answer(502),
        Answer(429, (("retry-after", "3600"),)), Answer(200, body=b"\x00"), Answer(503), Answer(301), Answer(200),
    ]  # fmt: skip
    with Stub(*script) as stub:
        post.add("soar", stub.target())
        made = [message(n) for n in range(4)]
        post.put(*made)

        async def work() -> None:
            delivery = post.delivery(2.0)
            while post.now < START + 3 * 86_400 and set(post.states()) != {"sent"}:
                await turn(delivery)
                post.now = max(post.now + 60, min((i.next_attempt for i in post.all() if i.state is State.PENDING), default=0.0))

        run(work())
        assert post.states() == ["sent"] * 4
        assert set(stub.uids) == {one.uid for one in made}
        assert len(stub.got) >= len(script)


def test_a_dead_receiver_does_not_hold_up_another_nor_a_stop(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.outbox.delivery.STOP_SECONDS", 0.1)
    with Stub(otherwise=Answer(200, seconds=2 * PATIENCE)) as dead, Stub() as alive:
        post.add("dead", dead.target())
        post.add("alive", alive.target())
        made = [message(n) for n in range(20)]
        post.put(*made)

        async def work() -> None:
            delivery = post.delivery()
            await delivery.look()
            while len(alive.got) < 20:
                await asyncio.sleep(0.01)
            assert len(dead.got) == 1  # still on its first
            while post.states().count("sent") < 20:
                await asyncio.sleep(0.01)
            await delivery.stop()

        run(work())
        assert alive.uids == [one.uid for one in made]
    assert post.states().count("pending") == 20


def test_a_poisoned_message_does_not_hold_up_the_next(post: Post) -> None:
    with Stub(Answer(400)) as stub:
        post.add("soar", stub.target())
        first, second = message(1), message(2)
        post.put(first, second)

        async def work() -> None:
            await turn(post.delivery())

        run(work())
        assert stub.uids == [first.uid, second.uid]
    assert post.states() == ["pending", "sent"]


def test_who_asks_to_be_left_alone_is_left_alone_by_all_messages(post: Post) -> None:
    with Stub(Answer(429, (("retry-after", "120"),))) as stub:
        post.add("soar", stub.target())
        post.put(message(1), message(2))

        async def work() -> None:
            delivery = post.delivery()
            for seconds, count in ((0, 1), (60, 1), (119, 1), (120, 3)):
                post.now = START + seconds
                await turn(delivery)
                assert len(stub.got) == count, seconds

        run(work())
    assert post.states() == ["sent", "sent"]


def test_gone_disables_until_a_person_says_otherwise(post: Post, caplog: pytest.LogCaptureFixture) -> None:
    with Stub(Answer(410)) as stub, Stub() as other:
        uid, _ = post.add("soar", stub.target())
        post.add("other", other.target())
        post.put(message(1), message(2))

        async def work() -> None:
            delivery = post.delivery()
            await turn(delivery)
            post.put(message(3))
            post.now += 100_000
            await turn(delivery)
            assert len(stub.got) == 1
            assert len(other.got) == 3
            assert [item.state for item in post.all() if item.receiver == uid] == ["disabled"] * 3
            assert any("410" in record.getMessage() for record in caplog.records if record.levelno == logging.ERROR)
            post.store.retry(uid)
            await turn(delivery)

        run(work())
        assert set(stub.uids) == set(other.uids)
    assert set(post.states()) == {"sent"}


def test_retry_brings_back_what_was_given_up_and_hastens_what_waits(post: Post) -> None:
    with Stub(otherwise=Answer(500)) as stub:
        uid, _ = post.add("soar", stub.target())
        post.put(message(1))

        async def work() -> None:
            delivery = post.delivery()
            for _ in range(10):
                await turn(delivery)
                post.now = max(item.next_attempt for item in post.all())
            post.put(message(2))
            await turn(delivery)
            assert post.states() == ["failed", "pending"]
            stub.otherwise = Answer(200)
            await turn(delivery)
            assert post.states() == ["failed", "pending"]  # its time has not come
            post.store.retry(uid)
            await turn(delivery)

        run(work())
    assert post.states() == ["sent", "sent"]


def test_a_removed_receiver_is_told_nothing_more(post: Post) -> None:
    with Stub(otherwise=Answer(500)) as stub:
        uid, _ = post.add("soar", stub.target())
        post.put(message(1))

        async def work() -> None:
            delivery = post.delivery()
            await turn(delivery)
            post.store.remove(uid, datetime.fromtimestamp(post.now, UTC))
            post.put(message(2))
            post.now += 100_000
            await turn(delivery)

        run(work())
        assert len(stub.got) == 1
    assert post.states() == ["disabled", "unwanted"]


def test_a_message_that_nobody_wants_is_said_aloud(post: Post, caplog: pytest.LogCaptureFixture) -> None:
    made = message(1)
    post.put(made)
    run(turn(post.delivery()))
    assert post.states() == ["unwanted"]
    assert any(made.uid in record.getMessage() for record in caplog.records if record.levelno == logging.ERROR)
