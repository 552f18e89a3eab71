"""``python -m training.behaviour.detectors_compared PATH`` or ``--simulated``: our arrays beside scikit-learn's and PyOD's detectors.

On each sample every detector learns from the same days without labels and scores the same later ones. Printed are means over samples
of the area under the curve, average precision, and recall at 5 % false positives. PyOD is needed for this table only.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import IsolationForest
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

from models.behaviour.day_vector import NAMES
from models.behaviour.rarity import Rarity
from training.behaviour.detectors import SAMPLES, TREES, fit_forest
from training.behaviour.samples import Sample, simulated, swapped_accounts

try:
    from pyod.models.copod import COPOD
    from pyod.models.ecod import ECOD
    from pyod.models.hbos import HBOS
    from pyod.models.iforest import IForest
except ImportError:
    PYOD = False
else:
    PYOD = True

SEEDS, STAFF, DAYS = 5, 100, 110
FALSE_POSITIVES = 0.05

Floats = NDArray[np.float64]
Detector = Callable[[Floats, Floats], Floats]


class Quality(NamedTuple):
    """What a detector came to on one sample."""

    auc: float
    ap: float
    recall: float


def quality(strange: NDArray[np.bool_], score: Floats) -> Quality:
    """Return area under the curve, average precision, and recall at 5 % false positives."""
    false, true, _ = roc_curve(strange, score)
    return Quality(
        float(roc_auc_score(strange, score)),
        float(average_precision_score(strange, score)),
        float(np.max(true[false <= FALSE_POSITIVES])),
    )


def ours() -> dict[str, Detector]:
    """Return the detectors that a bundle holds as plain arrays."""
    return {
        "isolation forest (arrays)": lambda past, later: fit_forest(past, NAMES).anomaly_score(later),
        "rarity (arrays)": lambda past, later: Rarity.fit(past, NAMES, both_tails=False).anomaly_score(later),
        "rarity, both tails (arrays)": lambda past, later: Rarity.fit(past, NAMES).anomaly_score(later),
    }


def rivals() -> dict[str, Detector]:
    """Return scikit-learn's forest and, if PyOD is installed, its detectors with their own settings."""
    out: dict[str, Detector] = {
        "IsolationForest (scikit-learn)": lambda past, later: (
            -IsolationForest(n_estimators=TREES, max_samples=min(SAMPLES, len(past)), random_state=0)
            .fit(past)
            .score_samples(later)
        )
    }
    if not PYOD:
        sys.stderr.write("PyOD is not installed (it comes with the extra dev): its detectors are left out\n")
        return out
    made = {"IForest": lambda: IForest(random_state=0), "ECOD": ECOD, "COPOD": COPOD, "HBOS": HBOS}
    return out | {f"{name} (PyOD)": _of_pyod(make) for name, make in made.items()}


def _of_pyod(make: Callable[[], Any]) -> Detector:
    def scores(past: Floats, later: Floats) -> Floats:
        return np.asarray(make().fit(past).decision_function(later), np.float64)

    return scores


def compared(samples: Iterable[Sample], detectors: Mapping[str, Detector]) -> dict[str, list[Quality]]:
    """Return what each detector came to on each sample."""
    out: dict[str, list[Quality]] = defaultdict(list)
    for sample in samples:
        for name, detector in detectors.items():
            out[name].append(quality(sample.strange, detector(sample.past, sample.later)))
    return out


def table(measured: Mapping[str, list[Quality]]) -> str:
    """Return the means as text."""
    lines = [f"{'':32} {'AUC':>6} {'AP':>6} {'recall at 5 %':>14}"]
    for name, some in measured.items():
        auc, ap, recall = np.mean(some, axis=0)
        lines.append(f"{name:32} {auc:6.3f} {ap:6.3f} {recall:14.3f}   ({len(some)} samples)")
    return "\n".join(lines)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("path", type=Path, nargs="?", help="git-activity: two accounts change hands")
    parser.add_argument("--simulated", action="store_true", help="simulated tenants with insiders and taken-over accounts")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--staff", type=int, default=STAFF)
    parser.add_argument("--days", type=int, default=DAYS)
    given = parser.parse_args()
    if given.simulated == (given.path is not None):
        parser.error("either PATH or --simulated")
    seeds = range(given.seeds)
    samples: Iterable[Sample] = (
        (simulated(seed, staff=given.staff, length=given.days) for seed in seeds)
        if given.simulated
        else swapped_accounts(given.path, seeds)
    )
    sys.stdout.write(table(compared(samples, ours() | rivals())) + "\n")


if __name__ == "__main__":
    main()
