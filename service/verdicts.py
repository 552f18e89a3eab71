"""Recording a verdict: checked against what is stored, written, and turned into the facts it adds to the counters."""

from __future__ import annotations

import msgspec

from features.encode import FactBlock, label_facts
from features.label import Label
from service.errors import ConflictError, InvalidError, NotFoundError, ServiceError
from service.store import database as db

_ENCODER = msgspec.json.Encoder()


def record(database: db.Database, label: Label, seq: int) -> tuple[Label | ServiceError, FactBlock | None]:
    """Write a label as number ``seq``; return it with the facts to fold, or the error and ``None``.

    A label sent before is answered as it was, also with ``None``.
    """
    writer = database.writer
    before = db.find_label(writer, label.tenant, label.uid)
    if before is not None:
        return before if _same(before, label) else ConflictError(f"label {label.uid} was given before with other content"), None
    stored = db.find(writer, label.tenant, label.alert_uid)
    if stored is None:
        return NotFoundError(f"no alert {label.alert_uid}"), None
    if label.time < stored.alert.time:
        return InvalidError("time: lies before the alert's own"), None
    current = db.current_label(writer, stored.seq)
    if label.supersedes and (current is None or current.uid != label.supersedes):
        return ConflictError(f"label {label.supersedes} is not the last verdict on alert {label.alert_uid}"), None
    if current is not None:
        label = msgspec.structs.replace(label, supersedes=current.uid)
    facts = _facts(FactBlock.unpack([db.alert_fact(writer, stored.seq)]), label, current)
    database.insert_label((seq, label.tenant, label.uid, stored.seq, _ENCODER.encode(label), b"".join(facts.pack())))
    return label, facts


def _facts(alert: FactBlock, label: Label, superseded: Label | None) -> FactBlock:
    """Return what the label adds, after what it takes back."""
    added = label_facts(alert, [label])
    return added if superseded is None else FactBlock.concat([label_facts(alert, [superseded], -1.0), added])


def _same(before: Label, label: Label) -> bool:
    """Whether ``label`` says what ``before`` said; one sent without a time of its own may have come at any."""
    time = before.time if label.time == label.received_time else label.time
    again = msgspec.structs.replace(
        label, time=time, received_time=before.received_time, supersedes=label.supersedes or before.supersedes
    )
    return again == before
