"""The two proven properties of the kernel, and what it counts against the definition computed naively."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from features.default_view import COUNTED, DAY, DEFAULT_VIEW, DISTINCT, FRESH, HALF_LIVES, JUDGED
from features.encode import FactBlock, FactKind
from features.kernel import NEVER_SECONDS
from tests.features.blocks import column_mask, one_by_one, random_block, same_bits, seeds, state_of

CAPS = (1, 40, 100, 2**22)
PAIR_COLUMNS = {name: columns for name, columns, _ in COUNTED}
SPANS = {60.0: "1m", 600.0: "10m", 3600.0: "1h", DAY: "1d"}


@settings(max_examples=30, deadline=None)
@given(
    seed=seeds,
    n=st.integers(0, 120),
    cap=st.sampled_from(CAPS),
    names=st.integers(1, 12),
    cuts=st.lists(st.integers(0, 120), max_size=3),
)
@example(seed=1, n=120, cap=1, names=12, cuts=[])
def test_scoring_one_by_one_equals_one_batch_bit_for_bit(seed: int, n: int, cap: int, names: int, cuts: list[int]) -> None:
    block = random_block(seed, n, names=names)
    whole, single, parts = state_of(max_keys=cap), state_of(max_keys=cap), state_of(max_keys=cap)
    batch = DEFAULT_VIEW.read(whole, block)
    assert same_bits(batch, one_by_one(single, block))
    edges = [0, *sorted(min(cut, n) for cut in cuts), n]
    pieces = [DEFAULT_VIEW.read(parts, block.take(slice(a, b))) for a, b in pairwise(edges)]
    assert same_bits(batch, np.concatenate(pieces))
    assert whole.keys == single.keys == parts.keys


def test_one_by_one_equals_one_batch_while_the_table_grows() -> None:
    block = random_block(7, 4000, names=3000, absent=0.05)
    whole, single = state_of(), state_of()
    assert same_bits(DEFAULT_VIEW.read(whole, block), one_by_one(single, block))
    assert whole.keys == single.keys > 2**14


def test_one_by_one_equals_one_batch_while_keys_are_evicted() -> None:
    block = random_block(8, 1500, names=3000, absent=0.05)
    whole, single = state_of(max_keys=2**13), state_of(max_keys=2**13)
    assert same_bits(DEFAULT_VIEW.read(whole, block), one_by_one(single, block))
    assert whole.keys == single.keys <= 2**13


@settings(max_examples=30, deadline=None)
@given(seed=seeds, n=st.integers(1, 80), names=st.integers(1, 6), span=st.sampled_from([0.0, 90.0, 3600.0, 3 * DAY, 20 * DAY]))
def test_shuffled_arrival_changes_no_later_feature(seed: int, n: int, names: int, span: float) -> None:
    facts = random_block(seed, n, names=names, span=span, absent=0.1)
    facts.weight[:] = 1.0
    later = random_block(seed + 1, 12, names=names, span=2 * DAY, absent=0.0, labels=0.0)
    later.time += span + 1.0
    order = np.random.default_rng(seed).permutation(n)
    found = _read_each_alone(facts, later)
    shuffled = _read_each_alone(facts.take(order), later)
    assert np.array_equal(np.isnan(found), np.isnan(shuffled))
    apart = np.nan_to_num(np.abs(found - shuffled) / np.maximum(np.abs(found), 1e-12))
    assert apart.max() <= 1e-9, DEFAULT_VIEW.names[int(apart.max(axis=0).argmax())]


def _read_each_alone(facts: FactBlock, later: FactBlock) -> NDArray[np.float64]:
    """Fold ``facts``, then read each of ``later`` as if it came next."""
    state = state_of()
    DEFAULT_VIEW.read(state, facts)
    return np.concatenate([DEFAULT_VIEW.read(state.copy(), later.take(slice(i, i + 1))) for i in range(len(later))])


@settings(max_examples=25, deadline=None)
@given(seed=seeds, n=st.integers(1, 60), names=st.integers(1, 4))
def test_counts_equal_the_closed_formula(seed: int, n: int, names: int) -> None:
    facts, probe = _story(seed, n, names)
    read = _features(facts, probe)
    rows = FactBlock.concat([facts, probe])
    now = float(probe.time[0])
    for name, columns, _ in COUNTED:
        same = column_mask(rows, n, columns)
        for half_life in HALF_LIVES:
            wanted = math.nan if same is None else _decayed(rows, same[:n], FactKind.ALERT, now, half_life)
            assert read[f"{name}_{SPANS[half_life]}"] == pytest.approx(wanted, rel=1e-9, abs=1e-12, nan_ok=True)
    for name, columns, kind, _ in JUDGED:
        same = column_mask(rows, n, columns)
        wanted = math.nan if same is None else _decayed(rows, same[:n], kind, now, 30 * DAY)
        assert read[f"{name}_30d"] == pytest.approx(wanted, rel=1e-9, abs=1e-12, nan_ok=True)


@settings(max_examples=25, deadline=None)
@given(seed=seeds, n=st.integers(1, 60), names=st.integers(1, 4))
def test_distinct_counts_equal_the_closed_formula(seed: int, n: int, names: int) -> None:
    facts, probe = _story(seed, n, names)
    read = _features(facts, probe)
    for name, columns, pair, _ in DISTINCT:
        for half_life in HALF_LIVES:
            wanted = 0.0
            for times in _sightings(facts, probe, columns, pair):
                wanted += 2.0 ** (-(float(probe.time[0]) - max(times)) / half_life)
            assert read[f"{name}_{SPANS[half_life]}"] == pytest.approx(wanted, rel=1e-9, abs=1e-12)


@settings(max_examples=25, deadline=None)
@given(seed=seeds, n=st.integers(1, 60), names=st.integers(1, 4))
def test_fresh_counts_equal_the_closed_formula(seed: int, n: int, names: int) -> None:
    facts, probe = _story(seed, n, names)
    read = _features(facts, probe)
    now = float(probe.time[0])
    for name, columns, pair, _ in FRESH:
        for half_life in HALF_LIVES[:-1]:
            wanted = 0.0
            for times in _sightings(facts, probe, columns, pair):
                short, long = (sum(2.0 ** (-(now - t) / h) for t in times) for h in (half_life, DAY))
                wanted += short / long
            assert read[f"{name}_{SPANS[half_life]}"] == pytest.approx(wanted, rel=1e-9, abs=1e-12)


def test_gap_is_the_time_since_the_key_was_last_seen() -> None:
    block = random_block(3, 1, labels=0.0, absent=0.0)
    state = state_of()
    at = DEFAULT_VIEW.index("entity_gap")
    first = DEFAULT_VIEW.read(state, block)[0, at]
    block.time += 90.0
    second = DEFAULT_VIEW.read(state, block)[0, at]
    block.time -= 30.0
    late = DEFAULT_VIEW.read(state, block)[0, at]
    block.time += 400 * DAY
    assert (first, second, late, DEFAULT_VIEW.read(state, block)[0, at]) == (NEVER_SECONDS, 90.0, 0.0, NEVER_SECONDS)


def test_a_fact_without_a_column_is_counted_under_its_other_keys_only() -> None:
    block = random_block(4, 1, labels=0.0, absent=0.0)
    block.columns[0, 3] = 0  # no entity
    state = state_of()
    DEFAULT_VIEW.read(state, block)
    row = DEFAULT_VIEW.read(state, block)[0]
    assert np.isnan(row[DEFAULT_VIEW.index("entity_1d")])
    assert np.isnan(row[DEFAULT_VIEW.index("entity_rule_of_rule_1d")])
    assert row[DEFAULT_VIEW.index("rule_1d")] == 1.0
    assert row[DEFAULT_VIEW.index("tenant_rules_1d")] == 1.0


def test_labels_add_to_no_count_of_alerts_and_have_no_features() -> None:
    block = random_block(5, 1, labels=0.0, absent=0.0)
    label = block.take(slice(0, 1))
    label.kind = np.array([FactKind.TRUE_POSITIVE], np.uint8)
    state = state_of()
    assert np.isnan(DEFAULT_VIEW.read(state, label)).all()
    row = DEFAULT_VIEW.read(state, block)[0]
    assert row[DEFAULT_VIEW.index("tenant_1d")] == 0.0
    assert row[DEFAULT_VIEW.index("tenant_gap")] == NEVER_SECONDS
    assert row[DEFAULT_VIEW.index("rule_attacks_30d")] == 1.0
    assert row[DEFAULT_VIEW.index("rule_benign_30d")] == 0.0


def _story(seed: int, n: int, names: int) -> tuple[FactBlock, FactBlock]:
    facts = random_block(seed, n, names=names, span=2 * DAY)
    facts.weight[:] = 1.0
    facts.columns[:, 0] = 1
    probe = random_block(seed + 1, 1, names=names, labels=0.0, absent=0.0)
    probe.columns[:, 0] = 1
    probe.time[0] = facts.time.max() + seed % 7200
    return facts, probe


def _features(facts: FactBlock, probe: FactBlock) -> dict[str, float]:
    state = state_of()
    DEFAULT_VIEW.read(state, facts)
    return dict(zip(DEFAULT_VIEW.names, DEFAULT_VIEW.read(state, probe)[0].tolist(), strict=True))


def _decayed(rows: FactBlock, same: NDArray[np.bool_], kind: FactKind, now: float, half_life: float) -> float:
    times = [float(rows.time[i]) for i in np.flatnonzero(same) if rows.kind[i] == kind]
    return sum(2.0 ** (-(now - time) / half_life) for time in times)


def _sightings(facts: FactBlock, probe: FactBlock, columns: tuple[str, ...], pair: str) -> list[list[float]]:
    """Return, for each value of the pair seen under the probe's key, the times of its sightings."""
    under = column_mask(FactBlock.concat([facts, probe]), len(facts), columns)
    assert under is not None
    found: dict[tuple[int, ...], list[float]] = {}
    for i in np.flatnonzero(under[:-1]):
        at = [COLUMN_OF[name] for name in PAIR_COLUMNS[pair]]
        value = tuple(facts.columns[i, at].tolist())
        if facts.kind[i] == FactKind.ALERT and 0 not in value:
            found.setdefault(value, []).append(float(facts.time[i]))
    return list(found.values())


COLUMN_OF = {name: at for at, name in enumerate(("tenant", "product", "rule", "entity", "user", "address", "peer"))}
