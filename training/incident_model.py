"""What past incidents teach of links and of priority: read from the verdicts and corrections of people in a data set."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from features.alert import Alert
from models.incidents import priority
from models.incidents.model import IncidentModel
from models.incidents.priority import known_criticality
from training.correct_links import correct_links
from training.correlate import correlate
from training.dataset import UNLABELLED, Dataset
from training.links import BENIGN, ENOUGH_INCIDENTS, learn_links
from training.priority import learn_priority, outcomes


def worth_learning(dataset: Dataset) -> bool:
    """Return whether people judged enough incidents, or corrected any; what is imported may call every step one of its own."""
    mine = (dataset.verdicts.principal >= 0) & (dataset.incident >= 0)
    return bool(dataset.corrections) or len(np.unique(dataset.incident[mine])) >= ENOUGH_INCIDENTS


def learn_incidents(
    dataset: Dataset, alerts: Sequence[Alert], score: NDArray[np.float64], anomaly: NDArray[np.float64]
) -> IncidentModel:
    """Return what the verdicts in ``dataset`` teach; ``alerts`` are its own in its order, ``score`` f8[n] out of fold, ``anomaly``
    f8[n] in bits."""
    resolve = None if dataset.encoder.aliases.is_empty else dataset.encoder.aliases.resolve
    links = learn_links(alerts, score, _known(dataset), resolve)
    links = correct_links(links, dataset.corrections, alerts, score, resolve)
    found = correlate(alerts, score, resolve, links, anomaly)
    critical = known_criticality(lambda: dataset.encoder.context)
    attack = outcomes(found, dataset.target == 1, (dataset.verdicts.principal >= 0) & (dataset.target != UNLABELLED))
    return IncidentModel(links, learn_priority(list(found.incidents.values()), attack, priority.DEFAULT, critical))


def _known(dataset: Dataset) -> list[str | None]:
    """Return for each alert its incident as people said, ``BENIGN``, or ``None`` where nobody said.

    Who calls an alert an attack and names no incident does not say that it is one of its own.
    """
    told, names = dataset.verdicts, dataset.verdicts.incidents
    said = zip(told.target.tolist(), told.incident.tolist(), told.named.tolist(), (told.principal >= 0).tolist(), strict=True)
    return [None if not human or target == UNLABELLED or (target == 1 and not named) else names[i] if target == 1 else BENIGN
            for target, i, named, human in said]  # fmt: skip
