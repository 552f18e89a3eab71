"""Links: what two lines have in common, and how they compare."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.incidents.tokens import ACTOR, PLACE, Sort

WINDOW_SECONDS = 7 * 86400.0
"""Two lines further apart than this are not linked."""
SUSPECT_FROM = -3.5
"""Log-odds of the score from which a line is suspect; two lines of which neither is are never linked."""
BIN_SECONDS = 300.0
"""Repeats of one rule on the same entities within so long are one line."""
LATE_BINS = int(86400.0 / BIN_SECONDS)
"""So late an alert may come and still end where it would have; later ones are joined to what is still known."""
USUAL = (
    "rarity", "node", "user", "outside", "node_rarity", "user_rarity", "outside_rarity", "more", "moved", "minutes", "long", "hour",
    "forward", "backward", "same_rule", "other_product", "early", "late", "highest", "lowest", "suspect", "likely", "sure",
)  # fmt: skip
"""What usually speaks for or against a link. ``rarity``: the surprise, −log of the number of lines expected by chance, that two lines with the
rarest token in common come so close; also by sort of token, 0 where none is shared. ``node``, ``user``, ``outside``: such a token
is shared; ``more``: tokens beyond the first. ``moved``: a host is the source in one of the two only. ``minutes``: log of one plus
minutes apart, ``long``: its part over 6 (7 hours), ``hour``: less than an hour apart. ``forward``, ``backward``: further on or back
along the tactics. ``early`` … ``lowest``: log-odds of the two scores; ``suspect``, ``likely``, ``sure``: hinges of these."""
_FLOOR = 1e-4
LOWEST = math.log(_FLOOR / (1.0 - _FLOOR))
"""Log-odds that a score of 0 counts as."""


def logit(score: float) -> float:
    """Return the log-odds of a score, kept within ± 9.2."""
    kept = min(max(score, _FLOOR), 1.0 - _FLOOR)
    return math.log(kept / (1.0 - kept))


class Shared(NamedTuple):
    """m tokens that pairs of lines share. ``pair`` i8[m]: which pair; ``sort`` i8[m]; ``lines`` f8[m]: how many lines named
    the token in the window before the later line; ``apart`` f8[m]: seconds between the two; ``parts`` i8[m, 2]: earlier, later."""

    pair: NDArray[np.int64]
    sort: NDArray[np.int64]
    lines: NDArray[np.float64]
    apart: NDArray[np.float64]
    parts: NDArray[np.int64]


class Sides(NamedTuple):
    """n pairs of lines, earlier and later: ``margin`` f8[n, 2] log-odds of their scores; ``tactic`` i8[n, 2] places in the matrix
    (−1: none); ``rule``, ``product`` i8[n, 2]: numbers that are equal for equals."""

    margin: NDArray[np.float64]
    tactic: NDArray[np.int64]
    rule: NDArray[np.int64]
    product: NDArray[np.int64]


def usual_features(shared: Shared, sides: Sides) -> NDArray[np.float64]:
    """Return what speaks for and against a link, f8[n, F] in the order of ``USUAL``."""
    columns = {**_in_common(shared, len(sides.margin)), **_compared(sides)}
    return np.stack([columns[name] for name in USUAL], axis=1)


def _in_common(shared: Shared, n: int) -> dict[str, NDArray[np.float64]]:
    node, place = shared.sort == Sort.NODE, (shared.parts[:, 0] | shared.parts[:, 1]) & PLACE > 0
    surprise = -np.log((shared.lines + 1.0) * (shared.apart + 60.0) / WINDOW_SECONDS)
    found = {"rarity": highest(shared.pair, surprise, n)}
    outside = (shared.sort == Sort.OUTSIDE) | (node & ~place)
    for name, mine in (("node", node & place), ("user", shared.sort == Sort.USER), ("outside", outside)):
        rarity = highest(shared.pair[mine], surprise[mine], n)
        found[name] = np.isfinite(rarity).astype(np.float64)
        found[f"{name}_rarity"] = np.where(np.isfinite(rarity), rarity, 0.0)
    moved = node & ((shared.parts[:, 0] ^ shared.parts[:, 1]) & ACTOR > 0)
    found["moved"] = (np.bincount(shared.pair[moved], minlength=n) > 0).astype(np.float64)
    found["more"] = np.clip(np.bincount(shared.pair, minlength=n) - 1.0, 0.0, 3.0)
    apart = highest(shared.pair, shared.apart, n)
    found["minutes"] = np.log1p(apart / 60.0)
    found["long"] = np.maximum(found["minutes"] - 6.0, 0.0)
    found["hour"] = (apart < 3600.0).astype(np.float64)
    return found


def highest(pair: NDArray[np.int64], value: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """Return the highest value of each of n pairs, −inf of those without."""
    found = np.full(n, -np.inf)
    np.maximum.at(found, pair, value)
    return found


def _compared(sides: Sides) -> dict[str, NDArray[np.float64]]:
    known = (sides.tactic >= 0).all(axis=1)
    step = np.sign(sides.tactic[:, 1] - sides.tactic[:, 0])
    upper, lower = sides.margin.max(axis=1), sides.margin.min(axis=1)
    return {
        "forward": (known & (step > 0)).astype(np.float64),
        "backward": (known & (step < 0)).astype(np.float64),
        "same_rule": (sides.rule[:, 0] == sides.rule[:, 1]).astype(np.float64),
        "other_product": (sides.product[:, 0] != sides.product[:, 1]).astype(np.float64),
        "early": sides.margin[:, 0],
        "late": sides.margin[:, 1],
        "highest": upper,
        "lowest": lower,
        "suspect": np.maximum(lower - SUSPECT_FROM, 0.0),
        "likely": np.maximum(upper, 0.0),
        "sure": np.maximum(upper - 2.0, 0.0),
    }
