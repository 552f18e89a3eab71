"""A survey needs no model and no label: what repeats, what a rule costs, and what may be done about it."""

from __future__ import annotations

import math
from datetime import timedelta
from pathlib import Path

import msgspec
import numpy as np
import pytest

from features.alert import Alert, Rule
from features.label import Label, Provenance
from models.pace import PAUSE_SECONDS, PROVENANCES, VERDICTS
from tests.conftest import build_alert, build_label
from tests.training.datasets import ATTACK, BENIGN, apart, dataset_of
from training.survey import MINUTES, Survey, Why, advice, survey


def surveyed(folder: Path, alerts: list[Alert], labels: list[Label] | None = None, minutes: float | None = None) -> Survey:
    return survey(dataset_of(folder, alerts, labels or []), minutes=minutes)


def steady(alerts: list[Alert], seconds: float = 90.0) -> list[Label]:
    """Return verdicts of one person, given back to back once everything had come."""
    start = (alerts[-1].time - alerts[0].time).total_seconds() + 60.0
    return [
        build_label(a, BENIGN, uid=f"l{i}", analyst="ann", after=start + i * seconds - (a.time - alerts[0].time).total_seconds())
        for i, a in enumerate(alerts)
    ]


def test_repeats_are_of_one_rule_on_the_same_entities_within_the_window(tmp_path: Path) -> None:
    alerts = [
        build_alert(0), build_alert(1, at=3599.0), build_alert(2, at=3601.0), build_alert(3, at=10.0, rule="r2"),
        build_alert(4, at=10.0, host="h2"), build_alert(5, at=10.0, tenant="beta"),
    ]  # fmt: skip
    found = surveyed(tmp_path, alerts)
    assert found.line.tolist() == [0, 0, 2, 3, 4, 5]
    assert found.opens.sum() == 5


def test_a_rule_is_its_uid_whatever_it_calls_itself(tmp_path: Path) -> None:
    alerts = [build_alert(i, at=float(i)) for i in range(3)]
    alerts[1] = msgspec.structs.replace(alerts[1], rule=Rule("r1", "Rule r1, as of now for host h1"))
    found = surveyed(tmp_path, alerts)
    assert [(found.rules[rule.rule], rule.alerts) for rule in found.measures.rules] == [("Rule r1", 3)]
    assert found.line.tolist() == [0, 0, 0]


def test_alerts_without_an_entity_repeat_nothing(tmp_path: Path) -> None:
    found = surveyed(tmp_path, [build_alert(i, entities=()) for i in range(4)])
    assert found.nameless.all()
    assert found.opens.all()


def test_years_apart_are_two_days_and_two_lines(tmp_path: Path) -> None:
    far = build_alert(1, at=20 * 365.25 * 86400.0)
    found = surveyed(tmp_path, [build_alert(0), far])
    assert found.measures.alerts_a_day.n == 2
    assert found.opens.all()


def test_parts_are_everything_then_tenants_and_products_where_there_are_several(tmp_path: Path) -> None:
    alerts = [build_alert(i, tenant=("b" if i else "a"), product=("edr" if i < 3 else "nids")) for i in range(4)]
    named = {name: int(mask.sum()) for name, mask in surveyed(tmp_path, alerts).parts()}
    assert list(named.items()) == [("all", 4), ("tenant b", 3), ("tenant a", 1), ("product edr", 3), ("product nids", 1)]
    assert [name for name, _ in surveyed(tmp_path / "one", [build_alert()]).parts()] == ["all"]


def test_columns_say_who_said_what_is_in_force_and_what_was_ever_said(tmp_path: Path) -> None:
    alerts = apart(4)
    labels = [
        build_label(alerts[0], BENIGN, uid="x", analyst="ann"),
        build_label(alerts[0], ATTACK, uid="y", analyst="bob", after=120.0),
        build_label(alerts[1], ATTACK, uid="z", provenance=Provenance.IMPORT),
        build_label(alerts[2], ATTACK, uid="m", provenance=Provenance.AUTOMATION),
        build_label(alerts[3], BENIGN, uid="n", alert_uid="nowhere"),
    ]
    found = surveyed(tmp_path, alerts, labels)
    columns = found.alerts
    assert [VERDICTS[v] if v >= 0 else None for v in columns.verdict] == [ATTACK, ATTACK, None, None]
    assert [PROVENANCES[p] if p >= 0 else None for p in columns.provenance] == [Provenance.HUMAN, Provenance.IMPORT, None, None]
    assert found.measures.acknowledge.n == 1
    assert found.measures.untimed == {"import": 1, "automation": 1}
    assert [(found.analysts[load.analyst], load.verdicts) for load in found.measures.analysts] == [("ann", 1), ("bob", 1)]


