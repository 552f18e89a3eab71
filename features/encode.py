"""From alerts and labels to the kernel's facts: columns of keyed hashes and a few numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from features.alert import Alert, Entity, EntityKind, Role, main_entity
from features.aliases import AliasTable, normalise_uid
from features.anomalies import EntityAnomalies
from features.context import Context
from features.hashing import KeyedHash
from features.label import Label

COLUMNS = ("tenant", "product", "rule", "entity", "user", "address", "peer")
"""Hashed columns of a fact. ``entity`` is the main one (host, else user, else address); ``address`` the source, ``peer`` the target."""

VALUES = ("severity", "criticality", "privileged", "indicator", "decoy", "hour", "user_anomaly", "host_anomaly")
"""Numbers of a fact known at its time. severity 0–6 (NaN: unknown), criticality 0–4 (NaN: unknown), privileged, indicator and
decoy 0/1, hour of the day in UTC 0–24, how unusual its user and host had lately been (NaN: unknown)."""
_FIRST_VALUES = 6
"""So many of them, the first, are in a packed fact of layout 0."""

_AT = (Role.DEVICE, Role.TARGET, Role.RELATED)
"""The host that an alert is about: which roles it may have, likeliest first."""
_COMBINATIONS = 200_000
"""Combinations of tenant, rule and entities whose hashes are remembered."""


class FactKind(IntEnum):
    """What a row of a block is. A probe is read like an alert, as if it came then, and adds nothing."""

    ALERT = 0
    TRUE_POSITIVE = 1
    BENIGN = 2
    PROBE = 3


class RuleRef(NamedTuple):
    """A rule as a model may know it: the product, the product's own uid, and the name."""

    product: str
    uid: str
    name: str


class FactBlock:
    """n facts as columns: ``time`` f8[n] (epoch seconds), ``kind`` u1[n], ``weight`` f8[n], ``columns`` u8[n, C], ``values`` f8[n, V]."""

    __slots__ = ("columns", "kind", "time", "values", "weight")

    def __init__(
        self,
        time: NDArray[np.float64],
        kind: NDArray[np.uint8],
        weight: NDArray[np.float64],
        columns: NDArray[np.uint64],
        values: NDArray[np.float64],
    ) -> None:
        self.time, self.kind, self.weight, self.columns, self.values = time, kind, weight, columns, values

    def __len__(self) -> int:
        return int(self.time.shape[0])

    @classmethod
    def empty(cls) -> Self:
        """Return a block of no facts."""
        return cls.unpack([])

    @classmethod
    def concat(cls, blocks: Iterable[FactBlock]) -> FactBlock:
        """Return the blocks one after the other."""
        parts = list(blocks)
        if len(parts) == 1:
            return parts[0]
        if not parts:
            return cls.empty()
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in _FIELDS))

    def take(self, index: NDArray[np.intp] | slice) -> FactBlock:
        """Return the facts at ``index``, in its order."""
        return FactBlock(self.time[index], self.kind[index], self.weight[index], self.columns[index], self.values[index])

    def widen(self, values: NDArray[np.float64]) -> FactBlock:
        """Return the block with further values (n × E), such as a rule encoder adds."""
        return FactBlock(self.time, self.kind, self.weight, self.columns, np.hstack([self.values, values]))

    def narrow(self) -> FactBlock:
        """Return the block with only its own values, without those that a rule encoder added."""
        return FactBlock(self.time, self.kind, self.weight, self.columns, self.values[:, : len(VALUES)])

    def pack(self) -> list[bytes]:
        """Return each fact as a fixed-width row of bytes, for a database."""
        rows = np.empty(len(self), _ROW)
        for name in _FIELDS:
            rows[name] = getattr(self, name)
        rows["kind"] |= _LAYOUT << _KIND_BITS
        data, width = rows.tobytes(), _ROW.itemsize
        return [data[at : at + width] for at in range(0, len(data), width)]

    @classmethod
    def unpack(cls, rows: Sequence[bytes]) -> Self:
        """Inverse of :meth:`pack`; an entry may hold several rows, of whatever layout they were packed in.

        Raises ``ValueError`` on rows of another width.
        """
        found = np.frombuffer(b"".join(_laid_out(row) for row in rows), _ROW)
        block = cls(*(np.ascontiguousarray(found[name]) for name in _FIELDS))
        block.kind = block.kind & np.uint8((1 << _KIND_BITS) - 1)
        return block

    @staticmethod
    def packed(entry: bytes) -> int:
        """Return how many facts an entry holds."""
        return len(_laid_out(entry)) // _ROW.itemsize


