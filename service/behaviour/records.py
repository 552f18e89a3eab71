"""Entities as stored. What writes is called with the writing connection, in the scorer's thread, as within ``host.write(…)``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, Row, and_, delete, or_, select

from features.alert import EntityKind
from models.behaviour.judgement import DayJudgement, EventJudgement
from models.controls import Control, Standing, Whom
from models.risk import EntityRisk
from service.store.entity_tables import anomalies, control_changes, day_verdicts, entities, risk_days, unmaskings

_ENCODER = msgspec.json.Encoder()
_COLUMNS = (
    "tenant", "kind", "uid", "name", "pseudonym", "risk", "updated", "decided", "since", "control", "why", "judged", "payload",
)  # fmt: skip
_SAVE = (
    f"INSERT INTO entities ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))}) "  # noqa: S608 — constants
    f"ON CONFLICT (tenant, kind, uid) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in _COLUMNS[5:])}"
)
_FIND = "SELECT * FROM entities WHERE tenant = ? AND kind = ? AND uid = ?"
_DAY = (
    "INSERT INTO risk_days (tenant, kind, uid, day, risk, level) VALUES (?,?,?,?,?,?) ON CONFLICT (tenant, kind, uid, day) "
    "DO UPDATE SET risk = max(risk, excluded.risk), level = max(level, excluded.level)"
)
_ANOMALY = (
    "INSERT INTO anomalies (tenant, kind, uid, day, score, p_value, flagged, events, payload) VALUES (?,?,?,?,?,?,?,?,?) "
    "ON CONFLICT (tenant, kind, uid, day) DO UPDATE SET score = excluded.score, p_value = excluded.p_value, "
    "flagged = excluded.flagged, events = excluded.events, payload = excluded.payload"
)
ATTACK, HARMLESS, NOBODY = "attack", "harmless", ""
"""What people said of an entity."""


class Entity(msgspec.Struct, kw_only=True):
    """An entity as stored. ``risk`` is as of ``updated`` (epoch seconds); ``standing`` the control that was decided, ``control`` what
    of it was let out, ``why`` not all."""

    tenant: str
    kind: EntityKind
    uid: str
    name: str
    pseudonym: str
    state: EntityRisk
    risk: float = 0.0
    updated: float = 0.0
    standing: Standing = Standing()
    control: Control = Control.NONE
    why: str = ""
    id: int = 0

    @property
    def whom(self) -> Whom:
        """Its tenant, kind and uid."""
        return Whom(self.tenant, self.kind, self.uid)

    @property
    def judged(self) -> str:
        """What people said of it."""
        said = [one.attack for source in self.state.sources.values() for one in source.said.values()]
        return ATTACK if any(said) else HARMLESS if said else NOBODY


class Anomaly(msgspec.Struct, frozen=True, kw_only=True):
    """What was judged of an account's day, ``None`` as long as it has not ended, and of its strangest event so far."""

    day: int
    judgement: DayJudgement | None = None
    peak: EventJudgement | None = None


class Change(NamedTuple):
    """A control that changed."""

    time: float
    risk: float
    decided: str
    control: str
    why: str


class Unmasking(NamedTuple):
    """Somebody who asked for a name."""

    time: float
    pseudonym: str
    by: str
    role: str
    reason: str


# -- writing ----------------------------------------------------------------------------------------------------------


def save(connection: Connection, some: Iterable[Entity]) -> None:
    """Write entities as they are, and the height of their risk on the day of ``updated``."""
    held = list(some)
    if held:
        connection.exec_driver_sql(_SAVE, [_values(one) for one in held])
        connection.exec_driver_sql(
            _DAY,
            [(one.tenant, one.kind.value, one.uid, day_of(one.updated), one.risk, one.standing.level.place) for one in held],
        )


def save_days(connection: Connection, some: Iterable[tuple[Whom, int, float]]) -> None:
    """Write the risk of entities at the end of a UTC day, with the control that it would have had for itself."""
    rows = [(*_key(whom), day, risk, Standing().next(risk, 0.0).level.place) for whom, day, risk in some]
    if rows:
        connection.exec_driver_sql(_DAY, rows)


def save_anomalies(connection: Connection, some: Iterable[tuple[Whom, Anomaly]]) -> None:
    """Write what was judged of days."""
    rows = [(*_key(whom), one.day, *_numbers(one), _ENCODER.encode(one)) for whom, one in some]
    if rows:
        connection.exec_driver_sql(_ANOMALY, rows)


