"""Decisions say with which probability the alert came before a person."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0002"
down_revision = "r0001"


def upgrade() -> None:
    """Add the column; what was decided before was in the queue for sure, or not at all."""
    op.add_column("decisions", sa.Column("shown", sa.Float, nullable=False, server_default="1.0"))


def downgrade() -> None:
    """Take the column away."""
    op.drop_column("decisions", "shown")
