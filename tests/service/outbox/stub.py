"""A real receiver on the loopback, which answers by a script and remembers what it was sent; and what makes a message."""

from __future__ import annotations

import threading
import time
from collections import Counter
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, Self

from service.outbox.message import Message, Severity
from service.outbox.targets import Target

TIME = datetime(2024, 3, 4, 8, 0, tzinfo=UTC)
PATIENCE = 60.0
"""Seconds within which even a slow machine answers."""


class Answer(NamedTuple):
    """What the stub says to one request, after ``seconds``."""

    status: int = 204
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    seconds: float = 0.0


_GOOD = Answer()


class Got(NamedTuple):
    """A request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def uid(self) -> str:
        """The message's uid."""
        return self.headers["webhook-id"]


class Stub:
    """Answers each request with the next of ``script``, then ``otherwise``; use as a context manager."""

    def __init__(self, *script: Answer, otherwise: Answer = _GOOD, host: str = "127.0.0.1") -> None:
        self.script, self.otherwise = list(script), otherwise
        self.got: list[Got] = []
        self.connections = 0
        guard, stub = threading.Lock(), self

        class Handler(BaseHTTPRequestHandler):
            def setup(self) -> None:
                stub.connections += 1
                super().setup()

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                with guard:
                    stub.got.append(Got(self.path, {name.lower(): value for name, value in self.headers.items()}, body))
                    answer = stub.script.pop(0) if stub.script else stub.otherwise
                time.sleep(answer.seconds)
                try:
                    self.send_response(answer.status)
                    for name, value in (*answer.headers, ("content-length", str(len(answer.body)))):
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(answer.body)
                except OSError:  # who asked has gone
                    return

            def log_message(self, *_: object) -> None:
                return

        self.server = ThreadingHTTPServer((host, 0), Handler)
        self.server.daemon_threads = True
        self.port: int = self.server.server_address[1]

    def __enter__(self) -> Self:
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    @property
    def uids(self) -> list[str]:
        """What came, in order."""
        return [got.uid for got in self.got]

    @property
    def counts(self) -> Counter[str]:
        """How often each message came."""
        return Counter(self.uids)

    def target(self, path: str = "/hook", host: str = "127.0.0.1") -> Target:
        """Return the way here, with all that it takes to be let in."""
        return local(f"http://{host}:{self.port}{path}", self.port)


def local(url: str, *ports: int) -> Target:
    """Return a target on this machine."""
    return Target(url=url, allow_private=("127.0.0.0/8",), allow_http=True, allow_ports=ports)


def message(number: int = 0, **fields: Any) -> Message:
    """Return a message about incident ``i<number>``."""
    given: dict[str, Any] = {
        "kind": "incident.escalated",
        "tenant": "acme",
        "time": TIME,
        "subject": f"i{number}",
        "summary": "Credential access on h1",
        "severity": Severity.CRITICAL,
        "source": "h1",
        "data": {"incident": f"i{number}", "alerts": 3},
    }
    given |= fields
    return Message.make(given.pop("kind"), given.pop("tenant"), **given)
