"""Events: what users and hosts did, the input of behaviour analytics."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "r0009"
down_revision = "r0008"


def upgrade() -> None:
    """Create the table, which is never changed but from which rows may go; a number is never given again."""
    op.create_table(
        "events", sa.Column("seq", sa.Integer, primary_key=True), _column("tenant", sa.String), _column("uid", sa.String),
        _column("received", sa.Float), _column("time", sa.Float), _column("actor_kind", sa.String), _column("actor", sa.String),
        _column("target_kind", sa.String), _column("target", sa.String), _column("payload", sa.LargeBinary),
        sa.UniqueConstraint("tenant", "uid"), sqlite_autoincrement=True,
    )  # fmt: skip
    op.create_index("ix_events_time", "events", ["time"])
    op.create_index("ix_events_actor", "events", ["tenant", "actor", "seq"])
    op.create_index("ix_events_target", "events", ["tenant", "target", "seq"], sqlite_where=sa.text("target != ''"))
    op.execute(
        "CREATE TRIGGER events_no_update BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'events are never changed'); END"
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("events")


def _column(name: str, kind: type[sa.types.TypeEngine[Any]]) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)
