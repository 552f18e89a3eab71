"""The tables. ``alerts``, ``decisions``, ``labels`` and ``messages`` are append-only; ``queue`` and ``deliveries`` are work lists."""

from __future__ import annotations

from sqlalchemy import Column, Float, Index, Integer, LargeBinary, MetaData, String, Table, UniqueConstraint

metadata = MetaData()

alerts = Table(
    "alerts",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("tenant", String, nullable=False),
    Column("uid", String, nullable=False),
    Column("received", Float, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("fact", LargeBinary, nullable=False),
    UniqueConstraint("tenant", "uid"),
)

decisions = Table(
    "decisions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("alert_seq", Integer, nullable=False, index=True),
    Column("revision", Integer, nullable=False),
    Column("time", Float, nullable=False),
    Column("action", String, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("raw", Float),
    Column("score", Float),
    Column("anomaly", Float),
    Column("reason_codes", String, nullable=False),
    Column("bundle", String, nullable=False),
    Column("features", LargeBinary, nullable=False),
    Column("shown", Float, nullable=False, server_default="1.0"),
)

labels = Table(
    "labels",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("tenant", String, nullable=False),
    Column("uid", String, nullable=False),
    Column("alert_seq", Integer, nullable=False, index=True),
    Column("payload", LargeBinary, nullable=False),
    Column("fact", LargeBinary, nullable=False),
    UniqueConstraint("tenant", "uid"),
)

queue = Table(
    "queue",
    metadata,
    Column("alert_seq", Integer, primary_key=True),
    Column("tenant", String, nullable=False),
    Column("priority", Integer, nullable=False),
    Index("queue_order", "tenant", "priority", "alert_seq"),
)

names = Table(
    "names",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("product", String, nullable=False),
    Column("rule_uid", String, nullable=False),
    Column("rule_name", String, nullable=False),
    Column("tenant", String, nullable=False),
)
"""Every rule and tenant seen, so that a restarted engine can say what its hashes mean."""

past = Table(
    "past",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("source", String, nullable=False),
    Column("facts", LargeBinary, nullable=False),
)
"""Packed facts of histories that were folded in before the first alert."""

messages = Table(
    "messages",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("tenant", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Index("ix_messages_subject", "tenant", "subject"),
)
"""What is to be told to the outside, written in the transaction of its cause."""

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("message_seq", Integer, nullable=False),
    Column("receiver", String, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("state", String, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_attempt", Float, nullable=False),
    Column("error", String, nullable=False),
    UniqueConstraint("message_seq", "receiver"),
    Index("ix_deliveries_state", "state", "receiver", "message_seq"),
)
"""Which message goes to whom, and how far that is. A message that nobody wants has one row, without a receiver."""
