"""``python -m training.behaviour.ablation``: what each named feature of behaviour finds that is missed without it.

For each feature a simulated scenario that differs from normal life in that respect. Days are ranked by what the families of a day's
features add up to (:mod:`models.behaviour.families`), once with all and once with the feature's family left out, and a case is found
if one of its days is among its tenant-day's first five accounts (of a spray: the one that was opened). A case that lasts for weeks has a
day among the first five by chance; it is found if its account is among the first five by the mean over its days. Nothing is learned
from the truth.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Collection, Iterator, Sequence
from datetime import date, timedelta
from itertools import groupby
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.alert import EntityKind
from models.behaviour.day import FIRST
from models.behaviour.day_surprises import Surprises
from models.behaviour.day_vector import DayKey, DayVectors
from models.behaviour.families import FAMILIES, excesses
from training.behaviour.found import Row, Truth, cases_found
from training.behaviour.insiders import BUDGET, STAFF, vectors_of
from training.simulator.behaviour.living import lived
from training.simulator.behaviour.written import truth_table
from training.simulator.world import build_world

SEEDS, CASES, LENGTH = 10, 2, 120
LASTING = 10
"""A case with more days than that lasts."""
KNOWN_DAYS = 10
"""Accounts with fewer days are not ranked."""


class Named(NamedTuple):
    """A feature as issue and documents call it: the ``families`` that measure it, and the scenario that is aimed at it."""

    name: str
    families: tuple[str, ...]
    scenario: str


NAMED: tuple[Named, ...] = (
    Named("novel country", ("country",), "new_country"),
    Named("novel device", ("device",), "new_device"),
    Named("rare action", ("action", "sequence"), "rare_action"),
    Named("hour of the week", ("hour",), "odd_hours"),
    Named("volume against the own", ("volume_own",), "own_volume"),
    Named("volume against peers", ("volume_peers",), "creep"),
    Named("failure pattern", ("failures",), "denied"),
    Named("failure pattern, then success", ("failures",), "guessing"),
    Named("password spray", ("spray", "opened"), "spray"),
    Named("impossible travel", ("travel",), "impossible_travel"),
    Named("burst of distinct targets", ("burst",), "many_targets"),
    Named("sequence of actions", ("sequence",), "odd_sequence"),
    Named("resource rare among peers", ("foreign",), "foreign_resource"),
    Named("drift: volume", ("volume_own", "volume_peers"), "drift"),
)


_SCENARIOS = tuple(dict.fromkeys(named.scenario for named in NAMED))


class Added(NamedTuple):
    """Days, and what each family adds to each (n × families)."""

    keys: list[DayKey]
    excess: NDArray[np.float64]


def added(days: DayVectors) -> Added:
    """Let days surprise in the order of time; those of accounts and tenants that are hardly known are left out."""
    surprises, known = Surprises(), dict[DayKey, int]()
    keys: list[DayKey] = []
    parts: list[NDArray[np.float64]] = []
    for _, some in groupby(range(len(days.keys)), key=lambda at: days.keys[at][:3]):
        rows = list(some)
        part = days.part(slice(rows[0], rows[-1] + 1))
        found = surprises.step(part)
        whose = [key._replace(ordinal=0) for key in part.keys]
        fit = [at for at, one in enumerate(whose) if found is not None and known.get(one, 0) >= KNOWN_DAYS]
        known.update({one: known.get(one, 0) + 1 for one in whose})
        if found is not None:
            keys += [part.keys[at] for at in fit]
            parts.append(excesses(found[0])[fit])
    return Added(keys, np.concatenate([np.zeros((0, len(FAMILIES))), *parts]))


def ranked(one: Added, without: Sequence[str] = ()) -> Iterator[Row]:
    """Yield the days as rows, their score the sum over all families but those left out."""
    held = [at for at, family in enumerate(FAMILIES) if family not in without]
    for key, score in zip(one.keys, one.excess[:, held].sum(axis=1).tolist(), strict=True):
        yield Row(key.entity, FIRST.date() + timedelta(days=key.ordinal), EntityKind(key.kind), score, float("nan"))


def _found(one: Added, truth: Truth, without: Sequence[str] = ()) -> dict[str, list[bool]]:
    """Return by scenario whether each of its cases was found."""
    rows = list(ranked(one, without))
    out: dict[str, list[bool]] = {}
    for case in cases_found(rows, truth, BUDGET, sprayed=False):
        days = {day for (entity, day), scenario in truth.items() if (entity, scenario) == (case.entity, case.scenario)}
        hit = case.found > 0 if len(days) <= LASTING else case.entity in first_over(days, rows)
        out.setdefault(case.scenario, []).append(hit)
    return out


def first_over(days: Collection[date], rows: Sequence[Row]) -> list[str]:
    """Return the first accounts by the mean score of their days among ``days``; who has fewer than half of them is left out."""
    of: dict[str, list[float]] = {}
    for row in rows:
        if row.kind is not EntityKind.HOST and row.day in days:
            of.setdefault(row.entity, []).append(row.score)
    means = {entity: sum(scores) / len(scores) for entity, scores in of.items() if 2 * len(scores) >= len(days)}
    return sorted(means, key=lambda entity: (-means[entity], entity))[:BUDGET]


def ablate(
    seeds: Sequence[int], *, staff: int = STAFF, length: int = LENGTH, cases: int = CASES
) -> dict[str, tuple[int, int, int]]:
    """Return for each named feature how many cases of its scenario there were, were found with it, and without it."""
    out = {named.name: (0, 0, 0) for named in NAMED}
    for seed in seeds:
        done = lived(
            build_world(0, length, np.random.default_rng([seed, 0]), staff), seed, cases=dict.fromkeys(_SCENARIOS, cases)
        )
        truth = {(row["entity"], row["day"]): row["scenario"] for row in truth_table(done).to_pylist()}
        one = added(vectors_of(done))
        with_all = _found(one, truth)
        for named in NAMED:
            some = with_all.get(named.scenario, [])
            less = _found(one, truth, named.families).get(named.scenario, [])
            total, found, without = out[named.name]
            out[named.name] = (total + len(some), found + sum(some), without + sum(less))
    return out


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--first-seed", type=int, default=0)
    given = parser.parse_args()
    table = ablate(range(given.first_seed, given.first_seed + given.seeds))
    sys.stdout.write(f"{'feature':34} {'scenario':20} cases  found  without it\n")
    for named in NAMED:
        total, found, without = table[named.name]
        sys.stdout.write(
            f"{named.name:34} {named.scenario:20} {total:5}  {found / max(total, 1):5.2f}  {without / max(total, 1):5.2f}\n"
        )


if __name__ == "__main__":
    main()