_FIELDS = ("time", "kind", "weight", "columns", "values")


def _row(values: int) -> np.dtype[np.void]:
    return np.dtype(
        [("time", "<f8"), ("kind", "u1"), ("weight", "<f8"), ("columns", "<u8", (len(COLUMNS),)), ("values", "<f8", (values,))]
    )


_ROW, _FIRST_ROW = _row(len(VALUES)), _row(_FIRST_VALUES)
_LAYOUT, _KIND_BITS = 1, 4
"""The upper bits of a packed fact's kind say its layout: facts are sealed in the decision log, so old rows are never rewritten."""
_KIND_AT = 8


def _laid_out(entry: bytes) -> bytes:
    """Return packed facts in the present layout; what layout 0 did not know is NaN. All of an entry have the same layout."""
    if not entry or any(kind >> _KIND_BITS == _LAYOUT for kind in entry[_KIND_AT : _KIND_AT + 1]):
        return entry
    first = np.frombuffer(entry, _FIRST_ROW)
    rows = np.empty(len(first), _ROW)
    for name in ("time", "kind", "weight", "columns"):
        rows[name] = first[name]
    rows["kind"] |= _LAYOUT << _KIND_BITS
    rows["values"][:, :_FIRST_VALUES], rows["values"][:, _FIRST_VALUES:] = first["values"], np.nan
    return rows.tobytes()


