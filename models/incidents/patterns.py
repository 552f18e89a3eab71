"""Patterns: what boosted trees say of two lines beyond what usually speaks for a link.

They are learned in simulated worlds on what the default weights leave unexplained (``python -m training.incidents.patterns``), and come
with the code, so that the same pair says the same to every link model. A higher score, a rarer token or more in common never makes a
link less likely by them, and they may speak against one only so far: what is unlike all that was simulated must not come apart.
"""

from __future__ import annotations

import lzma
from functools import cache
from pathlib import Path

import lightgbm
import numpy as np
from numpy.typing import NDArray

from models.incidents.links import USUAL, Shared, Sides, highest
from models.incidents.tokens import ACTOR, PLACE, Sort

EVIDENCE = (
    *USUAL, "tactic_early", "tactic_late", "step", "lines", "tokens",
    "act_both", "acted_before", "acts_then", "outsider_acts", "host_both",
)  # fmt: skip
"""What the trees look at beside ``USUAL``: places of both tactics in the matrix and the ``step`` between them (−99: not known);
``lines``: log of how many named the rarest token in common; ``tokens`` in common. Whether a token in common, by its part:
acts in both; is a host or address that acted in the earlier line only, or does so in the later one only, as what was attacked and then
attacks; is from outside and acts in both; is named as a host in both."""
RISING = frozenset({
    "early", "late", "highest", "lowest", "suspect", "likely", "sure",
    "rarity", "node_rarity", "user_rarity", "outside_rarity", "more", "tokens",
})  # fmt: skip
"""More of it never speaks against a link."""
FALLING = frozenset({"lines"})
"""More of it never speaks for a link."""
LEAST = -1.5
"""What they add to log-odds at least. In simulated worlds no less does as well, and mails with one lure, of which there are none,
stay one incident."""
TREES = Path(__file__).with_name("patterns.txt.xz")
_NO_STEP = -99.0
_UNKNOWN = {"tactic_early": -1.0, "tactic_late": -1.0, "step": _NO_STEP, "forward": 0.0, "backward": 0.0}


def evidence(shared: Shared, sides: Sides, usual: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what the trees look at for n pairs, f8[n, E] in the order of ``EVIDENCE``; ``usual`` f8[n, U] are their usual features."""
    n = len(usual)
    early, late = sides.tactic.T.astype(np.float64)
    known = (early >= 0.0) & (late >= 0.0)
    columns = {
        "tactic_early": early,
        "tactic_late": late,
        "step": np.where(known, late - early, _NO_STEP),
        "lines": -highest(shared.pair, -np.log(shared.lines), n),
        "tokens": np.bincount(shared.pair, minlength=n).astype(np.float64),
        **_parts(shared, n),
    }
    return np.column_stack([usual, *(columns[name] for name in EVIDENCE[len(USUAL) :])])


def without_tactics(found: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return evidence f8[n, E] as it would be if no tactic were known."""
    unknown = found.copy()
    for name, value in _UNKNOWN.items():
        unknown[:, EVIDENCE.index(name)] = value
    return unknown


def _parts(shared: Shared, n: int) -> dict[str, NDArray[np.float64]]:
    acted, acts = (shared.parts & ACTOR).T > 0
    node, outside = shared.sort == Sort.NODE, shared.sort == Sort.OUTSIDE
    which = {
        "act_both": acted & acts & (shared.sort != Sort.USER),
        "acted_before": acted & ~acts & node,
        "acts_then": ~acted & acts & node,
        "outsider_acts": acted & acts & outside,
        "host_both": node & ((shared.parts & PLACE).T > 0).all(axis=0),
    }
    return {name: (np.bincount(shared.pair[mine], minlength=n) > 0).astype(np.float64) for name, mine in which.items()}


def pattern(found: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what the trees add to the log-odds of a link, f8[n], for ``found`` f8[n, E] as :func:`evidence` returns it."""
    if not len(found):
        return np.zeros(0)
    return np.maximum(np.asarray(_booster().predict(found, raw_score=True, num_threads=1), np.float64), LEAST)


@cache
def _booster() -> lightgbm.Booster:
    booster = lightgbm.Booster(model_str=lzma.decompress(TREES.read_bytes()).decode())
    if tuple(booster.feature_name()) != EVIDENCE:
        raise ValueError(f"{TREES.name} looks at other evidence: train it again")
    return booster
