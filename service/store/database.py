"""The database: one writer that owns the file, readers beside it."""

from __future__ import annotations

import fcntl
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import alembic.command
import alembic.config
import msgspec
from sqlalchemy import URL, Connection, Engine, and_, bindparam, create_engine, event, func, or_, select
from sqlalchemy.exc import SQLAlchemyError

from features.alert import Alert, from_epoch
from features.encode import RuleRef
from features.label import Label
from models.decision import Action, Decision, ReasonCode
from service.errors import StartError
from service.store.decision_log import DecisionLog, DecisionRow, Of
from service.store.erasing import erased_of
from service.store.rows import insert_rows
from service.store.tables import alerts, decisions, labels, names, past, queue

_MIGRATIONS = Path(__file__).parent / "migrations"

_PRAGMAS = "journal_mode=WAL synchronous=FULL foreign_keys=ON secure_delete=ON temp_store=MEMORY cache_size=-65536"
_ALERTS = "alerts (seq, tenant, uid, received, digest, payload, fact)"
_QUEUE = "queue (alert_seq, tenant, priority)"
_INSERT_LABEL = "INSERT INTO labels (seq, tenant, uid, alert_seq, payload, fact) VALUES (?,?,?,?,?,?)"
_KNOWN = "SELECT uid, seq, digest FROM alerts WHERE tenant = ? AND uid IN"
_ASKED_AT_ONCE = 500
"""Values in a list of a statement; SQLite sets a limit to them. (Its ``json_each`` would cut a uid at a NUL.)"""
_FACTS = (
    "SELECT seq, fact FROM alerts WHERE seq > ? AND seq <= ? UNION ALL "
    "SELECT seq, fact FROM labels WHERE seq > ? AND seq <= ? ORDER BY seq"
)
_LATELY_QUEUED = (
    "SELECT priority FROM decisions CROSS JOIN alerts ON seq = alert_seq "
    "WHERE decisions.id > (SELECT MAX(id) FROM decisions) - 10000 AND tenant = ? AND published_action = 'queue' AND revision = 1 "
    "AND ' ' || reason_codes || ' ' NOT LIKE '% audit %' ORDER BY decisions.id DESC LIMIT ?"
)
"""The hot statements go to the driver as they are: SQLAlchemy's handling of each row would cost more than the insert."""

AlertRow = tuple[int, str, str, float, bytes, bytes, bytes]
LabelRow = tuple[int, str, str, int, bytes, bytes]


