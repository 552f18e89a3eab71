"""``python -m tests.benchmarks.behaviour``: what ``tamis score-events`` does with a file of events, by event and by day; one event's latency.

Made-up people at work: sessions in working hours, habits of their own, most of them shared with their group. The model is learned
from a few of them. By day a tenth of the events and accounts is scored, unless ``--by`` says day; ``make bench`` runs a fifth of both.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from features.accounts import Accounts
from features.alert import Entity, EntityKind, Role
from features.event import Event, Outcome, Source, user
from models.behaviour.engine import BehaviourEngine
from models.behaviour.model import BehaviourModel
from training.behaviour import fitting
from training.behaviour.scoring import score

EVENTS, ACCOUNTS, DAYS = 10_000_000, 50_000, 30
SINGLES, WARM = 3000, 20_000
TAUGHT_EVENTS, TAUGHT_ACCOUNTS = 40_000, 200
_GROUP = 100
_SESSION = 8
_START = datetime(2026, 1, 5, tzinfo=UTC).timestamp()
_SECRET = bytes(32)
_DISTINCT = {"actor_uid": ACCOUNTS, "action": 80, "target_uid": 300_000, "address": 60_000, "country": 60, "device": 70_000,
             "application": 200}  # fmt: skip


def say(what: str, value: str) -> None:
    """Print one line."""
    sys.stdout.write(f"{what:58} {value}\n")
    sys.stdout.flush()


def _column(codes: NDArray[np.int64], name: str) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(
        pa.array(codes.astype(np.int32)), pa.array([f"{name}-{at}" for at in range(_DISTINCT[name])])
    )


def _constant(n: int, text: str) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(n, np.int32)), pa.array([text]))


def made_events(n: int, accounts: int, days: int, seed: int = 0) -> pa.Table:
    """Return ``n`` events of people at work, in the order of time."""
    random = np.random.default_rng(seed)
    sessions = n // _SESSION + 1
    who = random.integers(0, accounts, sessions)
    day = random.integers(0, days, sessions)
    day = np.where(day % 7 >= 5, day - 2 * (random.random(sessions) < 0.9), day)
    begin = day * 86400.0 + (8.0 + who % 3 + 8.0 * random.beta(2, 2, sessions)) * 3600.0
    at = np.repeat(begin, _SESSION) + np.cumsum(random.exponential(90.0, (sessions, _SESSION)), axis=1).ravel()
    order = np.argsort(at[:n], kind="stable")
    who, at, of_session = np.repeat(who, _SESSION)[:n][order], at[:n][order], np.repeat(np.arange(sessions), _SESSION)[:n][order]
    group = who // _GROUP
    odd = random.random((4, sessions))[:, of_session]  # a session is from one device, address and country

    def habit(name: str, many: float, shared: float) -> NDArray[np.int64]:
        rank = np.minimum(random.geometric(1.0 / many, n), int(6 * many))
        base = np.where(random.random(n) < shared, group * 7919, who * 104_729)
        return np.asarray((base + rank * 31) % _DISTINCT[name])

    return pa.table({
        "uid": pa.array(np.arange(n)).cast(pa.string()),
        "tenant": _constant(n, "acme"), "time": pa.array(((at + _START) * 1e6).astype(np.int64)).cast(pa.timestamp("us", "UTC")),
        "actor_kind": _constant(n, "user"), "actor_uid": _column(who, "actor_uid"), "action": _column(habit("action", 8, 0.8), "action"),
        "target_kind": _constant(n, "file"), "target_uid": _column(habit("target_uid", 20, 0.5), "target_uid"),
        "address": _column((who + (odd[0] < 0.2) * 17 + (odd[0] < 0.02) * of_session) % _DISTINCT["address"], "address"),
        "country": _column((group + (odd[1] < 0.01)) % _DISTINCT["country"], "country"),
        "device": _column((who + (odd[2] < 0.1) * 9973) % _DISTINCT["device"], "device"),
        "application": _column(habit("application", 3, 0.9), "application"),
        "outcome": pa.DictionaryArray.from_arrays(pa.array((random.random(n) < 0.03).astype(np.int32)), pa.array(["success", "failure"])),
    })  # fmt: skip


def groups(accounts: int) -> dict[tuple[str, str], str]:
    """Return everybody's peers."""
    return {("acme", f"actor_uid-{at}"): f"group-{at // _GROUP}" for at in range(accounts)}