def test_receipt_is_what_an_answer_is_counted_from(tmp_path: Path) -> None:
    alert = build_alert(received_time=build_alert().time + timedelta(seconds=50))
    found = surveyed(tmp_path, [alert], [build_label(alert, ATTACK, after=170.0, analyst="ann")]).measures
    assert (found.detect["human"].median, found.acknowledge.median, found.dwell.median) == (50.0, 120.0, 170.0)


def test_minutes_are_given_or_measured_or_assumed(tmp_path: Path) -> None:
    alerts = [build_alert(i, at=i * 10.0, host=f"h{i}", rule="r1" if i < 60 else "r2") for i in range(70)]
    labels = steady(alerts)
    measured = surveyed(tmp_path / "a", alerts, labels)
    assert [cost.why for cost in measured.costs] == [Why.RULE, Why.ALL]
    assert [cost.minutes for cost in measured.costs] == pytest.approx([1.5, 1.5])
    assert {(c.minutes, c.why) for c in surveyed(tmp_path / "b", alerts, labels, 3.0).costs} == {(3.0, Why.GIVEN)}
    assert {(c.minutes, c.why) for c in surveyed(tmp_path / "c", alerts).costs} == {(MINUTES, Why.ASSUMED)}
    slow = surveyed(tmp_path / "d", alerts, steady(alerts, PAUSE_SECONDS + 1.0))
    assert {cost.why for cost in slow.costs} == {Why.ASSUMED}
    assert math.isnan(slow.measures.handling.seconds)
    assert measured.minutes.sum() == pytest.approx(105.0)


def test_advice_keeps_what_ever_spoke_of_an_attack_and_asks_for_reviews(tmp_path: Path) -> None:
    sizes = {"spoke": 70, "clean": 70, "some": 70, "none": 70, "few": 3}
    alerts = [build_alert(f"{name}{i}", at=i * 400.0, rule=name) for name, size in sizes.items() for i in range(size)]  # type: ignore[arg-type]
    by_rule = {name: [a for a in alerts if a.rule.uid == name] for name in sizes}
    said = [(a, BENIGN) for a in by_rule["spoke"][1:] + by_rule["clean"] + by_rule["some"][:20]] + [(by_rule["spoke"][0], ATTACK)]
    found = surveyed(tmp_path, alerts, [build_label(a, v, uid=f"l{a.uid}", analyst="ann") for a, v in said])
    told = {found.rules[rule.rule]: advice(rule) for rule in found.measures.rules}
    assert told == {
        "Rule spoke": "no: 1 attack", "Rule clean": "maybe: 0 of 70", "Rule some": "review 39 more",
        "Rule none": "review 59 more", "Rule few": "too few",
    }  # fmt: skip


def test_an_inherited_attack_keeps_a_rule_from_suppression(tmp_path: Path) -> None:
    alerts = apart(80)
    labels = [build_label(a, BENIGN, uid=f"l{i}", analyst="ann") for i, a in enumerate(alerts[1:])]
    labels.append(build_label(alerts[0], ATTACK, uid="heir", provenance=Provenance.INHERITED))
    (rule,) = surveyed(tmp_path, alerts, labels).measures.rules
    assert (rule.reviewed, rule.true_positives) == (79, 0)
    assert advice(rule) == "no: 1 attack"


def test_lines_hold_with_any_number_of_alerts(tmp_path: Path) -> None:
    alerts = [build_alert(i, at=i * 60.0, host=f"h{i % 3}") for i in range(300)]
    found = surveyed(tmp_path, alerts)
    times = np.array([a.time.timestamp() for a in alerts])
    assert (times - times[found.line] <= 3600.0).all()
    assert found.opens.sum() == 15  # each host has 100 alerts three minutes apart, 21 of them in a line
