"""Which alerts of a batch are new, and where the answer on each is."""

from __future__ import annotations

from features.alert import Alert, content_digest
from service.errors import ConflictError, GoneError, ServiceError
from service.jobs import AlertsJob


def sort_out(
    job: AlertsJob,
    stored: dict[str, tuple[int, bytes]],
    new: dict[tuple[str, str], int],
    fresh: list[Alert],
    digests: list[bytes],
) -> list[int | ServiceError]:
    """Say for each alert where its answer is: an index into what is decided now, −seq of a stored one, or an error."""
    slots: list[int | ServiceError] = []
    for alert in job.alerts:
        digest, key = content_digest(alert), (job.tenant, alert.uid)
        if alert.uid in stored:
            seq, before = stored[alert.uid]
            slots.append(-seq if before == digest else _taken(alert, before))
        elif key in new:
            slots.append(new[key] if digests[new[key]] == digest else _taken(alert))
        else:
            new[key] = len(fresh)
            slots.append(len(fresh))
            fresh.append(alert)
            digests.append(digest)
            job.created += 1
    return slots


def _taken(alert: Alert, before: bytes = b"-") -> ServiceError:
    told = f"alert {alert.uid} was"
    return ConflictError(f"{told} sent before with other content") if before else GoneError(f"{told} erased")
