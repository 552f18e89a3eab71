"""The support: what is faster than a rule was where people judged it is known to be new."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.encode import COLUMNS, VALUES, FactBlock, RuleRef
from models.support import Outside, Reach, Support, SupportTable, rule_key

RULES = [RuleRef("edr", "quiet", "Quiet"), RuleRef("edr", "bursts", "Bursts"), RuleRef("edr", "attack", "Only attacks")]
HASHES = {7: RULES[0], 8: RULES[1], 9: RULES[2], 10: RuleRef("edr", "new", "Never judged")}
RULE, TARGET = np.array([0, 0, 1, 1, 2], np.int32), np.array([0, 1, 0, 0, 1], np.int8)
SUPPORT = Support.fit(RULES, RULE, TARGET, np.array([1.0, 6.0, 20.0, np.nan, 3.0]))


def _outside(code: int, pace: float) -> Outside:
    columns = np.zeros((1, len(COLUMNS)), np.uint64)
    columns[0, COLUMNS.index("rule")] = code
    one = FactBlock(np.zeros(1), np.zeros(1, np.uint8), np.ones(1), columns, np.full((1, len(VALUES)), np.nan))
    return Outside(int(SupportTable(SUPPORT, HASHES).read(one, np.array([pace]))[0]))


@pytest.mark.parametrize(
    ("code", "pace", "expected"),
    [
        (7, 1.0, Outside.NOT),
        (7, 1.1, Outside.BENIGN),
        (7, 6.0, Outside.BENIGN),
        (7, 6.1, Outside.JUDGED),
        (8, 20.0, Outside.NOT),
        (8, 21.0, Outside.JUDGED),
        (9, 0.0, Outside.BENIGN),
        (9, 4.0, Outside.JUDGED),
        (7, np.nan, Outside.NOT),
        (10, 99.0, Outside.NOT),
    ],
)
def test_an_alert_is_outside_when_it_is_faster_than_its_rule_was(code: int, pace: float, expected: Outside) -> None:
    """A rule that only attacks set off has no benign pace; one never judged has a reason of its own; no entity, no pace."""
    assert _outside(code, pace) is expected


@given(st.sampled_from(sorted(HASHES)), st.floats(0.0, 1e6), st.floats(0.0, 1e6))
def test_repeating_never_brings_an_alert_inside(code: int, pace: float, more: float) -> None:
    assert _outside(code, pace + more) >= _outside(code, pace)


def test_it_comes_back_from_json() -> None:
    assert msgspec.json.decode(msgspec.json.encode(SUPPORT), type=Support) == SUPPORT
    assert SUPPORT.reach[rule_key(RULES[0])] == Reach(1.0, 6.0)
