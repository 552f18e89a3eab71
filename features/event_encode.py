"""From events to the kernel's facts: columns of keyed hashes, from event objects or from an Arrow table, by one code.

A value counts under a *cell* of its hash: for the account's own past one of :data:`OWN_CELLS`, for peers and tenant one of
:data:`SHARED_CELLS`. So one account can take up only so many keys, however many different values it sends, and pushes nobody
else's out; with ordinary numbers of values cells seldom meet (fifty known targets hide one new one in eighty).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.accounts import Account, Accounts
from features.alert import EntityKind
from features.aliases import normalise_uid
from features.encode import FactBlock
from features.event import Event, Outcome
from features.event_columns import EventColumns, Texts, hours_of_week, told_number
from features.hashing import KeyedHash
from features.trail import Trail

FIELDS = ("address", "country", "device", "application", "action", "target", "hour", "sequence")
"""What of an event is held against the past. ``hour`` is the hour of the week, ``sequence`` the action after the previous one."""
EVENT_COLUMNS = ("tenant", "account", "peers", *FIELDS, *(f"{field}_shared" for field in FIELDS), "previous", "addressed",
                 "placed", "equipped", "applied", "targeted")  # fmt: skip
"""Hashed columns of an event's fact: a field's own cell under its name, the cell shared with others under ``…_shared``."""
OWN_CELLS = (4096, 512, 1024, 1024, 1024, 4096, 256, 4096)
"""By field: powers of two; hours of the week are fewer than their cells."""
SHARED_CELLS = 2**14
AT_ONCE = 200_000
"""Events of a file that are encoded at a time: what is read of them takes some 150 MiB."""
SESSION_SECONDS = 3600.0
"""After a longer pause a sequence begins anew."""
_START = np.uint64(1)
"""The action before the first of a sequence."""
_EARTH_KM, _LEAST_KM, _LEAST_SECONDS = 6371.0, 100.0, 60.0
"""Shorter ways than that are within the error of places told by address."""
_HASHED = ("tenant", "account", "peers", *FIELDS[:6])
_ACTION, _PREVIOUS = _HASHED.index("action"), FIELDS.index("action")
_TOLD_AT_ALL = [_HASHED.index(field) for field in ("address", "country", "device", "application", "target")]
"""Fields of which a column says with 1 that the event tells them."""
_OWN = np.array([cells - 1 for cells in OWN_CELLS], np.uint64)
_SHARED = np.array([SHARED_CELLS - 1] * 6 + [255, SHARED_CELLS - 1], np.uint64)
_HOURS = 256
"""Added to an hour of the week, so that it is not 0 and its cell is itself."""
_PLAIN = ("address", "country", "application", "action")
"""Fields whose text is hashed as it is; account, device and target are resolved first."""


class EventKind(IntEnum):
    """What a row of a block is: an event, or that the event before it failed."""

    EVENT = 0
    FAILURE = 1


class EventBlock(NamedTuple):
    """n events: ``facts`` with a further row for each failure, ``at`` i8[n] the place of each event in them.

    ``who`` i8[n] and ``hosts`` i8[n, 2] (device, target; −1: none) are places in ``accounts``. ``outcome`` is 1, −1 or 0 for
    success, failure, unknown; ``speed`` km/h since the account's last event with coordinates, 0 where there is none.
    """

    facts: FactBlock
    at: NDArray[np.int64]
    accounts: list[Account]
    who: NDArray[np.int64]
    hosts: NDArray[np.int64]
    outcome: NDArray[np.int8]
    speed: NDArray[np.float64]

    @property
    def time(self) -> NDArray[np.float64]:
        """Epoch seconds of each event."""
        return self.facts.time[self.at]


class _Plain(NamedTuple):
    """What both ways of encoding come to: hashes of texts, not yet cells, and what else is known of each event."""

    time: NDArray[np.float64]
    hour: NDArray[np.int64]
    outcome: NDArray[np.int8]
    hashes: NDArray[np.uint64]
    places: NDArray[np.float64]
    accounts: list[Account]
    who: NDArray[np.int64]
    hosts: NDArray[np.int64]


_OUTCOMES = {Outcome.SUCCESS.value: 1, Outcome.FAILURE.value: -1}


class EventEncoder:
    """Turn events into facts, in the order of receipt, under one secret and with the names and peers known at the event's time."""

    def __init__(self, secret: bytes, accounts: Accounts | None = None) -> None:
        self.accounts = accounts if accounts is not None else Accounts()
        self._hash = KeyedHash(secret)
        self._actions, self._places = Trail(), Trail()

    def events(self, events: Sequence[Event]) -> EventBlock:
        """Encode events as they come."""
        found: dict[Account, int] = {}
        rows = [self._row(event, found) for event in events]
        n = len(rows)
        hashes = np.array([row[0] for row in rows], np.uint64).reshape(n, len(_HASHED))
        numbers = np.array([row[1] for row in rows], np.float64).reshape(n, 5)
        at = np.array([row[2] for row in rows], np.int64).reshape(n, 3)
        hour = hours_of_week(numbers[:, 0], *np.array([_told(event) for event in events], np.int64).reshape(n, 2).T)
        return self._block(
            _Plain(numbers[:, 0], hour, numbers[:, 1].astype(np.int8), hashes, numbers[:, 2:4], list(found), at[:, 0], at[:, 1:])
        )

    def columns(self, columns: EventColumns, size: int = AT_ONCE) -> Iterator[tuple[EventColumns, EventBlock]]:
        """Encode columns of events, ``size`` at a time; every distinct name is looked up once."""
        texts, found = columns.texts, dict[Account, int]()
        who = self._resolve(columns, texts["actor_kind"], texts["actor_uid"], EntityKind.USER, found)
        device = self._resolve(columns, Texts(np.zeros(1, np.int32), [""]), texts["device"], EntityKind.HOST, found)
        target = self._resolve(columns, texts["target_kind"], texts["target_uid"], EntityKind.OTHER, found)
        accounts = list(found)
        of_account = np.array([self._account(one) for one in accounts] + [0], np.uint64)
        of_peers = np.array([self._peers(one) for one in accounts] + [0], np.uint64)
        is_host = np.array([one.kind == EntityKind.HOST for one in accounts] + [False])
        tables = {
            name: np.array([self._hash.of(name, text) for text in texts[name].values], np.uint64) for name in ("tenant", *_PLAIN)
        }
        outcomes = np.array([_OUTCOMES.get(text, 0) for text in texts["outcome"].values], np.int8)
        places = np.column_stack([columns.latitude, columns.longitude])
        for start in range(0, len(columns.time), size):
            part = slice(start, start + size)
            hashes = {name: hashed[texts[name].codes[part]] for name, hashed in tables.items()}
            hashes |= {"account": of_account[who[part]], "peers": of_peers[who[part]]}
            hashes |= {"device": of_account[device[part]], "target": of_account[target[part]]}
            hosts = np.column_stack([device[part], np.where(is_host[target[part]], target[part], -1)])
            yield columns.part(start, start + size), self._block(_Plain(
                columns.time[part], columns.hour[part], outcomes[texts["outcome"].codes[part]],
                np.column_stack([hashes[name] for name in _HASHED]), places[part],
                accounts, who[part], hosts,
            ))  # fmt: skip

    def _row(self, event: Event, found: dict[Account, int]) -> tuple[list[int], list[float], list[int]]:
        at, source, target, of = event.time.timestamp(), event.source, event.target, self._hash.of
        who = self.accounts.at(event.tenant, event.actor.kind.value, event.actor.uid, at)
        device = self.accounts.at(event.tenant, EntityKind.HOST.value, source.device, at) if source.device else None
        aim = self.accounts.at(event.tenant, target.kind.value, target.uid, at) if target is not None else None
        hashes = [
            of("tenant", event.tenant), self._account(who), self._peers(who), of("address", source.address),
            of("country", source.country), 0 if device is None else self._account(device), of("application", source.application),
            of("action", event.action), 0 if aim is None else self._account(aim),
        ]  # fmt: skip
        numbers = [at, _OUTCOMES.get(event.outcome.value, 0), _or_nan(source.latitude), _or_nan(source.longitude), 0.0]
        host = aim if aim is not None and aim.kind == EntityKind.HOST else None
        return hashes, numbers, [-1 if one is None else found.setdefault(one, len(found)) for one in (who, device, host)]

    def _account(self, account: Account) -> int:
        return self._hash.of(f"account:{account.kind}", normalise_uid(account.uid))

    def _peers(self, account: Account) -> int:
        return self._hash.of("peers", account.group)

    def _resolve(
        self, columns: EventColumns, kinds: Texts, uids: Texts, usual: EntityKind, found: dict[Account, int]
    ) -> NDArray[np.int64]:
        """Return the place in ``found`` of the account that each event names (−1: none), each distinct name looked up once."""
        tenants = columns.texts["tenant"]
        mixed = (tenants.codes.astype(np.int64) * len(kinds.values) + kinds.codes) * len(uids.values) + uids.codes
        encoded = pa.array(mixed).dictionary_encode()
        combination, distinct = np.asarray(encoded.indices).astype(np.int64), np.asarray(encoded.dictionary)
        changes, places = list[list[float]](), list[list[int]]()
        for code in distinct.tolist():
            rest, uid = divmod(code, len(uids.values))
            tenant, kind = divmod(rest, len(kinds.values))
            if uid == len(uids.values) - 1:
                changes.append([])
                places.append([-1])
                continue
            when, accounts = self.accounts.spans(tenants.values[tenant], kinds.values[kind] or usual.value, uids.values[uid])
            changes.append(when)
            places.append([found.setdefault(one, len(found)) for one in accounts])
        return _as_of(combination, columns.time, changes, places)

    def _block(self, plain: _Plain) -> EventBlock:
        n, hashes = len(plain.time), plain.hashes
        trail = _mix(hashes[:, 0] ^ _mix(hashes[:, 1]))
        before = self._actions.step(trail, plain.time, (hashes[:, _ACTION],))
        previous = np.where(plain.time - before.time > SESSION_SECONDS, _START, before.carried[0])
        pair = np.where(previous == 0, np.uint64(0), _mix(_mix(previous) ^ hashes[:, _ACTION]))
        hours = (plain.hour + _HOURS).astype(np.uint64)
        values = np.concatenate([hashes[:, 3:], hours[:, np.newaxis], pair[:, np.newaxis], previous[:, np.newaxis]], axis=1)
        told = hashes[:, _TOLD_AT_ALL] != 0
        columns = np.concatenate(
            [
                hashes[:, :3],
                _cells(values[:, :-1], _OWN),
                _cells(values[:, :-1], _SHARED),
                _cells(values[:, -1:], _OWN[_PREVIOUS]),
                told,
            ],
            axis=1,
        )
        facts, first = FactBlock(plain.time, np.zeros(n, np.uint8), np.ones(n), columns, np.zeros((n, 0))), np.arange(n)
        failed = plain.outcome < 0
        if failed.any():
            repeats = 1 + failed
            first = np.cumsum(repeats) - repeats
            facts = facts.take(np.repeat(np.arange(n), repeats))
            facts.kind[:] = EventKind.FAILURE
            facts.kind[first] = EventKind.EVENT
        speed = self._speed(trail, plain)
        return EventBlock(facts, first, plain.accounts, plain.who, plain.hosts, plain.outcome, speed)

    def _speed(self, trail: NDArray[np.uint64], plain: _Plain) -> NDArray[np.float64]:
        """Return km/h since the account's last event with coordinates. Who fails to get in is somewhere else than the account."""
        time, places = plain.time, plain.places
        out = np.zeros(len(time))
        known = np.flatnonzero(~np.isnan(places).any(axis=1) & (plain.outcome >= 0))
        if len(known):
            there = np.radians(places[known])
            before = self._places.step(trail[known], time[known], (there[:, 0], there[:, 1]))
            seconds = np.maximum(time[known] - before.time, _LEAST_SECONDS)
            way = _kilometres(*before.carried, *there.T)
            out[known] = np.where(np.isnan(before.time) | (way < _LEAST_KM), 0.0, way / seconds * 3600.0)
        return out


