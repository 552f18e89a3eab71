"""Closure and escalation: outcomes, what the rules watch, and how incidents ended."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0005"
down_revision = "r0004"


def upgrade() -> None:
    """Create the tables; neither what was reported nor how an incident ended is ever changed."""
    op.create_table(
        "outcomes", sa.Column("seq", sa.Integer, primary_key=True), _text("tenant"), _text("uid"), _text("incident"),
        sa.Column("received", sa.Float, nullable=False), _bytes("payload"), sa.UniqueConstraint("tenant", "uid"),
    )  # fmt: skip
    op.create_index("ix_outcomes_incident", "outcomes", ["incident"])
    op.create_table(
        "watches", sa.Column("incident", sa.String, primary_key=True), _text("tenant"),
        sa.Column("revision", sa.Integer, nullable=False), sa.Column("due", sa.Float, nullable=False),
    )  # fmt: skip
    op.create_index("ix_watches_due", "watches", ["due"])
    op.create_table(
        "endings", sa.Column("seq", sa.Integer, primary_key=True), _text("tenant"), _text("incident"), _text("status"),
        _bytes("past"), _bytes("report"),
    )  # fmt: skip
    op.create_index("ix_endings_incident", "endings", ["incident", "seq"])
    for table in ("outcomes", "endings"):
        for change in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{change.lower()} BEFORE {change} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )


def downgrade() -> None:
    """Drop all."""
    for table in ("endings", "watches", "outcomes"):
        op.drop_table(table)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String, nullable=False)


def _bytes(name: str) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary, nullable=False)
