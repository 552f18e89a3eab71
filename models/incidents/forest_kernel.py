"""Compiled growing of trees: along the strongest links first, where what is said between two trees agrees.

Lines are their places in one order. ``told``: what is said, by line; of line n ``first[n]`` up to ``first[n + 1]``, each time the
``other`` line and how much. ``trees``: disjoint sets (Tarjan 1975, path halving, the smaller goes into the larger), the lines of each
a chain: it begins at what stands for the tree, ``after`` leads on, ``last`` is its end; ``upto`` counts along it the lines and all
that is said of them. A tree only grows at the end of its chain, so that what is known to be said between two is brought up to date
by what was added since. ``sides``: chains, too; those of a tree begin at ``head``.

Everything here is plain arrays and scalars; :mod:`models.incidents.forest` gives them names.
"""

from __future__ import annotations

import numpy as np
from numba import njit

_NONE = -1


@njit(cache=True, nogil=True, inline="always")
def _root(above, line):
    while above[line] != line:
        above[line] = above[above[line]]
        line = above[line]
    return line


@njit(cache=True, nogil=True, inline="always")
def _slot(table, number):
    """Return where a line is in a table of numbers and places, or would be (multiplicative hashing, linear probing)."""
    last = table.shape[0] - 1
    slot = (np.int64(number) * 2654435761 >> 16) & last
    while table[slot, 0] != _NONE and table[slot, 0] != number:
        slot = (slot + 1) & last
    return slot


@njit(cache=True, nogil=True)
def _places(said, numbers):
    """Return the place of each line that is said something of, i4[k, 2], ``_NONE`` where it has none."""
    size = 2
    while size < 2 * numbers.shape[0]:
        size *= 2
    table = np.full((size, 2), _NONE)
    for place in range(numbers.shape[0]):
        slot = _slot(table, numbers[place])
        table[slot, 0], table[slot, 1] = numbers[place], place
    places = np.empty((said.shape[0], 2), np.int32)
    for k in range(said.shape[0]):
        for end in range(2):
            places[k, end] = table[_slot(table, said[k, end]), 1]
    return places


@njit(cache=True, nogil=True)
def _by_line(said, numbers):
    """Return what is said between lines that have a place, by line."""
    places, lines = _places(said, numbers), numbers.shape[0]
    first = np.zeros(lines + 2, np.int64)
    for k in range(said.shape[0]):
        one, another = places[k]
        if one >= 0 and another >= 0:
            first[one + 2] += 1
            first[another + 2] += 1
    for line in range(lines):
        first[line + 2] += first[line + 1]
    other, units = np.empty(first[-1], np.int32), np.empty(first[-1], np.int32)
    for k in range(said.shape[0]):
        one, another = places[k]
        if one >= 0 and another >= 0:
            other[first[one + 1]], units[first[one + 1]] = another, said[k, 2]
            other[first[another + 1]], units[first[another + 1]] = one, said[k, 2]
            first[one + 1] += 1
            first[another + 1] += 1
    return first[:-1], other, units


@njit(cache=True, nogil=True)
def _singles(first):
    """Return trees of one line each."""
    lines = np.arange(first.shape[0] - 1)
    return lines.copy(), np.full_like(lines, _NONE), lines.copy(), 1 + first[1:] - first[:-1]


@njit(cache=True, nogil=True)
def _said(told, trees, line, tree, until):
    """Return what is said between a line and those after it in its chain, and those lines of a tree that ``upto`` counts ``until``."""
    (first, other, units), (above, after, _, upto) = told, trees
    total = np.int64(0)
    while line != _NONE:
        for k in range(first[line], first[line + 1]):
            if upto[other[k]] <= until and _root(above, other[k]) == tree:
                total += units[k]
        line = after[line]
    return total


@njit(cache=True, nogil=True)
def _pair(pairs, one, other):
    """Return where two trees are remembered, or would be: there is more room than is ever asked for.

    Both primes are beyond any room, so that the pairs with one tree have each a place of their own.
    """
    slot = (one * 2654435761 + other * 2246822519) % pairs.shape[0]
    while pairs[slot, 0] != _NONE and (pairs[slot, 0] != one or pairs[slot, 1] != other):
        slot = (slot + 1) % pairs.shape[0]
    return slot


