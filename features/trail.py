"""What came before: for each fact of an account, the account's latest earlier fact among those already received."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

_REMEMBERED = 2**20
_KEPT = 0.75

Columns = tuple[NDArray[Any], ...]


class Before(NamedTuple):
    """Of each fact, the time of the one before it (NaN: none) and what that one carried (0: none)."""

    time: NDArray[np.float64]
    carried: Columns


class Trail:
    """The latest fact of each account. A fact older than it is late: it moves nothing, and has nothing before it.

    Bounded: of more than ``remembered`` accounts those not seen for longest are forgotten.
    """

    def __init__(self, remembered: int = _REMEMBERED) -> None:
        self._latest: dict[int, tuple[Any, ...]] = {}
        self._remembered = remembered

    def __len__(self) -> int:
        return len(self._latest)

    def step(self, account: NDArray[np.uint64], time: NDArray[np.float64], carried: Columns) -> Before:
        """Return what came before each fact, in the order of receipt, and move on to the last of them."""
        n = len(account)
        if n == 0:
            return Before(np.zeros(0), tuple(column[:0] for column in carried))
        if n == 1:
            return self._step_one(account.item(), time, carried)
        order = np.argsort(account, kind="stable")
        first = np.append(True, account[order[1:]] != account[order[:-1]])
        starts = np.flatnonzero(first)
        names = account[order[starts]].tolist()
        known = self._known(names, carried)
        latest = _latest_so_far(time, order, first)
        source, whose = np.append(0, latest[:-1]), np.cumsum(first) - 1
        remembered = first | (known.time[whose] > time[source])
        at = np.where(remembered, known.time[whose], time[source])
        none = (at == -np.inf) | (at > time[order])
        back = np.empty(n, np.intp)
        back[order] = np.arange(n)
        columns = tuple(
            np.where(none, column.dtype.type(0), np.where(remembered, old[whose], column[source]))[back]
            for column, old in zip(carried, known.carried, strict=True)
        )
        ends = latest[np.append(starts[1:], n) - 1]
        self._move_on(names, known, Before(time[ends], tuple(column[ends] for column in carried)))
        return Before(np.where(none, np.nan, at)[back], columns)

    def _step_one(self, name: int, time: NDArray[np.float64], carried: Columns) -> Before:
        """Do the same for one fact, which is what comes live, at a fifth of the cost."""
        known = self._latest.get(name)
        if known is None:
            known = (-np.inf, *(0 for _ in carried))
        if time[0] >= known[0]:
            self._remember({name: (time.item(), *(column.item() for column in carried))})
        if not -np.inf < known[0] <= time[0]:
            return Before(np.array([np.nan]), tuple(np.zeros(1, column.dtype) for column in carried))
        columns = zip(carried, known[1:], strict=True)
        return Before(np.array([known[0]]), tuple(np.array([old], column.dtype) for column, old in columns))

    def _known(self, names: list[int], carried: Columns) -> Before:
        """Return what is remembered of accounts; of one not known, time −∞."""
        found = [self._latest.get(name) for name in names]
        time = np.array([-np.inf if one is None else one[0] for one in found])
        return Before(time, tuple(
            np.array([0 if one is None else one[k] for one in found], column.dtype) for k, column in enumerate(carried, 1)
        ))  # fmt: skip

    def _move_on(self, names: list[int], known: Before, last: Before) -> None:
        newer = last.time >= known.time
        self._remember({
            names[k]: (last.time[k].item(), *(column[k].item() for column in last.carried))
            for k in np.flatnonzero(newer).tolist()
        })  # fmt: skip

    def _remember(self, latest: dict[int, tuple[Any, ...]]) -> None:
        self._latest.update(latest)
        if len(self._latest) > self._remembered:
            kept = sorted(self._latest.items(), key=lambda item: -item[1][0])[: int(self._remembered * _KEPT)]
            self._latest = dict(kept)


def _latest_so_far(time: NDArray[np.float64], order: NDArray[np.intp], first: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Return, along ``order``, the fact of latest time among its account's so far; of equal ones the one received last."""
    by_time = np.argsort(time, kind="stable")
    rank = np.empty(len(time), np.int64)
    rank[by_time] = np.arange(len(time))
    offset = np.cumsum(first) * len(time)
    found: NDArray[np.intp] = by_time[np.maximum.accumulate(rank[order] + offset) - offset]
    return found
