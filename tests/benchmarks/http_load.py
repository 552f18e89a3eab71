"""Alerts per second over HTTP, as a client on the same machine sees them. Raw sockets, so that the client costs little."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

PATH = "/v1/alerts?format=ocsf"


class LoadError(Exception):
    """The service answered something else than a success. Attributes: ``status``, ``body``."""

    def __init__(self, status: int, body: bytes) -> None:
        self.status, self.body = status, body
        super().__init__(status, body[:300])


def batches(url: str, key: str, payloads: Sequence[bytes], path: str = PATH, concurrency: int = 2) -> float:
    """Post JSON arrays; return alerts accepted per second. Two connections: one parses while the other is scored."""
    return asyncio.run(_run(url, key, payloads, path, concurrency, batch=True))


def singles(url: str, key: str, payloads: Sequence[bytes], concurrency: int, path: str = PATH) -> float:
    """Post single objects over ``concurrency`` kept-alive connections; return alerts accepted per second."""
    return asyncio.run(_run(url, key, payloads, path, concurrency, batch=False))


async def _run(url: str, key: str, payloads: Sequence[bytes], path: str, concurrency: int, *, batch: bool) -> float:
    head = _head(url, key, path)
    waiting = iter([head + str(len(body)).encode() + b"\r\n\r\n" + body for body in payloads])
    started = time.perf_counter()
    counts = await asyncio.gather(*(_worker(url, waiting, batch) for _ in range(concurrency)))
    return sum(counts) / (time.perf_counter() - started)


def _head(url: str, key: str, path: str) -> bytes:
    return (
        f"POST {path} HTTP/1.1\r\nHost: {urlsplit(url).netloc}\r\nAuthorization: Bearer {key}\r\n"
        "Content-Type: application/json\r\nContent-Length: "
    ).encode()


async def _worker(url: str, waiting: Iterator[bytes], batch: bool) -> int:
    place = urlsplit(url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port, limit=2**24)
    accepted = 0
    for request in waiting:
        writer.write(request)
        status, body = await _answer(reader)
        if status not in (200, 201):
            raise LoadError(status, body)
        accepted += body.count(b'"alert_uid":') if batch else 1
    writer.close()
    await writer.wait_closed()
    return accepted


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
    return int(head[9:12]), await reader.readexactly(length)
