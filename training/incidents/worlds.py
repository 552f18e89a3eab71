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
from training.split import leave_one_tenant_out

NOISES = (0.3, 1.0, 3.0)
"""Times as many benign alerts as usual: three levels of noise."""
CAMPAIGN_DAYS = 1.0
"""A campaign begins every day and lasts for hours or weeks, so several are always under way."""
TENANTS, DAYS = 3, 60
TEACHERS = 9
"""From the verdicts in so many other tenants, as long and as noisy, each tenant's model is learned: that of a few customers' months."""
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


def scored_world(
    folder: Path, seed: int, noise: float, secret: bytes, days: int = DAYS, *, tenants: int = TENANTS, teachers: int = TEACHERS
) -> Scored:
    """Simulate a world and score each tenant's alerts by a model of the verdicts in ``teachers`` others.

    Nothing in a tenant depends on the others, so the same alerts are measured however many teach. Without ``teachers`` its
    ``tenants`` teach each other: three of them are scored by what was learned of all the rest, of three in all each by the other two.
    """

    def world(count: int) -> Simulated:
        return simulate(count, days, seed, folder / f"{seed}-{noise}-{count}", noise=noise, campaign_days=CAMPAIGN_DAYS)

    simulated = world(tenants)
    dataset = load_dataset(world(tenants + teachers).history if teachers else simulated.history, "history", secret, labels=True)
    others = leave_one_tenant_out(dataset, TENANTS if tenants + teachers > TENANTS else 1)
    weighed = weigh_labels(TrainingRows.gather(dataset), FitParameters(), others=others)
    rows = pq.read_table(simulated.truth, columns=["tenant", "alert_uid", "incident_uid"]).to_pylist()
    true = {(row["tenant"], row["alert_uid"]): row["incident_uid"] for row in rows}
    alerts = read_alerts(simulated.history, "history")
    incident = [true[alert.tenant, alert.uid] for alert in alerts]
    encoder = dataset.encoder
    place = dataset.rows_by_uid()
    mine = [place[alert.tenant, alert.uid] for alert in alerts]
    score, anomaly = weighed.trusted.calibrator(weighed.oof.raw[mine]), weighed.oof.anomaly[mine]
    return Scored(simulated, alerts, score, anomaly, incident, encoder.aliases.resolve, encoder.context)
