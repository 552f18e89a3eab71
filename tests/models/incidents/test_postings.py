"""Postings: the earlier lines that share a token, within a window, the nearest of them, none of a hub."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.incidents import postings
from models.incidents.correlator import Correlator
from models.incidents.link_model import DEFAULT
from tests.models.incidents.alerts_by_hand import alert, host

LINES = st.lists(st.tuples(st.integers(0, 2_400), st.sampled_from([0.0, 0.9]), st.integers(1, 3)), min_size=1, max_size=25)


def _built(lines: Sequence[tuple[int, float, int]]) -> Correlator:
    correlator = Correlator(DEFAULT)
    for n, (bin_, score, names) in enumerate(lines):
        named = [host(f"h{k}") for k in range(2) if names >> k & 1]
        correlator.add(alert(f"a{n}", f"r{n}", *named, minutes=5.0 * bin_), score)
    return correlator


@settings(deadline=None)
@given(LINES)
def test_pairs_are_as_by_looking_at_all(lines: list[tuple[int, float, int]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(postings, "HUB_LINES", 9)
        patch.setattr(postings, "NEAREST", 3)
        correlator = _built(lines)
        pairs = correlator.pairs(correlator.lines.kept)
        ordered = sorted(correlator.lines.kept.values(), key=lambda line: line.place)
        expected = set()
        for later in ordered:
            for token in later.tokens:
                window = [one for one in ordered if one.place < later.place and one.bin >= later.bin - postings.WINDOW_BINS]
                naming = [one for one in window if token in one.tokens]
                assert correlator.named(later, token) == len(naming) + 1
                wanted = [one for one in naming if later.score or one.score][-3:] if len(naming) + 1 <= 9 else []
                expected |= {(one.number, later.number) for one in wanted}
    assert set(zip(pairs.earlier.tolist(), pairs.later.tolist(), strict=True)) == expected
    apart = (correlator.lines.bins[pairs.later] - correlator.lines.bins[pairs.earlier])[pairs.shared.pair] * 300.0
    assert pairs.shared.apart.tolist() == apart.tolist()


def test_a_line_that_is_dropped_leaves_nothing() -> None:
    correlator = _built([(0, 0.9, 3), (0, 0.0, 1)])
    held = correlator._postings
    for line in correlator.lines.kept.values():
        held.drop(line)
    assert len(held) == 0
