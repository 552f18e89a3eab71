"""Numbers of rows added up by place, in one compiled pass in the order of the rows: so it does not matter in which blocks they come."""

from __future__ import annotations

from numba import njit


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
