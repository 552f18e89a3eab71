"""Lines of alerts as sightings on the entity graph: who acted from where, on what, and when."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from ipaddress import ip_address, ip_network

import msgspec

from features.alert import Entity, EntityKind, Role
from models.incidents.attack import TACTICS, tactic_place
from models.incidents.incident import Line

MOST_NODES = 50
"""Nodes that a sighting keeps of each part; a line that names a thousand hosts says no more of the path than fifty."""
LAST_PLACE = 99
"""Place of a line without a tactic of the matrix: after all others of its moment."""

_NAMES = tuple(TACTICS)
_ACCOUNTS = frozenset({EntityKind.USER, EntityKind.MAILBOX})
_MACHINES = frozenset({EntityKind.HOST, EntityKind.ADDRESS})
_HOUSE = tuple(
    ip_network(text)
    for text in (
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "::1/128",
        "fc00::/7",
        "fe80::/10",
    )
)
"""Ranges of private, loopback and link-local addresses (RFC 1918, 3927, 4193, 4291)."""


class Node(msgspec.Struct, frozen=True, order=True, gc=False):
    """An entity on the graph: ``kind`` as of entities, or ``domain``; ``uid`` after aliases."""

    kind: str
    uid: str

    @property
    def is_account(self) -> bool:
        """Whether it is somebody, and not a machine."""
        return self.kind in _ACCOUNTS

    @property
    def is_inside(self) -> bool:
        """Whether it is of the house: an account, a host, an address of a private range."""
        return self.kind == EntityKind.HOST or self.is_account or (self.kind == EntityKind.ADDRESS and _is_private(self.uid))


Resolve = Callable[[str, str, datetime], tuple[str, str]]
"""``(kind, uid, time) -> (kind, uid)``: which entity a name meant at that time, as an address its host."""


class Sighting(msgspec.Struct, frozen=True, gc=False):
    """A line as the graph sees it.

    ``origins``: machines from which it was done; ``places``: machines on which; ``accounts``: in whose name; ``victims``:
    accounts to which it was done; ``called``: domains and addresses outside that were called. ``tactic`` is the earliest of
    the line's, ``place`` its place in the matrix.
    """

    line: Line
    time: datetime
    tactic: str
    place: int
    origins: tuple[Node, ...]
    places: tuple[Node, ...]
    accounts: tuple[Node, ...]
    victims: tuple[Node, ...]
    called: tuple[Node, ...]

    @property
    def nodes(self) -> tuple[Node, ...]:
        """All its nodes."""
        return (*self.origins, *self.places, *self.accounts, *self.victims, *self.called)

    @property
    def outside(self) -> tuple[Node, ...]:
        """Addresses outside from which it was done."""
        return tuple(node for node in self.origins if not node.is_inside)


def sightings(lines: Iterable[Line], resolve: Resolve | None = None) -> list[Sighting]:
    """Return the lines as sightings, in the order of time, then tactic, then uid: the same for the same set of lines."""
    found = [_sighting(line, resolve) for line in lines]
    return sorted(found, key=lambda seen: (seen.time, seen.place, seen.line.uid))


def _sighting(line: Line, resolve: Resolve | None) -> Sighting:
    tactic, place = first_tactic(line)
    named = [(entity.role, _node(entity, line.first, resolve)) for entity in line.entities]
    machines = {role: _some(node for r, node in named if r is role and node.kind in _MACHINES) for role in Role}
    accounts = _some(node for role, node in named if role is not Role.TARGET and node.is_account)
    victims = _some(node for role, node in named if role is Role.TARGET and node.is_account)
    origins, places = machines[Role.ACTOR], machines[Role.DEVICE] or machines[Role.RELATED]
    struck = tuple(node for node in machines[Role.TARGET] if node.is_inside)
    called = _some(Node("domain", seen.value) for seen in line.observables if seen.kind in {"domain", "hostname"})
    called += tuple(node for node in machines[Role.TARGET] if not node.is_inside)
    if struck:  # a device that stands between two machines, as a sensor does, is neither
        origins, places = origins or places, struck
    elif called and not places:
        places = tuple(node for node in origins if node.is_inside)
    if not places:  # it is about the account
        accounts, victims = (), _some((*victims, *accounts))
    return Sighting(line, line.first, tactic, place, origins, places, accounts, victims, called)


def first_tactic(line: Line) -> tuple[str, int]:
    """Return the short name of the earliest of a line's tactics, and its place; ``""`` if it has none of the matrix."""
    place = min((place for tactic in line.tactics if (place := tactic_place(tactic)) is not None), default=LAST_PLACE)
    return ("", LAST_PLACE) if place == LAST_PLACE else (_NAMES[place], place)


def _node(entity: Entity, time: datetime, resolve: Resolve | None) -> Node:
    return Node(*(resolve(entity.kind.value, entity.uid, time) if resolve else (entity.kind.value, entity.uid)))


def _some(nodes: Iterable[Node]) -> tuple[Node, ...]:
    return tuple(sorted(set(nodes))[:MOST_NODES])


def _is_private(text: str) -> bool:
    try:
        address = ip_address(text)
    except ValueError:
        return False
    return any(address in network for network in _HOUSE)