def behaviour(events: int = EVENTS // 5, accounts: int = ACCOUNTS, days: int = DAYS, by: str = "") -> None:
    """Score files as the command does, and single events as the service does, and print how fast and how large it was."""
    with tempfile.TemporaryDirectory() as folder:
        taught = _written(Path(folder) / "taught.parquet", TAUGHT_EVENTS, TAUGHT_ACCOUNTS, days)
        model = fitting.learn(taught).model
        if by != "day":
            _scored(_written(Path(folder) / "events.parquet", events, accounts, days), model, "event")
        if by != "event":
            some = 1 if by else 10
            _scored(_written(Path(folder) / "days.parquet", events // some, accounts // some, days), model, "day")
    if not by:
        _latency(made_events(WARM + SINGLES, accounts, days))


def _written(path: Path, events: int, accounts: int, days: int) -> fitting.Source:
    with ProcessPoolExecutor(1, get_context("spawn")) as other:  # so that it takes no memory here
        other.submit(_write, path, events, accounts, days).result()
    return fitting.Source(path, "native")


def _write(path: Path, events: int, accounts: int, days: int) -> None:
    pq.write_table(made_events(events, accounts, days), path)


def _scored(source: fitting.Source, model: BehaviourModel, by: str) -> None:
    start, used = time.perf_counter(), time.process_time()
    rows = score(source, model, false_discovery=0.1, by_event=by == "event").table.num_rows
    seconds, cores = time.perf_counter() - start, time.process_time() - used
    events = pq.ParquetFile(source.path).metadata.num_rows
    say(f"score-events --by {by}, {events:,} events, {rows:,} rows", f"{seconds:.0f} s, {cores:.0f} s of CPU")
    say("  peak memory of the process so far", f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB")


def _latency(table: pa.Table) -> None:
    engine = BehaviourEngine(BehaviourModel(), secret=_SECRET, accounts=Accounts(groups=groups(ACCOUNTS)))
    events = [_event(row, at) for at, row in enumerate(table.to_pylist())]
    engine.observe(events[:WARM])
    spent, used = [], time.thread_time()
    for event in events[WARM:]:
        start = time.perf_counter()
        engine.observe([event])
        spent.append(time.perf_counter() - start)
    cpu = (time.thread_time() - used) / len(spent) * 1e6
    median, late = np.quantile(spent, [0.5, 0.99]) * 1e6
    say("  one event, judged with reasons and folded", f"median {median:.0f} µs, 99 % within {late:.0f} µs, {cpu:.0f} µs of CPU")


def _event(row: dict[str, str], at: int) -> Event:
    source = Source(**{name: row[name] for name in ("address", "country", "device", "application")})
    return Event(
        uid=str(at), tenant=row["tenant"], time=row["time"], actor=user(row["actor_uid"]), action=row["action"],  # type: ignore[arg-type]
        target=Entity(EntityKind.FILE, row["target_uid"], Role.TARGET), source=source, outcome=Outcome(row["outcome"]),
    )  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--events", type=int, default=EVENTS)
    parser.add_argument("--accounts", type=int, default=ACCOUNTS)
    parser.add_argument("--days", type=int, default=DAYS)
    parser.add_argument("--by", choices=("event", "day"), default="", help="score this way only, without single events")
    given = parser.parse_args()
    behaviour(given.events, given.accounts, given.days, given.by)
