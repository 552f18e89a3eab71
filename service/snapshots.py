"""Snapshots of the counters: a start folds only what came after the newest that fits."""

from __future__ import annotations

import logging
import zipfile
from pathlib import Path

from features.counters import CounterState
from features.errors import FeaturesError
from models.engine import ScoringEngine

log = logging.getLogger(__name__)

_KEPT = 2


def restore(folder: Path, engine: ScoringEngine, until: int, max_keys: int) -> int:
    """Give an engine the newest state that it can read, of facts up to number ``until``; return the last of them, 0 if there is none."""
    for path in _found(folder, engine.counter_digest):
        seq = int(path.stem.split("-")[0])
        if seq > until:
            continue
        try:
            engine.state = CounterState.load(path, engine.view.spec, engine.encoder.secret, max_keys)
        except (FeaturesError, zipfile.BadZipFile) as error:
            log.warning("snapshot left aside: %s", error)
        else:
            return seq
    return 0


def save(folder: Path, state: CounterState, seq: int, counter_digest: str) -> None:
    """Write the state after fact number ``seq``, and forget older ones."""
    folder.mkdir(parents=True, exist_ok=True)
    state.save(folder / f"{seq}-{counter_digest[:16]}.npz")
    for old in _found(folder, counter_digest)[_KEPT:]:
        old.unlink()


def _found(folder: Path, counter_digest: str) -> list[Path]:
    return sorted(folder.glob(f"*-{counter_digest[:16]}.npz"), key=lambda path: int(path.stem.split("-")[0]), reverse=True)
