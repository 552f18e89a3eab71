"""The agenda of incidents."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from features.alert import Entity, EntityKind, Role, Rule
from models.incidents.agenda import MOST_ASPECTS, Item, agenda, item_of
from models.incidents.incident import Incident, Line

START = datetime(2026, 7, 1, tzinfo=UTC)


def item(uid: str, probability: float = 0.5, subject: str = "", **shows: list[str]) -> Item:
    """Return an incident that shows things as surely as it is one."""
    shown = {sort: dict.fromkeys(names, probability) for sort, names in shows.items()}
    return Item(uid=uid, probability=probability, subject=subject or f"host of {uid}", **shown)


def order(items: list[Item], budget: int = 100) -> list[str]:
    return [chosen.uid for chosen in agenda(items, budget)]


def test_the_likelier_first_where_nothing_else_differs() -> None:
    assert order([item("a", 0.2), item("b", 0.9), item("c", 0.5)]) == ["b", "c", "a"]
    assert order([item("a", 0.2), item("b", 0.9)], 1) == ["b"]
    assert order([], 3) == []


def test_what_is_new_before_more_of_the_same() -> None:
    same = [item(f"s{i}", 0.9, "host h", rules=["r1", f"x{i}"], techniques=["T1"]) for i in range(5)]
    other = item("other", 0.6, "host g", rules=["r2"], techniques=["T2"])
    assert order([*same, other])[:2] == ["s0", "other"]


def test_what_is_alike_has_one_place() -> None:
    some = [item(f"s{i}", 0.5 + i / 10, "host h", rules=["r1"], spans=[f"hour {i}"]) for i in range(4)]
    wider = item("wider", 0.4, "host h", rules=["r1", "r2"])
    elsewhere = item("elsewhere", 0.1, "host g", rules=["r1"])
    chosen = agenda([*some, wider, elsewhere], 10)
    assert [(one.uid, one.like) for one in chosen] == [("s3", ("s2", "s1", "s0", "wider")), ("elsewhere", ())]
    assert "time of hour 0" in chosen[0].adds


def test_without_a_rule_nothing_is_alike() -> None:
    assert order([item("a", subject="host h"), item("b", subject="host h")]) == ["a", "b"]


def test_why() -> None:
    chosen = agenda([item("a", 0.9, "host h", rules=["r1"]), item("b", 0.5, "host g", rules=["r1"], techniques=["T1"])], 2)
    assert [(one.rank, one.uid) for one in chosen] == [(1, "a"), (2, "b")]
    assert chosen[0].adds == ("about host h", "rule r1")
    assert chosen[1].adds == ("about host g", "technique T1")


def test_naming_a_thousand_things_is_no_merit() -> None:
    entities = tuple(Entity(EntityKind.ADDRESS, f"10.0.{i // 250}.{i % 250}", Role.TARGET) for i in range(1000))
    line = Line(uid="l", first=START, last=START + timedelta(hours=2), product="p", rule=Rule("r"), score=0.3, entities=entities)
    shown = item_of(Incident(uid="i", tenant="t", lines=(line,)), 0.7)
    assert len(shown.entities) == MOST_ASPECTS
    assert shown.subject == "address 10.0.0.0"
    assert len(shown.spans) == 2


def test_each_thing_is_as_sure_as_the_likeliest_line_that_shows_it() -> None:
    lines = [
        Line(uid=f"l{i}", first=START, last=START, product="p", rule=Rule(rule), score=score, techniques=("T1",))
        for i, (rule, score) in enumerate([("r1", 0.9), ("r2", 0.1), ("r1", 0.4)])
    ]
    shown = item_of(Incident(uid="i", tenant="t", lines=tuple(lines)), 0.7)
    assert (shown.probability, shown.subject) == (0.7, "rule p r1")
    assert shown.rules == {"p r1": 0.9, "p r2": 0.1}
    assert shown.techniques == {"T1": 0.9}


NAMES = st.lists(st.sampled_from("abcdefgh"), max_size=4)


@given(
    st.lists(st.tuples(st.floats(0.1, 0.99), st.sampled_from("uvw"), NAMES, NAMES), min_size=1, max_size=12),
    st.floats(0.1, 0.99),
    st.integers(2, 30),
)
def test_a_flood_about_other_things_takes_one_place_before_each(
    shown: list[tuple[float, str, list[str], list[str]]], flood: float, many: int
) -> None:
    items = [item(f"i{i}", p, subject, rules=rules, entities=names) for i, (p, subject, rules, names) in enumerate(shown)]
    before = order(items)
    after = order([*items, *(item(f"f{i}", flood, "host flood", rules=["flood"], entities=["flood"]) for i in range(many))])
    assert [uid for uid in after if uid[0] == "i"] == before
    assert all(after.index(uid) <= rank + 1 for rank, uid in enumerate(before))
