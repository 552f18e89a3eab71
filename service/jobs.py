"""What is handed to the scorer: alerts to decide on, labels to record, calls to make in between."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from sqlalchemy.exc import SQLAlchemyError

from features.alert import Alert
from features.errors import FeaturesError
from features.label import Label
from models.decision import Decision
from models.errors import ModelsError
from service.errors import ServiceError

Answer = Decision | ServiceError


@dataclass
class AlertsJob:
    """Alerts of one request; answered by a decision or an error for each."""

    tenant: str
    alerts: Sequence[Alert]
    future: Future[list[Answer]] = field(default_factory=Future)
    created: int = 0


@dataclass
class LabelsJob:
    """Labels of one request; answered by the stored label or an error for each."""

    tenant: str
    labels: Sequence[Label]
    future: Future[list[Label | ServiceError]] = field(default_factory=Future)


@dataclass
class CallJob:
    """Something to do between two batches, such as changing the engine. One that ``writes`` looks for errors first."""

    call: Callable[[], None]
    future: Future[None] = field(default_factory=Future)
    writes: bool = False

    def run(self) -> Exception | None:
        """Do it; what goes wrong is its own affair and not that of the alerts beside it.

        But one that writes may refuse only before it has written: by whatever else it fails, the batch is given up with it, lest
        half of what it wrote be committed.
        """
        try:
            self.call()
        except ServiceError as error:
            return error
        except (FeaturesError, ModelsError, SQLAlchemyError) as error:
            if self.writes:
                raise
            return error
        return None


Job = AlertsJob | LabelsJob | CallJob


def size(job: Job) -> int:
    """Return the number of alerts or labels in a job."""
    return len(job.alerts) if isinstance(job, AlertsJob) else len(job.labels) if isinstance(job, LabelsJob) else 0
