"""The tables of entities: their risk, what was judged of them, their controls, and who asked for their names."""

from __future__ import annotations

from sqlalchemy import Column, Float, Index, Integer, LargeBinary, String, Table, UniqueConstraint

from service.store.tables import metadata

entities = Table(
    "entities",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("tenant", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("uid", String, nullable=False),
    Column("name", String, nullable=False),
    Column("pseudonym", String, nullable=False),
    Column("risk", Float, nullable=False),
    Column("updated", Float, nullable=False, index=True),
    Column("decided", String, nullable=False),
    Column("since", Float, nullable=False),
    Column("control", String, nullable=False),
    Column("why", String, nullable=False),
    Column("judged", String, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    UniqueConstraint("tenant", "kind", "uid"),
    UniqueConstraint("tenant", "pseudonym"),
    Index("ix_entities_risk", "tenant", "risk", "id"),
)
"""Users and hosts of which something is known: the risk as of ``updated``, and the control that was ``decided`` and let out.

``uid`` is the form in which names are compared, ``name`` as it was first written; ``judged`` what people said of them."""

anomalies = Table(
    "anomalies",
    metadata,
    Column("tenant", String, primary_key=True),
    Column("kind", String, primary_key=True),
    Column("uid", String, primary_key=True),
    Column("day", Integer, primary_key=True),
    Column("score", Float),
    Column("p_value", Float),
    Column("flagged", Integer, nullable=False),
    Column("events", Integer, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Index("ix_anomalies_day", "day", "tenant", "kind"),
)
"""What was judged of an account's UTC day (days since 1970), and of its strangest event."""

risk_days = Table(
    "risk_days",
    metadata,
    Column("tenant", String, primary_key=True),
    Column("kind", String, primary_key=True),
    Column("uid", String, primary_key=True),
    Column("day", Integer, primary_key=True),
    Column("risk", Float, nullable=False),
    Column("level", Integer, nullable=False),
    Index("ix_risk_days_day", "day"),
)
"""The highest risk of each entity on each UTC day, and the place of the severest control that was decided."""

control_changes = Table(
    "control_changes",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("tenant", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("uid", String, nullable=False),
    Column("time", Float, nullable=False, index=True),
    Column("risk", Float, nullable=False),
    Column("decided", String, nullable=False),
    Column("control", String, nullable=False),
    Column("why", String, nullable=False),
    Index("ix_control_changes_entity", "tenant", "kind", "uid", "seq"),
)
"""When a control changed, and why not all of it was let out."""

unmaskings = Table(
    "unmaskings",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("time", Float, nullable=False),
    Column("tenant", String, nullable=False),
    Column("pseudonym", String, nullable=False),
    Column("by", String, nullable=False),
    Column("role", String, nullable=False),
    Column("reason", String, nullable=False),
    Index("ix_unmaskings_pseudonym", "tenant", "pseudonym"),
)
"""Who asked for the name behind a pseudonym, when and why, append-only."""

day_verdicts = Table(
    "day_verdicts",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("time", Float, nullable=False),
    Column("tenant", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("uid", String, nullable=False),
    Column("day", Integer, nullable=False, index=True),
    Column("verdict", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("by", String, nullable=False),
    Column("after_event", Integer, nullable=False),
    Index("ix_day_verdicts_entity", "tenant", "kind", "uid", "day"),
    sqlite_autoincrement=True,
)
"""What people said of the days of entities, after which event; never changed, the latest stands."""
