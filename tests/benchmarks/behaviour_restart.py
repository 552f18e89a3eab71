"""How long a start of behaviour takes with and without a snapshot: ``python -m tests.benchmarks.behaviour_restart``."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import numpy as np

from features.alert import Entity, EntityKind
from features.event import Event, Source, user
from models.behaviour.engine import BehaviourEngine
from models.behaviour.model import BehaviourModel
from service.behaviour.snapshots import Snapshots
from service.behaviour.watching import Watching
from service.behaviour.words import Part, Place
from service.settings import ServiceSettings
from service.store.events import ReadEvent

ACCOUNTS, DAYS, AT_ONCE = 400, 30, 5_000
_START = datetime(2024, 1, 1, tzinfo=UTC)
_SECRET = bytes(32)
_DONE = ("logon", "read", "write", "print", "mail")

T = TypeVar("T")


def office(seed: int = 0) -> list[ReadEvent]:
    """Return what people did, in the order in which it was received."""
    rng, some = np.random.default_rng(seed), []
    for day in range(DAYS):
        for who in range(ACCOUNTS):
            for number in range(int(rng.integers(5, 15))):
                source = Source(country="DE", device=f"ws{who}", address=f"10.0.{who % 250}.{rng.integers(5)}")
                time_of_day = timedelta(days=day, hours=float(rng.normal(11, 2)))
                some.append(
                    Event(
                        uid=f"{day}-{who}-{number}", tenant="t", time=_START + time_of_day, actor=user(f"u{who}"),
                        action=_DONE[rng.integers(5)], target=Entity(EntityKind.HOST, f"srv{(who * 7 + rng.integers(6)) % 97}"),
                        source=source,
                    )
                )  # fmt: skip
    some.sort(key=lambda event: event.time)
    return [ReadEvent(seq, event.time.timestamp() + 30.0, event) for seq, event in enumerate(some, 1)]


def fresh() -> Watching:
    """Return behaviour of which nothing is known."""
    return Watching(BehaviourEngine(BehaviourModel(), secret=_SECRET), lambda _tenant, _kind, uid, _time: uid, 21_600.0)


def folded(some: list[ReadEvent]) -> Watching:
    """Return behaviour after all events."""
    watching = fresh()
    for start in range(0, len(some), AT_ONCE):
        watching.again(Part(some[start : start + AT_ONCE], None))
    return watching


def timed(call: Callable[[], T]) -> tuple[T, float]:
    """Return what a call returns, and the CPU seconds that it took."""
    start = time.process_time()
    return call(), time.process_time() - start


def main() -> None:
    """Print how long folding, saving and restoring take."""
    some = office()
    watching, fold = timed(lambda: folded(some))
    with tempfile.TemporaryDirectory() as folder:
        settings = ServiceSettings(var=Path(folder))
        _, save = timed(lambda: Snapshots(settings, _SECRET, BehaviourModel()).save(watching))
        (path,) = settings.state.glob("behaviour-*")
        size, until = path.stat().st_size, Place(watching.seq, 0)
        restored, restore = timed(lambda: Snapshots(settings, _SECRET, BehaviourModel()).newest(until, fresh, 0.0))
    assert restored.seq == watching.seq
    print(f"{len(some):,} events of {ACCOUNTS} accounts, CPU seconds: folded {fold:.1f} ({len(some) / fold:,.0f} events/s)")
    print(f"snapshot written {save:.2f}, read {restore:.2f}; {size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
