"""The correlator: what belongs together is joined, what does not is not, and nothing that is sent to it breaks it."""

from __future__ import annotations

import random
from datetime import datetime

import pytest

from features.alert import Alert, Entity, Observable
from models.errors import CorrelationError
from models.incidents.correlator import Correlator, background
from models.incidents.link_model import DEFAULT
from models.incidents.postings import HUB_LINES, WINDOW_BINS
from tests.models.incidents.alerts_by_hand import (
    ACTOR,
    TARGET,
    address,
    alert,
    fed,
    host,
    mailbox,
    partition,
    together,
    trees,
    user,
)

LURE = Observable("url", "https://evil.example/login")


def _mails() -> list[tuple[Alert, float | None]]:
    sender, hashed = mailbox("billing@evil.example", ACTOR), Observable("hash", "9f86d081884c7d65")
    return [
        (
            alert(f"mail{n}", "phishing", sender, mailbox(f"u{n}@corp"), LURE, hashed, minutes=n * 9.0, product="mail"),
            0.6 + 0.05 * n,
        )
        for n in range(6)
    ]


def test_mails_with_one_lure_are_one_incident() -> None:
    correlator = Correlator(DEFAULT)
    fed(correlator, [*_mails(), (alert("other", "beacon", host("h9"), user("u9"), minutes=20), 0.9)])
    assert together(correlator, *(f"mail{n}" for n in range(6)))
    assert not together(correlator, "mail0", "other")


@pytest.mark.parametrize("shared", [LURE, mailbox("billing@evil.example", ACTOR), Observable("hash", "9f86d081884c7d65")])
def test_one_thing_in_common_is_enough_for_mails(shared: Entity | Observable) -> None:
    correlator = Correlator(DEFAULT)
    fed(correlator, [(alert(f"m{n}", "phishing", mailbox(f"u{n}@corp"), shared, minutes=n * 9.0), 0.7) for n in range(5)])
    assert together(correlator, *(f"m{n}" for n in range(5)))


def test_reports_of_one_act_by_endpoint_network_and_siem_are_one_incident() -> None:
    def leased(tenant: str, kind: str, uid: str, time: datetime) -> str:
        return "ws1" if (kind, uid) == ("address", "10.0.0.5") else uid

    correlator = Correlator(DEFAULT, leased)
    act = [
        (alert("edr", "credential dumping", host("WS1"), user("alice"), minutes=0.0, tactics=("credential-access",)), 0.8),
        (alert("nids", "ET 2024", address("10.0.0.5", ACTOR), address("203.0.113.9"), minutes=4.0, product="ids"), 0.6),
        (alert("siem", "correlated", host("ws1"), minutes=7.0, product="siem"), 0.9),
    ]
    fed(correlator, [*act, (alert("else", "ET 2024", address("10.0.0.6", ACTOR), minutes=5.0, product="ids"), 0.9)])
    assert together(correlator, "edr", "nids", "siem")
    assert not together(correlator, "edr", "else")


def test_attacks_on_different_hosts_stay_apart_although_both_touch_a_busy_controller() -> None:
    controller = host("dc1", TARGET)
    usual = [(alert(f"b{n}", f"r{n % 9}", host(f"w{n}"), controller, minutes=n * 30.0 - 9000.0), 0.01) for n in range(300)]
    attacks = [
        (
            alert(
                f"{who}{n}", rule, host(f"{who}-host"), user(f"{who}-user"), *touched, minutes=n * 8.0 + gap, tactics=(tactic,)
            ),
            0.85,
        )
        for who, gap in (("x", 0.0), ("y", 3.0))
        for n, (rule, tactic, touched) in enumerate(
            [("macro", "execution", ()), ("dump", "credential-access", ()), ("kerberoast", "lateral-movement", (controller,))]
        )
    ]
    correlator = Correlator(DEFAULT)
    fed(correlator, [*usual, *attacks])
    for who in "xy":
        assert together(correlator, *(f"{who}{n}" for n in range(3)))
    assert not together(correlator, "x0", "y0")


def test_what_neither_is_suspect_is_never_linked() -> None:
    correlator = Correlator(DEFAULT)
    fed(correlator, [(alert(f"a{n}", f"r{n}", host("h"), user("u"), LURE), 0.02) for n in range(9)])
    assert not trees(correlator)


