"""Decisions are chained, under salted digests of their alerts; what is personal of an alert can be erased."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import context, op

from service.store.decision_log import COLUMNS, GENESIS, DecisionLog, Of, canonical

revision = "r0007"
down_revision = "r0006"

_ADDED = ("subject", "content", "chain")
_ABORT = "BEGIN SELECT RAISE(ABORT, '{0} is append-only'); END"
_NO_UPDATE = "CREATE TRIGGER {0}_no_update BEFORE UPDATE ON {0} " + _ABORT
_ERASED = "EXISTS (SELECT 1 FROM erasures e WHERE e.alert_seq = OLD.{1})"
_BUT_TO_ERASE = "CREATE TRIGGER {0}_no_update BEFORE UPDATE ON {0} WHEN NOT (" + _ERASED + " AND {2}) " + _ABORT
_ALERTS_KEEP = (
    "length(OLD.digest) > 0 AND NEW.seq IS OLD.seq AND NEW.tenant IS OLD.tenant AND NEW.received IS OLD.received "
    "AND NEW.fact IS OLD.fact"
)
_LABELS_KEEP = "NEW.seq IS OLD.seq AND NEW.tenant IS OLD.tenant AND NEW.uid IS OLD.uid AND NEW.alert_seq IS OLD.alert_seq AND NEW.fact IS OLD.fact"
_ROWS = (
    f"SELECT d.id, {', '.join('d.' + name for name in COLUMNS.split(', '))}, a.tenant, a.uid, a.received, a.digest, a.payload, "  # noqa: S608
    "a.fact FROM decisions d LEFT JOIN alerts a ON a.seq = d.alert_seq WHERE d.id > ? ORDER BY d.id LIMIT 5000"
)


def upgrade() -> None:
    """Chain what is there, in the order in which it was written; then only an erasure may blank an alert or a label."""
    for name in _ADDED:
        op.add_column("decisions", sa.Column(name, sa.LargeBinary, nullable=False, server_default=sa.text("x''")))
    op.create_table(
        "erasures", sa.Column("alert_seq", sa.Integer, primary_key=True), sa.Column("time", sa.Float, nullable=False),
        sa.Column("by", sa.String, nullable=False), sa.Column("seal", sa.LargeBinary, nullable=False),
    )  # fmt: skip
    for change in ("UPDATE", "DELETE"):
        op.execute(f"CREATE TRIGGER erasures_no_{change.lower()} BEFORE {change} ON erasures " + _ABORT.format("erasures"))
    op.execute("DROP TRIGGER decisions_no_update")
    _chain(DecisionLog(context.config.attributes["secret"]))
    op.execute(_NO_UPDATE.format("decisions"))
    for table, seq, kept in (("alerts", "seq", _ALERTS_KEEP), ("labels", "alert_seq", _LABELS_KEEP)):
        op.execute(f"DROP TRIGGER {table}_no_update")
        op.execute(_BUT_TO_ERASE.format(table, seq, kept))


def _chain(log: DecisionLog) -> None:
    connection, chain, last = op.get_bind(), GENESIS, 0
    while rows := connection.exec_driver_sql(_ROWS, (last,)).all():
        sealed = []
        for row in rows:
            tenant, uid, received, digest, payload, fact = row[17:]
            of = Of(log.subject(tenant, uid), log.content(digest, payload), tenant, received, fact)
            chain = log.chained(chain, canonical(tuple(row[:17]), of))
            sealed.append((of.subject, of.content, chain, row[0]))
        connection.exec_driver_sql("UPDATE decisions SET subject = ?, content = ?, chain = ? WHERE id = ?", sealed)
        last = rows[-1][0]


def downgrade() -> None:
    """Take the chain away; what was erased stays erased."""
    for table in ("alerts", "labels"):
        op.execute(f"DROP TRIGGER {table}_no_update")
        op.execute(_NO_UPDATE.format(table))
    op.drop_table("erasures")
    for name in _ADDED:
        op.drop_column("decisions", name)
