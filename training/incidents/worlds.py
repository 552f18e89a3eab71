"""Simulated worlds as correlation sees them: alerts, the scores of models that had not seen them, and the true incidents."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from features.alert import Alert
from features.context import Context
from models.incidents.tokens import Resolve
from training.assemble import weigh_labels
from training.correlate import read_alerts
from training.dataset import load_dataset
from training.fit import FitParameters, TrainingRows
from training.simulator import Simulated, simulate

NOISES = (0.3, 1.0, 3.0)
"""Times as many benign alerts as usual: three levels of noise."""
CAMPAIGN_DAYS = 1.0
"""A campaign begins every day and lasts for hours or weeks, so several are always under way."""
TENANTS, DAYS = 3, 60
WARM_SECONDS = 14 * 86400.0
"""Before, counters and scores are cold, and nothing is measured."""


class Scored(NamedTuple):
    """A world: its alerts, ``score`` f8[n] and ``anomaly`` f8[n] of each, and the uid of its true incident, ``""`` for the benign."""

    simulated: Simulated
    alerts: list[Alert]
    score: NDArray[np.float64]
    anomaly: NDArray[np.float64]
    incident: list[str]
    resolve: Resolve
    context: Context


def warm(alerts: Sequence[Alert]) -> NDArray[np.bool_]:
    """Return for each alert whether it is late enough to be measured, b[n]."""
    time = np.array([alert.time.timestamp() for alert in alerts])
    return np.asarray(time >= time.min() + WARM_SECONDS)


def scored_world(folder: Path, seed: int, noise: float, secret: bytes, days: int = DAYS) -> Scored:
    """Simulate a world and score its alerts by models that were trained on the other tenants' verdicts."""
    simulated = simulate(TENANTS, days, seed, folder / f"{seed}-{noise}", noise=noise, campaign_days=CAMPAIGN_DAYS)
    dataset = load_dataset(simulated.history, "history", secret, labels=True)
    weighed = weigh_labels(TrainingRows.gather(dataset), FitParameters())
    score = weighed.trusted.calibrator(weighed.oof.raw)
    rows = pq.read_table(simulated.truth, columns=["tenant", "alert_uid", "incident_uid"]).to_pylist()
    true = {(row["tenant"], row["alert_uid"]): row["incident_uid"] for row in rows}
    alerts = read_alerts(simulated.history, "history")
    incident = [true[alert.tenant, alert.uid] for alert in alerts]
    encoder = dataset.encoder
    return Scored(simulated, alerts, score, weighed.oof.anomaly, incident, encoder.aliases.resolve, encoder.context)
