"""Names that stay, and what is held on to when lines leave the window."""

from __future__ import annotations

import math
import random
from unittest import mock

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.alert import Alert, Observable, Rule
from models.incidents.incident import Incident
from service.incidents import content, piles
from service.incidents.batch import Batch
from service.incidents.hand import merge, split
from service.incidents.records import Status
from tests.models.incidents.test_correlator_order import story
from tests.service.incidents.world import ANYTHING, World, alert


def is_tree(incident: Incident) -> bool:
    return (
        len(incident.links) == len(incident.lines) - 1 == len(content.tree(incident.links, (line.uid for line in incident.lines)))
    )


def test_what_goes_on_for_weeks_is_one_incident() -> None:
    world = World(ANYTHING)
    for i in range(60):
        world.take([alert(f"a{i}", i / 2, "h", rule=f"r{i}")])
    found = world.incident("a59")
    assert {record.uid for record in world.records.values()} == {found.uid}
    assert (len(found.incident.lines), found.alerts, found.revision) == (60, 60, 60)
    assert is_tree(found.incident)
    assert len(world.tracker.correlator.lines) < 20
    world.restart()
    world.take([alert("b", 30, "h", rule="b")])
    assert world.incident("b").uid == found.uid
    assert is_tree(world.incident("b").incident)
    assert world.incident("b").alerts == 61


def test_another_model_is_asked_anew_of_what_is_not_closed() -> None:
    world = World(ANYTHING)
    world.take([alert("a", 0, "h1"), alert("b", 0, "h2")])
    a, b = (world.incident(uid) for uid in "ab")
    world.tracker.note(msgspec.structs.replace(b, status=Status.CLOSED))
    assert world.tracker.reappraise() == {}
    world.appraise = lambda incident: 0.25
    world.records[b.uid] = msgspec.structs.replace(b, status=Status.CLOSED)
    world.restart()
    assert world.tracker.reappraise() == {a.uid: 0.25}
    held = world.tracker.book.held
    assert held[a.uid].item is not None
    assert (held[a.uid].score, held[a.uid].item.probability, held[b.uid].score) == (0.25, 0.25, b.score)


def test_what_only_the_past_joins_stays_joined() -> None:
    """Two halves that a line joined which has left the window."""
    world = World(ANYTHING)
    world.take([alert("bridge", 0, "h1", "h2", rule="bridge")])
    world.take([alert("a0", 3, "h1"), alert("b0", 3.1, "h2")])
    uid = world.incident("bridge").uid
    world.take([alert("far", 9.5, "elsewhere")])
    world.take([alert("a1", 9.6, "h1", rule="x"), alert("b1", 9.7, "h2", rule="y")])
    assert "bridge" not in {line.alert.uid for line in world.tracker.correlator.lines.kept.values()}
    assert world.groups() == {frozenset({"bridge", "a0", "b0", "a1", "b1"}), frozenset({"far"})}
    assert world.incident("b1").uid == uid
    assert is_tree(world.incident("a1").incident)


def test_an_incident_without_lines_in_the_window_leaves_the_memory() -> None:
    world = World(ANYTHING)
    world.take([alert("a", 0, "h")])
    world.take([alert("b", 20, "g")])
    assert set(world.tracker.book.held) == {world.incident("b").uid}
    world.take([alert("a2", 20.1, "h")])
    assert world.incident("a2").uid != world.incident("a").uid


def test_a_late_repeat_of_a_line_past_the_window_is_counted() -> None:
    world = World(ANYTHING)
    world.take([alert("a", 0, "h"), alert("b", 6, "h", rule="x")])
    world.take([alert("c", 9.5, "h", rule="y")])
    world.take([alert("a2", 0.001, "h", late=9.6)])
    found = world.incident("c")
    assert world.incident("a2").uid == found.uid
    assert found.alerts == 4
    first = found.incident.lines[0]
    assert (first.alerts, first.alert_uids) == (2, ("a", "a2"))
    world.take([alert("d", 11, "h", rule="z")])
    assert world.incident("d").alerts == 5
    world.restart()
    world.take([alert("e", 11.1, "h", rule="e")])
    assert world.incident("e").alerts == 6


