"""``python -m training.behaviour.insiders``: insiders and taken-over accounts in simulated tenants, found at a budget, and what was flagged.

A tenant of 120 people over 100 days for each seed. The model is learned without labels in a tenant of another seed; the truth is
read only to measure. A case is found if one of its account-days is among the day's first five by anomaly score (of a spray, also that
of an account that was tried in vain; a scanning machine is looked for among hosts). Realised false discovery is given twice: the mean
over a tenant's days of the false share among the flagged, which is what the setting bounds, and the false share among all that was
flagged; of accounts and of hosts, which are called out apart. An account at which a password was tried in vain, and a host that had a
part in a scenario, count neither way.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np

from features.accounts import Accounts
from features.alert import EntityKind
from features.context import Context
from features.event import Event
from features.event_columns import read_columns
from features.event_encode import EventEncoder
from models.behaviour.day import END, FIRST, Day, days
from models.behaviour.day_engine import DayEngine
from models.behaviour.day_gather import DayGatherer, Seen
from models.behaviour.day_vector import DayVectors
from models.behaviour.engine import FALSE_DISCOVERY
from models.behaviour.model import BehaviourModel
from models.behaviour.walk import EventWalk
from training.behaviour.found import Case, Flagged, Row, Truth, cases_found, flagged, mean, share
from training.behaviour.learning import fields_of, learn_weights, walk
from training.behaviour.simulated import events_of
from training.simulator.behaviour.directory import directory
from training.simulator.behaviour.living import SEVERAL, Lived, lived
from training.simulator.behaviour.plots import MIXED
from training.simulator.behaviour.written import event_table, truth_table
from training.simulator.rows import DAY, START
from training.simulator.world import build_world

STAFF, DAYS, SEEDS, BUDGET = 120, 100, 20, 5
RATES = (0.05, 0.1, 0.2)
LEARNED_AT = 10_000
"""The seed of the tenant in which the model is learned; no measured one."""


class World(NamedTuple):
    """A tenant's events in order of time, the truth, and which hosts had a part in a scenario on which days.

    ``days`` and ``vectors`` are what the events come to, as the engine gathers them.
    """

    events: list[Event]
    truth: Truth
    directory: Context
    touched: set[tuple[str, date]]
    days: list[Day]
    vectors: DayVectors


def make(seed: int, *, staff: int = STAFF, length: int = DAYS, cases: Mapping[str, int] = SEVERAL) -> World:
    """Let a tenant act."""
    done = lived(build_world(0, length, np.random.default_rng([seed, 0]), staff), seed, cases=cases)
    truth = {(row["entity"], row["day"]): row["scenario"] for row in truth_table(done).to_pylist()}
    events = events_of(event_table(done)).events
    return World(events, truth, directory(done.town), touched(done), days(events), vectors_of(done))


def vectors_of(done: Lived) -> DayVectors:
    """Return the vectors of all days of a tenant's accounts and hosts."""
    encoder, walk = EventEncoder(bytes(32), Accounts(directory(done.town))), EventWalk(bytes(32))
    gatherer = DayGatherer(hosts=True)
    for part, block in encoder.columns(read_columns(event_table(done))):
        gatherer.add(Seen(block, walk.read(block), part.row), np.ones(len(block.at), bool))
    return gatherer.take((END - FIRST).days).vectors


