"""Decisions say what the tenant's mode lets out, and name the live policy and the certificate they rest on."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0006"
down_revision = "r0005"

_NO_UPDATE = (
    "CREATE TRIGGER decisions_no_update BEFORE UPDATE ON decisions BEGIN SELECT RAISE(ABORT, 'decisions is append-only'); END"
)
_COLUMNS = ("published_action", "tier", "policy", "certificate")


def upgrade() -> None:
    """Add the columns; before there were modes everything was let out as it was decided."""
    for name in _COLUMNS:
        op.add_column("decisions", sa.Column(name, sa.String, nullable=False, server_default=""))
    op.execute("DROP TRIGGER decisions_no_update")
    op.execute("UPDATE decisions SET published_action = action")
    op.execute(_NO_UPDATE)


def downgrade() -> None:
    """Take the columns away."""
    for name in _COLUMNS:
        op.drop_column("decisions", name)
