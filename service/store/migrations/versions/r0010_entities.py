"""Entities: their risk, what was judged of their days, their controls, and who asked for their names."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "r0010"
down_revision = "r0009"

_TABLES = ("unmaskings", "control_changes", "risk_days", "anomalies", "entities")


def upgrade() -> None:
    """Create the tables; of who asked for a name nothing is ever changed or deleted."""
    op.create_table(
        "entities", sa.Column("id", sa.Integer, primary_key=True), *_texts("tenant", "kind", "uid", "name", "pseudonym"),
        _column("risk", sa.Float), _column("updated", sa.Float), _column("decided", sa.String), _column("since", sa.Float),
        *_texts("control", "why", "judged"), _column("payload", sa.LargeBinary),
        sa.UniqueConstraint("tenant", "kind", "uid"), sa.UniqueConstraint("tenant", "pseudonym"),
    )  # fmt: skip
    op.create_table(
        "anomalies", *_texts("tenant", "kind", "uid"), _column("day", sa.Integer), sa.Column("score", sa.Float),
        sa.Column("p_value", sa.Float), _column("flagged", sa.Integer), _column("events", sa.Integer), _column("payload", sa.LargeBinary),
        sa.PrimaryKeyConstraint("tenant", "kind", "uid", "day"),
    )  # fmt: skip
    op.create_table(
        "risk_days", *_texts("tenant", "kind", "uid"), _column("day", sa.Integer), _column("risk", sa.Float),
        _column("level", sa.Integer), sa.PrimaryKeyConstraint("tenant", "kind", "uid", "day"),
    )  # fmt: skip
    op.create_table(
        "control_changes", sa.Column("seq", sa.Integer, primary_key=True), *_texts("tenant", "kind", "uid"), _column("time", sa.Float),
        _column("risk", sa.Float), *_texts("decided", "control", "why"),
    )  # fmt: skip
    op.create_table(
        "unmaskings", sa.Column("seq", sa.Integer, primary_key=True), _column("time", sa.Float),
        *_texts("tenant", "pseudonym", "by", "role", "reason"),
    )  # fmt: skip
    for change in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER unmaskings_no_{change.lower()} BEFORE {change} ON unmaskings "
            "BEGIN SELECT RAISE(ABORT, 'unmaskings is append-only'); END"
        )
    op.create_index("ix_entities_updated", "entities", ["updated"])
    op.create_index("ix_entities_risk", "entities", ["tenant", "risk", "id"])
    op.create_index("ix_anomalies_day", "anomalies", ["day", "tenant", "kind"])
    op.create_index("ix_risk_days_day", "risk_days", ["day"])
    op.create_index("ix_control_changes_time", "control_changes", ["time"])
    op.create_index("ix_control_changes_entity", "control_changes", ["tenant", "kind", "uid", "seq"])
    op.create_index("ix_unmaskings_pseudonym", "unmaskings", ["tenant", "pseudonym"])


def downgrade() -> None:
    """Drop the tables."""
    for table in _TABLES:
        op.drop_table(table)


def _column(name: str, kind: type[sa.types.TypeEngine[Any]]) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)


def _texts(*names: str) -> list[sa.Column[Any]]:
    return [_column(name, sa.String) for name in names]