def test_a_hub_links_nothing() -> None:
    correlator = Correlator(DEFAULT)
    before = [(alert(f"b{n}", f"r{n}", host("proxy"), minutes=-n * 30.0), 0.01) for n in range(HUB_LINES)]
    two = [(alert("a1", "x", host("proxy"), user("u1")), 0.9), (alert("a2", "y", host("proxy"), user("u2"), minutes=6.0), 0.9)]
    fed(correlator, before + two)
    assert not together(correlator, "a1", "a2")
    few = Correlator(DEFAULT)
    fed(few, before[:3] + two)
    assert together(few, "a1", "a2")


def test_a_flood_on_one_host_glues_nothing() -> None:
    correlator = Correlator(DEFAULT)
    attacks = [(alert(f"{who}{n}", f"x{n}", host(who), user(f"{who}-u"), minutes=n * 6.0), 0.9) for who in "pq" for n in range(3)]
    told = fed(correlator, attacks)
    before = {lines for lines in partition(correlator) if told["p0"] in lines or told["q0"] in lines}
    for n in range(0, 100_000, 1_000):
        for i in range(n, n + 1_000):
            named = [host("p"), user(f"f{i}")] if i % 4 == 0 else [host("p")]
            correlator.add(alert(f"f{i}", f"r{i % 50}", *named, minutes=i / 60.0), 0.5)
        correlator.settle()
    after = partition(correlator)
    assert max(map(len, after)) <= HUB_LINES + len(attacks)
    assert not together(correlator, "p0", "q0")
    assert {lines for lines in before if told["q0"] in lines} <= after


def test_the_work_for_a_late_alert_is_bounded() -> None:
    correlator = Correlator(DEFAULT)
    fed(correlator, [(alert(f"a{n}", f"r{n}", host("h"), user(f"u{n}"), minutes=n), 0.5) for n in range(2_000)])
    late = correlator.lines.kept[correlator.add(alert("late", "r", host("h"), minutes=-60.0, late=600.0), 0.9)]
    assert len(correlator._postings.later([late])) == HUB_LINES + 1


def test_tenants_are_never_joined() -> None:
    correlator = Correlator(DEFAULT)
    same = [host("h"), user("u"), LURE]
    told = [alert(f"{tenant}{n}", "r", *same, minutes=6.0 * n, tenant=tenant) for tenant in "st" for n in range(3)]
    fed(correlator, [(one, 0.9) for one in told])
    assert {len(lines) for lines in partition(correlator)} == {3}
    one, *_, other = correlator.lines.kept
    with pytest.raises(CorrelationError, match="'s' and of 't'") as caught:
        correlator.merge(one, other)
    assert (caught.value.tenant, caught.value.other) == ("s", "t")


def _numbers(correlator: Correlator) -> dict[str, int]:
    return {uid: number for number, line in correlator.lines.kept.items() for uid in line.uids}


def test_a_merge_is_kept_and_told() -> None:
    correlator = Correlator(DEFAULT)
    fed(correlator, [(alert("a", "r", host("h1")), 0.9), (alert("b", "r", host("h2")), 0.9)])
    numbers = _numbers(correlator)
    correlator.merge(numbers["a"], numbers["b"])
    correlator.merge(numbers["a"], numbers["a"])
    (made,) = correlator.settle().made
    assert set(made.lines) == set(numbers.values())
    assert correlator.joined(numbers["b"], numbers["a"])
    fed(correlator, [(alert("c", "r", host("h2"), minutes=6.0), 0.9)])
    assert together(correlator, "a", "b", "c")


def test_what_was_split_does_not_rejoin_through_later_lines() -> None:
    chance = random.Random(1)
    correlator = Correlator(DEFAULT)
    told = [(alert(f"a{n}", f"r{n}", host("h"), user("u"), minutes=6.0 * n), 0.9) for n in range(4)]
    uids = fed(correlator, told)
    numbers = _numbers(correlator)
    assert together(correlator, "a0", "a1", "a2", "a3")
    correlator.split(7, [[numbers["a0"], numbers["a1"]], [numbers["a2"], numbers["a3"]]])
    correlator.settle()
    later = [
        (alert(f"b{n}", f"q{n % 5}", host("h"), user("u"), minutes=30.0 + n * 60.0), chance.uniform(0.8, 0.99))
        for n in range(240)
    ]
    for one, score in later:
        fed(correlator, [(one, score)])
        correlator.forget()
        sides = [{n for n in correlator.lines.kept if correlator._corrections.sides.get(n, {}).get(7) == 0}]
        sides.append({n for n in correlator.lines.kept if correlator._corrections.sides.get(n, {}).get(7) == 1})
        for n in sides[0]:
            assert not sides[1] & set(correlator.grove(n).lines)
    assert uids["a0"] not in {line.uid for line in correlator.lines.kept.values()}
    assert sides[0] or sides[1]
    fresh = Correlator(DEFAULT)
    assert fed(fresh, told) == uids
    known = {line.uid: number for number, line in fresh.lines.kept.items()}
    fresh.split(7, [[known[uids["a0"]], known[uids["a1"]]], [known[uids["a2"]], known[uids["a3"]]]])
    fresh.settle()
    assert not together(fresh, "a0", "a3")
    fresh.unite(7)
    fresh.settle()
    assert together(fresh, "a0", "a3")