@njit(cache=True, nogil=True)
def _between(told, trees, known, one, other):
    """Return how much is said between two trees, in whichever way takes the fewest steps, and remember it."""
    _, after, last, upto = trees
    slot = _pair(known[0], min(one, other), max(one, other))
    pair, ends, totals = known[0][slot], known[1][slot], known[2]
    if upto[last[one]] > upto[last[other]]:
        one, other = other, one
    mine, its = (0, 1) if one < other else (1, 0)
    whole = upto[last[one]]
    if pair[0] != _NONE and whole + upto[last[other]] - upto[ends[0]] - upto[ends[1]] < whole:
        total = totals[slot] + _said(told, trees, after[ends[mine]], other, upto[last[other]])
        total += _said(told, trees, after[ends[its]], one, upto[ends[mine]])
    else:
        total = _said(told, trees, one, other, upto[last[other]])
    pair[mine], pair[its], ends[mine], ends[its], totals[slot] = one, other, last[one], last[other], total
    return total


@njit(cache=True, nogil=True)
def _unite(trees, one, other):
    above, after, last, upto = trees
    if upto[last[one]] < upto[last[other]]:
        one, other = other, one
    before = upto[last[one]]
    above[other], after[last[one]] = one, other
    last[one] = last[other]
    while other != _NONE:
        upto[other] += before
        other = after[other]


@njit(cache=True, nogil=True)
def _by_tree(lines, sides):
    """Return the sides of lines, each line a tree, and room for one side of each split."""
    head, after = np.full(lines, _NONE), np.empty(sides.shape[0], np.int64)
    splits = 0
    for k in range(sides.shape[0]):
        after[k], head[sides[k, 0]] = head[sides[k, 0]], k
        splits = max(splits, sides[k, 1] + 1)
    return head, after, sides[:, 1], sides[:, 2], np.full(splits, _NONE)


@njit(cache=True, nogil=True)
def _join(above, by_tree, one, other):
    """Join two trees unless they are on two sides of a split; return whether they were two and are one."""
    head, after, split, side, seen = by_tree
    if one == other:
        return False
    if head[one] == _NONE or head[other] == _NONE:
        above[other], head[one] = one, max(head[one], head[other])
        return True
    k = head[one]
    while k != _NONE:
        seen[split[k]] = side[k]
        k = after[k]
    agreed, k = True, head[other]
    while k != _NONE:
        agreed &= seen[split[k]] in (_NONE, side[k])
        k = after[k]
    k = head[one]
    if agreed:
        above[other] = one
        while head[other] != _NONE:
            its = head[other]
            head[other] = after[its]
            if seen[split[its]] == _NONE:
                after[its], head[one] = head[one], its
    while k != _NONE:
        seen[split[k]] = _NONE
        k = after[k]
    return agreed


@njit(cache=True, nogil=True)
def grow(edges, held, said, numbers, sides):
    """Grow trees along ``edges``, i8[m, 2] two lines each, in that order; return which of them joined two, and for each line what
    stands for its tree.

    The first ``held`` are not asked about. ``said`` i4[k, 3]: two lines by their numbers, and by how much it exceeds what has to be
    said; ``numbers`` i8[n] of the lines in their order: what is said of others does not count. ``sides`` i8[s, 3]: a line, a split,
    and on which side of it the line is.
    """
    lines = numbers.shape[0]
    told, by_tree = _by_line(said, numbers), _by_tree(lines, sides)
    trees = _singles(told[0])  # by what was asked about
    whole = np.arange(lines)  # by all that joins
    room = 2 * (edges.shape[0] - held) + 1
    known = np.full((room, 2), _NONE), np.empty((room, 2), np.int64), np.empty(room, np.int64)
    kept = np.zeros(edges.shape[0], np.bool_)
    for k in range(edges.shape[0]):
        one, other = edges[k]
        if k >= held:
            mine, its = _root(trees[0], one), _root(trees[0], other)
            if mine == its or _between(told, trees, known, mine, its) < 0:
                continue
        kept[k] = _join(whole, by_tree, _root(whole, one), _root(whole, other))
        if k >= held and _root(whole, one) == _root(whole, other):
            _unite(trees, mine, its)
    for line in range(lines):
        whole[line] = _root(whole, line)
    return kept, whole
