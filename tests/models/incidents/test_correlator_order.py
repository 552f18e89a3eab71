"""The correlator: what it makes of alerts depends on the alerts, not on the order in which they came or were settled."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.alert import Alert, Rule
from models.incidents import postings
from models.incidents.correlator import Correlator
from models.incidents.forest import Parts
from models.incidents.link_model import DEFAULT
from tests.models.incidents.alerts_by_hand import START, address, alert, host, partition, trees, user

Scored = tuple[Alert, float | None]
NAMED = [host("h1"), host("h2"), host("h3", role=user("x").role), user("u1"), user("u2"), address("a1"), address("a2")]


SCORES = [None, 0.0, 0.001, 0.02, 0.03, 0.05, 0.3, 0.6, 0.9, 1.0, float("nan")]
DAY = 1440.0


def story(chance: random.Random, days: float) -> list[Scored]:
    """Return up to eighty alerts, some bursts and some alone, repeats among them, with few names to share."""
    named = chance.sample(NAMED, chance.randint(2, len(NAMED)))
    bursts = [chance.uniform(0.0, days * DAY) for _ in range(chance.randint(1, 12))]
    scores = chance.sample(SCORES, chance.randint(1, len(SCORES)))
    spread = chance.choice([900.0, 6.0 * DAY])
    told: list[Scored] = []
    for n in range(chance.randint(1, 80)):
        if told and chance.random() < 0.2:
            before, _ = chance.choice(told)
            told.append((msgspec.structs.replace(before, uid=f"a{n}"), chance.choice(scores)))
            continue
        made = alert(
            f"a{n}",
            f"r{chance.randrange(6)}",
            *chance.sample(named, chance.randint(1, min(3, len(named)))),
            minutes=chance.choice(bursts) + chance.choice([0.0, chance.uniform(0.0, 20.0), chance.uniform(0.0, spread)]),
            tactics=chance.choice([(), ("execution",), ("impact",), ("nonsense",)]),
            severity=chance.randint(0, 6),
        )
        told.append((made, chance.choice(scores)))
    return told


def stories(days: float = 3.0) -> st.SearchStrategy[list[Scored]]:
    return st.integers(0, 2**32).map(lambda seed: story(random.Random(seed), days))


def leased(tenant: str, kind: str, uid: str, time: datetime) -> str:
    """Resolve an address whose lease changes within a bin."""
    if uid != "a1":
        return uid
    return "h1" if time < START + timedelta(minutes=7) else "h2"


def correlated(alerts: Sequence[Scored], settled: Sequence[int] = (), *, aliases: bool = False) -> Correlator:
    correlator = Correlator(DEFAULT, leased if aliases else None)
    for n, (one, score) in enumerate(alerts):
        correlator.add(one, score)
        if n in settled:
            correlator.settle()
    correlator.settle()
    return correlator


@settings(max_examples=150, deadline=None)
@given(stories(), st.randoms(use_true_random=False), st.booleans(), st.sampled_from([(2, 3), (4, 2), (256, 24)]))
def test_any_order_and_any_settling_make_the_same(
    told: list[Scored], chance: random.Random, aliases: bool, bounds: tuple[int, int]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(postings, "HUB_LINES", bounds[0])
        patch.setattr(postings, "NEAREST", bounds[1])
        expected = correlated(told, aliases=aliases)
        shuffled = chance.sample(told, len(told))
        found = correlated(shuffled, chance.sample(range(len(told)), len(told) // 2), aliases=aliases)
    assert partition(found) == partition(expected)
    assert trees(found) == trees(expected)


@settings(max_examples=60, deadline=None)
@given(stories(), st.randoms(use_true_random=False), st.data())
def test_corrections_make_the_same_in_any_order(told: list[Scored], chance: random.Random, data: st.DataObject) -> None:
    found = [correlated(told), correlated(chance.sample(told, len(told)), range(0, len(told), 3))]
    uids = sorted(line.uid for line in found[0].lines.kept.values())
    pairs = data.draw(st.lists(st.tuples(st.sampled_from(uids), st.sampled_from(uids)), max_size=4))
    sides = data.draw(
        st.lists(st.tuples(st.sampled_from(uids), st.integers(0, 1), st.integers(0, 2)), max_size=8, unique_by=lambda s: s[:2])
    )
    for correlator in found:
        numbers = {line.uid: number for number, line in correlator.lines.kept.items()}
        for one, other in pairs if correlator is found[0] else reversed(pairs):
            correlator.merge(numbers[one], numbers[other])
            if correlator is found[1]:
                correlator.settle()
        for uid, split, side in sides if correlator is found[0] else reversed(sides):
            correlator.split(split, [[numbers[uid]] if place == side else [] for place in range(3)])
        correlator.settle()
    assert partition(found[0]) == partition(found[1])
    assert trees(found[0]) == trees(found[1])


@settings(max_examples=100, deadline=None)
@given(stories(), st.data())
def test_a_merge_makes_one_of_two_and_changes_nothing_else(told: list[Scored], data: st.DataObject) -> None:
    correlator = correlated(told)
    before = partition(correlator)
    kept = sorted((line.uid, number) for number, line in correlator.lines.kept.items())
    one, other = (data.draw(st.sampled_from(kept)) for _ in range(2))
    correlator.merge(one[1], other[1])
    correlator.settle()
    parts = {lines for lines in before if lines & {one[0], other[0]}}
    assert partition(correlator) == before - parts | {frozenset().union(*parts)}


@settings(max_examples=200, deadline=None)
@given(stories(25.0), st.integers(1, 6))
def test_forgetting_joins_and_parts_nothing(told: list[Scored], every: int) -> None:
    """Each alert comes at most a day late, and lines are let go now and then. What is left of an incident stays one, and what no link
    leads to from what was ever in one that lost lines is as if nothing had been let go."""
    late = _a_day_late(told, random.Random(every))
    forgetful, touched = Correlator(DEFAULT), set[str]()
    for n, (one, score) in enumerate(late):
        forgetful.add(one, score)
        if n % every == 0:
            forgetful.settle()
            before = partition(forgetful)
            uids = {number: line.uid for number, line in forgetful.lines.kept.items()}
            touched |= {uids[number] for grove in forgetful.forget() for number in grove.lines}
            left = {line.uid for line in forgetful.lines.kept.values()}
            assert partition(forgetful) == {kept for lines in before if (kept := lines & left)}
    forgetful.settle()
    left = {line.uid for line in forgetful.lines.kept.values()}
    expected = correlated(late)
    whole = {uid for lines in _within_reach(expected) if lines <= left - touched for uid in lines}
    assert {lines for lines in partition(forgetful) if lines & whole} == {lines for lines in partition(expected) if lines & whole}
    for number in forgetful.lines.kept:
        grove = forgetful.grove(number)
        assert len(grove.edges) == len(grove.lines) - 1


def _a_day_late(told: list[Scored], chance: random.Random) -> list[Scored]:
    ordered = sorted(told, key=lambda item: item[0].time + timedelta(minutes=chance.randrange(0, 1430)))
    return [
        (msgspec.structs.replace(one, received_time=max(before.time for before, _ in ordered[: n + 1])), score)
        for n, (one, score) in enumerate(ordered)
    ]


def _within_reach(correlator: Correlator) -> list[set[str]]:
    """Return the lines that links lead to from each other, whether they became one incident or not, by their uids."""
    kept = correlator.lines.kept
    parts = Parts(kept)
    for number in kept:
        for edge in correlator._choices.beside(number).values():
            parts.join(edge.earlier, edge.later)
    found: dict[int, set[str]] = {}
    for number, line in kept.items():
        found.setdefault(parts.root(number), set()).add(line.uid)
    return list(found.values())


def test_more_lines_in_one_bin_than_are_looked_at() -> None:
    told: list[Scored] = [(alert(f"a{n}", f"r{n}", host("h"), user(f"u{n % 7}")), 0.02 + 0.9 * (n % 5)) for n in range(80)]
    expected = correlated(told)
    for seed in range(5):
        found = correlated(random.Random(seed).sample(told, len(told)), range(0, 80, 7 + seed))
        assert partition(found) == partition(expected)
        assert trees(found) == trees(expected)


def test_late_lines_make_a_hub_of_what_was_none() -> None:
    told: list[Scored] = [(alert(f"a{n}", f"r{n}", host("h"), minutes=n), 0.9) for n in range(postings.HUB_LINES + 40)]
    expected = correlated(told)
    assert partition(correlated(told[::-1], range(0, len(told), 9))) == partition(expected)
    sizes = sorted(map(len, partition(expected)))
    assert sizes.count(1) == 40  # those that 256 others stand before
    assert sizes[-1] > 1


def test_the_earliest_alert_speaks_for_its_line() -> None:
    early = alert("b", "r", host("h"), minutes=1, tactics=("impact",), severity=5)
    late = msgspec.structs.replace(early, uid="a", time=START + timedelta(minutes=2), tactics=("execution",), rule=Rule("r", "n"))
    for told in ([early, late], [late, early]):
        correlator = correlated([(one, 0.5) for one in told])
        (line,) = correlator.lines.kept.values()
        assert (line.told().tactics, line.first, line.last) == (("impact",), early.time, late.time)