class Database:
    """SQLite in WAL mode, synchronous FULL. Opening migrates it and locks it: a second service on the file is refused.

    ``secret`` is the installation's: under it the decisions are chained.
    """

    def __init__(self, path: Path, secret: bytes) -> None:
        self.log = DecisionLog(secret)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = _lock(path.with_suffix(".lock"))
        self.engine = open_engine(path)
        try:
            self.writer: Connection = self.engine.connect()
            config = alembic.config.Config()
            config.set_main_option("script_location", str(_MIGRATIONS))
            config.attributes.update(connection=self.writer, secret=secret)
            with self.writer.begin():
                alembic.command.upgrade(config, "head")
        except SQLAlchemyError as error:
            self._let_go()
            raise StartError(f"{path} cannot be used: {error.__cause__ or error}") from error

    def close(self) -> None:
        """Close all connections, the writer's too: the last one folds the write-ahead log in. Give up the lock."""
        self.writer.close()
        self._let_go()

    def _let_go(self) -> None:
        self.engine.dispose()
        self._lock.close()

    # -- writing: called by the scorer's thread only ---------------------------------------------------------------

    def known(self, tenant: str, uids: Sequence[str]) -> dict[str, tuple[int, bytes]]:
        """Return (seq, digest) of those alerts that are stored already, by uid; an erased one has no digest."""
        found: dict[str, tuple[int, bytes]] = {}
        for start in range(0, len(uids), _ASKED_AT_ONCE):
            some = uids[start : start + _ASKED_AT_ONCE]
            rows = self.writer.exec_driver_sql(f"{_KNOWN} ({','.join('?' * len(some))})", (tenant, *some))
            found.update((uid, (seq, digest)) for uid, seq, digest in rows)
        gone = erased_of(self.writer, self.log, tenant, [uid for uid in uids if uid not in found])
        return found | {uid: (seq, b"") for uid, seq in gone.items()}

    def insert(
        self, new_alerts: Sequence[AlertRow], new_decisions: Sequence[DecisionRow], shown: Sequence[tuple[int, str, int]]
    ) -> None:
        """Insert alerts with their decisions (one each), and put those a person should see into the queue."""
        insert_rows(self.writer, _ALERTS, new_alerts)
        about = [
            Of(self.log.subject(tenant, uid), self.log.content(digest, payload), tenant, received, fact)
            for _, tenant, uid, received, digest, payload, fact in new_alerts
        ]
        self.log.append(self.writer, new_decisions, about)
        insert_rows(self.writer, _QUEUE, shown)

    def insert_label(self, row: LabelRow, *, judged: bool) -> None:
        """Insert a label, and take its alert off the queue if a person ``judged`` it."""
        self.writer.exec_driver_sql(_INSERT_LABEL, row)
        if judged:
            self.writer.execute(queue.delete().where(queue.c.alert_seq == row[3]))

    def insert_waiting(self, alert_seq: int, tenant: str, priority: int) -> None:
        """Put an alert back into the queue."""
        insert_rows(self.writer, _QUEUE, [(alert_seq, tenant, priority)])

    def insert_names(self, rules: Sequence[RuleRef], tenants: Sequence[str]) -> None:
        """Remember rules and tenants."""
        rows = [{"product": r.product, "rule_uid": r.uid, "rule_name": r.name, "tenant": ""} for r in rules]
        rows += [{"product": "", "rule_uid": "", "rule_name": "", "tenant": tenant} for tenant in tenants]
        if rows:
            self.writer.execute(names.insert(), rows)

    def insert_past(self, source: str, facts: bytes) -> None:
        """Remember facts of a folded history."""
        self.writer.execute(past.insert(), {"source": source, "facts": facts})

    def fold_log(self) -> None:
        """Fold the write-ahead log into the file and empty it, beside the writer: nothing of what was erased is left there.

        Where somebody reads just then it stays until the next time.
        """
        with self.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")

    # -- reading -----------------------------------------------------------------------------------------------------

    def last_seq(self, connection: Connection | None = None) -> int:
        """Return the number of the last fact that ``connection`` (the writer's own if ``None``) sees; 0 if there is none."""
        asked = connection or self.writer
        highest = [asked.execute(select(func.max(table.c.seq))).scalar() or 0 for table in (alerts, labels)]
        return max(highest)

    def names(self) -> tuple[list[RuleRef], list[str]]:
        """Return all rules and tenants seen."""
        rows = self.writer.execute(select(names.c.product, names.c.rule_uid, names.c.rule_name, names.c.tenant)).all()
        return [RuleRef(p, u, n) for p, u, n, _ in rows if p], [tenant for *_, tenant in rows if tenant]

    def past_sources(self) -> set[str]:
        """Return the digests of the histories folded in."""
        return set(self.writer.execute(select(past.c.source)).scalars())

    def past_facts(self, connection: Connection) -> Iterator[bytes]:
        """Yield the packed facts of the histories folded in."""
        yield from connection.execute(select(past.c.facts).order_by(past.c.id)).scalars()

    def facts(self, connection: Connection, after: int, until: int, size: int = 50_000) -> Iterator[list[bytes]]:
        """Yield the packed facts numbered ``after`` < seq ≤ ``until``, in order, ``size`` at a time."""
        cursor = connection.exec_driver_sql(_FACTS, (after, until, after, until))
        while rows := cursor.fetchmany(size):
            yield [fact for _, fact in rows]


def open_engine(path: Path) -> Engine:
    """Return an engine on the file, each connection with the pragmas that durability needs."""
    url = URL.create("sqlite", database=str(path))  # a path as it is: in the text of a URL some characters mean something
    engine = create_engine(url, connect_args={"check_same_thread": False, "timeout": 5.0}, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _record: object) -> None:
        for pragma in _PRAGMAS.split():
            connection.execute(f"PRAGMA {pragma}")

    return engine


def _lock(path: Path) -> IO[str]:
    file = path.open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise StartError(f"{path.with_suffix('.db')} is in use by another service") from None
    return file


class Stored(msgspec.Struct, frozen=True):
    """An alert as stored, with its current decision and what is needed to explain it."""

    seq: int
    alert: Alert
    decision: Decision
    features: bytes


_CURRENT = (
    select(alerts.c.seq, alerts.c.payload, decisions)
    .join(decisions, decisions.c.alert_seq == alerts.c.seq)
    .order_by(decisions.c.revision.desc())
)


def find(connection: Connection, tenant: str, uid: str) -> Stored | None:
    """Return an alert with its current decision."""
    row = connection.execute(_CURRENT.where(alerts.c.tenant == tenant, alerts.c.uid == uid).limit(1)).first()
    return _stored(row) if row else None


