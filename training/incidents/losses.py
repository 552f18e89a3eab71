"""By what joining falls short of the truth: the adjusted Rand index that would be reached without one sort of error at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import adjusted_rand_score

from training.correlate import Correlated
from training.incidents.worlds import Scored, warm
from training.report import Cell, Table


class Lost(NamedTuple):
    """The index over the attackers' alerts: ``ours`` as they are; with those ``outside`` every shown incident put into the one that
    holds most of theirs; with incidents that are mostly of one attack joined (no ``splits``); with those of several attacks parted
    (no ``merges``). Of the alerts outside, ``low`` scored under a hundredth; both as shares of the attackers' alerts."""

    ours: float
    outside: float
    splits: float
    merges: float
    outside_share: float
    low: float


def losses(world: Scored, found: Correlated) -> Lost:
    """Put right one sort of error at a time."""
    mine = np.array([bool(name) for name in world.incident]) & warm(world.alerts)
    true = np.unique(world.incident, return_inverse=True)[1][mine]
    joined, shown = found.incident[mine], found.raised[mine]
    most = _most(true[shown], joined[shown])
    of_most = _most(joined[shown], true[shown])
    alone = -1 - true
    home = np.array([most.get(code, own) for code, own in zip(true.tolist(), alone.tolist(), strict=True)], np.int64)
    main = np.array([most[of_most[code]] if code in of_most else code for code in joined.tolist()], np.int64)
    parted = np.unique(np.stack([joined, np.where(shown, true, -1)]), axis=1, return_inverse=True)[1].reshape(-1)
    return Lost(
        ours=float(adjusted_rand_score(true, joined)),
        outside=float(adjusted_rand_score(true, np.where(shown, joined, home))),
        splits=float(adjusted_rand_score(true, np.where(shown, main, joined))),
        merges=float(adjusted_rand_score(true, parted)),
        outside_share=float((~shown).mean()),
        low=float((~shown & (world.score[mine] < _LOW)).mean()),
    )


_LOW = 0.01


def _most(one: NDArray[np.int64], other: NDArray[np.int64]) -> dict[int, int]:
    """Return for each of ``one`` which of ``other`` goes with it most often, the first of equals."""
    counts = pd.DataFrame({"one": one, "other": other}).value_counts().reset_index()
    best = counts.sort_values(["count", "other"], ascending=[False, True], kind="stable").drop_duplicates("one")
    return dict(zip(best["one"].tolist(), best["other"].tolist(), strict=True))


def loss_table(worlds: Sequence[tuple[str, Lost]]) -> Table:
    """Return what each sort of error costs, world by world."""
    rows: list[list[Cell]] = [[name, *lost] for name, lost in worlds]
    columns = ["world", "ours", "none outside", "no splits", "no merges", "outside", "of them low"]
    note = (
        "Adjusted Rand index over the alerts of attackers if one sort of error were put right: alerts outside every incident put into "
        "that which holds most of their attack, parts of one attack joined, incidents of several attacks parted. Beside: the share of "
        "these alerts that is outside, and that which is so with a score under .01."
    )
    return Table("By what joining falls short", columns, rows, note)
