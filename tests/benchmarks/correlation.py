"""How fast alerts are correlated, and that memory follows the window: ``python -m tests.benchmarks.correlation [MILLIONS]``.

One process, in seconds of its core; only the correlator is timed, not the making of alerts. Beside speeds the resident set after each
of ``MILLIONS`` (default 1) of alerts is printed, a hundred thousand of them a day.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from features.alert import Alert, Entity, EntityKind, Observable, Role, Rule
from features.aliases import Alias, AliasTable
from models.incidents.correlator import Correlator
from models.incidents.link_model import DEFAULT
from models.incidents.tokens import Resolve

BATCH, FORGOTTEN_EVERY, A_DAY = 1_000, 50_000, 100_000
_START = datetime(2026, 6, 1, tzinfo=UTC)
_HOSTS, _USERS, _ADDRESSES, _RULES, _REPEATED = 5_000, 5_000, 20_000, 200, 3_000

Batch = list[tuple[Alert, float]]


def _named(rng: np.random.Generator, count: int) -> list[tuple[Entity, ...]]:
    """Return what alerts name: a host and its user, and an address; some hosts and addresses far more often than others."""
    host = np.minimum(rng.zipf(1.3, count) - 1, _HOSTS - 1) if count else np.zeros(0, int)
    spread = rng.integers(0, _HOSTS, count)
    hosts = np.where(rng.random(count) < 0.2, host, spread).tolist()
    others = rng.integers(0, _ADDRESSES, count).tolist()
    return [
        (
            Entity(EntityKind.HOST, f"host{one}", Role.DEVICE),
            Entity(EntityKind.USER, f"user{one % _USERS}", Role.ACTOR),
            Entity(EntityKind.ADDRESS, f"10.1.{other // 250}.{other % 250}", Role.TARGET),
        )
        for one, other in zip(hosts, others, strict=True)
    ]


def stream(count: int, repeated: bool, seed: int = 0) -> Iterator[Batch]:
    """Return alerts in batches: the same few thousand again and again, or each a line of its own. One in fifty is suspect."""
    rng = np.random.default_rng(seed)
    usual = _named(rng, _REPEATED)
    rules = [Rule(f"r{n}") for n in range(_RULES)]
    for first in range(0, count, BATCH):
        named = [usual[k] for k in (rng.zipf(1.2, BATCH) % _REPEATED).tolist()] if repeated else _named(rng, BATCH)
        score = np.where(rng.random(BATCH) < 0.02, rng.uniform(0.05, 0.95, BATCH), 0.005).tolist()
        batch: Batch = []
        for n, (entities, chance) in enumerate(zip(named, score, strict=True), first):
            at = _START + timedelta(days=n / A_DAY)
            seen = () if repeated else (Observable("hash", f"{n:x}"),)
            rule = rules[hash(entities[0].uid) % 7 if repeated else n % _RULES]
            batch.append((_alert(f"a{n}", at, rule, entities, seen), chance))
        yield batch


def flood(count: int) -> Iterator[Batch]:
    """Return an attack on one host: half repeats, half lines of their own, all suspect."""
    host = Entity(EntityKind.HOST, "victim", Role.DEVICE)
    for first in range(0, count, BATCH):
        batch: Batch = []
        for n in range(first, first + BATCH):
            source = (Entity(EntityKind.ADDRESS, f"a{n}", Role.ACTOR),) if n % 2 else ()
            at = _START + timedelta(seconds=n / 10.0)
            batch.append((_alert(f"a{n}", at, Rule(f"r{n % 20}"), (host, *source), ()), 0.6))
        yield batch


def crowd(count: int) -> Iterator[Batch]:
    """Return an attack made to hurt: suspects all, on so few hosts and users that all hang together, and so many that none is a hub."""
    rng = np.random.default_rng(0)
    for first in range(0, count, BATCH // 10):
        batch: Batch = []
        for n, (one, other, user, rule) in enumerate(rng.integers(0, 200, (BATCH // 10, 4)).tolist(), first):
            source, target = Entity(EntityKind.HOST, f"h{one}", Role.ACTOR), Entity(EntityKind.HOST, f"h{other}", Role.TARGET)
            named = (source, target, Entity(EntityKind.USER, f"u{user}", Role.ACTOR))
            batch.append((_alert(f"a{n}", _START + timedelta(seconds=n), Rule(f"r{rule % 20}"), named, ()), 0.6))
        yield batch


def _alert(uid: str, at: datetime, rule: Rule, entities: tuple[Entity, ...], seen: tuple[Observable, ...]) -> Alert:
    return Alert(
        uid=uid, tenant="t", time=at, received_time=at, product="p", rule=rule, severity=2, entities=entities, observables=seen
    )


def leases() -> Resolve:
    """Return aliases: a tenth of the addresses are hosts'."""
    names = [f"10.1.{n // 250}.{n % 250}" for n in range(0, _ADDRESSES, 10)]
    return AliasTable(
        Alias(tenant="t", kind="address", alias=name, uid=f"host{n}", valid_from=_START - timedelta(days=1))
        for n, name in enumerate(names)
    ).resolve


def speed(
    batches: Iterator[Batch], resolve: Resolve | None = None, told: Callable[[int, float], None] = lambda count, spent: None
) -> float:
    """Correlate alerts; return how many a second. ``told`` hears after each batch of the count and the seconds spent so far."""
    correlator, count, spent = Correlator(DEFAULT, resolve), 0, 0.0
    for batch in batches:
        start = time.process_time()
        for alert, score in batch:
            correlator.add(alert, score)
        correlator.settle()
        count += len(batch)
        if count % FORGOTTEN_EVERY == 0:
            correlator.forget()
        spent += time.process_time() - start
        told(count, spent)
    return count / spent


def resident() -> float:
    """Return the resident set in MiB, as of now."""
    status = Path("/proc/self/statm")
    if not status.exists():  # not Linux: the peak is what is known
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    return int(status.read_text().split()[1]) * resource.getpagesize() / 2**20


def _say(what: str, value: str) -> None:
    sys.stdout.write(f"{what:58} {value}\n")
    sys.stdout.flush()


def correlation(millions: int = 1) -> None:
    """Print speeds and memory; memory first, as what is freed is not all given back."""

    def grown(count: int, _: float) -> None:
        if count % 1_000_000 == 0:
            _say(f"  resident set after {count // 1_000_000} million", f"{resident():,.0f} MiB")

    rate = speed(stream(millions * 1_000_000, repeated=True), told=grown)
    _say(f"correlation, mostly repeats, {millions} million in {millions * 1_000_000 // A_DAY} days", f"{rate:,.0f} alerts/s")
    _say("correlation, all lines distinct, one core", f"{speed(stream(100_000, repeated=False)):,.0f} alerts/s")
    spent: dict[int, float] = {}
    rate = speed(stream(1_000_000, repeated=False), told=spent.__setitem__)
    _say("  a million in ten days, with what leaves the window", f"{rate:,.0f} alerts/s")
    _say("  the last tenth of these: as many leave as come", f"{100_000 / (spent[1_000_000] - spent[900_000]):,.0f} alerts/s")
    _say("correlation, all lines distinct, with aliases", f"{speed(stream(100_000, repeated=False), leases()):,.0f} alerts/s")
    _say("correlation, flood of 100,000 on one host", f"{speed(flood(100_000)):,.0f} alerts/s")
    _say("correlation, 5,000 that all hang together, by the hundred", f"{speed(crowd(5_000)):,.0f} alerts/s")


if __name__ == "__main__":
    correlation(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
