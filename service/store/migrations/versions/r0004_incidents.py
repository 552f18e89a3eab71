"""Incidents: what they hold, which alerts are in them, and what happened to them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0004"
down_revision = "r0003"


def upgrade() -> None:
    """Create the tables; what happened to an incident is never changed."""
    op.create_table(
        "incidents", sa.Column("id", sa.Integer, primary_key=True), sa.Column("uid", sa.String, nullable=False, unique=True),
        _text("tenant"), _text("status"), _integer("revision"), _number("created"), _number("updated"), _number("first"),
        _number("last"), _number("score"), _integer("priority"), _integer("alerts"), sa.Column("merged_into", sa.String),
        sa.Column("payload", sa.LargeBinary, nullable=False),
    )  # fmt: skip
    op.create_index("ix_incidents_order", "incidents", ["tenant", "status", "id"])
    op.create_index("ix_incidents_last", "incidents", ["last"])
    op.create_index("ix_incidents_merged_into", "incidents", ["merged_into"])
    op.create_table("incident_lines", sa.Column("line", sa.String, primary_key=True), _text("incident"))
    op.create_index("ix_incident_lines_incident", "incident_lines", ["incident"])
    op.create_table("incident_alerts", sa.Column("alert_seq", sa.Integer, primary_key=True), _text("line"))
    op.create_index("ix_incident_alerts_line", "incident_alerts", ["line"])
    op.create_table(
        "incident_events", sa.Column("seq", sa.Integer, primary_key=True), _text("incident"), _number("time"), _text("kind"),
        _text("by"), sa.Column("payload", sa.LargeBinary, nullable=False),
    )  # fmt: skip
    op.create_index("ix_incident_events_incident", "incident_events", ["incident"])
    op.create_table("marks", sa.Column("name", sa.String, primary_key=True), _integer("seq"))
    for change in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER incident_events_no_{change.lower()} BEFORE {change} ON incident_events "
            "BEGIN SELECT RAISE(ABORT, 'incident_events is append-only'); END"
        )


def downgrade() -> None:
    """Drop all."""
    for table in ("marks", "incident_events", "incident_alerts", "incident_lines", "incidents"):
        op.drop_table(table)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String, nullable=False)


def _integer(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False)


def _number(name: str) -> sa.Column[float]:
    return sa.Column(name, sa.Float, nullable=False)
