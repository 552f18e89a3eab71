"""The tables. ``alerts``, ``decisions``, ``labels`` and ``incident_events`` are append-only, but
for what an erasure blanks; ``queue`` follows from them."""

from __future__ import annotations

from sqlalchemy import Column, Float, Index, Integer, LargeBinary, MetaData, String, Table, UniqueConstraint, text

metadata = MetaData()
_NONE = text("x''")

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
    Column("published_action", String, nullable=False),
    Column("tier", String, nullable=False, server_default=""),
    Column("policy", String, nullable=False, server_default=""),
    Column("certificate", String, nullable=False, server_default=""),
    Column("subject", LargeBinary, nullable=False, server_default=_NONE),
    Column("content", LargeBinary, nullable=False, server_default=_NONE),
    Column("chain", LargeBinary, nullable=False, server_default=_NONE),
    Index("ix_decisions_suppressed", "certificate", sqlite_where=text("published_action = 'suppress'")),
)
"""Written by ``decision_log.py`` only, which chains them. ``subject`` and ``content`` are salted digests of the alert."""

erasures = Table(
    "erasures",
    metadata,
    Column("alert_seq", Integer, primary_key=True),
    Column("time", Float, nullable=False),
    Column("by", String, nullable=False),
    Column("seal", LargeBinary, nullable=False),
)
"""Alerts whose personal payload was erased, when and by whom, append-only."""

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

incidents = Table(
    "incidents",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("uid", String, nullable=False, unique=True),
    Column("tenant", String, nullable=False),
    Column("status", String, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("created", Float, nullable=False),
    Column("updated", Float, nullable=False),
    Column("first", Float, nullable=False),
    Column("last", Float, nullable=False),
    Column("score", Float, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("alerts", Integer, nullable=False),
    Column("merged_into", String, index=True),
    Column("payload", LargeBinary, nullable=False),
    Index("ix_incidents_order", "tenant", "status", "id"),
    Index("ix_incidents_last", "last"),
)
"""Incidents as they are now; ``id`` is the order in which they were raised."""

incident_lines = Table(
    "incident_lines",
    metadata,
    Column("line", String, primary_key=True),
    Column("incident", String, nullable=False, index=True),
)
"""In which incident a line of alerts is."""

incident_alerts = Table(
    "incident_alerts",
    metadata,
    Column("alert_seq", Integer, primary_key=True),
    Column("line", String, nullable=False, index=True),
)
"""In which line an alert is that is in an incident."""

incident_events = Table(
    "incident_events",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("incident", String, nullable=False, index=True),
    Column("time", Float, nullable=False),
    Column("kind", String, nullable=False),
    Column("by", String, nullable=False),
    Column("payload", LargeBinary, nullable=False),
)
"""What happened to an incident, append-only."""

marks = Table("marks", metadata, Column("name", String, primary_key=True), Column("seq", Integer, nullable=False))
"""How far something that reads the records has come, or which version of something it last saw."""

outcomes = Table(
    "outcomes",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("tenant", String, nullable=False),
    Column("uid", String, nullable=False),
    Column("incident", String, nullable=False, index=True),
    Column("received", Float, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    UniqueConstraint("tenant", "uid"),
)
"""What automation reported, append-only, under the incident as it was called then."""

watches = Table(
    "watches",
    metadata,
    Column("incident", String, primary_key=True),
    Column("tenant", String, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("due", Float, nullable=False, index=True),
)
"""Incidents on which something was said, the revision that the rules saw, and when they are to look again at the latest."""

endings = Table(
    "endings",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("tenant", String, nullable=False),
    Column("incident", String, nullable=False),
    Column("status", String, nullable=False),
    Column("past", LargeBinary, nullable=False),
    Column("report", LargeBinary, nullable=False),
    Index("ix_endings_incident", "incident", "seq"),
)
"""Closures and escalations, append-only: the full report, and what later incidents learn from it."""

observations = Table(
    "observations",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("certificate", String, nullable=False),
    Column("tenant", String, nullable=False),
    Column("alert_seq", Integer, nullable=False),
    Column("suppressed", Integer, nullable=False),
    Column("shown", Float, nullable=False),
    Column("alerts_group", String, nullable=False),
    Column("alpha", Float, nullable=False),
    Column("delta", Float, nullable=False),
    UniqueConstraint("certificate", "alert_seq"),
)
"""True-positive units in the order in which they entered the anytime test of a certificate, append-only; ``alert_seq`` is the
alert that made each one known."""

events = Table(
    "events",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("tenant", String, nullable=False),
    Column("uid", String, nullable=False),
    Column("received", Float, nullable=False),
    Column("time", Float, nullable=False, index=True),
    Column("actor_kind", String, nullable=False),
    Column("actor", String, nullable=False),
    Column("target_kind", String, nullable=False),
    Column("target", String, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    UniqueConstraint("tenant", "uid"),
    Index("ix_events_actor", "tenant", "actor", "seq"),
    Index("ix_events_target", "tenant", "target", "seq", sqlite_where=text("target != ''")),
    sqlite_autoincrement=True,
)
"""What users and hosts did, never changed, deleted when its time is over or somebody is erased; ``seq`` is never given again."""
