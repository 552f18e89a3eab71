"""The entry: what most of the incident follows from, not the first thing that happened nearby."""

from __future__ import annotations

from models.incidents.entry import Entry, find_entry
from models.incidents.incident import Line
from models.incidents.path import Path
from models.incidents.sightings import Node, sightings
from tests.models.incidents.chains_by_hand import PHISHING, by, host, leased, line, on, source, user


def _entry(*lines: Line, hubs: frozenset[Node] = frozenset()) -> Entry:
    ordered = sightings(lines, leased)
    entry = find_entry(ordered, Path(ordered), hubs)
    assert entry is not None
    return entry


def test_the_account_that_opened_the_mail() -> None:
    entry = _entry(*PHISHING)
    assert (entry.node, entry.seen, entry.explains, entry.rivals) == (user("ann"), True, 1.0, 0)


def test_the_server_that_was_exploited_though_an_account_is_named_on_it() -> None:
    entry = _entry(
        line(0, "initial-access", on("web"), by("www"), source("203.0.113.5")), line(9, "execution", on("web"), by("www"))
    )
    assert entry.node == host("web")


def test_of_many_accounts_that_were_tried_the_one_that_gave_in() -> None:
    tried = [line(n, "credential-access", by(f"u{n}"), source("203.0.113.5"), uid=f"l{n}") for n in range(6)]
    entry = _entry(*tried, line(60, "initial-access", by("u4")), line(90, "collection", by("u4")))
    assert (entry.node, entry.rivals) == (user("u4"), 0)
    assert entry.start.line.uid == "l0", "it began when the address was seen first"
    assert _entry(*tried).rivals == 5


def test_where_the_way_in_was_not_seen_it_is_who_alone_uses_the_machine() -> None:
    alone = [line(0, "execution", on("ws-ann"), by("ann")), line(9, "persistence", on("ws-ann"), by("ann"))]
    assert (_entry(*alone).node, _entry(*alone).root, _entry(*alone).seen) == (user("ann"), host("ws-ann"), False)
    assert _entry(*alone, line(12, "persistence", on("ws-ann"), by("bob"))).node == host("ws-ann")
    assert _entry(*alone, line(12, "persistence", on("ws-ann"))).node == host("ws-ann")


def test_machines_that_fell_together_did_not_fall_by_who_uses_one_of_them() -> None:
    entry = _entry(
        line(0, "execution", on("ws-ann"), by("ann")), line(4, "execution", on("ws-bob"), by("bob")),
        line(90, "persistence", on("ws-ann"), by("ann")),
    )  # fmt: skip
    assert (entry.node, entry.beside) == (host("ws-ann"), (host("ws-bob"),))


def test_a_hub_is_the_entry_only_where_nothing_else_is() -> None:
    scan = [line(n, "discovery", on("scanner"), uid=f"s{n}") for n in range(9)]
    real = line(60, "execution", on("a"))
    hubs = frozenset({host("scanner")})
    assert _entry(*scan, real).node == host("scanner")
    assert (_entry(*scan, real, hubs=hubs).node, _entry(*scan, real, hubs=hubs).hub) == (host("a"), False)
    assert (_entry(*scan, hubs=hubs).node, _entry(*scan, hubs=hubs).hub) == (host("scanner"), True)


def test_nothing_of_the_house_is_no_entry() -> None:
    for some in ([], [line(0, "impact")], [line(0, "impact", source("203.0.113.5"))]):
        ordered = sightings(some)
        assert find_entry(ordered, Path(ordered)) is None
