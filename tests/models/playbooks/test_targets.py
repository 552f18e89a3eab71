"""What fills a playbook's variables, and what never does."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.alert import Entity, EntityKind, Role
from models.incidents.incident import Line
from models.playbooks.playbook import Source, TargetKind
from models.playbooks.targets import Target, address_kind, targets
from tests.models.playbooks.documents import line, playbook

BLOCK = playbook(targets={"__address__": (Source(TargetKind.OUTSIDE_ADDRESS, (Role.ACTOR,)), Source(TargetKind.OUTSIDE_ADDRESS))})
ISOLATE = playbook(targets={"__host__": (Source(TargetKind.HOST), Source(TargetKind.INSIDE_ADDRESS))})
DOMAIN = playbook(targets={"__domain__": (Source(TargetKind.DOMAIN),)})


def uids(found: list[Target]) -> list[str]:
    return [target.uid for target in found]


def test_what_lines_name_is_found_and_nothing_where_they_name_nothing() -> None:
    one, other, bare = line("a", host="ws-1"), line("b", host="ws-2"), line("c", host="", users="ann")
    assert uids(targets(ISOLATE, [other])) == ["ws-2"]
    assert uids(targets(ISOLATE, [bare, one, other, one])) == ["ws-1", "ws-2"]
    assert targets(ISOLATE, [bare]) == []


def test_the_first_source_that_is_there_fills_a_variable() -> None:
    inside = line("a", host="", addresses="10.1.2.3")
    assert targets(ISOLATE, [inside]) == [Target("__host__", TargetKind.INSIDE_ADDRESS, "10.1.2.3")]
    both = line("a", host="ws-1", addresses="10.1.2.3")
    assert uids(targets(ISOLATE, [both])) == ["ws-1"]


def test_roles_are_minded() -> None:
    ends = (Entity(EntityKind.ADDRESS, "203.0.113.1", Role.TARGET), Entity(EntityKind.ADDRESS, "203.0.113.2", Role.ACTOR))
    attack = Line(uid="a", first=line().first, last=line().last, product="p", rule=line().rule, entities=ends)
    assert uids(targets(BLOCK, [attack])) == ["203.0.113.2"]


@pytest.mark.parametrize(
    "address", ["10.0.0.1", "192.168.1.1", "172.31.0.1", "100.64.0.1", "fe80::1", "fd00::1", "::ffff:10.0.0.1"]
)
def test_an_address_of_the_house_is_not_blocked(address: str) -> None:
    one = line("a", host="", addresses=address)
    assert address_kind(address) is TargetKind.INSIDE_ADDRESS
    assert targets(BLOCK, [one]) == []


@pytest.mark.parametrize("address", ["::", "127.0.0.1", "::1", "224.0.0.5", "ff02::1", "255.255.255.255", "a host", "", "1.2.3"])
def test_what_is_no_address_of_one_host_is_none(address: str) -> None:
    assert address_kind(address) is None


@given(st.ip_addresses())
def test_every_address_is_inside_outside_or_none(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    kind = address_kind(str(address))
    inner = (isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped) or address
    if inner.is_global and not inner.is_multicast:
        assert kind is TargetKind.OUTSIDE_ADDRESS
    assert kind is not TargetKind.DOMAIN


@pytest.mark.parametrize(
    ("domain", "found"),
    [("Evil.Example.", ["evil.example"]), ("xn--80ak6aa92e.com", ["xn--80ak6aa92e.com"]), ("10.0.0.1", []), ("localhost", []),
     ("-bad.example", []), ("a..b", []), ("*.example", []), ("evil.example/path", []), (f"{'a' * 64}.example", []), ("x." * 200 + "com", [])],
)  # fmt: skip
def test_what_is_no_domain_is_not_blocked(domain: str, found: list[str]) -> None:
    one = line("a", domains=domain)
    assert uids(targets(DOMAIN, [one])) == found


@pytest.mark.parametrize("user", ["SYSTEM", "root", "NT AUTHORITY\\SYSTEM", "ws-1$", "-"])
def test_nobody_signs_in_as_an_operating_system(user: str) -> None:
    entities = (Entity(EntityKind.USER, user, Role.ACTOR), Entity(EntityKind.USER, "ann", Role.TARGET))
    one = Line(uid="a", first=line().first, last=line().last, product="p", rule=line().rule, entities=entities)
    assert uids(targets(playbook(targets={"__user__": (Source(TargetKind.USER),)}), [one])) == ["ann"]


def test_every_variable_is_filled_or_none() -> None:
    two = playbook(targets={"__host__": (Source(TargetKind.HOST),), "__user__": (Source(TargetKind.USER),)})
    with_user, without = line("a", users="ann"), line("b")
    assert {target.variable for target in targets(two, [with_user])} == {"__host__", "__user__"}
    assert targets(two, [without]) == []
    assert targets(playbook(targets={}), [without]) == []
