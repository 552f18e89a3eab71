"""Verdicts of people on the days of entities."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "r0011"
down_revision = "r0010"


def upgrade() -> None:
    """Create the table, which is never changed but from which rows may go; a number is never given again."""
    op.create_table(
        "day_verdicts", sa.Column("seq", sa.Integer, primary_key=True), _column("time", sa.Float),
        *(_column(name, sa.String) for name in ("tenant", "kind", "uid")), _column("day", sa.Integer),
        *(_column(name, sa.String) for name in ("verdict", "reason", "by")), _column("after_event", sa.Integer),
        sqlite_autoincrement=True,
    )  # fmt: skip
    op.create_index("ix_day_verdicts_entity", "day_verdicts", ["tenant", "kind", "uid", "day"])
    op.create_index("ix_day_verdicts_day", "day_verdicts", ["day"])
    op.execute(
        "CREATE TRIGGER day_verdicts_no_update BEFORE UPDATE ON day_verdicts "
        "BEGIN SELECT RAISE(ABORT, 'day_verdicts are never changed'); END"
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("day_verdicts")


def _column(name: str, kind: type[sa.types.TypeEngine[Any]]) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)
