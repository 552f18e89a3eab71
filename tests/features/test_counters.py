"""The counters' state: what it forgets at its cap, and that it survives a restart whole or is refused."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.counters import CounterSpec, CounterState, KeySpec
from features.default_view import DAY, DEFAULT_VIEW
from features.errors import HistoryError, ViewMismatchError
from tests.features.blocks import SECRET, random_block, same_bits, seeds, state_of

SMALL = CounterSpec((60.0, DAY), (KeySpec("entity", ("entity",)),), DEFAULT_VIEW.spec.values)


@settings(max_examples=20, deadline=None)
@given(seed=seeds, n=st.integers(0, 60))
def test_a_saved_state_comes_back_bit_for_bit(tmp_path_factory: pytest.TempPathFactory, seed: int, n: int) -> None:
    path = tmp_path_factory.mktemp("state") / "counters.npz"
    state, more = state_of(), random_block(seed + 1, 30)
    DEFAULT_VIEW.read(state, random_block(seed, n))
    state.save(path)
    loaded = CounterState.load(path, DEFAULT_VIEW.spec, SECRET)
    assert loaded.keys == state.keys
    assert same_bits(DEFAULT_VIEW.read(loaded, more), DEFAULT_VIEW.read(state, more))


def test_a_saved_state_evicts_as_the_living_one_does(tmp_path: Path) -> None:
    state, more = state_of(max_keys=300), random_block(2, 300, names=200)
    DEFAULT_VIEW.read(state, random_block(1, 300, names=200))
    state.save(tmp_path / "s")
    loaded = CounterState.load(tmp_path / "s", DEFAULT_VIEW.spec, SECRET, max_keys=300)
    assert same_bits(DEFAULT_VIEW.read(loaded, more), DEFAULT_VIEW.read(state, more))


def test_a_copy_lives_its_own_life() -> None:
    state, block = state_of(), random_block(1, 50)
    other = state.copy()
    DEFAULT_VIEW.read(state, block)
    assert other.keys == 0
    assert same_bits(DEFAULT_VIEW.read(other, block), DEFAULT_VIEW.read(state_of(), block))


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("snapshot") / "counters.npz"
    state = state_of()
    DEFAULT_VIEW.read(state, random_block(1, 20))
    state.save(path)
    return path


@settings(max_examples=150, deadline=None)
@given(share=st.floats(0.0, 1.0, exclude_max=True))
def test_a_truncated_snapshot_is_refused(snapshot: Path, share: float) -> None:
    data = snapshot.read_bytes()
    damaged = snapshot.with_name("truncated")
    damaged.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(HistoryError):
        CounterState.load(damaged, DEFAULT_VIEW.spec, SECRET)


@settings(max_examples=200, deadline=None)
@given(share=st.floats(0.0, 1.0, exclude_max=True), flip=st.integers(1, 255))
def test_a_snapshot_with_one_byte_changed_is_refused_or_the_same(snapshot: Path, share: float, flip: int) -> None:
    data = bytearray(snapshot.read_bytes())
    data[int(len(data) * share)] ^= flip
    damaged = snapshot.with_name("flipped")
    damaged.write_bytes(bytes(data))
    try:
        found = CounterState.load(damaged, DEFAULT_VIEW.spec, SECRET)
    except (HistoryError, ViewMismatchError):
        return
    whole = CounterState.load(snapshot, DEFAULT_VIEW.spec, SECRET)
    more = random_block(1, 20)
    assert same_bits(DEFAULT_VIEW.read(found, more), DEFAULT_VIEW.read(whole, more))


@pytest.mark.parametrize("content", [b"", b"\x80\x04N.", b"PK\x03\x04", b"not a snapshot", b"\x93NUMPY\x01\x00"])
def test_what_is_no_snapshot_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "s").write_bytes(content)
    with pytest.raises(HistoryError, match="damaged counter state"):
        CounterState.load(tmp_path / "s", DEFAULT_VIEW.spec, SECRET)


def test_a_missing_snapshot_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HistoryError):
        CounterState.load(tmp_path / "none", DEFAULT_VIEW.spec, SECRET)


def test_a_snapshot_of_another_specification_is_refused(snapshot: Path) -> None:
    other = msgspec.structs.replace(DEFAULT_VIEW.spec, half_lives=(60.0, 600.0, 3600.0, 2 * DAY))
    with pytest.raises(ViewMismatchError) as refusal:
        CounterState.load(snapshot, other, SECRET)
    assert (refusal.value.expected, refusal.value.found) == (other.digest, DEFAULT_VIEW.spec.digest)


def test_a_block_with_other_values_than_the_specification_names_is_refused() -> None:
    block = random_block(1, 3)
    with pytest.raises(ViewMismatchError):
        DEFAULT_VIEW.read(state_of(), block.narrow())


def test_the_key_count_stays_within_the_cap() -> None:
    state = CounterState(SMALL, SECRET, max_keys=100)
    block = random_block(1, 2000, names=10**6, absent=0.0, labels=0.0)
    state.walk(block, np.zeros((0, 5), np.int64), np.zeros((0, 2)), np.zeros((0, 0)))
    assert 70 <= state.keys <= 100


def test_eviction_keeps_the_least_decayed() -> None:
    state = CounterState(SMALL, SECRET, max_keys=100)
    program, scales = np.array([[1, 0, 1, 0, 0]]), np.ones((1, 2))
    block = random_block(1, 101, absent=0.0, labels=0.0)
    block.columns[:, 0] = 1
    block.columns[:, 3] = np.arange(1, 102)
    block.time[:] = 1.7e9 + np.random.default_rng(0).permutation(101) * DAY
    block.time[100] = 1.7e9 + 200 * DAY  # the fact for which room must be made
    state.walk(block, program, scales, np.zeros((0, 1)))
    oldest_first = np.argsort(block.time[:100])
    out = np.zeros((101, 1))
    block.time[:] = 1.7e9 + 200 * DAY
    for i in range(101):
        state.copy().walk(block.take(slice(i, i + 1)), program, scales, out[i : i + 1])
    kept = out[:, 0] > 0.0
    assert not kept[oldest_first[:25]].any()
    assert kept[oldest_first[25:]].all()
    assert kept[100]


def test_key_index_refuses_an_unknown_name() -> None:
    with pytest.raises(ValueError, match="nothing"):
        SMALL.key_index("nothing")


def test_another_secret_gives_other_slots_but_the_same_features() -> None:
    block = random_block(1, 50)
    other = CounterState(DEFAULT_VIEW.spec, b"t" * 32)
    assert same_bits(DEFAULT_VIEW.read(other, block), DEFAULT_VIEW.read(state_of(), block))