class FactEncoder:
    """Turn alerts and labels into facts, under one secret, with the context, aliases and anomalies known at the alert's own time."""

    def __init__(
        self,
        secret: bytes,
        context: Context | None = None,
        aliases: AliasTable | None = None,
        anomalies: EntityAnomalies | None = None,
    ) -> None:
        self.secret = secret
        self.context = context if context is not None else Context.empty()
        self.aliases = aliases if aliases is not None else AliasTable.empty()
        self.anomalies = anomalies if anomalies is not None else EntityAnomalies()
        self.rules: dict[int, RuleRef] = {}
        self.tenants: dict[int, str] = {}
        self._hash = KeyedHash(secret)
        self._uids: dict[str, str] = {}
        self._combinations: dict[tuple[str, str, str, tuple[Entity, ...]], tuple[int, ...]] = {}

    def register(self, rules: Iterable[RuleRef], tenants: Iterable[str]) -> None:
        """Make rules and tenants known that were encoded before (by an earlier process)."""
        for rule in rules:
            self._rule(rule)
        for tenant in tenants:
            self._tenant(tenant)

    def alerts(self, alerts: Sequence[Alert]) -> FactBlock:
        """Encode alerts, a row each."""
        rows = [self._columns(alert) for alert in alerts]
        return FactBlock(
            np.array([alert.time.timestamp() for alert in alerts], np.float64),
            np.zeros(len(rows), np.uint8),
            np.ones(len(rows)),
            np.array(rows, np.uint64).reshape(len(rows), len(COLUMNS)),
            np.array([self._values(alert) for alert in alerts], np.float64).reshape(len(rows), len(VALUES)),
        )

    def _rule(self, rule: RuleRef) -> int:
        found = self._hash.of("rule", f"{rule.product}\x1f{rule.uid}")
        if found not in self.rules:
            self.rules[found] = rule
        return found

    def _tenant(self, tenant: str) -> int:
        found = self._hash.of("tenant", tenant)
        if found not in self.tenants:
            self.tenants[found] = tenant
        return found

    def _uid(self, tenant: str, kind: str, uid: str, alert: Alert) -> str:
        if not uid:
            return ""
        if not self.aliases.is_empty:
            uid = self.aliases.resolve(tenant, kind, uid, alert.time)
        found = self._uids.get(uid)
        if found is None:
            if len(self._uids) > 1_000_000:
                self._uids.clear()
            found = self._uids[uid] = normalise_uid(uid)
        return found

    def _columns(self, alert: Alert) -> tuple[int, ...]:
        """Return the hashes of an alert; the same few combinations come again and again, so they are remembered."""
        if not self.aliases.is_empty:
            return self._hashes(alert)
        key = (alert.tenant, alert.product, alert.rule.uid, alert.entities)
        found = self._combinations.get(key)
        if found is None:
            if len(self._combinations) >= _COMBINATIONS:
                self._combinations.clear()
            found = self._combinations[key] = self._hashes(alert)
        return found

    def _hashes(self, alert: Alert) -> tuple[int, ...]:
        tenant, of = alert.tenant, self._hash.of
        main = main_entity(alert)
        user = alert.first(EntityKind.USER)
        address = alert.first(EntityKind.ADDRESS, Role.ACTOR, Role.RELATED)
        peer = alert.first(EntityKind.ADDRESS, Role.TARGET)
        return (
            self._tenant(tenant),
            of("product", alert.product),
            self._rule(RuleRef(alert.product, alert.rule.uid, alert.rule.name)),
            of(main.kind, self._uid(tenant, main.kind, main.uid, alert)) if main.uid else 0,
            of("user", self._uid(tenant, "user", user, alert)),
            of("address", self._uid(tenant, "address", address, alert)),
            of("address", self._uid(tenant, "address", peer, alert)),
        )

    def _values(self, alert: Alert) -> tuple[float, ...]:
        hour = alert.time.hour + alert.time.minute / 60.0
        severity = float(alert.severity) if alert.severity else np.nan
        known = (np.nan, 0.0, 0.0, 0.0) if self.context.is_empty else self._context_values(alert)
        unusual = (np.nan, np.nan) if not len(self.anomalies) else self._anomaly_values(alert)
        return (severity, *known, hour, *unusual)

    def _anomaly_values(self, alert: Alert) -> tuple[float, float]:
        user, host = alert.first(EntityKind.USER), alert.first(EntityKind.HOST, *_AT)
        return (
            self.anomalies.at(alert.tenant, "user", self._uid(alert.tenant, "user", user, alert), alert.time),
            self.anomalies.at(alert.tenant, "host", self._uid(alert.tenant, "host", host, alert), alert.time),
        )

    def _context_values(self, alert: Alert) -> tuple[float, float, float, float]:
        known, tenant, time = self.context, alert.tenant, alert.time
        asset = known.asset(tenant, alert.first(EntityKind.HOST, *_AT), time)
        identity = known.identity(tenant, alert.first(EntityKind.USER), time)
        return (
            np.nan if asset is None else float(asset.criticality),
            float(identity is not None and identity.privileged),
            float(any(known.indicator(tenant, o.kind, o.value, time) for o in alert.observables)),
            float(any(known.decoy(tenant, e.kind.value, e.uid, time) for e in alert.entities)),
        )


def label_facts(alerts: FactBlock, labels: Sequence[Label], sign: float = 1.0) -> FactBlock:
    """Return the facts that labels on ``alerts`` (a row each) add: at the label's own time, under the alert's keys.

    Labels that weigh nothing give no row. ``sign`` −1 takes the same labels out again, for those superseded.
    """
    told = np.array([i for i, label in enumerate(labels) if label.weight > 0.0], np.int64)
    some, given = alerts.take(told), [labels[i] for i in told.tolist()]
    return FactBlock(
        np.array([label.time.timestamp() for label in given], np.float64),
        np.array([_KINDS[label.target] for label in given], np.uint8),
        np.array([sign * label.weight for label in given], np.float64),
        some.columns,
        some.values,
    )


_KINDS = {1: int(FactKind.TRUE_POSITIVE), 0: int(FactKind.BENIGN)}
