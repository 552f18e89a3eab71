"""``python -m training.behaviour.masquerades PATH``: how well segments that somebody else typed are told, beside the reference.

``--simulated`` is what choices were made by: users without labels only, at whose keyboards three others sit for some segments each.
These are nobody known, as those of the labelled users are. So many of a user's segments as are known, and so long as intrusions last, is
a case each.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from models.behaviour.sequences import Scorer, SequenceModel
from training.behaviour.loaders import Typed, masquerade, masquerade_labels
from training.behaviour.segments import TRAINING_SEGMENTS, fit_sequences

KNOWN, LASTING = (17, 30), (1, 5, 10)
"""Segments known beforehand (of 50: 17 are the share that the labelled users have), and how many segments an intrusion lasts in the mean."""
INTRUDERS, LONGEST = 3, 20
SEEDS = 2
Score = Callable[[Scorer, Sequence[str]], float]
SCORERS: dict[str, Score] = {"behaviour": Scorer.score, "unigram likelihood ratio": Scorer.unigram}


class Sitting(NamedTuple):
    """One account's later segments in order, and which of them somebody else typed."""

    model: SequenceModel
    user: str
    segments: list[tuple[str, ...]]
    foreign: list[bool]


def labelled(path: Path) -> list[Sitting]:
    """Return the users whose later segments include somebody else's."""
    typed, labels = masquerade(path), masquerade_labels(path)
    model = fit_sequences(typed)
    out = []
    for user, own in typed.items():
        later = [one for one in own if one.segment >= TRAINING_SEGMENTS]
        foreign = [labels[user, one.segment] for one in later]
        if any(foreign):
            out.append(Sitting(model, user, [one.commands for one in later], foreign))
    return out


def unlabelled(path: Path) -> dict[str, list[Typed]]:
    """Return what the users typed at whose keyboards nobody else ever sat."""
    known = {user for (user, _), foreign in masquerade_labels(path).items() if foreign}
    return {user: own for user, own in masquerade(path).items() if user not in known}


def simulated(typed: Mapping[str, Sequence[Typed]], known: int, lasting: float, seed: int) -> Iterator[Sitting]:
    """Yield a sitting of each user, with intrusions by some of the others, of whom the model knows nothing."""
    rng = np.random.default_rng(seed)
    model = SequenceModel.fit({user: [one.commands for one in own[:known]] for user, own in typed.items()})
    for user, own in typed.items():
        intruders = [str(name) for name in rng.choice([name for name in typed if name != user], INTRUDERS, replace=False)]
        runs: list[list[tuple[tuple[str, ...], bool]]] = [[(one.commands, False)] for one in own[known:]]
        for intruder in intruders:
            theirs = typed[intruder]
            length = min(int(rng.geometric(1 / lasting)), LONGEST, len(theirs))
            start = int(rng.integers(0, len(theirs) - length + 1))
            runs.insert(int(rng.integers(0, len(runs) + 1)), [(one.commands, True) for one in theirs[start : start + length]])
        flat = [one for run in runs for one in run]
        peers = SequenceModel(accounts={name: usage for name, usage in model.accounts.items() if name not in intruders})
        yield Sitting(peers, user, [one for one, _ in flat], [foreign for _, foreign in flat])


def appraise(sittings: Sequence[Sitting], score: Score) -> str:
    """Return the area under the curve, of all users and of the worst tenth, and the recall at 1 % and 5 % of own segments."""
    areas: dict[str, list[float]] = defaultdict(list)
    recalls, strange, usual = [], [], []
    for sitting in sittings:
        scorer, foreign = Scorer(sitting.model, sitting.user), np.array(sitting.foreign)
        scores = np.array([score(scorer, segment) for segment in sitting.segments])
        areas[sitting.user].append(float(roc_auc_score(foreign, scores)))
        recalls.append(_recalls(scores[foreign], scores[~foreign]))
        strange.append(scores[foreign])
        usual.append(scores[~foreign])
    by_user = sorted(float(np.mean(some)) for some in areas.values())
    one, five = np.mean(recalls, axis=0)
    together = _recalls(np.concatenate(strange), np.concatenate(usual))
    return (
        f"AUC mean {np.mean(by_user):.3f} worst tenth {np.mean(by_user[: math.ceil(len(by_user) / 10)]):.3f}  recall at 1 % "
        f"{one:.2f} at 5 % {five:.2f}, of all users together {together[0]:.2f} and {together[1]:.2f}  ({len(areas)} users)"
    )


def _recalls(foreign: NDArray[np.float64], own: NDArray[np.float64]) -> tuple[float, float]:
    one, five = (float((foreign > np.quantile(own, 1 - rate)).mean()) for rate in (0.01, 0.05))
    return one, five


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("path", type=Path)
    parser.add_argument("--simulated", action="store_true", help="simulated intrusions of the users without labels")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--first-seed", type=int, default=0)
    given = parser.parse_args()
    cases: dict[str, list[Sitting]] = {}
    if given.simulated:
        typed, seeds = unlabelled(given.path), range(given.first_seed, given.first_seed + given.seeds)
        for known in KNOWN:
            for lasting in LASTING:
                drawn = [sitting for seed in seeds for sitting in simulated(typed, known, lasting, seed)]
                cases[f"{known} known, {lasting} foreign"] = drawn
    for case, sittings in (cases or {"labelled": labelled(given.path)}).items():
        for name, score in SCORERS.items():
            sys.stdout.write(f"{case:21} {name:25} {appraise(sittings, score)}" + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
