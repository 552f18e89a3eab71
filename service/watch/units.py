"""Units as they lie in the records: the alerts of an incident, or of a rule on an entity for a day, as each was first decided."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np
from sqlalchemy import Connection

from features.encode import COLUMNS, VALUES, FactBlock, RuleRef
from features.label import Label
from models.certificates.certificate import Certificate
from models.certificates.groups import groups_of
from models.decision import ReasonCode
from models.limits import UNKNOWN_SEVERITY
from models.misses import LOOKS
from models.rule_encoder import tenant_key
from models.withdrawal import JudgedAlert, Unit, unit_of
from service.store.timing import last_received
from service.voices import attackers, by_lot, is_attack, labels_on, needed, would_hide

DAY_SECONDS = 86_400.0
_RULE, _ENTITY = COLUMNS.index("rule"), COLUMNS.index("entity")
_SEVERITY = VALUES.index("severity")
_INCIDENT = "SELECT l.incident FROM incident_alerts a JOIN incident_lines l ON l.line = a.line WHERE a.alert_seq = ?"
_MEMBERS = (
    "SELECT a.alert_seq FROM incident_lines l JOIN incident_alerts a ON a.line = l.line WHERE l.incident = ? ORDER BY a.alert_seq"
)
_SAME = (
    "SELECT seq, fact FROM alerts WHERE seq > ? AND seq <= ? AND substr(fact, 18, 32) = ? AND NOT EXISTS "
    "(SELECT 1 FROM incident_alerts a JOIN incident_lines l ON l.line = a.line WHERE a.alert_seq = alerts.seq) ORDER BY seq"
)
"""Those of no incident. Bytes 18 to 49 of a packed fact: keyed hashes of tenant, product, rule and main entity."""
_ATTACKS = "SELECT seq, alert_seq FROM labels WHERE seq > ? AND instr(payload, CAST('\"true_positive\"' AS BLOB)) > 0 ORDER BY seq LIMIT ?"
_FIRST = (
    "SELECT d.alert_seq, t.fact, d.action, d.reason_codes, d.published_action, d.shown, d.bundle "
    "FROM decisions d JOIN alerts t ON t.seq = d.alert_seq "
    "WHERE d.alert_seq IN (SELECT value FROM json_each(?)) AND d.revision = 1 ORDER BY d.alert_seq"
)

Certificates = Callable[[str], Sequence[Certificate]]
"""The certificates of suppression that a bundle, by its digest, grants."""


class Members(NamedTuple):
    """A unit with the numbers of all its alerts, rising."""

    unit: Unit
    seqs: list[int]


def called_attacks(connection: Connection, after: int, most: int = 10_000) -> tuple[int, list[int]]:
    """Return the alerts of labels numbered beyond ``after`` that say attack, and the number of the last such label."""
    rows = connection.exec_driver_sql(_ATTACKS, (after, most)).all()
    return (rows[-1][0] if rows else after), [alert for _, alert in rows]


def unit_at(connection: Connection, tenant: str, alert_seq: int) -> Members:
    """Return the unit in which an alert is.

    Of those outside incidents only what was received within a day of it is looked through: the records have no other order.
    """
    incident = connection.exec_driver_sql(_INCIDENT, (alert_seq,)).scalar()
    if incident is not None:
        seqs = list(connection.exec_driver_sql(_MEMBERS, (incident,)).scalars())
        return Members(unit_of(tenant, incident, "", "", 0.0), seqs)
    about = "SELECT received, fact FROM alerts WHERE seq = ?"
    received, fact = connection.exec_driver_sql(about, (alert_seq,)).one()
    mine = FactBlock.unpack([fact])
    unit = unit_of(tenant, "", f"{mine.columns[0, _RULE]:x}", f"{mine.columns[0, _ENTITY]:x}", float(mine.time[0]))
    low, high = (last_received(connection, received + seconds) for seconds in (-DAY_SECONDS, DAY_SECONDS))
    same = connection.exec_driver_sql(_SAME, (min(low, alert_seq - 1), high, bytes(fact)[17:49])).all()
    times = FactBlock.unpack([row.fact for row in same]).time.tolist()
    return Members(unit, [row.seq for row, time in zip(same, times, strict=True) if math.floor(time / DAY_SECONDS) == unit.day])


def tenant_of(connection: Connection, alert_seq: int) -> str:
    """Return whose an alert is."""
    return str(connection.exec_driver_sql("SELECT tenant FROM alerts WHERE seq = ?", (alert_seq,)).scalar_one())


def judged_alerts(
    connection: Connection, members: Members, certificates: Certificates, rules: dict[int, RuleRef]
) -> dict[str, tuple[Certificate, list[JudgedAlert]]]:
    """Return for each certificate, by uid, those alerts of a unit that lie in its group and were decided while it was in the
    bundle, in the order of their decisions."""
    given = msgspec.json.encode(members.seqs).decode()
    rows = connection.exec_driver_sql(_FIRST, (given,)).all()
    told, enough = labels_on(connection, members.seqs), needed(connection, members.unit.tenant)
    found: dict[str, tuple[Certificate, list[JudgedAlert]]] = {}
    for row, groups in zip(rows, _groups(members.unit.tenant, rows, rules), strict=True):
        alert = _judged(members.unit, row, told.get(row.alert_seq, []), enough)
        for certificate in certificates(row.bundle):
            if certificate.group in groups:
                found.setdefault(certificate.uid, (certificate, []))[1].append(alert)
    return found


def first_attack(connection: Connection, seqs: Iterable[int]) -> int | None:
    """Return the first of some alerts that a person calls an attack."""
    return min((seq for seq, told in labels_on(connection, seqs).items() if is_attack(told)), default=None)


def _groups(tenant: str, rows: Sequence[Any], rules: dict[int, RuleRef]) -> list[tuple[str, ...]]:
    facts = FactBlock.unpack([row.fact for row in rows])
    severity = np.nan_to_num(facts.values[:, _SEVERITY], nan=UNKNOWN_SEVERITY).astype(int).tolist()
    refs = [rules[rule] for rule in facts.columns[:, _RULE].tolist()]
    pseudonym = tenant_key(tenant)
    return [groups_of(pseudonym, ref.product, level, ref.uid) for ref, level in zip(refs, severity, strict=True)]


def _judged(unit: Unit, row: Any, told: Sequence[Label], enough: int) -> JudgedAlert:
    """Return an alert as it was first decided: what came of it later, by no lot, says nothing of the certificate."""
    codes = row.reason_codes.split()
    hidden, lot = would_hide(row.action, codes), by_lot(row.action, codes, row.published_action)
    always = lot and ReasonCode.AUDIT not in codes
    agreed = len(attackers(told))
    attacks = LOOKS if hidden and agreed >= enough else max(agreed, int(is_attack(told)))
    return JudgedAlert(unit, attacks, hidden, 1.0 if always or not hidden else row.shown, lot)
