"""Many rows in few statements, past SQLAlchemy: its handling of each row would cost more than the insert."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import chain
from typing import Any

from sqlalchemy import Connection

_ROWS_AT_ONCE = (256, 32, 4, 1)
"""Rows a statement: the driver gives up the interpreter lock at each statement, and gets it back late under load."""


def insert_rows(connection: Connection, table: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert rows into a ``table``, which is named with its columns."""
    start = 0
    for size in _ROWS_AT_ONCE:
        while len(rows) - start >= size:
            some = rows[start : start + size]
            connection.exec_driver_sql(_insertion(table, size), tuple(chain.from_iterable(some)))
            start += size


@cache
def _insertion(table: str, rows: int) -> str:
    row = "(" + ",".join("?" * (table.count(",") + 1)) + ")"
    return f"INSERT INTO {table} VALUES " + ",".join([row] * rows)  # noqa: S608 — of constants only
