"""Erasure: what is personal of an alert goes, what the machine decided and learned from it stays, and the log still holds.

Of the alert remain its tenant, times, product, rule, severity, tactics and techniques, under a pseudonym; of its labels all but
their free text. That it was the service who erased it is sealed under the installation's secret.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection

from features.alert import Alert
from features.label import Label
from service.errors import GoneError, NotFoundError
from service.store.decision_log import DecisionLog

_ENCODER = msgspec.json.Encoder()
_FIND = "SELECT seq, uid, digest, payload FROM alerts WHERE tenant = ? AND uid = ?"
_PAGE = "SELECT seq, payload FROM alerts WHERE tenant = ? AND seq > ? AND length(digest) > 0 ORDER BY seq LIMIT 5000"
_LABELS = "SELECT seq, payload FROM labels WHERE alert_seq = ?"


def erase(connection: Connection, log: DecisionLog, tenant: str, uid: str, *, by: str, now: float) -> None:
    """Erase one alert, in the caller's transaction. Raises ``NotFoundError``, ``GoneError`` when it is erased already."""
    row = connection.exec_driver_sql(_FIND, (tenant, uid)).first()
    if row is None or not row.digest:
        refuse_erased(connection, log, tenant, uid)
        raise NotFoundError(f"no alert {uid}")
    subject = log.subject(tenant, uid)
    pseudonym = pseudonym_of(subject)
    alert = msgspec.json.decode(row.payload, type=Alert)
    payload = _ENCODER.encode(msgspec.structs.replace(alert, uid=pseudonym, entities=(), observables=(), message="", raw=""))
    seal = log.seal(row.seq, now, by, subject, log.content(row.digest, row.payload), pseudonym, payload)
    connection.exec_driver_sql('INSERT INTO erasures (alert_seq, time, "by", seal) VALUES (?,?,?,?)', (row.seq, now, by, seal))
    connection.exec_driver_sql(
        "UPDATE alerts SET uid = ?, digest = x'', payload = ? WHERE seq = ?", (pseudonym, payload, row.seq)
    )
    for seq, body in connection.exec_driver_sql(_LABELS, (row.seq,)).all():
        label = msgspec.structs.replace(msgspec.json.decode(body, type=Label), alert_uid=pseudonym, reason="")
        connection.exec_driver_sql("UPDATE labels SET payload = ? WHERE seq = ?", (_ENCODER.encode(label), seq))
    connection.exec_driver_sql("DELETE FROM queue WHERE alert_seq = ?", (row.seq,))


def naming(connection: Connection, tenant: str, entity: str) -> list[str]:
    """Return the uids of the alerts of a tenant that name an entity, in whatever part, kind or case of letters."""
    found: list[str] = []
    wanted, last = entity.casefold(), 0
    while rows := connection.exec_driver_sql(_PAGE, (tenant, last)).all():
        for last, payload in rows:  # noqa: B007 — the last number is where the next page begins
            alert = msgspec.json.decode(payload, type=Alert)
            named = {one.uid.casefold() for one in alert.entities} | {one.value.casefold() for one in alert.observables}
            if wanted in named:
                found.append(alert.uid)
    return found


def refuse_erased(connection: Connection, log: DecisionLog, tenant: str, uid: str) -> None:
    """Raise ``GoneError`` if the alert of that uid was erased."""
    if erased_of(connection, log, tenant, [uid]):
        raise GoneError(f"alert {uid} was erased")


def erased_of(connection: Connection, log: DecisionLog, tenant: str, uids: Sequence[str]) -> dict[str, int]:
    """Return the numbers of those alerts that were sent under one of the ``uids`` and have been erased since."""
    if not uids or connection.exec_driver_sql("SELECT 1 FROM erasures LIMIT 1").first() is None:
        return {}
    by = {pseudonym_of(log.subject(tenant, uid)): uid for uid in uids}
    by |= {uid: uid for uid in uids if is_pseudonym(uid)}
    found: dict[str, int] = {}
    names = list(by)
    for start in range(0, len(names), 500):
        some = names[start : start + 500]
        asked = f"SELECT uid, seq FROM alerts WHERE tenant = ? AND length(digest) = 0 AND uid IN ({','.join('?' * len(some))})"  # noqa: S608
        found.update((by[uid], seq) for uid, seq in connection.exec_driver_sql(asked, (tenant, *some)))
    return found


def pseudonym_of(subject: bytes) -> str:
    """Return the uid under which what remains of an erased alert is kept."""
    return "erased-" + subject.hex()


def is_pseudonym(uid: str) -> bool:
    """Whether a uid looks like that of an erased alert."""
    return len(uid) == _LENGTH and uid.startswith("erased-")


_LENGTH = len(pseudonym_of(bytes(16)))
