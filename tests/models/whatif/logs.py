"""Logs by hand: alerts of known scores, evidence and verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np

from features.encode import FactEncoder
from models.bundle import ModelBundle
from models.certificates.objective import parse_objectives
from models.certificates.units import Calibration
from models.offpolicy import Seen
from models.policy import Evidence, ThresholdPolicy
from models.whatif.log import Log, NamedAlert, Names
from models.whatif.whatif import proposed
from tests.conftest import build_alert
from tests.models.bundles import make_bundle
from tests.proofs import calibration

HOURLY = 3600.0


def clear(n: int, **changed: np.ndarray) -> Evidence:
    """Return evidence in which nothing forbids anything."""
    given = {
        "known_rule": np.ones(n, bool), "habit": np.full(n, 9.0), "missing": np.zeros(n), "severity": np.full(n, 2.0),
        "criticality": np.zeros(n), "indicator": np.zeros(n), "decoy": np.zeros(n), "outside": np.zeros(n),
    }  # fmt: skip
    return Evidence(**{**given, **changed})


def log_of(
    score: Sequence[float],
    attack: Sequence[int] = (),
    incident: Sequence[int] = (),
    seen: Seen | None = None,
    **changed: np.ndarray,
) -> tuple[Log, Names]:
    """Return a day of alerts, each an hour apart on a host of its own; incident numbers default to each attack its own."""
    n = len(score)
    encoder = FactEncoder(bytes(32))
    alerts = [build_alert(i, at=i * HOURLY, host=f"h{i}") for i in range(n)]
    block = encoder.alerts(alerts)
    target = np.array(attack or [-1] * n, np.int8)
    number = np.array(incident or np.where(target == 1, np.arange(n), -1), np.int64)
    log = Log(block, np.array(score), clear(n, **changed), np.full(n, 0.1), target, number, 1.0, seen)

    def alert(row: int) -> NamedAlert:
        return NamedAlert(tenant="acme", alert_uid=f"a{row}", rule="Rule r1", entity=f"h{row}")

    return log, Names(encoder.rules, encoder.tenants, alert, lambda number: f"i{number}")


def bundle_with(path: Path, units: Sequence[float], objective: str, **changed: object) -> ModelBundle:
    """Return a real bundle whose calibration has attacks of these scores; it goes by ``objective``."""
    make_bundle(path)
    loaded = ModelBundle.load(path)
    known: Calibration = msgspec.structs.replace(calibration(list(units)), **changed)
    policy = _policy(loaded, known, [objective])
    return ModelBundle(**{**vars(loaded), "calibration": known, "policy": policy})


def _policy(bundle: ModelBundle, known: Calibration, objectives: Sequence[str]) -> ThresholdPolicy:

    return proposed(bundle.policy, known, parse_objectives(objectives))
