"""Reproducing decisions bit for bit from their records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import groupby
from typing import Any, NamedTuple

import msgspec
import numpy as np
from sqlalchemy import Connection

from features.alert import Alert
from features.encode import FactBlock, FactEncoder, RuleRef
from models.bundle import ModelBundle
from models.bundle_store import BundleStore
from models.errors import ModelsError
from models.policy_store import PolicyStore
from service.again import Case, Judge, Made
from service.settings import ServiceSettings
from service.store.database import open_engine
from service.store.log_check import open_snapshot
from service.store.responses import responses

_ROWS = (
    "SELECT d.*, a.tenant, a.payload, a.fact, e.alert_seq IS NOT NULL AS erased FROM decisions d JOIN alerts a ON a.seq = d.alert_seq "
    "LEFT JOIN erasures e ON e.alert_seq = d.alert_seq WHERE d.id >= ? ORDER BY d.id"
)
_FIRST = "SELECT COALESCE(MAX(id), 0) - ? + 1 FROM decisions"
_BATCH = "SELECT MIN(id) FROM decisions WHERE id > ? - 10000 AND time = (SELECT time FROM decisions WHERE id = ?)"
_BEFORE = "SELECT priority, raw, score, anomaly, bundle, features FROM decisions WHERE alert_seq = ? AND revision = ?"
_NAMES = "SELECT product, rule_uid, rule_name, tenant FROM names"
_DECODER = msgspec.json.Decoder(Alert)
_READ_AT_ONCE = 5_000


class Differs(NamedTuple):
    """A decision that could not be reproduced: its row, the alert, and why."""

    row: int
    tenant: str
    alert: str
    why: str


class Reproduced(NamedTuple):
    """How many decisions were looked at and reproduced, by bundle (``""``: before there was one); later ones of alerts aside."""

    looked_at: Counter[str]
    same: Counter[str]
    revisions: int
    """Later revisions that say of their alert what the one before said, but for what came new."""
    draws: int
    """Audit draws reproduced: their lot is, their place in the queue is that on record."""
    differs: list[Differs]


@contextmanager
def read_records(settings: ServiceSettings) -> Iterator[Connection]:
    """Open the records as they are at one moment, for reading only. Raises ``StartError`` as :func:`open_snapshot` does."""
    with open_snapshot(settings.database):
        engine = open_engine(settings.database)
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA query_only=ON")
            connection.exec_driver_sql("BEGIN")
            yield connection
    finally:
        engine.dispose()


def known_names(connection: Connection, secret: bytes) -> FactEncoder:
    """Return an encoder that knows every rule and tenant seen."""
    encoder, rows = FactEncoder(secret), connection.exec_driver_sql(_NAMES).all()
    encoder.register([RuleRef(p, u, n) for p, u, n, _ in rows if p], [tenant for *_, tenant in rows if tenant])
    return encoder


def reproduce(connection: Connection, settings: ServiceSettings, secret: bytes, last: int | None) -> Reproduced:
    """Make the ``last`` decisions (all if ``None``) again from their records, a whole batch where the first lies within one."""
    walk = _Walk(connection, settings, secret)
    for _, batch in groupby(_rows(connection, _start(connection, last)), key=lambda row: (row.bundle, row.policy, row.time)):
        rows = list(batch)
        walk.first([row for row in rows if row.revision == 1])
        for row in rows:
            if row.revision > 1:
                walk.later(row)
    return walk.found


class _Walk:
    def __init__(self, connection: Connection, settings: ServiceSettings, secret: bytes) -> None:
        self._connection = connection
        self._encoder = known_names(connection, secret)
        self._bundles, self._policies = BundleStore(settings.bundles), PolicyStore(settings.policy)
        self._judges: dict[str, Judge | str] = {}
        self.found = Reproduced(Counter(), Counter(), 0, 0, [])

    def first(self, rows: Sequence[Any]) -> None:
        """Decide again on alerts that one batch decided on."""
        if not rows:
            return
        digest = rows[0].bundle
        self.found.looked_at[digest] += len(rows)
        judge = self._judge(digest)
        if isinstance(judge, str):
            self._differ(rows, judge)
            return
        cases = [_case(row) for row in rows]
        try:
            made = judge.decide(
                np.array([np.frombuffer(row.features, np.float64) for row in rows]),
                FactBlock.unpack([row.fact for row in rows]),
                cases,
            )
        except (ModelsError, KeyError, ValueError) as error:
            self._differ(rows, str(error))
            return
        for row, one in zip(rows, made, strict=True):
            differing = [name for name in Made._fields if getattr(row, name) != getattr(one, name)]
            if differing:
                self._differ([row], f"{', '.join(differing)} came out differently")
            else:
                self.found.same[digest] += 1
                self.found = self.found._replace(draws=self.found.draws + ("audit" in row.reason_codes.split()))

    def later(self, row: Any) -> None:
        """Look whether a later revision took over what it had to."""
        before = self._connection.exec_driver_sql(_BEFORE, (row.alert_seq, row.revision - 1)).first()
        if before is None or any(getattr(row, name) != getattr(before, name) for name in before._fields):
            self._differ([row], "it does not take over what the revision before says")
        else:
            self.found = self.found._replace(revisions=self.found.revisions + 1)

    def _judge(self, digest: str) -> Judge | str:
        if digest not in self._judges:
            self._judges[digest] = self._make(digest)
        return self._judges[digest]

    def _make(self, digest: str) -> Judge | str:
        make: Callable[[ModelBundle | None], Judge] = partial(
            Judge, encoder=self._encoder, policies=self._policies.find, responses=partial(responses, self._connection)
        )
        if not digest:
            return make(None)
        try:
            return make(ModelBundle.load(self._bundles.path(digest)))
        except ModelsError as error:
            return f"its bundle cannot be read: {error}" if self._bundles.path(digest).exists() else "its bundle is gone"

    def _differ(self, rows: Sequence[Any], why: str) -> None:
        self.found.differs.extend(Differs(row.id, row.tenant, _DECODER.decode(row.payload).uid, why) for row in rows)


def _start(connection: Connection, last: int | None) -> int:
    if last is None:
        return 0
    first = max(1, int(connection.exec_driver_sql(_FIRST, (last,)).scalar_one()))
    return int(connection.exec_driver_sql(_BATCH, (first, first)).scalar() or first)


def _rows(connection: Connection, start: int) -> Iterator[Any]:
    for some in connection.exec_driver_sql(_ROWS, (start,)).partitions(_READ_AT_ONCE):
        yield from some


def _case(row: Any) -> Case:
    alert = _DECODER.decode(row.payload)
    return Case(alert, row.time, row.policy, row.priority, tuple(row.reason_codes.split()), bool(row.erased))
