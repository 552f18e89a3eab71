"""The correlator and odd input: no entity or a thousand, hubs only, wrong clocks, odd names, scores that are none."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from features.alert import Entity, EntityKind, Observable, Role
from models.incidents.correlator import Correlator
from models.incidents.lines import severity_score
from models.incidents.link_model import DEFAULT
from models.incidents.postings import HUB_LINES
from tests.models.incidents.alerts_by_hand import START, alert, fed, host, partition, together, trees, user

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("time", "received"),
    [
        (datetime.min.replace(tzinfo=UTC), START),
        (datetime.max.replace(tzinfo=UTC), START),
        (datetime.max.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)),
        (EPOCH - timedelta(days=30), EPOCH),
        (START + timedelta(hours=2), START),
        (START, START + timedelta(days=4000)),
    ],
)
def test_odd_times_break_nothing_and_are_let_go(time: datetime, received: datetime) -> None:
    correlator = Correlator(DEFAULT)
    for n in range(3):
        odd = msgspec.structs.replace(alert(f"o{n}", f"r{n}", host("h")), time=time, received_time=received)
        fed(correlator, [(odd, 0.9)])
        correlator.forget()
    assert together(correlator, "o0", "o1", "o2") or not correlator.lines.kept
    later = min(received, datetime.max.replace(tzinfo=UTC) - timedelta(days=12)) + timedelta(days=11)
    fed(correlator, [(msgspec.structs.replace(alert("z", "r", host("z")), time=later, received_time=later), 0.9)])
    correlator.forget()
    if received < later:
        assert [line.uids for line in correlator.lines.kept.values()] == [("z",)]
        assert len(correlator._postings) == 1


def test_years_apart_is_not_linked() -> None:
    correlator = Correlator(DEFAULT)
    fed(correlator, [(alert(f"a{n}", "r", host("h"), user("u"), minutes=n * 525_600.0), 0.99) for n in (-2, 0, 3)])
    assert not trees(correlator)


def test_alerts_with_nothing_to_share_stay_alone() -> None:
    correlator = Correlator(DEFAULT)
    fed(correlator, [(alert(f"a{n}", f"r{n}"), 0.99) for n in range(3)])
    fed(correlator, [(alert(f"b{n}", f"r{n}", host("   ")), 0.99) for n in range(3)])
    assert {len(lines) for lines in partition(correlator)} == {1}
    assert len(correlator._postings) == 0


def test_a_thousand_entities_are_read_as_the_first_few() -> None:
    correlator = Correlator(DEFAULT)
    crowd = [Entity(EntityKind.ADDRESS, f"10.0.{n // 250}.{n % 250}", Role.RELATED) for n in range(1_000)]
    fed(
        correlator,
        [(alert("a", "r", *crowd), 0.9), (alert("b", "s", *crowd, minutes=6.0), 0.9), (alert("c", "s", crowd[-1]), 0.9)],
    )
    assert together(correlator, "a", "b")
    assert not together(correlator, "b", "c")
    assert len(correlator._postings) == 33


@pytest.mark.parametrize("name", ["\ud800", "a\x1fb", "\u202etxt.exe", "\x00", "Ａ" * 1024, "ß\u0345"])
def test_odd_names_join_and_are_told(name: str) -> None:
    correlator = Correlator(DEFAULT)
    uids = fed(correlator, [(alert(f"a{n}", name, host(name), Observable(name, name), minutes=6.0 * n), 0.9) for n in range(2)])
    assert together(correlator, "a0", "a1")
    assert len(set(uids.values())) == 2


@pytest.mark.parametrize("severity", range(7))
@pytest.mark.parametrize("score", [None, math.nan])
def test_where_no_model_spoke_severity_counts(severity: int, score: float | None) -> None:
    correlator = Correlator(DEFAULT)
    line = correlator.lines.kept[correlator.add(alert("a", "r", host("h"), severity=severity), score)]
    assert line.score == severity_score(severity)


def test_a_line_has_the_highest_of_its_scores() -> None:
    correlator = Correlator(DEFAULT)
    for n, score in enumerate([0.2, math.nan, 0.7, -1.0, 0.3]):
        number = correlator.add(alert(f"a{n}", "r", host("h")), score)
    assert (correlator.lines.kept[number].score, correlator.lines.kept[number].alerts) == (0.7, 5)


def test_alerts_that_name_hubs_only_stay_alone() -> None:
    correlator = Correlator(DEFAULT)
    hubs = [host("proxy"), host("dc")]
    fed(correlator, [(alert(f"b{n}", f"r{n}", *hubs, minutes=-n * 30.0), 0.01) for n in range(HUB_LINES)])
    fed(correlator, [(alert(f"a{n}", f"x{n}", *hubs, minutes=6.0 * n), 0.99) for n in range(5)])
    assert not trees(correlator)
