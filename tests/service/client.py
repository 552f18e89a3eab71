"""A real application on a real database, spoken to without a socket."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Self, TypeVar

import httpx
import msgspec
from fastapi import FastAPI

from service.app import create_app
from service.host import Host
from service.jobs import CallJob
from service.keys import KeyStore, Role
from service.settings import ServiceSettings

T = TypeVar("T")
SECRET = b"tamis tests draw the same lots.."
"""By which lots are drawn and names hashed in each run alike, unless a test brings a secret of its own."""
FOR_EVER = 1e10
"""Seconds that events are kept unless a test says otherwise: they are of days long past."""


class Service:
    """The service on ``var``, from start to stop; use as a context manager. ``keys`` holds one key for each role of ``acme``."""

    def __init__(self, var: Path, history: Path | None = None, **settings: Any) -> None:
        self.settings = ServiceSettings(var=var, **{"keep_events_seconds": FOR_EVER, **settings})
        if not self.settings.secret.exists() and not self.settings.database.exists():
            var.mkdir(parents=True, exist_ok=True)
            self.settings.secret.write_bytes(SECRET)
        store = KeyStore(self.settings.keys)
        self.keys = {role: store.create(role, "acme", role.value) for role in Role}
        self.other = store.create(Role.ADMIN, "other", "other")
        self._history = history
        self._runner = asyncio.Runner()
        self._life: AbstractAsyncContextManager[None]
        self.app: FastAPI

    def __enter__(self) -> Self:
        self.app = create_app(self.settings, self._history)
        self._life = self.app.router.lifespan_context(self.app)  # type: ignore[assignment]
        self._runner.run(self._life.__aenter__())
        return self

    def __exit__(self, *error: object) -> None:
        self._runner.run(self._life.__aexit__(None, None, None))
        self._runner.close()

    @property
    def host(self) -> Host:
        """What runs inside."""
        host: Host = self.app.state.host
        return host

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something beside the service, on its loop."""
        return self._runner.run(work)

    async def request(self, method: str, path: str, body: bytes) -> httpx.Response:
        """Send one request with the admin's key, from within :meth:`run`."""
        return await self._send(method, path, None, {"content": body})

    def sleep(self, seconds: float) -> None:
        """Let the service go on by itself."""
        self._runner.run(asyncio.sleep(seconds))

    def send(self, method: str, path: str, key: str | None = None, **request: Any) -> httpx.Response:
        """Send one request, by default with the admin's key; ``key=""`` sends none."""
        return self._runner.run(self._send(method, path, key, request))

    def send_all(self, requests: list[tuple[str, str, bytes]]) -> list[httpx.Response]:
        """Send (method, path, body) all at once."""

        async def together() -> list[httpx.Response]:
            return await asyncio.gather(*(self._send(method, path, None, {"content": body}) for method, path, body in requests))

        return self._runner.run(together())

    def post(self, records: object, path: str = "/v1/alerts", key: str | None = None) -> httpx.Response:
        """Post records as JSON."""
        return self.send("POST", path, key, content=msgspec.json.encode(records))

    def send_held(self, requests: list[tuple[str, str, bytes]]) -> list[httpx.Response]:
        """Send (method, path, body) all at once while nothing is written; that goes on as soon as one of them is answered."""
        held = threading.Event()

        def wait() -> None:
            held.wait(60.0)

        async def together() -> list[httpx.Response]:
            calls = [asyncio.ensure_future(self._send(method, path, None, {"content": body})) for method, path, body in requests]
            await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
            held.set()
            return await asyncio.gather(*calls)

        self.host.scorer.submit(CallJob(wait))
        return self._runner.run(together())

    async def _send(self, method: str, path: str, key: str | None, request: dict[str, Any]) -> httpx.Response:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        text = self.keys[Role.ADMIN] if key is None else key
        headers = {"authorization": f"Bearer {text}"} if text else {}
        async with httpx.AsyncClient(transport=transport, base_url="http://tamis") as client:
            return await client.request(method, path, headers={**headers, **request.pop("headers", {})}, **request)


def until(service: Service, holds: Callable[[], bool]) -> None:
    """Let the service go on until something holds, however slow the machine is."""
    end = time.monotonic() + 120.0
    while not holds():
        assert time.monotonic() < end, "it never came to hold"
        service.sleep(0.02)


def serves(service: Service, digest: str) -> None:
    """Let the service go on until a bundle serves."""

    def swapped_in() -> bool:
        bundle = service.host.scorer.engine.bundle
        return bundle is not None and bundle.digest == digest

    until(service, swapped_in)


def finding(uid: str, rule: str = "r1", host: str = "h1", seconds: float = 0.0, **more: Any) -> dict[str, Any]:
    """Return an OCSF Detection Finding, ``seconds`` after the start of the tests' time."""
    return {
        "class_uid": 2004,
        "time": 1_700_000_000_000 + int(seconds * 1000),
        "severity_id": 3,
        "finding_info": {"uid": uid, "title": rule, "analytic": {"uid": rule, "name": f"rule {rule}"}},
        "metadata": {"product": {"name": "wazuh"}},
        "device": {"hostname": host},
        **more,
    }
