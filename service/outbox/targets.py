"""Where a message may go: which URLs and addresses are refused before anything connects to them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import NamedTuple
from urllib.parse import urlsplit

import msgspec

from service.errors import InvalidError, RefusedTargetError

Address = IPv4Address | IPv6Address

MAX_URL = 2048
_PORTS = {"https": 443, "http": 80}
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_LOOKS_NUMERIC = re.compile(r"[0-9]+|0x[0-9a-f]*")
"""A last label of this form makes other parsers read the whole host as an IPv4 address (WHATWG URL, "ends in a number")."""

_NEVER = tuple(
    ip_network(network)
    for network in (
        "0.0.0.0/8",  # this host, this network
        "169.254.0.0/16",  # link-local, with it the metadata service of most clouds
        "100.100.100.200/32",  # metadata: Alibaba
        "168.63.129.16/32",  # metadata: Azure's wire server, on a public address
        "192.0.0.192/32",  # metadata: Oracle
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
        "::/128",
        "::ffff:0:0/96",  # IPv4-mapped, which no resolver has reason to answer
        "64:ff9b:1::/48",  # NAT64 of a local kind
        "2001::/32",  # Teredo
        "2002::/16",  # 6to4
        "fd00:ec2::254/128",  # metadata: AWS
        "fe80::/10",  # link-local
        "fec0::/10",  # site-local
        "ff00::/8",  # multicast
    )
)
"""Refused whatever a receiver allows."""
_LOCAL = tuple(
    ip_network(network)
    for network in (
        "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24",
        "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "2001::/23", "2001:db8::/32", "3fff::/20",
    )
)  # fmt: skip
"""Not public (RFC 6890 and its like): refused unless a receiver allows it. Of IPv6 only ``_UNICAST`` is public anyway."""
_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """A URL, and what is allowed for it that is refused otherwise."""

    url: str
    allow_private: tuple[str, ...] = ()
    """Host names whose private addresses are allowed, and networks (CIDR) or addresses that are."""
    allow_http: bool = False
    allow_ports: tuple[int, ...] = ()


class Place(NamedTuple):
    """A URL taken apart: nothing else reads it, so no two parsers can disagree about it."""

    scheme: str
    host: str
    """A name, or an address without brackets."""
    port: int
    path: str
    """With the query."""

    @property
    def authority(self) -> str:
        """What the ``Host`` header says."""
        return _bracketed(self.host) + ("" if self.port == _PORTS[self.scheme] else f":{self.port}")

    def at(self, address: Address) -> str:
        """Return the URL with ``address`` in the place of the host's name."""
        return f"{self.scheme}://{_bracketed(str(address))}:{self.port}{self.path}"


def parse(target: Target) -> Place:
    """Take the URL of a target apart. Raises ``RefusedTargetError`` if its form alone forbids it, whatever it resolves to."""
    url = target.url
    if len(url) > MAX_URL or not all("!" <= char <= "~" for char in url) or any(char in url for char in "\\#"):
        raise RefusedTargetError("a URL has at most 2048 printable ASCII characters, no blank, backslash or fragment")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise RefusedTargetError(f"no URL: {error}") from error
    if parts.scheme != "https" and not (parts.scheme == "http" and target.allow_http):
        raise RefusedTargetError(f"scheme {parts.scheme!r} is not https")
    if "@" in parts.netloc:
        raise RefusedTargetError("a URL must not carry a user or password")
    usual = _PORTS[parts.scheme]
    if port is not None and port != usual and port not in target.allow_ports:
        raise RefusedTargetError(f"port {port} is not {usual} and not among those allowed")
    _check_host(parts.netloc, host)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    place = Place(parts.scheme, host, usual if port is None else port, path)
    literal = _literal(host)
    if literal is not None:
        admit(target, place, [literal])
    return place


def admit(target: Target, place: Place, addresses: Sequence[Address]) -> None:
    """Check what a host resolved to. Raises ``RefusedTargetError`` unless every single address is allowed."""
    if not addresses:
        raise RefusedTargetError(f"{place.host} has no address")
    for address in map(_reached, addresses):
        if _within(address, _NEVER):
            raise RefusedTargetError(f"{place.host} is at {address}, where nothing is ever sent")
        if not _is_public(address) and not _is_allowed(target, place.host, address):
            raise RefusedTargetError(
                f"{place.host} is at {address}, which is not public; allow it for the receiver if it is meant"
            )


def check_allowance(text: str) -> None:
    """Raise ``InvalidError`` unless ``text`` can stand in ``allow_private``: a host name, an address or a network."""
    if _network(text) is None and not _is_name(text):
        raise InvalidError(f"{text!r} is neither a host name nor an address or network")


def _check_host(netloc: str, host: str) -> None:
    if netloc.startswith("["):
        if not isinstance(_literal(host), IPv6Address) or "%" in host:
            raise RefusedTargetError("the brackets hold no IPv6 address")
    elif _literal(host) is None and (not _is_name(host) or _LOOKS_NUMERIC.fullmatch(host.rpartition(".")[2])):
        raise RefusedTargetError(f"host {host!r} is neither a plain name nor an address in its usual form")


def _is_name(text: str) -> bool:
    return 0 < len(text) <= 253 and all(_LABEL.fullmatch(label) for label in text.split("."))


def _literal(host: str) -> Address | None:
    """Return the address that ``host`` is, in dotted decimal without leading zeros or in IPv6's notation."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def _reached(address: Address) -> Address:
    """Return the IPv4 address behind NAT64, by which a network that has only IPv6 reaches it; else the address itself."""
    return IPv4Address(int(address) & 0xFFFFFFFF) if address in _NAT64 else address


def _is_public(address: Address) -> bool:
    return not _within(address, _LOCAL) and (address.version == 4 or address in _UNICAST)


def _is_allowed(target: Target, host: str, address: Address) -> bool:
    networks = [network for text in target.allow_private if (network := _network(text)) is not None]
    return host in target.allow_private or _within(address, networks)


def _within(address: Address, networks: Iterable[IPv4Network | IPv6Network]) -> bool:
    return any(address in network for network in networks)


def _network(text: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(text)
    except ValueError:
        return None


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
