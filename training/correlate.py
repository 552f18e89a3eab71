"""Incidents of a file: the correlator of the service over alerts that were scored in a batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from features.alert import Alert
from features.reading import read_chunks
from models.incidents.correlator import Correlator, background
from models.incidents.forest import Grove
from models.incidents.incident import Incident
from models.incidents.link_model import DEFAULT, LinkModel
from models.incidents.telling import tell
from models.incidents.tokens import Resolve

_SETTLED_EVERY = 2_000


@dataclass(frozen=True)
class Correlated:
    """n alerts in the order given: ``incident`` i8[n] indexes ``names``, ``raised`` b[n] says whether it is one that is shown or
    the background; ``incidents`` are those shown, by name."""

    incident: NDArray[np.int64]
    names: list[str]
    raised: NDArray[np.bool_]
    incidents: dict[str, Incident]


def read_alerts(path: Path, fmt: str) -> list[Alert]:
    """Return the alerts at ``path`` in the order in which a data set holds them. Raises ``SourceError`` and ``HistoryError``."""
    return [alert for chunk in read_chunks(path, fmt, labels=False) for alert in chunk.alerts]


def correlate(
    alerts: Sequence[Alert],
    score: NDArray[np.float64],
    resolve: Resolve | None = None,
    model: LinkModel = DEFAULT,
    anomaly: NDArray[np.float64] | None = None,
) -> Correlated:
    """Join alerts into incidents in the order of receipt, each with its ``score`` f8[n] (NaN: no model spoke) and its surprise
    ``anomaly`` f8[n] in bits."""
    surprise = np.zeros(len(alerts)) if anomaly is None else anomaly
    correlator = Correlator(model, resolve)
    line = np.zeros(len(alerts), np.int64)
    order = sorted(range(len(alerts)), key=lambda i: (alerts[i].received_time, i))
    for count, i in enumerate(order, 1):
        line[i] = correlator.add(alerts[i], float(score[i]), float(surprise[i]))
        if count % _SETTLED_EVERY == 0:
            correlator.settle()
    correlator.settle()
    return _told(correlator, alerts, line)


def _told(correlator: Correlator, alerts: Sequence[Alert], line: NDArray[np.int64]) -> Correlated:
    kept = correlator.lines.kept
    shown: dict[int, str] = {}
    incidents: dict[str, Incident] = {}
    groves: dict[int, Grove] = {number: correlator.grove(number) for number in kept}
    for grove in {grove.lines[0]: grove for grove in groves.values()}.values():
        if correlator.is_raised(grove.lines):
            uid = kept[grove.lines[0]].uid
            incidents[uid] = tell(correlator, grove, uid)
            shown.update(dict.fromkeys(grove.lines, uid))
    codes: dict[str, int] = {}
    incident = np.zeros(len(alerts), np.int64)
    for i, number in enumerate(line.tolist()):
        name = shown.get(number) or background(alerts[i])
        incident[i] = codes.setdefault(name, len(codes))
    raised = np.array([number in shown for number in line.tolist()], bool)
    return Correlated(incident, list(codes), raised, incidents)
