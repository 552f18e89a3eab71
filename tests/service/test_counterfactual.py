"""Taking a label out of a feature row is the walk without it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from features.default_view import DEFAULT_VIEW, JUDGED_FEATURES
from features.encode import FactBlock, FactKind
from service.counterfactual import without
from tests.features.blocks import DAY, random_block, seeds, state_of


def walked(block: FactBlock) -> np.ndarray:
    return DEFAULT_VIEW.read(state_of(), block)


@given(seeds)
@settings(max_examples=40, deadline=None)
def test_it_is_the_walk_without_the_label(seed: int) -> None:
    """Alerts may be late, the label may take back another, columns may be absent."""
    random = np.random.default_rng(seed)
    block = random_block(seed, 60, names=2, labels=0.5, span=40 * DAY)
    label = int(random.choice(np.flatnonzero(block.kind > 0)))
    twin = block.take(np.array([label, label]))
    twin.kind[1] = 3 - twin.kind[0]
    twin.time[1] += float(random.normal(0.0, DAY))
    twin.weight[:] = (-0.5, 1.0) if seed % 2 else (1.0, 0.0)
    number = np.arange(len(block))
    rest = np.flatnonzero(number != label)
    with_it = FactBlock.concat([block.take(slice(0, label)), twin, block.take(slice(label + 1, None))])
    later = number[(number > label) & (block.kind == FactKind.ALERT)]
    rows = walked(with_it)[later + 1]  # two rows stand where one stood
    told = rest[block.kind[rest] > 0]
    found = without(DEFAULT_VIEW, rows, (block.take(later), later), twin, (block.take(told), told))
    wanted = walked(block.take(rest))[later - 1]
    floored = np.array([name in JUDGED_FEATURES for name in DEFAULT_VIEW.names])
    found[:, floored], wanted[:, floored] = np.maximum(found[:, floored], 0.0), np.maximum(wanted[:, floored], 0.0)
    assert np.allclose(found, wanted, rtol=1e-9, atol=1e-9, equal_nan=True)


def test_a_count_of_nothing_but_the_label_is_exactly_nothing() -> None:
    block = random_block(3, 2, absent=0.0)
    block.kind[:], block.weight[:] = (FactKind.BENIGN, FactKind.ALERT), 1.0
    block.columns[1], block.time[1] = block.columns[0], block.time[0] + 7.7 * DAY
    rows = walked(block)[1:]
    empty = (FactBlock.empty(), np.zeros(0, np.int64))
    found = without(DEFAULT_VIEW, rows, (block.take(slice(1, 2)), np.array([1])), block.take(slice(0, 1)), empty)
    benign = DEFAULT_VIEW.index("rule_benign_30d")
    assert rows[0, benign] == pytest.approx(2.0 ** (-7.7 / 30.0))
    assert found[0, benign] == 0.0