def add_change(connection: Connection, one: Entity) -> None:
    """Write down that the control of an entity changed."""
    row = dict(zip(("tenant", "kind", "uid"), _key(one.whom), strict=True))
    connection.execute(
        control_changes.insert(),
        {
            **row,
            "time": one.updated,
            "risk": one.risk,
            "decided": one.standing.level.value,
            "control": one.control.value,
            "why": one.why,
        },
    )


def add_unmasking(connection: Connection, tenant: str, one: Unmasking) -> None:
    """Write down that somebody asked for a name."""
    connection.execute(unmaskings.insert(), {"tenant": tenant, **one._asdict()})


def erase(connection: Connection, tenant: str, uid: str, kind: EntityKind | None = None) -> int:
    """Delete all that is known of an entity, of whatever kind if none is named; return how many rows. Who asked for its name stays."""
    gone = 0
    for table in (entities, anomalies, risk_days, control_changes, day_verdicts):
        statement = delete(table).where(table.c.tenant == tenant, table.c.uid == uid)
        gone += connection.execute(statement if kind is None else statement.where(table.c.kind == kind.value)).rowcount
    return gone


def forget(connection: Connection, anomalies_before: float, risk_before: float, most: int) -> int:
    """Delete at most ``most`` rows of each kind that are older (epoch seconds); return how many."""
    gone = 0
    for table, old in (
        ("anomalies", f"day < {day_of(anomalies_before)}"),
        ("day_verdicts", f"day < {day_of(anomalies_before)}"),
        ("risk_days", f"day < {day_of(risk_before)}"),
        ("control_changes", f"time < {risk_before!r}"),
        ("entities", f"updated < {risk_before!r}"),
    ):
        rowid = f"SELECT rowid FROM {table} WHERE {old} LIMIT {most}"  # noqa: S608 — numbers only
        gone += connection.exec_driver_sql(f"DELETE FROM {table} WHERE rowid IN ({rowid})").rowcount  # noqa: S608
    return gone


# -- reading ----------------------------------------------------------------------------------------------------------


def find(connection: Connection, whom: Whom) -> Entity | None:
    """Return an entity by its uid, in the form in which names are compared."""
    row = connection.exec_driver_sql(_FIND, _key(whom)).first()
    return None if row is None else _entity(row)


def find_pseudonym(connection: Connection, tenant: str, kind: EntityKind, pseudonym: str) -> Entity | None:
    """Return an entity by its pseudonym."""
    named = select(entities).where(entities.c.tenant == tenant, entities.c.pseudonym == pseudonym, entities.c.kind == kind.value)
    row = connection.execute(named).first()
    return None if row is None else _entity(row)


def listed(
    connection: Connection, tenant: str, kind: EntityKind | None, limit: int, after: tuple[float, int] | None
) -> list[Entity]:
    """Return entities, the highest risk first; ``after`` is the risk and number of the last one seen."""
    statement = select(entities).where(entities.c.tenant == tenant)
    if kind is not None:
        statement = statement.where(entities.c.kind == kind.value)
    if after is not None:
        risk, number = after
        statement = statement.where(or_(entities.c.risk < risk, and_(entities.c.risk == risk, entities.c.id < number)))
    rows = connection.execute(statement.order_by(entities.c.risk.desc(), entities.c.id.desc()).limit(limit))
    return [_entity(row) for row in rows]


def stale(connection: Connection, before: float, most: int, *, bounded: bool = False) -> list[Entity]:
    """Return entities with some risk or control that were last looked at before; ``bounded``: those whose control touches access."""
    statement = select(entities).where(entities.c.updated < before)
    touched = entities.c.decided.in_([Control.STEP_UP.value, Control.RESTRICT.value])
    alive = or_(entities.c.risk >= _LEAST_RISK, entities.c.decided != Control.NONE.value)
    rows = connection.execute(statement.where(touched if bounded else alive).order_by(entities.c.updated).limit(most))
    return [_entity(row) for row in rows]


_LEAST_RISK = 1.0