def test_a_split_outdoes_a_merge_until_it_is_lifted() -> None:
    correlator = Correlator(DEFAULT)
    fed(correlator, [(alert("a", "r", host("h1")), 0.9), (alert("b", "r", host("h2")), 0.9)])
    numbers = _numbers(correlator)
    correlator.merge(numbers["a"], numbers["b"])
    correlator.split(1, [[numbers["a"]], [numbers["b"]]])
    correlator.settle()
    assert not together(correlator, "a", "b")
    correlator.unite(1)
    correlator.settle()
    assert together(correlator, "a", "b")


def test_changes_name_what_was_made_and_what_is_no_more() -> None:
    correlator = Correlator(DEFAULT)
    first, second = (correlator.add(alert(uid, uid, host("h"), user("u"), minutes=m), 0.9) for uid, m in (("a", 0.0), ("b", 6.0)))
    changes = correlator.settle()
    assert ([grove.lines for grove in changes.made], changes.dissolved) == ([(first, second)], set())
    third = correlator.add(alert("c", "c", host("h"), user("u"), minutes=12.0), 0.9)
    changes = correlator.settle()
    assert ([grove.lines for grove in changes.made], changes.dissolved) == ([(first, second, third)], {first})
    assert correlator.settle() == ([], set())


def test_nothing_dangles_over_a_long_random_run() -> None:
    chance = random.Random(3)
    correlator = Correlator(DEFAULT)
    kept, minutes = [], 0.0
    for n in range(6_000):
        minutes += chance.choice([0.0, 1.0, 30.0, 60.0]) if n % 500 else 4 * 1440.0
        late = chance.choice([0.0, 0.0, 600.0, 1440.0, 30_000.0])
        named = [host(f"h{chance.randrange(30)}"), user(f"u{chance.randrange(30)}")]
        one = alert(f"a{n}", f"r{chance.randrange(8)}", *named, minutes=minutes - late, late=late)
        number = correlator.add(one, chance.choice([0.0, 0.05, 0.5, 0.9]))
        if chance.random() < 0.02:
            correlator.merge(number, chance.choice(list(correlator.lines.kept)))
        if chance.random() < 0.02:
            correlator.split(n, [[number], [chance.choice(list(correlator.lines.kept))]])
        if chance.random() < 0.2:
            correlator.settle()
        if chance.random() < 0.05:
            correlator.forget()
        kept.append(len(correlator.lines))
    assert max(kept[3_000:]) < 1_500
    correlator.settle()
    for number in correlator.lines.kept:
        grove = correlator.grove(number)
        assert number in grove.lines
        assert len(grove.edges) == len(grove.lines) - 1
        assert set(grove.lines) <= set(correlator.lines.kept)
    end = alert("end", "r", host("end"), minutes=minutes + (2 * WINDOW_BINS) * 5.0)
    fed(correlator, [(end, 0.9)])
    correlator.forget()
    assert len(correlator.lines) == 1
    for left in (
        correlator._left,
        correlator._corrections.sides,
        correlator._corrections._joined,
        correlator._choices._earlier,
    ):
        assert not left
    assert (len(correlator._postings), correlator._grove_of) == (1, {})


def test_a_grove_that_spans_the_window_keeps_its_living_part() -> None:
    correlator = Correlator(DEFAULT)
    told = [(alert(f"a{n}", f"r{n}", host("h"), user("u"), minutes=n * 300.0), 0.95) for n in range(60)]
    before = correlator.forget()
    fed(correlator, told)
    assert together(correlator, "a0", "a59")
    (lost,) = correlator.forget()
    assert (before, len(lost.lines)) == ([], 60)
    grove = correlator.grove(_numbers(correlator)["a59"])
    assert set(grove.lines) == set(correlator.lines.kept)
    assert len(grove.edges) == len(grove.lines) - 1 < 59


def test_background_is_named_by_user_else_main_entity_and_day() -> None:
    assert background(alert("a", "r", host("h"), user("u"))) == "t\x1fu\x1f2026-06-01"
    assert background(alert("a", "r", host("h"))) == "t\x1fh\x1f2026-06-01"
    assert background(alert("a", "r")) == "t\x1f\x1f2026-06-01"
