"""Lines: repeats are one, keys name them without doubt, numbers are used again."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from features.alert import Entity, EntityKind, Observable, Rule
from models.incidents.correlator import Correlator
from models.incidents.lines import NAMED_ALERTS, Kept, LineTable, line_key
from models.incidents.link_model import DEFAULT
from models.incidents.links import LATE_BINS
from tests.models.incidents.alerts_by_hand import START, alert, host, user


def _uid(*named: Entity | Observable, rule: str = "r", **more: str) -> str:
    one = alert("a", rule, *named, **more)
    return Kept.begin(0, line_key(one), one, ()).uid


def test_repeats_within_a_bin_are_one_line_with_a_count() -> None:
    correlator = Correlator(DEFAULT)
    for n in range(NAMED_ALERTS + 20):
        correlator.add(alert(f"a{n}", "r", host("h"), minutes=n / 60.0, raw="x" * 99, message="m"), n / 200)
    correlator.add(alert("next", "r", host("h"), minutes=5.0), 0.1)
    line, _ = correlator.lines.kept.values()
    told = line.told()
    assert (told.alerts, len(told.alert_uids), told.score) == (120, NAMED_ALERTS, 119 / 200)
    assert (told.first, told.last) == (START, START + timedelta(seconds=119))
    assert (line.alert.raw, line.alert.message) == ("", "")


def test_keys_that_read_alike_are_two_lines() -> None:
    pairs = [
        (_uid(host("a"), Observable("b", "c")), _uid(host("a"), Observable("bc", ""))),
        (_uid(rule="r\x1fx"), _uid(rule="r", product="edr\x1fx")),
        (_uid(host("h")), _uid(Observable("host", "h"))),
        (_uid(host("1")), _uid(user("1"))),
        (_uid(Entity(EntityKind.OTHER, "x\x1ey")), _uid(Entity(EntityKind.OTHER, "x"), Entity(EntityKind.OTHER, "y"))),
        (_uid(host("h"), tenant="s"), _uid(host("h"), tenant="t")),
    ]
    assert all(one != other for one, other in pairs)


def test_a_clock_far_ahead_counts_as_a_day_after_receipt() -> None:
    ahead = alert("a", "r", minutes=525_600.0, late=-525_600.0)
    assert line_key(ahead)[-1] == line_key(alert("a", "r"))[-1] + LATE_BINS
    assert line_key(alert("a", "r", minutes=60.0, late=-60.0)) == line_key(alert("a", "r", minutes=60.0))


def test_numbers_are_used_again() -> None:
    table = LineTable()
    for n in range(200):
        one = msgspec.structs.replace(alert(f"a{n}", f"r{n}", minutes=5.0 * n), rule=Rule(f"r{n}"))
        line = table.add(line_key(one), one, ())
        table.rise(line, 1.0)
        old = table.before(line.bin - 9)
        table.drop(old)
    assert len(table) == 10
    assert max(table.kept) <= 11
    assert table.find(line_key(one)) is line
    assert table.find(line_key(alert("a0", "r0"))) is None
