"""Compiled walks over runs: lines in their one order, each run a piece of one pool.

A run ``r`` takes ``size[r]`` places of the pool from ``at[r]`` on, and may grow to ``room[r]``. An entry is a line's number, and below
it ``PART_BITS`` that the run keeps with it. Lines are ordered by ``rank``, then by the two halves of their ``digest`` u8[lines, 2].

Everything here is plain arrays and scalars; :mod:`models.incidents.runs` gives them names.
"""

from __future__ import annotations

import numpy as np
from numba import njit

PART_BITS = 2


@njit(cache=True, nogil=True, inline="always")
def _before(ranks, at, end, rank):
    """Return the first place from ``at`` on, up to ``end``, of that rank or a higher one."""
    while at < end:
        middle = (at + end) >> 1
        if ranks[middle] < rank:
            at = middle + 1
        else:
            end = middle
    return at


@njit(cache=True, nogil=True)
def _place(ranks, entries, at, end, number, rank, digest):
    """Return the place of a line, whether it is there or not. Most who ask do so of the last, or of one after it."""
    if at == end or ranks[end - 1] < rank:
        return end
    if entries[end - 1] >> PART_BITS == number:
        return end - 1
    at = _before(ranks, at, end, rank)
    while at < end and ranks[at] == rank:  # all but never more than one
        other = entries[at] >> PART_BITS
        high, mine = digest[other, 0], digest[number, 0]
        if high > mine or (high == mine and digest[other, 1] >= digest[number, 1]):
            break
        at += 1
    return at


@njit(cache=True, nogil=True)
def index(ranks, entries, at, size, rank, digest, runs, numbers, found):
    """Write how many lines come before line ``numbers[k]`` in ``runs[k]``."""
    for k in range(runs.shape[0]):
        r, number = runs[k], numbers[k]
        found[k] = _place(ranks, entries, at[r], at[r] + size[r], number, rank[number], digest) - at[r]


@njit(cache=True, nogil=True)
def before(ranks, at, size, runs, limits, found):
    """Write how many lines of ``runs[k]`` come before a rank."""
    for k in range(runs.shape[0]):
        r = runs[k]
        if size[r] and ranks[at[r]] < limits[k]:
            found[k] = _before(ranks, at[r], at[r] + size[r], limits[k]) - at[r]
        else:
            found[k] = 0


@njit(cache=True, nogil=True)
def put(ranks, entries, at, size, room, rank, digest, runs, added, first, used):
    """Take ``added[first:]`` into ``runs``, the pool being ``used`` so far; return how many are in and how much is used then.

    Stops where the pool is full.
    """
    for k in range(first, runs.shape[0]):
        r, number = runs[k], added[k] >> PART_BITS
        if size[r] == room[r]:
            wanted = size[r] + max(1, size[r] >> 1)
            if used + wanted > ranks.shape[0]:
                return k, used
            begin = at[r]
            for j in range(size[r]):
                ranks[used + j], entries[used + j] = ranks[begin + j], entries[begin + j]
            at[r], room[r] = used, wanted
            used += wanted
        end = at[r] + size[r]
        where = _place(ranks, entries, at[r], end, number, rank[number], digest)
        for j in range(end, where, -1):
            ranks[j], entries[j] = ranks[j - 1], entries[j - 1]
        ranks[where], entries[where] = rank[number], added[k]
        size[r] += 1
    return runs.shape[0], used


@njit(cache=True, nogil=True)
def take(ranks, entries, at, size, rank, digest, runs, numbers):
    """Let line ``numbers[k]`` go from ``runs[k]``, if it is there."""
    for k in range(runs.shape[0]):
        r, number = runs[k], numbers[k]
        end = at[r] + size[r]
        where = _place(ranks, entries, at[r], end, number, rank[number], digest)
        if where < end and entries[where] >> PART_BITS == number:
            for j in range(where, end - 1):
                ranks[j], entries[j] = ranks[j + 1], entries[j + 1]
            size[r] -= 1


@njit(cache=True, nogil=True)
def cut(ranks, at, size, room, runs, limit):
    """Let the lines of ``runs`` before a rank go: they begin further on."""
    for k in range(runs.shape[0]):
        r = runs[k]
        if size[r] and ranks[at[r]] < limit:
            gone = _before(ranks, at[r], at[r] + size[r], limit) - at[r]
            at[r] += gone
            size[r] -= gone
            room[r] -= gone


@njit(cache=True, nogil=True)
def pack(ranks, entries, at, size, room, new_ranks, new_entries):
    """Move all runs into another pool, side by side with a quarter to spare; return how much of it is used."""
    used = 0
    for r in range(at.shape[0]):
        begin = at[r]
        for j in range(size[r]):
            new_ranks[used + j], new_entries[used + j] = ranks[begin + j], entries[begin + j]
        at[r], room[r] = used, size[r] + (size[r] >> 2)
        used += room[r]
    return used
