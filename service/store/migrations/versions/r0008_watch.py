"""What the anytime tests of certificates observed, and a way to what was suppressed under one."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "r0008"
down_revision = "r0007"


def upgrade() -> None:
    """Create the table, which is never changed, and the index."""
    op.create_table(
        "observations", sa.Column("seq", sa.Integer, primary_key=True), _column("certificate", sa.String), _column("tenant", sa.String),
        _column("alert_seq", sa.Integer), _column("suppressed", sa.Integer), _column("shown", sa.Float),
        _column("alerts_group", sa.String), _column("alpha", sa.Float), _column("delta", sa.Float),
        sa.UniqueConstraint("certificate", "alert_seq"),
    )  # fmt: skip
    for change in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER observations_no_{change.lower()} BEFORE {change} ON observations "
            "BEGIN SELECT RAISE(ABORT, 'observations is append-only'); END"
        )
    op.execute("CREATE INDEX ix_decisions_suppressed ON decisions (certificate) WHERE published_action = 'suppress'")


def downgrade() -> None:
    """Drop both."""
    op.execute("DROP INDEX ix_decisions_suppressed")
    op.drop_table("observations")


def _column(name: str, kind: type[sa.types.TypeEngine[Any]]) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)
