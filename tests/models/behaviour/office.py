"""An office of made-up people whose events touch everything that is counted: failures, places, renames, programs, hosts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa

from features.accounts import Accounts
from features.alert import Entity, EntityKind, Role
from features.aliases import Alias
from features.context import Context, Identity
from features.event import Event, Facet, Outcome, Source, service_account, user

SECRET = b"o" * 32
START = datetime(2026, 1, 5, tzinfo=UTC)
COUNTRIES = (("NL", 52.37, 4.9), ("DE", 52.52, 13.4), ("JP", 35.68, 139.7))
_KINDS = (EntityKind.HOST, EntityKind.FILE, EntityKind.USER)


def accounts() -> Accounts:
    """Return a directory: departments as of then, one account renamed halfway, one group learned."""
    middle = START + timedelta(days=5)
    facts = [
        (Identity(tenant="acme", uid=f"user-{n}", department="sales" if n % 2 else "core", role="staff"), START) for n in range(6)
    ]
    moved = Identity(tenant="acme", uid="user-1", department="core", role="lead", valid_from=middle)
    alias = Alias(tenant="acme", kind="user", alias="ada.new", uid="user-2", valid_from=middle)
    return Accounts(Context([*facts, (moved, middle), (alias, middle)]), {("acme", "user-7"): "learned"})


def office(seed: int, count: int, days: int = 12, people: int = 9) -> list[Event]:
    """Return events in the order of receipt: mostly that of time, some late."""
    random = np.random.default_rng(seed)
    seconds = np.sort(random.uniform(0.0, days * 86400.0, count)) - np.where(random.random(count) < 0.05, 7200.0, 0.0)
    return [_event(random, number, max(float(at), 0.0), people) for number, at in enumerate(seconds)]


def _event(random: np.random.Generator, number: int, seconds: float, people: int) -> Event:
    who = int(random.integers(0, people))
    country, latitude, longitude = COUNTRIES[int(random.choice(3, p=[0.9, 0.07, 0.03]))]
    place = random.random() < 0.5
    kind = _KINDS[int(random.integers(0, 3))]
    name = "ada.new" if who == 2 and seconds > 5 * 86400.0 else f"user-{who}"
    return Event(
        uid=str(number),
        tenant="acme" if who % 4 else "other",
        time=START + timedelta(seconds=round(seconds, 6)),
        actor=service_account(f"svc-{who}") if who == 8 else user(name),
        action=f"action-{min(int(random.geometric(0.3)), 8)}",
        target=Entity(kind, f"thing-{who}-{min(int(random.geometric(0.1)), 40)}", Role.TARGET) if random.random() < 0.8 else None,
        source=Source(
            address=f"10.0.0.{who}" if random.random() < 0.9 else f"10.1.0.{int(random.integers(0, 99))}",
            country=country if random.random() < 0.7 else "",
            device=f"ws-{who}" if random.random() < 0.9 else "ws-3",
            application="mail" if random.random() < 0.5 else "",
            latitude=latitude if place else None,
            longitude=longitude if place else None,
        ),
        outcome=(Outcome.SUCCESS, Outcome.FAILURE, Outcome.UNKNOWN)[int(random.choice(3, p=[0.7, 0.2, 0.1]))],
        facets=(Facet("hour", str(int(random.integers(0, 24)))), Facet("room", "1")) if who == 5 else (),
    )


def office_table(events: list[Event]) -> pa.Table:
    """Return events as a table of native events, with coordinates."""
    return pa.Table.from_pylist([_row(event) for event in events], _SCHEMA)


_TEXTS = ("uid", "tenant", "actor_kind", "actor_uid", "action", "target_kind", "target_uid", "address", "country", "device",
          "application", "outcome")  # fmt: skip
_SCHEMA = pa.schema(
    [(name, pa.string()) for name in _TEXTS]
    + [("time", pa.timestamp("us", "UTC")), ("latitude", pa.float64()), ("longitude", pa.float64())]
    + [("facets", pa.list_(pa.struct([("name", pa.string()), ("value", pa.string())])))]
)


def _row(event: Event) -> dict[str, object]:
    source, target = event.source, event.target
    return {
        "uid": event.uid, "tenant": event.tenant, "time": event.time, "actor_kind": event.actor.kind.value,
        "actor_uid": event.actor.uid, "action": event.action, "target_kind": target.kind.value if target else None,
        "target_uid": target.uid if target else "", "address": source.address, "country": source.country, "device": source.device,
        "application": source.application, "outcome": event.outcome.value, "latitude": source.latitude,
        "longitude": source.longitude, "facets": [{"name": one.name, "value": one.value} for one in event.facets],
    }  # fmt: skip
