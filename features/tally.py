"""Numbers of rows added up by place, in compiled passes in the order of the rows: so it does not matter in which blocks they come."""

from __future__ import annotations

import numpy as np
from numba import njit

_ODD = 0x9E3779B97F4A7C15
"""2⁶⁴ ÷ golden ratio: the upper bits of its multiples are spread evenly (Knuth)."""


@njit(cache=True, nogil=True)
def highest(rows, places, values, token, held):
    """Raise what is ``held`` at each row's place to its ``values`` f8[n, V]: the most f8[P, V], and of the first columns the ``token``
    i8[n] of the row that has it, i8[P, ≤ V]. Of equal values the first is held.
    """
    most, tokens = held
    for i in range(rows.shape[0]):
        row, place = rows[i], places[i]
        for j in range(values.shape[1]):
            if values[row, j] > most[place, j]:
                most[place, j] = values[row, j]
                if j < tokens.shape[1]:
                    tokens[place, j] = token[row]


@njit(cache=True, nogil=True)
def add(rows, places, values, sums):
    """Add the first columns of ``values`` [n, ·] to ``sums`` [P, V] at each row's place."""
    for i in range(rows.shape[0]):
        row, place = rows[i], places[i]
        for j in range(sums.shape[1]):
            sums[place, j] += values[row, j]


@njit(cache=True, nogil=True)
def distinct(codes):
    """Return the different ``codes`` (i8[n]) in the order in which they come, and of each code its place among them."""
    bits = 4
    while 2**bits < 2 * codes.shape[0]:
        bits += 1
    mask, shift = 2**bits - 1, np.uint64(64 - bits)
    slots, found = np.full(2**bits, -1), np.empty(codes.shape[0], np.int64)
    at, number = np.empty(codes.shape[0], np.int64), 0
    for i in range(codes.shape[0]):
        slot = np.int64((np.uint64(codes[i]) * np.uint64(_ODD)) >> shift)
        while slots[slot] >= 0 and found[slots[slot]] != codes[i]:
            slot = (slot + 1) & mask
        if slots[slot] < 0:
            slots[slot] = number
            found[number] = codes[i]
            number += 1
        at[i] = slots[slot]
    return found[:number].copy(), at
