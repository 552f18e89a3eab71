"""Lines as sightings: which part each entity plays, and what is of the house."""

from __future__ import annotations

from datetime import datetime

import msgspec
import pytest

from features.alert import Entity, EntityKind, Role
from models.incidents.incident import Line
from models.incidents.sightings import MOST_NODES, Node, Sighting, sightings
from tests.models.incidents.chains_by_hand import START, address, by, host, leased, line, on, source, target, user


def _one(some: Line) -> Sighting:
    return sightings([some], leased)[0]


def test_the_source_acts_on_the_device() -> None:
    seen = _one(line(0, "lateral-movement", on("files"), by("root"), source("10.0.0.7")))
    assert (seen.origins, seen.places, seen.accounts, seen.victims) == ((host("ws-ann"),), (host("files"),), (user("root"),), ())


def test_a_sensor_between_two_machines_is_neither() -> None:
    seen = _one(line(0, "discovery", on("sensor"), source("192.0.2.1"), target("10.0.0.7")))
    assert (seen.origins, seen.places) == ((address("192.0.2.1"),), (host("ws-ann"),))


def test_the_device_acts_on_a_target_of_the_house_and_calls_one_outside() -> None:
    inward = _one(line(0, "lateral-movement", on("files"), target("10.0.0.7")))
    outward = _one(line(0, "command-and-control", on("files"), target("192.0.2.1"), domain="bad.example"))
    assert (inward.origins, inward.places) == ((host("files"),), (host("ws-ann"),))
    assert (outward.places, outward.called) == ((host("files"),), (Node("domain", "bad.example"), address("192.0.2.1")))


def test_without_a_machine_it_is_about_the_account() -> None:
    seen = _one(line(0, "initial-access", by("ann"), source("203.0.113.5")))
    assert (seen.origins, seen.places, seen.accounts, seen.victims) == ((address("203.0.113.5"),), (), (), (user("ann"),))


def test_an_account_that_is_the_target_is_a_victim_though_a_machine_is_named() -> None:
    seen = _one(line(0, "credential-access", on("dc"), by("root"), Entity(EntityKind.USER, "ann", Role.TARGET)))
    assert (seen.accounts, seen.victims) == ((user("root"),), (user("ann"),))


@pytest.mark.parametrize(
    ("node", "inside"),
    [
        (host("a"), True), (user("a"), True), (Node("mailbox", "a@b"), True), (address("10.1.2.3"), True), (address("fe80::1"), True),
        (address("198.18.0.1"), False), (address("8.8.8.8"), False), (address("no address"), False), (Node("domain", "a.b"), False),
    ],
)  # fmt: skip
def test_what_is_of_the_house(node: Node, inside: bool) -> None:
    assert node.is_inside is inside


def test_the_earliest_tactic_counts_however_it_is_spelled() -> None:
    some = msgspec.structs.replace(line(0, ""), tactics=("TA0040", "Lateral Movement", "no tactic"))
    assert (_one(some).tactic, _one(line(0, "")).tactic) == ("lateral-movement", "")


def test_a_thousand_entities_are_cut_whatever_their_order() -> None:
    many = [on(f"h{number}") for number in range(1000)]
    seen, again = _one(line(0, "impact", *many)), _one(line(0, "impact", *reversed(many)))
    assert len(seen.places) == MOST_NODES
    assert seen.places == again.places


def test_names_resolve_as_of_the_time_of_their_line() -> None:
    asked: list[tuple[str, str, datetime]] = []

    def resolve(kind: str, uid: str, time: datetime) -> tuple[str, str]:
        asked.append((kind, uid, time))
        return kind, uid

    sightings([line(0, "impact", on("a"))], resolve)
    assert asked == [("host", "a", START)]
