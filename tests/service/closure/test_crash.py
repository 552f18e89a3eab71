"""Power cuts: an incident has escalated and its message is sent, or neither; and it is told once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from service.outbox.receivers import ReceiverStore
from service.settings import ServiceSettings
from tests.service.client import Service, until
from tests.service.closure.cases import revisions, sent, status_of
from tests.service.outbox.stub import TIME, Stub
from tests.service.process import ALONE, ROOT

CODE = """
import os, signal, sys
from pathlib import Path
from service.closure import closer
from service.outbox.sender import Sender
from tests.service.client import Service
from tests.service.closure.cases import attack, raised, report, told

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

def enqueue(connection, message):
    real(connection, message)
    die()

with Service(Path(sys.argv[1]), poll_seconds=0.05) as service:
    uid = raised(service, attack("a"))
    print(uid, flush=True)
    real = closer.enqueue
    if sys.argv[2] == "before_commit":
        closer.enqueue = enqueue
    else:
        Sender.post = die
    report(service, uid, told("o1", status="failed"))
    service.sleep(60)
"""
"""A service that dies of ``kill -9`` at the named point of an escalation."""


@pytest.mark.parametrize("point", ["before_commit", "before_send"])
def test_an_escalation_is_told_once_whatever_happens(tmp_path: Path, point: str) -> None:
    with Stub() as stub:
        ReceiverStore(ServiceSettings(var=tmp_path).receivers).add("soar", stub.target(), TIME)
        done = subprocess.run(
            [sys.executable, "-c", ALONE + CODE, str(tmp_path), point], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == -9, done.stderr
        uid = done.stdout.strip()
        assert stub.counts.total() == 0
        for _ in range(2):
            with Service(tmp_path, poll_seconds=0.02) as service:
                until(service, lambda: stub.counts.total() == 1)
                service.sleep(0.2)
                assert status_of(service, uid) == "escalated"
                assert stub.counts == {sent(service)[0].uid: 1}
                assert len(revisions(service, "a")) == 1
