"""The decayed-counter kernel: one compiled walk over facts, for training and for serving.

For key k and half-life h the state holds ``c(T) = Σ wᵢ · 2^(−(T − tᵢ)/h)`` at the key's own reference time T (its latest
fact). A read at t ≥ T decays it further; a late fact, t < T, adds its already decayed weight. So the state does not
depend on the order of arrival beyond rounding. A *distinct* key sums ``2^(−(T − last_v)/h)`` over the values v seen with
it: the soft number of different values lately. A *fresh* key sums ``c_v(h) / c_v(H)`` over the values, H the longest
half-life: the number of different values lately for which lately is unusual. Both ratios and sums decay exactly, so these
too do not depend on the order.

Everything here is plain arrays and scalars; :mod:`features.counters` gives them names. Functions are inlined, each called once for
a fact: otherwise every call counts the references of its arrays, which takes half of the time.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

PLAIN, DISTINCT, FRESH = 0, 1, 2
"""What a key adds up: facts; the last sighting of each value of its pair key; the recent share of each such value."""

VALUE, COUNT, GAP, RATIO = 0, 1, 2, 3
"""Feature operations: a value of the fact itself; a count; seconds since the key was last seen; scale·a/(b + smooth)."""

ALERT, PROBE = 0, 3
"""Kinds of fact whose features are read; no key may feed on probes, so that they leave no trace."""

AHEAD = 8
"""Facts whose keys are hashed and fetched from memory together, before the first of them is read."""

NEVER_SECONDS = 30.0 * 86400.0
"""What GAP reads for a key never seen, and its cap for those seen."""


@njit(cache=True, nogil=True, inline="always")
def _mix(h: np.uint64) -> np.uint64:
    """The finaliser of splitmix64 (Steele, Lea, Flood 2014): a bijection in which each bit depends on all."""
    h = (h ^ (h >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    h = (h ^ (h >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return h ^ (h >> np.uint64(31))


@njit(cache=True, nogil=True, inline="always")
def _find(keys, key):
    """Return the slot of ``key``, or the empty slot where it belongs (linear probing, power-of-two table)."""
    mask = np.uint64(keys.shape[0] - 1)
    slot = key & mask
    while keys[slot] != 0 and keys[slot] != key:
        slot = (slot + np.uint64(1)) & mask
    return np.int64(slot)


@njit(cache=True, nogil=True, inline="always")
def _hash_keys(columns, i, salts, key_columns, hashes, row):
    """Hash every key of fact i into row ``row``; 0 where one of its columns is absent."""
    for k in range(salts.shape[0]):
        h = salts[k]
        for c in range(key_columns.shape[1]):
            at = key_columns[k, c]
            if at < 0:
                break
            part = columns[i, at]
            if part == 0:
                h = np.uint64(0)
                break
            h = _mix(h ^ part)
            if h == 0:
                h = np.uint64(1)
        hashes[row, k] = h


@njit(cache=True, nogil=True, inline="always")
def _fetch(keys, cells, columns, first, end, salts, key_columns, ahead):
    """Hash the keys of the facts from ``first`` to ``end`` and touch where they belong, so that the processor waits for the memory of
    all at once; returned is what was touched, or the compiler would leave it out.
    """
    mask = np.uint64(keys.shape[0] - 1)
    touched = 0.0
    for i in range(first, end):
        _hash_keys(columns, i, salts, key_columns, ahead, i - first)
        for k in range(salts.shape[0]):
            slot = np.int64(ahead[i - first, k] & mask)
            touched += cells[slot, 0] + np.float64(keys[slot])
    return touched


@njit(cache=True, nogil=True, inline="always")
def _locate(keys, cells, now, hashes, slots, gap):
    """Find every key's slot (−1: never seen) and the time since its last fact, in loops of their own.

    So the processor waits for all keys' memory at once, not for one after the other.
    """
    for k in range(hashes.shape[0]):
        slots[k] = -1
        if hashes[k] != 0:
            slot = _find(keys, hashes[k])
            if keys[slot] != 0:
                slots[k] = slot
    for k in range(hashes.shape[0]):
        gap[k] = now - cells[slots[k], 0] if slots[k] >= 0 else 0.0


@njit(cache=True, nogil=True, inline="always")
def _read(keys, cells, now, rates, hashes, slots, decay, count, gap):
    """Read every key as of ``now``. ``decay`` is 2^(−gap/h); a key never seen has slot −1, count 0, gap −1."""
    _locate(keys, cells, now, hashes, slots, gap)
    before, elapsed_before = -1, 0.0
    for k in range(hashes.shape[0]):
        for j in range(rates.shape[1]):
            count[k, j] = 0.0
            decay[k, j] = 1.0
        if slots[k] < 0:
            gap[k] = -1.0
            continue
        elapsed = gap[k]
        gap[k] = max(elapsed, 0.0)
        again = before >= 0 and elapsed == elapsed_before  # often so of keys of one entity: the same powers
        for j in range(rates.shape[1]):
            if elapsed > 0.0:
                if again and rates[k, j] == rates[before, j]:
                    decay[k, j] = decay[before, j]
                else:
                    decay[k, j] = np.exp2(-elapsed * rates[k, j])
            count[k, j] = cells[slots[k], 1 + j] * decay[k, j]
        before, elapsed_before = k, elapsed


@njit(cache=True, nogil=True, inline="always")
def _write_features(program, scales, values, i, hashes, count, gap, out):
    """Run the feature program over what was read; NaN where a key of the feature is absent."""
    for f in range(program.shape[0]):
        op, a, ha, b, hb = program[f, 0], program[f, 1], program[f, 2], program[f, 3], program[f, 4]
        if op == VALUE:
            out[i, f] = values[i, a]
        elif hashes[a] == 0 or (op == RATIO and hashes[b] == 0):
            out[i, f] = math.nan
        elif op == COUNT:
            out[i, f] = count[a, ha]
        elif op == GAP:
            out[i, f] = NEVER_SECONDS if gap[a] < 0.0 else min(gap[a], NEVER_SECONDS)
        else:
            out[i, f] = scales[f, 0] * count[a, ha] / (count[b, hb] + scales[f, 1])


@njit(cache=True, nogil=True, inline="always")
def _distinct_increment(elapsed, pair_elapsed, rate, pair_rate, pair_decay):
    """What one sighting adds to a distinct sum whose reference time becomes max(T, now); ``pair_elapsed`` −∞: first sighting.

    ``elapsed`` = now − T of the sum (negative for a late fact), ``pair_elapsed`` = now − last sighting of the value, and
    ``pair_decay`` the power of it at ``pair_rate``, which serves where the rates are the same and the fact is not late.
    """
    late = max(-elapsed, 0.0)
    if pair_elapsed == -math.inf:
        return np.exp2(-late * rate) if late > 0.0 else 1.0
    if pair_elapsed <= 0.0:
        return 0.0
    if late == 0.0 and rate == pair_rate:
        return 1.0 - pair_decay
    return np.exp2(-late * rate) - np.exp2(-(late + pair_elapsed) * rate)


@njit(cache=True, nogil=True, inline="always")
def _fresh_increment(elapsed, pair_elapsed, short, long, rates, fresh_rate):
    """What one sighting adds to a fresh sum; ``short`` and ``long`` are the value's counts before it, as read.

    For a fact that is late for its own value the counts are as of the value's last fact, and so is the increment.
    """
    late = max(-elapsed, 0.0)
    add_short, add_long = 1.0, 1.0
    if -math.inf < pair_elapsed < 0.0:
        add_short, add_long = np.exp2(pair_elapsed * rates[0]), np.exp2(pair_elapsed * rates[1])
        late = max(late + pair_elapsed, 0.0)
    before = short / long if long > 0.0 else 0.0
    after = np.exp2(-late * fresh_rate) if late > 0.0 else 1.0
    return ((short + add_short) / (long + add_long) - before) * after


@njit(cache=True, nogil=True, inline="always")
def _add(keys, cells, now, weight, kind, spec, hashes, slots, decay, count, pair_last):
    """Add the fact to every key that feeds on its ``kind``. Returns how many are new in the table."""
    feeds, modes, pairs, rates = spec
    longest, new = rates.shape[1] - 1, 0
    for k in range(hashes.shape[0]):
        pair = pairs[k]
        if feeds[k] != kind or hashes[k] == 0 or (pair >= 0 and hashes[pair] == 0):
            continue
        slot = slots[k]
        if slot < 0:
            slot = _find(keys, hashes[k])
            keys[slot] = hashes[k]
            cells[slot, 0] = now
            new += 1
        elapsed = now - cells[slot, 0]
        for j in range(rates.shape[1]):
            if modes[k] == PLAIN:
                increment = weight if elapsed >= 0.0 else weight * np.exp2(elapsed * rates[k, j])
            elif modes[k] == DISTINCT or j == longest:
                increment = _distinct_increment(elapsed, now - pair_last[pair], rates[k, j], rates[pair, j], decay[pair, j])
            else:
                both = (rates[pair, j], rates[pair, longest])
                seen = now - pair_last[pair]
                increment = _fresh_increment(elapsed, seen, count[pair, j], count[pair, longest], both, rates[k, j])
            cells[slot, 1 + j] = cells[slot, 1 + j] * decay[k, j] + increment
        if elapsed > 0.0:
            cells[slot, 0] = now
    return new


@njit(cache=True, nogil=True)
def walk(table, used, limit, facts, keys_spec, program, scales, start, out):
    """Walk facts from ``start`` on: read features as of then into ``out``, then add each fact.

    Parameters (all arrays; shapes: n facts, C columns, V values, K keys, H half-lives, F features, S slots)
    ----------
    table : (keys u8[S], cells f8[S, 1 + H], the time of the last fact and the counts); changed in place
    used : i8[1], number of keys in the table; changed in place
    limit : the walk stops before a fact that might exceed this many keys
    facts : (time f8[n], kind u1[n], weight f8[n], columns u8[n, C], values f8[n, V])
    keys_spec : (salts u8[K], key_columns i8[K, ·], feeds u1[K], modes i8[K], pairs i8[K], rates f8[K, H])
    program : i8[F, 5] (operation, a, half-life of a, b, half-life of b);  scales : f8[F, 2] (scale, smooth)
    out : f8[n, F], or f8[0, F] to fold without reading

    Returns
    -------
    The index of the first fact not yet walked: n when done, less when the table must grow or shrink first.
    """
    keys, cells = table
    time, kind, weight, columns, values = facts
    salts, key_columns, feeds, modes, pairs, rates = keys_spec
    number = salts.shape[0]
    ahead, hashes, slots = np.zeros((AHEAD, number), np.uint64), np.zeros(number, np.uint64), np.zeros(number, np.int64)
    decay, count = np.zeros(rates.shape), np.zeros(rates.shape)
    gap, pair_last = np.zeros(number), np.zeros(number)
    touched = 0.0
    for i in range(start, time.shape[0]):
        if used[0] + number > limit:
            return i
        at = (i - start) % AHEAD
        if at == 0:
            touched += _fetch(keys, cells, columns, i, min(i + AHEAD, time.shape[0]), salts, key_columns, ahead)
        for k in range(number):
            hashes[k] = ahead[at, k]
        _read(keys, cells, time[i], rates, hashes, slots, decay, count, gap)
        if out.shape[0] > 0 and (kind[i] == ALERT or kind[i] == PROBE):
            _write_features(program, scales, values, i, hashes, count, gap, out)
        for k in range(number):
            pair_last[k] = cells[slots[k], 0] if slots[k] >= 0 else math.inf
        used[0] += _add(
            keys, cells, time[i], weight[i], kind[i], (feeds, modes, pairs, rates), hashes, slots, decay, count, pair_last
        )
    gap[0] = touched  # used, so that it is not left out
    return time.shape[0]


@njit(cache=True, nogil=True)
def rehash(old, new, keep):
    """Move the keys whose ``keep`` flag is set from the ``old`` table into the empty ``new`` one; return their number."""
    keys, cells = old
    new_keys, new_cells = new
    moved = 0
    for slot in range(keys.shape[0]):
        if keys[slot] != 0 and keep[slot]:
            to = _find(new_keys, keys[slot])
            new_keys[to] = keys[slot]
            new_cells[to, :] = cells[slot, :]
            moved += 1
    return moved
