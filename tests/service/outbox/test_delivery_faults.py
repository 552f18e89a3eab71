"""The delivery while something of its own is broken: files, storage, code."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from service.outbox import records
from service.outbox.message import Message
from service.outbox.receivers import Receiver
from service.outbox.targets import Target
from service.private_file import PrivateFile
from tests.service.outbox.post import Post, run, turn
from tests.service.outbox.stub import Answer, Stub, message


def test_a_damaged_file_of_receivers_stops_nobody(post: Post, tmp_path: Path) -> None:
    with Stub() as stub:
        post.add("soar", stub.target())

        async def work() -> None:
            delivery = post.delivery()
            await turn(delivery)
            (tmp_path / "service" / "receivers.json").write_text("damaged")
            post.put(message(1))
            await turn(delivery)

        run(work())
        assert len(stub.got) == 1


def test_what_came_of_an_attempt_is_held_until_it_can_be_written(post: Post) -> None:
    """While storage fails nothing is sent twice: the outcome is kept and written first."""
    with Stub() as stub:
        post.add("soar", stub.target())
        post.put(message(1), message(2))

        async def work() -> None:
            delivery = post.delivery()
            await delivery.look()
            post.broken = 3
            await delivery.lanes_done()

        run(work())
        assert len(stub.uids) == len(set(stub.uids)) == 2
    assert post.states() == ["sent", "sent"]
    assert len(post.slept) == 3


def test_the_loop_outlives_what_goes_wrong(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    backlog = records.backlog
    left = [2]

    def fail(connection: Connection) -> int:
        if left[0]:
            left[0] -= 1
            raise OperationalError("SELECT", {}, Exception("disk I/O error")) if left[0] else RuntimeError("a bug")
        return backlog(connection)

    monkeypatch.setattr(records, "backlog", fail)
    with Stub() as stub:
        post.add("soar", stub.target())
        post.put(message(1))

        async def work() -> None:
            delivery = post.delivery(sleep=lambda seconds: asyncio.sleep(0.01))
            delivery.start()
            while post.states() != ["sent"]:
                await asyncio.sleep(0.01)
            await delivery.stop()

        run(work())
        assert len(stub.got) == 1
    assert left == [0]


def test_a_message_without_a_form_is_a_failed_attempt(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    def form(made: Message, *_: object) -> bytes:
        if made.subject == "i1":
            raise KeyError("a bug")
        return b"{}"

    monkeypatch.setattr("service.outbox.delivery.body", form)
    with Stub() as stub:
        post.add("soar", stub.target())
        post.put(message(1), message(2))
        run(turn(post.delivery()))
        assert len(stub.got) == 1
    assert [(item.state, item.error) for item in post.all()] == [("pending", "no body: KeyError"), ("sent", "")]


def test_a_stop_lets_what_is_under_way_arrive(post: Post) -> None:
    with Stub(Answer(200, seconds=0.3)) as stub:
        post.add("soar", stub.target())
        post.put(message(1), message(2))

        async def work() -> None:
            delivery = post.delivery(sleep=lambda seconds: asyncio.sleep(0.01))
            delivery.start()
            while not stub.got:
                await asyncio.sleep(0.01)
            await delivery.stop()

        run(work())
        assert len(stub.got) == 1
    assert post.states() == ["sent", "pending"]


def test_a_refused_target_is_a_failed_attempt(post: Post, tmp_path: Path) -> None:
    with Stub() as stub:
        post.add("soar", stub.target())
        inside = Target(url=f"http://localhost:{stub.port}/", allow_http=True, allow_ports=(stub.port,))
        with PrivateFile(tmp_path / "service" / "receivers.json", Receiver).change() as receivers:
            receivers[0] = msgspec.structs.replace(receivers[0], target=inside)  # as if its name had moved to this machine
        post.put(message(1))
        run(turn(post.delivery()))
        assert stub.connections == 0
    assert "not public" in post.all()[0].error
    assert post.states() == ["pending"]
