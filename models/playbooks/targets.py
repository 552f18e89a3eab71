"""Upon what a playbook would act: which entities of the incident fill its variables."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Sequence

import msgspec

from features.alert import EntityKind, Role
from models.incidents.incident import Line
from models.playbooks.playbook import Playbook, Source, TargetKind

_INSIDE = tuple(
    map(
        ipaddress.ip_network,
        ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7", "fe80::/10", "169.254.0.0/16"),
    )
)
"""Private and shared address space (RFC 1918, 6598, 4193, 4291, 3927): the house's own."""
_DOMAIN = re.compile(r"(?=.{4,253}\Z)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]\.?")
_DOMAINS = frozenset({"domain", "domain name", "domain_name", "hostname"})
_NOBODY = frozenset(
    {"system", "root", "local service", "network service", "anonymous logon", "-"}
    | {f"nt authority\\{name}" for name in ("system", "local service", "network service", "anonymous logon")}
)
_ENTITIES = {
    EntityKind.HOST: TargetKind.HOST, EntityKind.USER: TargetKind.USER, EntityKind.MAILBOX: TargetKind.MAILBOX,
    EntityKind.APPLICATION: TargetKind.APPLICATION, EntityKind.FILE: TargetKind.FILE,
}  # fmt: skip


class Target(msgspec.Struct, frozen=True, gc=False):
    """What fills a variable. Several of one variable: the playbook is run once for each."""

    variable: str
    kind: TargetKind
    uid: str


def targets(playbook: Playbook, lines: Sequence[Line]) -> list[Target]:
    """Return what in these lines fills the playbook's variables, each once; nothing if one of them cannot be filled."""
    found: list[Target] = []
    for variable, sources in playbook.own.targets.items():
        filled = next(filter(None, (_fitting(source, lines) for source in sources)), None)
        if filled is None:
            return []
        found += (Target(variable, kind, uid) for kind, uid in filled)
    return found


def _fitting(source: Source, lines: Sequence[Line]) -> dict[tuple[TargetKind, str], None]:
    return dict.fromkeys(
        (kind, uid)
        for line in lines
        for kind, uid, role in _things(line)
        if kind is source.kind and (not source.roles or role in source.roles)
    )


def _things(line: Line) -> Iterator[tuple[TargetKind, str, Role]]:
    """Go through what a line names that can be acted upon.

    What is no address or domain is none, whatever it is called; and nobody signs in as an operating system.
    """
    for entity in line.entities:
        if entity.kind is EntityKind.USER and (entity.uid.lower() in _NOBODY or entity.uid.endswith("$")):
            continue
        if entity.kind in _ENTITIES:
            yield _ENTITIES[entity.kind], entity.uid, entity.role
        elif entity.kind is EntityKind.ADDRESS and (kind := address_kind(entity.uid)):
            yield kind, entity.uid, entity.role
    for observable in line.observables:
        if observable.kind.lower() in _DOMAINS and _DOMAIN.fullmatch(observable.value.lower()):
            yield TargetKind.DOMAIN, observable.value.lower().rstrip("."), Role.RELATED


def address_kind(address: str) -> TargetKind | None:
    """Return whether an address is inside or outside the house; ``None`` if it is none that one host has.

    >>> address_kind("192.168.3.4").value, address_kind("203.0.113.9").value, address_kind("224.0.0.1"), address_kind("a")
    ('inside_address', 'outside_address', None, None)
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return None
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped
    if parsed.is_multicast or parsed.is_unspecified or parsed.is_loopback or parsed == ipaddress.ip_address("255.255.255.255"):
        return None
    return TargetKind.INSIDE_ADDRESS if any(parsed in network for network in _INSIDE) else TargetKind.OUTSIDE_ADDRESS
