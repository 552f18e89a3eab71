"""The outbox: messages, and their deliveries."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0003"
down_revision = "r0002"

_TRIGGERS = (
    "CREATE TRIGGER messages_no_update BEFORE UPDATE ON messages BEGIN SELECT RAISE(ABORT, 'messages is append-only'); END",
    "CREATE TRIGGER messages_no_delete BEFORE DELETE ON messages BEGIN SELECT RAISE(ABORT, 'messages is append-only'); END",
    "CREATE TRIGGER deliveries_sent_is_final BEFORE UPDATE ON deliveries WHEN OLD.state = 'sent' "
    "BEGIN SELECT RAISE(ABORT, 'what was sent stays sent'); END",
)


def upgrade() -> None:
    """Create the tables; a message is never changed, and what arrived is never sent again."""
    op.create_table("messages", _integer("seq", primary_key=True), _text("tenant"), _text("subject"), _bytes("payload"))
    op.create_index("ix_messages_subject", "messages", ["tenant", "subject"])
    op.create_table(
        "deliveries", _integer("id", primary_key=True), _integer("message_seq"), _text("receiver"), _integer("epoch"),
        _text("state"), _integer("attempts"), sa.Column("next_attempt", sa.Float, nullable=False), _text("error"),
        sa.UniqueConstraint("message_seq", "receiver"),
    )  # fmt: skip
    op.create_index("ix_deliveries_state", "deliveries", ["state", "receiver", "message_seq"])
    for trigger in _TRIGGERS:
        op.execute(trigger)


def downgrade() -> None:
    """Drop both."""
    for table in ("deliveries", "messages"):
        op.drop_table(table)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String, nullable=False)


def _integer(name: str, *, primary_key: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False, primary_key=primary_key)


def _bytes(name: str) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary, nullable=False)
