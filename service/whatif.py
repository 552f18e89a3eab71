"""What if, over a tenant's stored decisions: what other objectives would have done to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, select

from features.alert import Alert, main_entity
from features.encode import COLUMNS, FactBlock, FactEncoder
from features.label import Label
from models.bundle import ModelBundle
from models.certificates.costs import Costs
from models.certificates.objective import Objective
from models.decision import Action
from models.measures import DAY_SECONDS
from models.offpolicy import Seen
from models.pace import PROVENANCES, VERDICTS, VerdictColumns
from models.rule_encoder import RuleTable
from models.whatif.log import Judgement, Log, NamedAlert, Names
from models.whatif.outcome import pace_of
from models.whatif.whatif import WhatIf, proposed, what_if
from models.withdrawal import Unit, unit_of
from service.store.tables import alerts, decisions, incident_alerts, incident_lines, labels
from service.thresholds import concerning

_AT_ONCE = 5_000
_FAMILY = [COLUMNS.index("rule"), COLUMNS.index("entity")]


class Question(NamedTuple):
    """What is asked: ``objectives`` and ``costs`` over the alerts received since then (epoch seconds), the latest ``most``."""

    objectives: Sequence[Objective]
    costs: Costs | None
    since: float
    most: int


class _Rows(NamedTuple):
    """Columns of the alerts asked about, the latest first; ``judgement`` is what the bundle makes of them."""

    seq: list[int]
    uid: list[str]
    received: NDArray[np.float64]
    incident: list[str]
    block: FactBlock
    judgement: Judgement
    shown: NDArray[np.float64]
    came: NDArray[np.bool_]
    left_out: int


def asked(connection: Connection, bundle: ModelBundle, encoder: FactEncoder, tenant: str, question: Question) -> WhatIf:
    """Say what the objectives would have done to a tenant's alerts, as the bundle scores what was known of each when it came."""
    rows = _rows(connection, bundle, encoder, tenant, question)
    given = _given(connection, tenant, {seq: place for place, seq in enumerate(rows.seq)})
    target, incident, uids = _in_force(rows, given)
    mine = msgspec.structs.replace(bundle.policy, certificates=concerning(bundle.policy.certificates, tenant))
    proposal = proposed(mine, bundle.calibration, question.objectives, question.costs)
    log = Log(
        block=rows.block,
        **rows.judgement._asdict(),
        target=target,
        incident=incident,
        days=float(max(len(np.unique(np.floor(rows.received / DAY_SECONDS))), 1)),
        seen=Seen(rows.shown, rows.came, target),
    )
    return what_if(
        bundle,
        msgspec.structs.replace(proposal, certificates=concerning(proposal.certificates, tenant)),
        log,
        present=mine,
        names=Names(encoder.rules, encoder.tenants, _Namer(connection, rows.seq).alert, lambda number: uids[number]),
        pace=pace_of(rows.received, _verdicts(given)),
        notes=_notes(rows, question.most),
    )


class _Namer:
    """Names an alert by its row; reads it when it is asked for."""

    def __init__(self, connection: Connection, seq: list[int]) -> None:
        self._connection, self._seq = connection, seq
        self._known: dict[int, NamedAlert] = {}

    def alert(self, row: int) -> NamedAlert:
        if row not in self._known:
            statement = select(alerts.c.payload).where(alerts.c.seq == self._seq[row])
            alert = msgspec.json.decode(self._connection.execute(statement).scalar_one(), type=Alert)
            rule, entity = alert.rule.name or alert.rule.uid, main_entity(alert).uid
            self._known[row] = NamedAlert(tenant=alert.tenant, alert_uid=alert.uid, rule=rule, entity=entity)
        return self._known[row]


