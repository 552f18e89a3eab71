"""Compiled walks over runs: lines in their one order, each run a piece of one pool.

``pool``: ranks and entries; an entry is a line's number, and below it ``PART_BITS`` of what the run keeps with it. ``spans``: run r
takes ``size[r]`` places of the pool from ``at[r]`` on, and may grow to ``room[r]``. ``order``: the ranks of lines, by which they stand,
and u8[lines, 2] their digests, by which those of one rank do.

Everything here is plain arrays and scalars; :mod:`models.incidents.runs` gives them names.
"""

from __future__ import annotations

from numba import njit

PART_BITS = 2


@njit(cache=True, nogil=True, inline="always")
def _first(ranks, at, end, rank):
    """Return the first place from ``at`` on, up to ``end``, of a line of that rank or a higher one."""
    while at < end:
        middle = (at + end) >> 1
        if ranks[middle] < rank:
            at = middle + 1
        else:
            end = middle
    return at


@njit(cache=True, nogil=True)
def _place(pool, at, end, number, order):
    """Return the place of a line, whether it is there or not. Most who ask do so of the last, or of one after it."""
    (ranks, entries), (rank, digest) = pool, order
    if at == end or ranks[end - 1] < rank[number]:
        return end
    if entries[end - 1] >> PART_BITS == number:
        return end - 1
    at = _first(ranks, at, end, rank[number])
    while at < end and ranks[at] == rank[number]:  # all but never more than one
        other = entries[at] >> PART_BITS
        high, mine = digest[other, 0], digest[number, 0]
        if high > mine or (high == mine and digest[other, 1] >= digest[number, 1]):
            break
        at += 1
    return at


@njit(cache=True, nogil=True)
def stand(pool, spans, order, asked, found):
    """Write how many lines of ``runs[k]`` are below ``limits[k]``, and how many come before line ``numbers[k]``."""
    (ranks, _), (all_at, size, _), (runs, numbers, limits), (limited, before) = pool, spans, asked, found
    for k in range(runs.shape[0]):
        at = all_at[runs[k]]
        end = at + size[runs[k]]
        before[k] = _place(pool, at, end, numbers[k], order) - at
        limited[k] = 0 if at == end or ranks[at] >= limits[k] else _first(ranks, at, end, limits[k]) - at


@njit(cache=True, nogil=True)
def put(pool, spans, order, added, used):
    """Take entries into runs, the pool being ``used`` so far; return how many are in and how much is used then.

    Stops where the pool is full.
    """
    (ranks, entries), (at, size, room), (runs, fresh) = pool, spans, added
    for k in range(runs.shape[0]):
        r, number = runs[k], fresh[k] >> PART_BITS
        if size[r] == room[r]:
            wanted = size[r] + max(1, size[r] >> 1)
            if used + wanted > ranks.shape[0]:
                return k, used
            for j in range(size[r]):
                ranks[used + j], entries[used + j] = ranks[at[r] + j], entries[at[r] + j]
            at[r], room[r] = used, wanted
            used += wanted
        end = at[r] + size[r]
        place = _place(pool, at[r], end, number, order)
        for j in range(end, place, -1):
            ranks[j], entries[j] = ranks[j - 1], entries[j - 1]
        ranks[place], entries[place] = order[0][number], fresh[k]
        size[r] += 1
    return runs.shape[0], used


@njit(cache=True, nogil=True)
def take(pool, spans, order, asked):
    """Let line ``numbers[k]`` go from ``runs[k]``, if it is there."""
    (ranks, entries), (at, size, _), (runs, numbers) = pool, spans, asked
    for k in range(runs.shape[0]):
        r = runs[k]
        end = at[r] + size[r]
        place = _place(pool, at[r], end, numbers[k], order)
        if place < end and entries[place] >> PART_BITS == numbers[k]:
            for j in range(place, end - 1):
                ranks[j], entries[j] = ranks[j + 1], entries[j + 1]
            size[r] -= 1


@njit(cache=True, nogil=True)
def cut(pool, spans, runs, limit):
    """Let the lines of ``runs`` before a rank go: they begin further on."""
    (ranks, _), (at, size, room) = pool, spans
    for k in range(runs.shape[0]):
        r = runs[k]
        if size[r] and ranks[at[r]] < limit:
            gone = _first(ranks, at[r], at[r] + size[r], limit) - at[r]
            at[r] += gone
            size[r] -= gone
            room[r] -= gone


@njit(cache=True, nogil=True)
def pack(pool, spans, new):
    """Move all runs into another pool, side by side with a quarter to spare; return how much of it is used."""
    (ranks, entries), (at, size, room), (new_ranks, new_entries) = pool, spans, new
    used = 0
    for r in range(at.shape[0]):
        for j in range(size[r]):
            new_ranks[used + j], new_entries[used + j] = ranks[at[r] + j], entries[at[r] + j]
        at[r], room[r] = used, size[r] + (size[r] >> 2)
        used += room[r]
    return used
