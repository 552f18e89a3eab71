"""One attempt: resolve once, check every address, connect to exactly those, say what came of it."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from email.utils import parsedate_to_datetime
from functools import cached_property
from ipaddress import ip_address
from typing import NamedTuple

import httpx

from service.errors import RefusedTargetError
from service.outbox.targets import Address, Place, Target, admit, parse

Resolve = Callable[[str, int], Awaitable[Sequence[Address]]]

CONNECT_SECONDS = 5.0
"""For each address of a host; the attempt as a whole has its own limit."""
MAX_RETRY_AFTER_SECONDS = 86_400.0
_TOLD = 200
_RESOLVERS = ThreadPoolExecutor(8, "outbox-resolver")
"""Apart from the pool that answers requests: a name server that hangs must not hold those up."""


class Outcome(NamedTuple):
    """What came of an attempt: the status, 0 where there was no answer; why it failed, empty if it did not."""

    status: int
    error: str = ""
    retry_after: float = 0.0
    """Seconds for which the receiver asks to be left alone."""


class Sender:
    """Posts to checked addresses: no redirects, no proxies, no cookies, no connection used twice, no answer's body read."""

    def __init__(
        self,
        seconds: float,
        *,
        resolve: Resolve | None = None,
        context: ssl.SSLContext | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._seconds, self._now = seconds, now
        self._resolve = resolve or resolve_host
        self._context = context

    async def post(self, target: Target, headers: Mapping[str, str], body: bytes) -> Outcome:
        """Send ``body`` once. What goes wrong is in the outcome, never raised."""
        try:
            async with asyncio.timeout(self._seconds):
                place = parse(target)
                addresses = await self._resolve(place.host, place.port)
                admit(target, place, addresses)
                return await self._to_first(place, addresses, headers, body)
        except TimeoutError:
            return Outcome(0, f"no answer within {self._seconds:g} s")
        except RefusedTargetError as error:
            return Outcome(0, f"refused: {error}")
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            return Outcome(0, _told(error))

    async def close(self) -> None:
        """Close what is open."""
        if "_transport" in self.__dict__:
            await self._transport.aclose()

    @cached_property
    def _transport(self) -> httpx.AsyncHTTPTransport:
        """Made when it is needed: to read the authorities takes a moment."""
        limits = httpx.Limits(max_keepalive_connections=0)
        return httpx.AsyncHTTPTransport(verify=self._context or _trusting(), trust_env=False, limits=limits)

    async def _to_first(self, place: Place, addresses: Sequence[Address], headers: Mapping[str, str], body: bytes) -> Outcome:
        """Send to the first address that takes the connection."""
        for address in addresses[:-1]:
            try:
                return await self._to(place, address, headers, body)
            except (httpx.ConnectError, httpx.ConnectTimeout):  # nothing was sent
                continue
        return await self._to(place, addresses[-1], headers, body)

    async def _to(self, place: Place, address: Address, headers: Mapping[str, str], body: bytes) -> Outcome:
        request = httpx.Request(
            "POST",
            place.at(address),
            headers={"host": place.authority, "connection": "close", **headers},
            content=body,
            extensions={
                "sni_hostname": place.host,  # whose certificate it must be, too
                "timeout": httpx.Timeout(self._seconds, connect=CONNECT_SECONDS).as_dict(),
            },
        )
        answer = await self._transport.handle_async_request(request)
        await answer.aclose()
        if answer.is_success:
            return Outcome(answer.status_code)
        asked = _retry_after(answer.headers.get("retry-after", ""), self._now()) if answer.status_code in {429, 503} else 0.0
        return Outcome(answer.status_code, f"HTTP {answer.status_code}", asked)


async def resolve_host(host: str, port: int) -> list[Address]:
    """Return every address of a host, in the order in which the machine would try them."""
    flags = socket.AI_ADDRCONFIG
    found = await asyncio.get_running_loop().run_in_executor(
        _RESOLVERS, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
    )
    return [ip_address(address[0]) for *_, address in found]


def _trusting() -> ssl.SSLContext:
    """Trust the public authorities, and those that the machine's administrator trusts."""
    context = httpx.create_ssl_context(trust_env=False)
    context.load_default_certs()
    return context


def _retry_after(text: str, now: float) -> float:
    """Return the seconds that a ``Retry-After`` asks for, as a number or a date; 0 where it makes no sense."""
    try:
        seconds = float(text) if text.isascii() and text.isdigit() else parsedate_to_datetime(text).timestamp() - now
    except (ValueError, TypeError, OverflowError):
        return 0.0
    return min(max(seconds, 0.0), MAX_RETRY_AFTER_SECONDS)


def _told(error: Exception) -> str:
    text = f"{type(error).__name__}: {error}"[:_TOLD]
    return "".join(char if char.isprintable() else "?" for char in text)
