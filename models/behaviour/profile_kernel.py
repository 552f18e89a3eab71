"""Compiled passes over what accounts have of values: one table of cells, found by value and account.

``cells``: ``keys`` i8[C], a value's number above :data:`ROW_BITS` of the account's row, −1 where a cell is free, and ``weights`` f8[C].
``told``: the numbers of a day's values, −1 for one that nobody has, their weights, and where each field's end.

Everything here is plain arrays and scalars; :mod:`models.behaviour.profiles` gives them names.
"""

from __future__ import annotations

import numpy as np
from numba import njit

ROW_BITS = 32
_FREE = -1
_ODD = 0x9E3779B97F4A7C15
"""2⁶⁴ ÷ golden ratio: the upper bits of its multiples are spread evenly (Knuth)."""


@njit(cache=True, nogil=True, inline="always")
def _shift(keys):
    """Return by how many bits a product is cut to be a place among the cells, a power of two of them."""
    bits = 0
    while keys.shape[0] >> bits > 1:
        bits += 1
    return np.uint64(64 - bits)


@njit(cache=True, nogil=True, inline="always")
def _cell(keys, shift, key):
    """Return the cell of that key, or the free one where it would be.

    A value's number is folded into the account's row: both are given one after the other, and where a hundred accounts have some forty
    values of their own the multiples of plain keys all lie side by side.
    """
    mask = keys.shape[0] - 1
    mixed = np.uint64(key) ^ (np.uint64(key) >> np.uint64(ROW_BITS))
    at = np.int64((mixed * np.uint64(_ODD)) >> shift)
    while keys[at] != _FREE and keys[at] != key:
        at = (at + 1) & mask
    return at


@njit(cache=True, nogil=True)
def moved(cells, to):
    """Put what cells hold into others, which are free and more."""
    (keys, weights), (others, held) = cells, to
    shift = _shift(others)
    for i in range(keys.shape[0]):
        if keys[i] != _FREE:
            at = _cell(others, shift, keys[i])
            others[at], held[at] = keys[i], weights[i]


@njit(cache=True, nogil=True)
def has(cells, numbers, row):
    """Return of which values, by number, the account in that row has some."""
    keys, out = cells[0], np.zeros(numbers.shape[0], np.bool_)
    shift = _shift(keys)
    for i in range(numbers.shape[0]):
        key = numbers[i] << ROW_BITS | row
        out[i] = numbers[i] >= 0 and keys[_cell(keys, shift, key)] == key
    return out


@njit(cache=True, nogil=True)
def learn(cells, told, whose, account, everybody):
    """Add a day's values to its account's and to everybody's; return how many of them the account had not.

    ``whose``: the account's row, and by how much counts have grown since the first day. ``account``: by field how much it has, and of
    how many values. ``everybody``: how much there is of each value and in each field.
    """
    (keys, weights), (numbers, shares, ends), (row, growth) = cells, told, whose
    (total, distinct), (of_value, of_field) = account, everybody
    new, start, shift = 0, 0, _shift(keys)
    for field in range(ends.shape[0]):
        for i in range(start, ends[field]):
            key = numbers[i] << ROW_BITS | row
            at = _cell(keys, shift, key)
            if keys[at] == _FREE:
                keys[at], weights[at] = key, 0.0
                distinct[field] += 1
                new += 1
            weights[at] += shares[i] * growth
            of_value[numbers[i]] += shares[i]
            total[field] += shares[i] * growth
            of_field[field] += shares[i]
        start = ends[field]
    return new


@njit(cache=True, nogil=True)
def smoothed(cells, told, rows, mixed, out):
    """Write the share of each value (a row of ``out``) in what each account has; ``rows`` are the accounts' columns.

    ``mixed``: how much each account's counts have decayed, by account and field its total with the population mixed in, and by value
    how much of the population is.
    """
    (keys, weights), (numbers, _, ends), (decay, total, more) = cells, told, mixed
    start, shift = 0, _shift(keys)
    for field in range(ends.shape[0]):
        for i in range(start, ends[field]):
            for j in range(rows.shape[0]):
                count = 0.0
                if numbers[i] >= 0:
                    key = numbers[i] << ROW_BITS | rows[j]
                    at = _cell(keys, shift, key)
                    if keys[at] == key:
                        count = weights[at]
                out[i, j] = (count * decay[j] + more[i]) / total[j, field]
        start = ends[field]


@njit(cache=True, nogil=True)
def summed(told, values, out):
    """Add each value's row of ``values``, weighed, to its field's row of ``out``."""
    _, shares, ends = told
    start = 0
    for field in range(ends.shape[0]):
        for i in range(start, ends[field]):
            for j in range(out.shape[1]):
                out[field, j] += shares[i] * values[i, j]
        start = ends[field]
