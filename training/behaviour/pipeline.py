"""Learning behaviour alone, the one command: events in, a bundle and a registered version out."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from models.bundle_files import CARD, load_behaviour, write_bundle
from training.behaviour.fitting import Learned, Source, learn
from training.pipeline import copy_bundle
from training.settings import Settings
from training.tracking import TrainingRun, log_behaviour, running


class BehaviourResult(NamedTuple):
    """What a training on events alone produced."""

    version: str
    bundle_digest: str
    learned: Learned


def train_behaviour(
    settings: Settings, source: Source, *, out: Path | None = None, told: Callable[[str], None] = lambda text: None
) -> BehaviourResult:
    """Learn behaviour and log it to MLflow as a version of a model of its own; ``out``: write the bundle there as well.

    Raises ``DataError``, ``SourceError`` and ``TrackingError``; then nothing is registered.
    """
    told("learning behaviour")
    learned = learn(source)
    with running(settings, "train-behaviour") as run_id, tempfile.TemporaryDirectory() as folder:
        bundle = Path(folder) / "bundle"
        digest = write_behaviour(bundle, learned, run_id)
        told("logging to MLflow")
        params = {"format": source.fmt, "fields": len(learned.model.fields), "groups": len(learned.model.weights)}
        tags = {"data_digest": learned.digest, "bundle_digest": digest}
        run = TrainingRun(params, learned.metrics, tags, bundle, [], [bundle / CARD])
        version = log_behaviour(settings, run, run_id)
        if out is not None:
            copy_bundle(bundle, out)
    return BehaviourResult(version, digest, learned)


def write_behaviour(path: Path, learned: Learned, run: str = "") -> str:
    """Write a bundle that judges behaviour only; return its digest."""
    parts = {**learned.model.to_files(), CARD: "\n".join(_card(learned)).encode()}
    digest = write_bundle(path, parts, view="", run=run, window=learned.window, labels={}, data=learned.digest)
    assert load_behaviour(path).to_files() == learned.model.to_files()  # noqa: S101 — just written
    return digest


def _card(learned: Learned) -> list[str]:
    return [
        "# Model card: Tamis behaviour",
        "",
        "How unlike its own past, and how like somebody else, an account behaves; judges no alerts.",
        "",
        *learned.card,
        "",
        "Not for: proof of who sat at a keyboard; accounts of which little is known, which are said to be cold.",
        "",
    ]