def touched(done: Lived) -> set[tuple[str, date]]:
    """Return on which days which hosts had a part in a scenario, as somebody's device or as a target."""
    town, bad = done.town, done.deeds.take(done.deeds.case >= 0)
    days_of = [START.date() + timedelta(days=int(time // DAY)) for time in bad.time.tolist()]
    hosts = [(town.devices[device], day) for device, day in zip(bad.device.tolist(), days_of, strict=True) if device >= 0]
    aims = zip(bad.target.tolist(), days_of, strict=True)
    return {*hosts, *((town.targets[target], day) for target, day in aims if 0 <= target < len(town.world.hosts))}


def learned(*, staff: int = STAFF, length: int = DAYS) -> BehaviourModel:
    """Return the model of a tenant that is not measured; its truth is not looked at."""
    days = make(LEARNED_AT, staff=staff, length=length).days
    fields = fields_of(days)
    return BehaviourModel(fields=fields, elsewhere=learn_weights(walk(days).lessons, fields))


def by_engine(world: World, model: BehaviourModel) -> list[Row]:
    """Return what the engine of days says of each account's and host's day: as :class:`BehaviourEngine` does, without words."""
    settled = DayEngine(model, FALSE_DISCOVERY, vectors=True).close(world.days, world.vectors)
    return [
        Row(
            key.entity,
            FIRST.date() + timedelta(days=key.ordinal),
            key.kind,
            one.judged.score,
            float("nan") if one.judged.cold else one.judged.p_value,
        )
        for key, one in zip(world.vectors.keys, settled, strict=True)
    ]


def by_unigrams(world: World) -> list[Row]:
    """Judge by rarity alone: the day's mean −log share of each field's values among the account's own earlier ones, added up."""
    own: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    known: Counter[str] = Counter()
    out = []
    for day in world.days:
        score = 0.0
        for name, values in day.values.items():
            past = own[day.entity, name]
            total = past.total()
            score -= sum(
                weight * float(np.log((past[value] + 0.5) / (total + 0.5 * (len(past) + 1)))) for value, weight in values.items()
            )
            past.update(values)
        out.append(Row(day.entity, day.date, EntityKind.USER, score if known[day.entity] >= 20 else 0.0, float("nan")))
        known[day.entity] += 1
    return out


def by_chance(world: World, seed: int) -> list[Row]:
    """Judge by a die."""
    rng = np.random.default_rng(seed)
    return [Row(day.entity, day.date, EntityKind.USER, float(rng.random()), float("nan")) for day in world.days]


Judge = Callable[[World, int], list[Row]]


class Measured(NamedTuple):
    """What a judge came to over all seeds: cases, and by rate of false discovery what was flagged of accounts, and of hosts."""

    cases: list[Case]
    flagged: dict[float, list[Flagged]]
    hosts: dict[float, list[Flagged]]


def measure(seeds: Sequence[int], judges: Mapping[str, Judge], *, staff: int = STAFF, length: int = DAYS) -> dict[str, Measured]:
    """Let each judge judge each seed's tenant."""
    out = {name: Measured([], {rate: [] for rate in RATES}, {rate: [] for rate in RATES}) for name in judges}
    for seed in seeds:
        world = make(seed, staff=staff, length=length)
        for name, judge in judges.items():
            rows = judge(world, seed)
            out[name].cases.extend(cases_found(rows, world.truth, BUDGET))
            accounts = [row for row in rows if row.kind is not EntityKind.HOST]
            hosts = [row for row in rows if row.kind is EntityKind.HOST]
            for rate in RATES:
                out[name].flagged[rate].append(flagged(accounts, world.truth, rate))
                out[name].hosts[rate].append(flagged(hosts, world.truth, rate, world.touched))
    return out


def report(measured: Mapping[str, Measured], seeds: int) -> str:
    """Return the tables as text."""
    lines = [f"found at {BUDGET} account-days a day, {seeds} seeds"]
    for name, one in measured.items():
        lines.append(f"  {name:14} insiders and taken-over accounts  {share(one.cases, lambda scenario: scenario in MIXED)}")
        lines.append(f"  {'':14} all scenarios                     {share(one.cases, lambda _: True)}")
    first = next(iter(measured.values()))
    lines.append(f"by scenario, {next(iter(measured))}")
    lines += [f"  {name:18} {share(first.cases, name.__eq__)}" for name in sorted({case.scenario for case in first.cases})]
    lines.append(
        "realised false discovery: setting, mean over a tenant's days, among all flagged; flagged a tenant, share of cases"
    )
    for of, told in (("accounts", first.flagged), ("hosts", first.hosts)):
        for rate, some in told.items():
            lines.append(
                f"  {of:8} {rate:.2f}   {mean(one.by_day for one in some)}   {mean(one.among_all for one in some)}"
                f"   {np.mean([one.total for one in some]):.1f}   {mean(one.cases for one in some)}"
            )
    return "\n".join(lines)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--staff", type=int, default=STAFF)
    parser.add_argument("--days", type=int, default=DAYS)
    given = parser.parse_args()
    model = learned(staff=given.staff, length=given.days)
    judges: dict[str, Judge] = {
        "behaviour": lambda world, _: by_engine(world, model),
        "unigram rarity": lambda world, _: by_unigrams(world),
        "chance": by_chance,
    }
    seeds = range(given.first_seed, given.first_seed + given.seeds)
    sys.stdout.write(report(measure(seeds, judges, staff=given.staff, length=given.days), given.seeds) + "\n")


if __name__ == "__main__":
    main()
