"""``python -m training.behaviour.masquerades PATH``: how well segments that somebody else typed are told, beside the reference.

``--simulated`` is what choices were made by: users without labels only, learned from their first 30 segments; a third of them are
nobody's peers and take turns at the others' keyboards for some segments.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn.metrics import roc_auc_score

from models.behaviour.sequences import Scorer, SequenceModel
from training.behaviour.loaders import Typed, masquerade, masquerade_labels
from training.behaviour.segments import TRAINING_SEGMENTS, fit_sequences

SHORT, ROUNDS, INTRUSIONS, LONGEST = 30, 3, 3, 8
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


def simulated(path: Path, seed: int = 0) -> list[Sitting]:
    """Return sittings of the users without labelled segments, with intrusions by users who are nobody's peers."""
    labels = masquerade_labels(path)
    known = {user for (user, _), foreign in labels.items() if foreign}
    typed = {user: own for user, own in masquerade(path).items() if user not in known}
    rng = np.random.default_rng(seed)
    names = [str(name) for name in rng.permutation(sorted(typed))]
    return [sitting for turn in range(ROUNDS) for sitting in _turn(typed, names, turn, rng)]


def _turn(typed: Mapping[str, list[Typed]], names: Sequence[str], turn: int, rng: np.random.Generator) -> list[Sitting]:
    intruders = list(names[turn::ROUNDS])
    peers = [name for name in names if name not in intruders]
    model = SequenceModel.fit({name: [one.commands for one in typed[name][:SHORT]] for name in peers})
    out = []
    for name in peers:
        runs: list[list[tuple[tuple[str, ...], bool]]] = [[(one.commands, False)] for one in typed[name][SHORT:]]
        for _ in range(INTRUSIONS):
            theirs = typed[str(rng.choice(intruders))]
            length = min(1 + int(rng.geometric(0.2)), LONGEST, len(theirs))
            start = int(rng.integers(0, len(theirs) - length + 1))
            runs.insert(int(rng.integers(0, len(runs) + 1)), [(one.commands, True) for one in theirs[start : start + length]])
        flat = [one for run in runs for one in run]
        out.append(Sitting(model, name, [one for one, _ in flat], [foreign for _, foreign in flat]))
    return out


def appraise(sittings: Sequence[Sitting], score: Score) -> str:
    """Return mean and worst area under the curve over users, and the recall at 1 % and 5 % of each user's own segments."""
    areas, recalls = [], []
    for sitting in sittings:
        scorer, foreign = Scorer(sitting.model, sitting.user), np.array(sitting.foreign)
        scores = np.array([score(scorer, segment) for segment in sitting.segments])
        areas.append(float(roc_auc_score(foreign, scores)))
        recalls.append([float((scores[foreign] > np.quantile(scores[~foreign], 1 - rate)).mean()) for rate in (0.01, 0.05)])
    one, five = np.mean(recalls, axis=0)
    return (
        f"AUC mean {np.mean(areas):.3f} worst {min(areas):.3f}  recall at 1 % {one:.2f} at 5 % {five:.2f}  ({len(areas)} users)"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("path", type=Path)
    parser.add_argument("--simulated", action="store_true", help="simulated intrusions of the users without labels")
    given = parser.parse_args()
    sittings = simulated(given.path) if given.simulated else labelled(given.path)
    for name, score in SCORERS.items():
        sys.stdout.write(f"{name:26} {appraise(sittings, score)}" + "\n")


if __name__ == "__main__":
    main()