def _told(event: Event) -> tuple[int, int]:
    """Return the local hour and weekday that the event's facets tell, −1 where they tell none."""
    told = {
        facet.name: told_number(facet.name, facet.value) for facet in reversed(event.facets) if facet.name in ("hour", "weekday")
    }
    return told.get("hour", -1), told.get("weekday", -1)


def _or_nan(value: float | None) -> float:
    return float("nan") if value is None else value


def _as_of(
    combination: NDArray[np.int64], time: NDArray[np.float64], changes: list[list[float]], places: list[list[int]]
) -> NDArray[np.int64]:
    """Return ``places[combination]`` as of ``time``: one place further for each change by then."""
    offset = np.cumsum([0, *(len(one) for one in places)])[:-1]
    flat = np.array([place for one in places for place in one], np.int64)
    number = np.array([len(one) for one in changes], np.int64)
    step = np.zeros(len(combination), np.int64)
    rows, k = np.flatnonzero(number[combination] > 0), 0
    while len(rows):
        when = np.array([one[k] if len(one) > k else np.inf for one in changes])
        rows = rows[time[rows] >= when[combination[rows]]]
        step[rows] += 1
        k += 1
        rows = rows[number[combination[rows]] > k]
    found: NDArray[np.int64] = flat[offset[combination] + step] if len(flat) else step
    return found


def _mix(h: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finaliser of splitmix64, as in the kernel."""
    h = (h ^ (h >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    h = (h ^ (h >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return h ^ (h >> np.uint64(31))


def _cells(hashed: NDArray[np.uint64], masks: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return the cell of each hash, from 1; 0 where nothing was hashed."""
    found: NDArray[np.uint64] = ((hashed & masks) + np.uint64(1)) * (hashed != 0)
    return found


def _kilometres(a_lat: Any, a_lon: Any, b_lat: Any, b_lon: Any) -> NDArray[np.float64]:
    """Return the length of the great circle between places in radians (haversine)."""
    h = np.sin((b_lat - a_lat) / 2) ** 2 + np.cos(a_lat) * np.cos(b_lat) * np.sin((b_lon - a_lon) / 2) ** 2
    found: NDArray[np.float64] = 2 * _EARTH_KM * np.arcsin(np.sqrt(np.minimum(h, 1.0)))
    return found