def anomalies_of(connection: Connection, whom: Whom, most: int = 400) -> list[Anomaly]:
    """Return what was judged of the last days of an entity, the latest first."""
    tenant, kind, uid = _key(whom)
    of = (anomalies.c.tenant == tenant, anomalies.c.kind == kind, anomalies.c.uid == uid)
    rows = connection.execute(select(anomalies.c.payload).where(*of).order_by(anomalies.c.day.desc()).limit(most))
    return [msgspec.json.decode(body, type=Anomaly) for body in rows.scalars()]


def anomaly_of(connection: Connection, whom: Whom, day: int) -> Anomaly | None:
    """Return what was judged of one day of an entity."""
    of = zip(("tenant", "kind", "uid"), _key(whom), strict=True)
    wanted = [anomalies.c[name] == value for name, value in of]
    body = connection.execute(select(anomalies.c.payload).where(*wanted, anomalies.c.day == day)).scalar()
    return None if body is None else msgspec.json.decode(body, type=Anomaly)


def peers_on(connection: Connection, whom: Whom, day: int, most: int = 2000) -> list[tuple[int, float | None]]:
    """Return events and anomaly score of the day of others of the kind in the tenant."""
    tenant, kind, uid = _key(whom)
    of = (anomalies.c.day == day, anomalies.c.tenant == tenant, anomalies.c.kind == kind, anomalies.c.uid != uid)
    return [
        (events, score)
        for events, score in connection.execute(select(anomalies.c.events, anomalies.c.score).where(*of).limit(most))
    ]


def risk_days_of(connection: Connection, whom: Whom, since: int = 0) -> list[tuple[int, float, int]]:
    """Return the highest risk of each day of an entity and the place of its control, oldest first."""
    tenant, kind, uid = _key(whom)
    of = (risk_days.c.tenant == tenant, risk_days.c.kind == kind, risk_days.c.uid == uid, risk_days.c.day >= since)
    rows = connection.execute(select(risk_days.c.day, risk_days.c.risk, risk_days.c.level).where(*of).order_by(risk_days.c.day))
    return [(day, risk, level) for day, risk, level in rows]


def changes_of(connection: Connection, whom: Whom, most: int = 100) -> list[Change]:
    """Return how the control of an entity changed, the latest first."""
    tenant, kind, uid = _key(whom)
    c = control_changes.c
    statement = select(c.time, c.risk, c.decided, c.control, c.why).where(c.tenant == tenant, c.kind == kind, c.uid == uid)
    return [Change(*row) for row in connection.execute(statement.order_by(c.seq.desc()).limit(most))]


def unmasked(connection: Connection, tenant: str, pseudonym: str = "", most: int = 100) -> list[Unmasking]:
    """Return who asked for the names of a tenant's entities, or of one, the latest first."""
    c = unmaskings.c
    statement = select(c.time, c.pseudonym, c.by, c.role, c.reason).where(c.tenant == tenant)
    statement = statement.where(c.pseudonym == pseudonym) if pseudonym else statement
    return [Unmasking(*row) for row in connection.execute(statement.order_by(c.seq.desc()).limit(most))]


def day_of(time: float) -> int:
    """Return the UTC day of epoch seconds, counted from 1970."""
    return int(time // 86_400.0)


def _key(whom: Whom) -> tuple[str, str, str]:
    return whom.tenant, whom.kind.value, whom.uid


def _values(one: Entity) -> Sequence[Any]:
    return (
        one.tenant, one.kind.value, one.uid, one.name, one.pseudonym, one.risk, one.updated, one.standing.level.value,
        one.standing.since, one.control.value, one.why, one.judged, _ENCODER.encode(one.state),
    )  # fmt: skip


def _numbers(one: Anomaly) -> tuple[float | None, float | None, bool, int]:
    day, peak = one.judgement, one.peak
    if day is not None:
        return day.anomaly_score, day.p_value, day.flagged, day.events
    return peak.anomaly_score if peak is not None else None, None, False, 0


def _entity(row: Row[Any]) -> Entity:
    return Entity(
        id=row.id,
        tenant=row.tenant,
        kind=EntityKind(row.kind),
        uid=row.uid,
        name=row.name,
        pseudonym=row.pseudonym,
        state=msgspec.json.decode(row.payload, type=EntityRisk),
        risk=row.risk,
        updated=row.updated,
        standing=Standing(Control(row.decided), row.since),
        control=Control(row.control),
        why=row.why,
    )
