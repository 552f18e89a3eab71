"""Recording a verdict: checked against what is stored, written, and turned into the facts it adds to the counters."""

from __future__ import annotations

import msgspec

from features.encode import FactBlock, label_facts
from features.label import Label, Provenance, Verdict
from models.decision import Action
from service.errors import ConflictError, InvalidError, NotFoundError, ServiceError
from service.store import database as db
from service.voices import attackers, by_lot, labels_on, needed

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
    refusal = _refusal(label, current)
    if refusal is not None:
        return refusal, None
    decision, label = stored.decision, _placed(label, current)
    if decision.shown < 1.0 and decision.published_action is not Action.SUPPRESS:  # who looks up a suppressed one drew no lot
        label = msgspec.structs.replace(label, shown=decision.shown)
    facts = _facts(FactBlock.unpack([db.alert_fact(writer, stored.seq)]), label, current)
    row = (seq, label.tenant, label.uid, stored.seq, _ENCODER.encode(label), b"".join(facts.pack()))
    database.insert_label(row, judged=label.provenance is not Provenance.AUTOMATION)
    if _waits_again(label, current, decision.published_action) or _lacks_voices(database, label, stored):
        database.insert_waiting(stored.seq, label.tenant, decision.priority)
    return label, facts


def _refusal(label: Label, current: Label | None) -> ConflictError | None:
    """Say why ``label`` cannot follow ``current``, the last one on its alert."""
    if label.supersedes and (current is None or current.uid != label.supersedes):
        return ConflictError(f"label {label.supersedes} is not the last verdict on alert {label.alert_uid}")
    if current is not None and label.provenance is Provenance.AUTOMATION is not current.provenance:
        return ConflictError(f"a person has judged alert {label.alert_uid}; a machine does not take that back")
    return None


def _placed(label: Label, current: Label | None) -> Label:
    """Return the label with its place among those on its alert: it supersedes the last one, or contests it.

    Two people are at odds when another analyst says otherwise without naming the verdict in force; from then on only a
    label that names the last one decides, and every other is one more contest.
    """
    if current is None or label.supersedes:
        return label
    in_force = current.target >= 0 and current.provenance is not Provenance.AUTOMATION
    at_odds = in_force and label.analyst != current.analyst and label.verdict.target != current.target
    if current.contests or at_odds:
        return msgspec.structs.replace(label, contests=current.uid)
    return msgspec.structs.replace(label, supersedes=current.uid)


def _waits_again(label: Label, current: Label | None, action: Action) -> bool:
    """Whether the alert goes back to the queue: contested, or its verdict taken back."""
    if label.contests:
        return True
    judged = current is not None and (current.target >= 0 or bool(current.contests))
    return judged and label.verdict is Verdict.UNDETERMINED and action is not Action.SUPPRESS


def _lacks_voices(database: db.Database, label: Label, stored: db.Stored) -> bool:
    """Whether more people must look: a would-be suppression is a miss only when as many as :func:`needed` say so."""
    decision, people = stored.decision, label.provenance is Provenance.HUMAN
    if label.target != 1 or not people or not by_lot(decision.action, decision.reason_codes, decision.published_action):
        return False
    told = labels_on(database.writer, [stored.seq])[stored.seq]
    return len(attackers(told)) < needed(database.writer, label.tenant)


def _facts(alert: FactBlock, label: Label, superseded: Label | None) -> FactBlock:
    """Return what the label adds, after what it takes back."""
    added = label_facts(alert, [label])
    return added if superseded is None else FactBlock.concat([label_facts(alert, [superseded], -1.0), added])


def _same(before: Label, label: Label) -> bool:
    """Whether ``label`` says what ``before`` said; one sent without a time of its own may have come at any."""
    time = before.time if label.time == label.received_time else label.time
    again = msgspec.structs.replace(
        label,
        time=time,
        received_time=before.received_time,
        supersedes=label.supersedes or before.supersedes,
        contests=before.contests,
        shown=before.shown,
    )
    return again == before