def test_of_the_past_only_so_much_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content, "MOST_PAST_LINES", 5)
    world = World(ANYTHING)
    for i in range(60):
        world.take([alert(f"a{i}", i / 2, "h", rule=f"r{i}")])
    found = world.incident("a59")
    assert len(found.incident.lines) < 30
    assert found.alerts == 60
    assert is_tree(found.incident)
    world.restart()
    world.take([alert("b", 30, "h", rule="b")])
    assert world.incident("b").alerts == 61


def test_a_split_holds_for_what_comes_after_the_window() -> None:
    """Both halves go on, and what is new links them: it joins one, and they stay two."""
    world = World(ANYTHING)
    world.take([alert(f"a{i}", i / 10, "h", rule=f"r{i}") for i in range(4)])
    one = world.tracker.book.held[world.incident("a0").uid]
    batch = Batch(1.0, "ann")
    other = split(world.tracker, one, one.lines[2:], "", batch)
    world.keep(batch)
    for i in range(24):
        world.take([alert(f"b{i}", 1 + i, "h", rule=f"s{i}")])
        if i % 5 == 0:
            world.restart()
        assert len(world.groups()) == 2
        assert is_tree(world.incident(f"b{i}").incident)
    assert world.incident("a0").uid == one.uid
    assert world.incident("a3").uid == other


def test_a_merge_holds_for_what_comes_after_the_window() -> None:
    world = World(ANYTHING)
    world.take([alert("a0", 0, "h1"), alert("b0", 0.1, "h2")])
    held = [world.tracker.book.held[world.incident(uid).uid] for uid in ("a0", "b0")]
    batch = Batch(1.0, "ann")
    merge(world.tracker, held[0], held[1:], "", batch)
    world.keep(batch)
    for i in range(12):
        world.take([alert(f"a{1 + i}", 1 + i, "h1"), alert(f"b{1 + i}", 1.1 + i, "h2")])
        if i % 5 == 0:
            world.restart()
        assert len(world.groups()) == 1
        assert is_tree(world.incident("a0").incident)


def test_when_the_escalated_one_is_absorbed_what_absorbs_it_is_escalated() -> None:
    world = World(ANYTHING)
    world.take([alert("a", 0, "h1"), alert("a2", 0, "h1", rule="x"), alert("b", 0, "h2")])
    world.tracker.book.held[world.incident("b").uid].status = Status.ESCALATED
    world.take([alert("c", 0.1, "h1", "h2")])
    assert world.incident("c").status is Status.ESCALATED
    assert world.incident("c").uid == world.incident("a").uid


def test_what_comes_apart_goes_on_in_its_largest_part() -> None:
    """A token that too many lines name links nothing any more, those before too: what it held comes apart."""
    world = World()
    some = [alert(f"a{i}", 0.5 + i * 0.001, "h", f"g{i // 2}", rule=f"r{i}") for i in range(40)]
    world.take(some)
    before = world.groups()
    world.take([alert(f"n{i}", 0.4, "h", f"k{i}", rule=f"q{i}", late=0.2) for i in range(300)], score=0.01)
    after = world.groups()
    assert len(after) > len(before)
    names = {record.uid for record in world.records.values() if record.status is Status.OPEN}
    assert {world.incident(f"a{i}").uid for i in range(40)} <= names
    assert "left" in {event.kind for event in world.events}


def lone(uid: str, days: float, n: int, host: str = "flooded") -> Alert:
    """Return one of many alerts of a rule upon a host, each with an address of its own; the host is a hub."""
    made = alert(uid, days, host, rule="flood")
    return msgspec.structs.replace(made, observables=(Observable("ip", f"10.0.{n // 250}.{n % 250}"),))


