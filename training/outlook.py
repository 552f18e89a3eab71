"""Looking further than counts can: what a model would save, and which labels of people to doubt, as far as the labels allow."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from features.errors import SourceError
from features.label import Provenance
from models.bundle import ModelBundle
from models.certificates.objective import Objective
from training.assess import Assessment, assessed, weigh
from training.dataset import Dataset, load_dataset
from training.fit import FitParameters, Told
from training.savings import Savings, missing_labels, savings
from training.survey import Survey


class Outlook(NamedTuple):
    """``saved``: what a model would save, or why that cannot be told; ``people``: the labels of people, if there are any."""

    saved: Savings | str
    people: Assessment | None


QUICK = Outlook("not looked at (--quick)", None)


def read(data: Path, fmt: str, secret: bytes, *, also: Path | None = None, told: Told = lambda text: None) -> Dataset:
    """Read alerts with their labels; where a file lacks the columns that would hold them, without.

    Raises ``SourceError`` and ``HistoryError``.
    """

    def once(labels: bool) -> Dataset:
        return load_dataset(data, fmt, secret, labels=labels, also=also, progress=lambda n: told(f"reading: {n:,} alerts"))

    try:
        return once(labels=True)
    except SourceError:
        return once(labels=False)


def outlook(
    found: Survey, objective: Objective, parameters: FitParameters, champion: ModelBundle | None, told: Told = lambda text: None
) -> Outlook:
    """Fit models where there are enough labels, or labels of people to weigh; else say what is missing, at once."""
    dataset = found.dataset
    missing = missing_labels(dataset)
    people = any(label.provenance is not Provenance.IMPORT for _, label in dataset.labels)
    if missing and not people:
        return Outlook(missing, None)
    weighed = weigh(dataset, parameters, told)
    saved = missing or savings(found, weighed, objective)
    return Outlook(saved, assessed(dataset, weighed, champion) if people else None)
