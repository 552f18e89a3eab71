"""The path: an alert that says where from is believed, else it is where the attacker was before."""

from __future__ import annotations

from models.incidents.incident import Line
from models.incidents.path import MOST_LINES, Evidence, Path, add_late_source
from models.incidents.sightings import Node, sightings
from tests.models.incidents.chains_by_hand import PHISHING, address, by, host, leased, line, on, source, user


def _edges(*lines: Line) -> dict[tuple[Node, Node], Evidence]:
    return {ends: edge.evidence for ends, edge in Path(sightings(lines, leased)).edges.items()}


def test_a_lure_a_stolen_account_a_move_and_a_database() -> None:
    assert _edges(*PHISHING) == {
        (address("203.0.113.5"), user("ann")): Evidence.NAMED,
        (user("ann"), host("ws-ann")): Evidence.ACCOUNT,
        (host("ws-ann"), user("root")): Evidence.INFERRED,
        (host("ws-ann"), host("files")): Evidence.NAMED,
        (user("root"), host("files")): Evidence.ACCOUNT,
        (host("files"), host("db")): Evidence.INFERRED,
    }


def test_what_calls_home_did_not_come_from_there() -> None:
    assert _edges(line(0, "command-and-control", on("a"), source("203.0.113.5"))) == {}
    assert _edges(line(0, "initial-access", on("a"), source("203.0.113.5"))) == {
        (address("203.0.113.5"), host("a")): Evidence.NAMED
    }


def test_an_address_outside_explains_only_what_was_not_reached_before() -> None:
    found = _edges(
        line(0, "initial-access", on("a"), source("203.0.113.5")), line(60, "execution", on("a"), source("203.0.113.6"))
    )
    assert list(found) == [(address("203.0.113.5"), host("a"))]


def test_machines_that_fall_within_minutes_fell_from_the_same_one() -> None:
    found = _edges(line(0, "initial-access", on("a")), line(60, "impact", on("b")), line(63, "impact", on("c")))
    assert list(found) == [(host("a"), host("b")), (host("a"), host("c"))]


def test_machines_that_fall_first_and_together_did_not_fall_from_each_other() -> None:
    assert _edges(line(0, "execution", on("a")), line(5, "execution", on("b"))) == {}
    assert list(_edges(line(0, "execution", on("a")), line(5, "lateral-movement", on("b")))) == [(host("a"), host("b"))]


def test_a_machine_that_was_only_looked_at_is_not_held() -> None:
    found = _edges(
        line(0, "initial-access", on("a")), line(30, "discovery", on("decoy"), source("10.0.0.7")), line(90, "impact", on("b"))
    )
    assert (host("a"), host("b")) in found
    assert (host("decoy"), host("b")) not in found


def test_an_edge_names_its_first_lines() -> None:
    some = [line(minute, "execution", on("a"), by("ann"), uid=f"l{minute:02}") for minute in range(30)]
    edge = Path(sightings(some)).edges[user("ann"), host("a")]
    assert edge.lines == tuple(f"l{minute:02}" for minute in range(MOST_LINES))
    assert edge.time == some[0].first


def test_a_late_source_is_inferred_and_only_for_what_nothing_leads_to() -> None:
    ordered = sightings([line(0, "execution", on("a")), line(9, "command-and-control", on("a"), source("203.0.113.5"))])
    path = Path(ordered)
    add_late_source(path, [host("a")], ordered)
    assert {ends: edge.evidence for ends, edge in path.edges.items()} == {(address("203.0.113.5"), host("a")): Evidence.INFERRED}
    before = dict(path.edges)
    add_late_source(path, [host("a")], sightings([line(10, "execution", on("a"), source("203.0.113.9"))]))
    assert path.edges == before


def test_connected_holds_accounts_used_there_and_nothing_apart() -> None:
    path = Path(sightings([*PHISHING, line(300, "discovery", on("far"), by("bob"))], leased))
    path.add(host("x"), host("y"), sightings([line(0, "impact", on("y"))])[0], Evidence.NAMED)
    nodes = {node for edge in path.connected({user("ann")}) for node in (edge.source, edge.target)}
    assert host("db") in nodes
    assert user("root") in nodes
    assert nodes.isdisjoint({host("x"), host("y")})