def find_seqs(connection: Connection, seqs: Sequence[int]) -> dict[int, Stored]:
    """Return alerts with their current decisions by seq."""
    statement = _CURRENT.where(alerts.c.seq.in_(bindparam("seqs", expanding=True)))
    found: dict[int, Stored] = {}
    for start in range(0, len(seqs), _ASKED_AT_ONCE):
        for row in connection.execute(statement, {"seqs": list(seqs[start : start + _ASKED_AT_ONCE])}):
            found.setdefault(row.seq, _stored(row))
    return found


def lately_queued(connection: Connection, tenant: str, most: int) -> list[int]:
    """Return the priorities of the alerts last queued for a tenant, oldest first, those drawn for the audit aside."""
    return [row[0] for row in connection.exec_driver_sql(_LATELY_QUEUED, (tenant, most))][::-1]


def find_label(connection: Connection, tenant: str, uid: str) -> Label | None:
    """Return the label of that uid."""
    body = connection.execute(select(labels.c.payload).where(labels.c.tenant == tenant, labels.c.uid == uid)).scalar()
    return msgspec.json.decode(body, type=Label) if body else None


def current_label(connection: Connection, alert_seq: int) -> Label | None:
    """Return the last label on an alert."""
    statement = select(labels.c.payload).where(labels.c.alert_seq == alert_seq).order_by(labels.c.seq.desc()).limit(1)
    body = connection.execute(statement).scalar()
    return msgspec.json.decode(body, type=Label) if body else None


def contests(connection: Connection, tenant: str) -> dict[int, str]:
    """Return the alerts that wait because two analysts are at odds, each with the last label on it, which decides if superseded."""
    statement = (
        select(labels.c.alert_seq, labels.c.payload)
        .join(queue, queue.c.alert_seq == labels.c.alert_seq)
        .where(queue.c.tenant == tenant)
        .order_by(labels.c.seq)
    )
    last = {seq: msgspec.json.decode(body, type=Label) for seq, body in connection.execute(statement)}
    return {seq: label.uid for seq, label in last.items() if label.contests}


def recent_labels(connection: Connection, since: float) -> list[Label]:
    """Return the labels received from ``since`` (epoch seconds) on, oldest first."""
    found: list[Label] = []
    for (body,) in connection.execute(select(labels.c.payload).order_by(labels.c.seq.desc())):
        label = msgspec.json.decode(body, type=Label)
        if label.received_time.timestamp() < since:
            break
        found.append(label)
    return found[::-1]


def alert_fact(connection: Connection, alert_seq: int) -> bytes:
    """Return the packed fact of an alert."""
    return bytes(connection.execute(select(alerts.c.fact).where(alerts.c.seq == alert_seq)).scalar_one())


def open_queue(connection: Connection, tenant: str, limit: int, after: tuple[int, int] | None) -> list[tuple[int, int]]:
    """Return (priority, seq) of the alerts that wait for a person, highest priority first, oldest first among equals."""
    statement = select(queue.c.priority, queue.c.alert_seq).where(queue.c.tenant == tenant)
    if after:
        lower, later = queue.c.priority < after[0], queue.c.alert_seq > after[1]
        position = or_(lower, and_(queue.c.priority == after[0], later))
        statement = statement.where(position)
    rows = connection.execute(statement.order_by(queue.c.priority.desc(), queue.c.alert_seq).limit(limit))
    return [(priority, seq) for priority, seq in rows]


def _stored(row: Any) -> Stored:
    alert = msgspec.json.decode(row.payload, type=Alert)
    return Stored(row.seq, alert, read_decision(row, alert), row.features)


def read_decision(row: Any, alert: Alert) -> Decision:
    """Return the decision that a row of the table stands for."""
    return Decision(
        uid=f"{row.alert_seq}.{row.revision}",
        alert_uid=alert.uid,
        tenant=alert.tenant,
        time=from_epoch(row.time),
        revision=row.revision,
        action=Action(row.action),
        published_action=Action(row.published_action),
        priority=row.priority,
        score=row.score,
        anomaly_score=row.anomaly,
        reason_codes=tuple(ReasonCode(code) for code in row.reason_codes.split()),
        tier=row.tier,
        bundle=row.bundle,
        policy=row.policy,
        certificate=row.certificate,
        supersedes=f"{row.alert_seq}.{row.revision - 1}" if row.revision > 1 else "",
        **({} if row.shown == 1.0 else {"shown": row.shown}),  # a default is left out by identity, not by value
    )
