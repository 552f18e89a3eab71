"""Numbers by time: alerts are numbered in the order of receipt, so a time is found by halving."""

from __future__ import annotations

from sqlalchemy import Connection, select

from service.store.tables import alerts, marks


def last_received(connection: Connection, until: float) -> int:
    """Return the number of the last alert received by ``until`` (epoch seconds); 0 if there is none. ``received`` has no index."""
    newest = connection.execute(select(alerts.c.seq).order_by(alerts.c.seq.desc()).limit(1)).scalar() or 0
    low, high = 0, newest
    while low < high:
        middle = (low + high) // 2
        following = select(alerts.c.seq, alerts.c.received).where(alerts.c.seq > middle).order_by(alerts.c.seq).limit(1)
        seq, received = connection.execute(following).one()
        low, high = (seq, high) if received <= until else (low, middle)
    return int(low)


def received_at(connection: Connection, seq: int) -> float:
    """Return when the last alert numbered up to ``seq`` was received; the beginning of time if there is none."""
    statement = select(alerts.c.received).where(alerts.c.seq <= seq).order_by(alerts.c.seq.desc()).limit(1)
    return connection.execute(statement).scalar() or 0.0


def mark_of(connection: Connection, name: str) -> int | None:
    """Return how far something that reads the records has come; ``None`` if it never began."""
    return connection.execute(select(marks.c.seq).where(marks.c.name == name)).scalar()


def set_mark(connection: Connection, name: str, seq: int) -> None:
    """Write down how far something has come."""
    connection.exec_driver_sql(
        "INSERT INTO marks (name, seq) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET seq = excluded.seq", (name, seq)
    )
