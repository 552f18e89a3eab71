"""Events beside a simulated history: the alerts stay what they were."""

from __future__ import annotations

import hashlib
from pathlib import Path

from training.simulator import simulate


def _digests(folder: Path) -> dict[str, str]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_alerts_do_not_depend_on_events_and_both_on_the_seed_alone(tmp_path: Path) -> None:
    simulate(2, 5, 1, tmp_path / "plain")
    for name in ("a", "b"):
        simulate(2, 5, 1, tmp_path / name, behaviour=True)
    plain, made = _digests(tmp_path / "plain"), _digests(tmp_path / "a")
    assert made == _digests(tmp_path / "b")
    assert made.items() > plain.items()
    assert set(made) - set(plain) == {"events.parquet", "behaviour_truth.parquet"}
