"""Power cuts: a message is sent once what caused it is stored, and known by one uid however often it comes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import select

from service.outbox.receivers import ReceiverStore
from service.settings import ServiceSettings
from service.store.database import open_engine
from service.store.tables import deliveries, messages
from tests.service.client import Service, until
from tests.service.outbox.stub import TIME, Stub
from tests.service.process import ALONE, ROOT

CODE = """
import os, signal, sys
from pathlib import Path
from service.outbox import records
from service.outbox.sender import Sender
from tests.service.client import Service
from tests.service.outbox.stub import message

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

def enqueue(writer):
    records.enqueue(writer, made)
    if sys.argv[2] == "before_commit":
        die()

made = message(1)
print(made.uid, flush=True)
if sys.argv[2] == "before_send":
    Sender.post = die
if sys.argv[2] == "after_send":
    records.settle = die
with Service(Path(sys.argv[1]), poll_seconds=0.05) as service:
    service.run(service.host.write(enqueue))
    service.sleep(60)
"""
"""A service that dies of ``kill -9`` at the named point."""


def die_at(point: str, var: Path) -> str:
    """Let a service enqueue a message and die; return the message's uid."""
    done = subprocess.run(
        [sys.executable, "-c", ALONE + CODE, str(var), point], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == -9, done.stderr
    return done.stdout.strip()


def states(var: Path) -> list[str]:
    engine = open_engine(ServiceSettings(var=var).database)
    with engine.connect() as connection:
        found = list(connection.execute(select(deliveries.c.state)).scalars())
    engine.dispose()
    return found


@pytest.mark.parametrize(("point", "times"), [("before_send", 1), ("after_send", 2)])
def test_after_a_power_cut_it_is_sent_and_then_never_again(tmp_path: Path, point: str, times: int) -> None:
    with Stub() as stub:
        ReceiverStore(ServiceSettings(var=tmp_path).receivers).add("soar", stub.target(), TIME)
        uid = die_at(point, tmp_path)
        assert stub.counts.total() == times - 1
        for _ in range(2):
            with Service(tmp_path, poll_seconds=0.02) as service:
                until(service, lambda: states(tmp_path) == ["sent"])
                service.sleep(0.1)
        assert stub.counts == {uid: times}
    assert states(tmp_path) == ["sent"]


def test_without_its_cause_it_is_not_sent(tmp_path: Path) -> None:
    die_at("before_commit", tmp_path)
    engine = open_engine(ServiceSettings(var=tmp_path).database)
    with engine.connect() as connection:
        assert connection.execute(select(messages.c.seq)).all() == []
    engine.dispose()