def test_what_follows_upon_many_that_are_alike_and_alone_is_laid_upon_them() -> None:
    """A flood of which each alert shares only the host, which is a hub, makes few incidents, and no alert is lost."""
    world = World()
    for start in range(0, 2000, 100):
        world.take([lone(f"a{i}", i / 20_000, i) for i in range(start, start + 100)])
    assert len(world.records) < 40
    assert len(world.alerts) == sum(record.alerts for record in world.records.values()) == 2000
    pile = world.incident("a1999")
    assert pile.alerts > 1000 > len(pile.incident.lines)
    world.restart()
    world.take([lone("again", 0.1, 5000), lone("repeat", 0.0999, 1999)])
    assert world.incident("again").uid == world.incident("repeat").uid == pile.uid
    assert world.incident("again").alerts == pile.alerts + 2


def test_a_line_of_a_pile_that_something_links_is_listed() -> None:
    world = World()
    world.take([lone(f"a{i}", i / 20_000, i) for i in range(600)])
    pile = world.incident("a599")
    world.take([msgspec.structs.replace(lone("b", 0.0301, 599, "elsewhere"), rule=Rule("other"))], score=0.9)
    assert world.incident("b").uid == world.incident("a599").uid != pile.uid
    assert len(world.incident("b").incident.lines) == 2
    assert world.records[pile.uid].alerts == pile.alerts - 1
    assert sum(record.alerts for record in world.records.values()) == 601


ALERT = st.tuples(st.floats(0, 24), st.sets(st.sampled_from("abcdef"), max_size=2), st.sampled_from("xyz"), st.sampled_from("tu"))


@pytest.mark.parametrize(("alike", "past"), [(piles.MOST_ALIKE, content.MOST_PAST_LINES), (2, 2)])
@given(st.lists(st.lists(ALERT, min_size=1, max_size=4), min_size=1, max_size=12), st.sets(st.integers(0, 11), max_size=3))
@settings(max_examples=60, deadline=None)
def test_a_restart_changes_nothing(
    alike: int, past: int, rounds: list[list[tuple[float, set[str], str, str]]], restarts: set[int]
) -> None:
    """Alerts of three weeks, whatever they share: with restarts the same alerts are in the same incidents of the same names."""
    with mock.patch.object(piles, "MOST_ALIKE", alike), mock.patch.object(content, "MOST_PAST_LINES", past):
        _restarted(rounds, restarts)


def _restarted(rounds: list[list[tuple[float, set[str], str, str]]], restarts: set[int]) -> None:
    plain, again = World(ANYTHING), World(ANYTHING)
    ordered = sorted(one for some in rounds for one in some) if rounds else []
    at = 0
    for n, some in enumerate(rounds):
        made = [
            alert(f"{n}.{i}", days, *sorted(hosts), rule=rule, tenant=tenant)
            for i, (days, hosts, rule, tenant) in enumerate(ordered[at : at + len(some)])
        ]
        at += len(some)
        plain.take(made)
        if n in restarts and again.heard:
            again.restart()
        again.take(made)
        for world in (plain, again):
            assert all(is_tree(record.incident) for record in world.records.values() if record.status is Status.OPEN)
    assert again.groups() == plain.groups()
    assert again.lines == plain.lines
    assert {uid: record.alerts for uid, record in again.records.items()} == {
        uid: record.alerts for uid, record in plain.records.items()
    }


@pytest.mark.parametrize("seed", [90, 144, 245, 345, 368])
def test_what_is_left_of_what_lost_lines_stays_one_after_a_restart(seed: int) -> None:
    """What was linked by way of lines past the window, or because these spoke for it, may be linked by nothing that is known still; what
    is held together depends on when lines went."""
    chance = random.Random(seed)
    told = sorted((one for _ in range(2) for one in story(chance, 20.0)), key=lambda one: one[0].time)
    plain, again = World(), World()
    for n, (one, score) in enumerate(told):
        made = msgspec.structs.replace(one, uid=f"a{n}", received_time=one.time)
        if n and n % 4 == 0 and chance.random() < 0.15:
            again.restart()
        for world in (plain, again):
            world.take([made], 0.3 if score is None or math.isnan(score) else score)
    assert again.groups() == plain.groups()
    assert again.lines == plain.lines
