"""The first schema: alerts, decisions, labels, queue, names, past."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0001"
down_revision = None

_APPEND_ONLY = ("alerts", "decisions", "labels")


def upgrade() -> None:
    """Create the tables, and the triggers that keep records from being changed."""
    seq = sa.Column("seq", sa.Integer, primary_key=True)
    op.create_table(
        "alerts", seq, _text("tenant"), _text("uid"), _number("received"), _bytes("digest"), _bytes("payload"), _bytes("fact"),
        sa.UniqueConstraint("tenant", "uid"),
    )  # fmt: skip
    op.create_table(
        "decisions", sa.Column("id", sa.Integer, primary_key=True), _integer("alert_seq"), _integer("revision"), _number("time"),
        _text("action"), _integer("priority"), sa.Column("raw", sa.Float), sa.Column("score", sa.Float),
        sa.Column("anomaly", sa.Float), _text("reason_codes"), _text("bundle"), _bytes("features"),
    )  # fmt: skip
    op.create_index("ix_decisions_alert_seq", "decisions", ["alert_seq"])
    op.create_table(
        "labels", sa.Column("seq", sa.Integer, primary_key=True), _text("tenant"), _text("uid"), _integer("alert_seq"),
        _bytes("payload"), _bytes("fact"), sa.UniqueConstraint("tenant", "uid"),
    )  # fmt: skip
    op.create_index("ix_labels_alert_seq", "labels", ["alert_seq"])
    op.create_table("queue", sa.Column("alert_seq", sa.Integer, primary_key=True), _text("tenant"), _integer("priority"))
    op.create_index("queue_order", "queue", ["tenant", "priority", "alert_seq"])
    op.create_table(
        "names",
        sa.Column("id", sa.Integer, primary_key=True),
        _text("product"),
        _text("rule_uid"),
        _text("rule_name"),
        _text("tenant"),
    )
    op.create_table("past", sa.Column("id", sa.Integer, primary_key=True), _text("source"), _bytes("facts"))
    for table in _APPEND_ONLY:
        for change in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{change.lower()} BEFORE {change} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )


def downgrade() -> None:
    """Drop everything."""
    for table in ("past", "names", "queue", "labels", "decisions", "alerts"):
        op.drop_table(table)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String, nullable=False)


def _integer(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False)


def _number(name: str) -> sa.Column[float]:
    return sa.Column(name, sa.Float, nullable=False)


def _bytes(name: str) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary, nullable=False)