def _rows(connection: Connection, bundle: ModelBundle, encoder: FactEncoder, tenant: str, question: Question) -> _Rows:
    wanted = (
        alerts.c.seq, alerts.c.uid, alerts.c.received, alerts.c.fact, incident_lines.c.incident,
        decisions.c.features, decisions.c.shown, decisions.c.action, decisions.c.published_action,
    )  # fmt: skip
    statement = (
        select(*wanted)
        .join(decisions, (decisions.c.alert_seq == alerts.c.seq) & (decisions.c.revision == 1))
        .outerjoin(incident_alerts, incident_alerts.c.alert_seq == alerts.c.seq)
        .outerjoin(incident_lines, incident_lines.c.line == incident_alerts.c.line)
        .where(alerts.c.tenant == tenant, alerts.c.received >= question.since)
        .order_by(alerts.c.seq.desc())
        .limit(question.most)
    )
    width = len(bundle.view.features)
    table = RuleTable(bundle.encoder, encoder.rules, encoder.tenants)
    blocks, parts = [FactBlock.empty()], [Judgement.of(bundle, np.empty((0, width)), FactBlock.empty(), table)]
    kept: list[tuple[int, str, float, str, float, bool]] = []
    left_out = 0
    for some in connection.execute(statement).partitions(_AT_ONCE):
        usable = [row for row in some if len(row.features) == width * 8]
        left_out += len(some) - len(usable)
        features = np.frombuffer(b"".join(row.features for row in usable), np.float64).reshape(-1, width)
        blocks.append(FactBlock.unpack([row.fact for row in usable]))
        parts.append(Judgement.of(bundle, features, blocks[-1], table))
        kept += [(row.seq, row.uid, row.received, row.incident or "", *_chance(row)) for row in usable]
    seq, uid, received, incident, shown, came = zip(*kept, strict=True) if kept else ((),) * 6
    return _Rows(
        seq=list(seq), uid=list(uid), received=np.array(received, np.float64), incident=list(incident),
        block=FactBlock.concat(blocks), judgement=Judgement.concat(parts), shown=np.array(shown, np.float64),
        came=np.array(came, bool), left_out=left_out,
    )  # fmt: skip


def _chance(row: Any) -> tuple[float, bool]:
    """Return with which probability an alert came before a person by its first decision, and whether it did."""
    came = row.published_action != Action.SUPPRESS
    return (1.0 if came and row.action == Action.SUPPRESS else row.shown), came


def _given(connection: Connection, tenant: str, places: dict[int, int]) -> list[tuple[int, Label]]:
    """Return every label on these alerts, oldest first, each with its alert's place."""
    statement = select(labels.c.alert_seq, labels.c.payload).where(labels.c.tenant == tenant).order_by(labels.c.seq)
    rows = connection.execute(statement.where(labels.c.alert_seq >= min(places, default=0)))
    return [(places[seq], msgspec.json.decode(body, type=Label)) for seq, body in rows if seq in places]


def _in_force(rows: _Rows, given: list[tuple[int, Label]]) -> tuple[NDArray[np.int8], NDArray[np.int64], list[str]]:
    """Return what the label in force says of each alert, the number of what an attack counts as in a certificate, and the names of
    these.

    That is the incident that the label names, else the one that the alert is in, else all that its rule says of its entity on its
    day, by the name of one of these alerts.
    """
    n, numbers, uids = len(rows.seq), dict[Unit, int](), list[str]()
    target, incident = np.full(n, -1, np.int8), np.full(n, -1, np.int64)
    for place, label in dict(given).items():
        target[place] = label.target if label.weight > 0.0 else -1
        if target[place] == 1:
            uid = label.incident_uid or rows.incident[place]
            rule, entity = (f"{code:x}" for code in rows.block.columns[place, _FAMILY].tolist())
            unit = unit_of(label.tenant, uid, rule, entity, float(rows.block.time[place]))
            if unit not in numbers:
                numbers[unit] = len(uids)
                uids.append(uid or rows.uid[place])
            incident[place] = numbers[unit]
    return target, incident, uids


def _verdicts(given: list[tuple[int, Label]]) -> VerdictColumns:
    people: dict[str, int] = {}
    return VerdictColumns(
        np.array([place for place, _ in given], np.int64),
        np.array([label.time.timestamp() for _, label in given], np.float64),
        np.array([VERDICTS.index(label.verdict) for _, label in given], np.int64),
        np.array([PROVENANCES.index(label.provenance) for _, label in given], np.int64),
        np.array([people.setdefault(label.analyst, len(people)) for _, label in given], np.int64),
    )


def _notes(rows: _Rows, most: int) -> list[str]:
    notes = [
        "scores are those of the bundle that serves, by what was known of each alert when it came",
        "what guardrails and modes of the live policy hold back is not taken off",
    ]
    if len(rows.seq) + rows.left_out >= most:
        notes.append(f"only the latest {most:,} alerts were looked at")
    if rows.left_out:
        notes.append(f"{rows.left_out:,} alerts were decided with other features than the bundle reads, and are left out")
    return notes
