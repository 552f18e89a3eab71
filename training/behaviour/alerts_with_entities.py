"""``python -m training.behaviour.alerts_with_entities``: what alerts' ranking gains from their entities' behaviour, in simulated worlds.

In each world events and alerts tell one story. Behaviour is learned without labels from all of the events, later ones too; alerts
know how unusual their user and host were as of then, and the model of alerts learns from the verdicts of people. Each tenant is left
out in turn and scored twice, with and without its entities. Average precision is over alert groups, by the truth.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn.metrics import roc_auc_score

from features.default_view import ANOMALY_FEATURES, DEFAULT_VIEW
from features.encode import VALUES
from features.event_table import table_of
from training.behaviour.entities import entity_anomalies
from training.behaviour.fitting import learn_events
from training.behaviour.simulated import simulated_events
from training.feedback.world import World
from training.fit import FitParameters, TrainingRows, fit_all, score_plans
from training.metrics import average_precision, average_precision_by_tenant
from training.simulator import simulate
from training.split import leave_one_tenant_out

SEEDS, TENANTS, DAYS = 8, 3, 75
STRANGE = 4.0
"""Bits: as strange as one day in eighty, a moment ago."""


class Compared(NamedTuple):
    """Average precision in a world with and without entities, pooled and by tenant.

    ``known``: of which share of the alerts something was known of an entity; ``attacks`` and ``benign``: which share of them named a
    user who was lately ``STRANGE``; ``auc``: how well the user's anomaly alone tells attacks.
    """

    seed: int
    known: float
    attacks: float
    benign: float
    auc: float
    given: float
    without: float
    tenants: dict[str, tuple[float, float]]


def compare(seed: int, *, tenants: int = TENANTS, days: int = DAYS) -> Compared:
    """Live through a world and score its alerts with and without their entities."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "world"
        simulate(tenants, days, seed, place, behaviour=True)
        events = table_of(simulated_events(place).events)
        anomalies = entity_anomalies(learn_events(events, place).model, events)
        return compared(World.load(place, bytes(32), anomalies), seed)


def compared(world: World, seed: int, parameters: FitParameters | None = None) -> Compared:
    """Score the alerts of ``world``, which know their entities, with that and without."""
    dataset, parameters = world.dataset, parameters or FitParameters()
    rows, splits = TrainingRows.gather(dataset), leave_one_tenant_out(dataset)
    without = [at for at, name in enumerate(DEFAULT_VIEW.names) if name not in ANOMALY_FEATURES]
    plans = [
        list(zip(splits, fit_all(rows, [fold.train for fold in splits], parameters, columns), strict=True))
        for columns in (None, without)
    ]
    both = [found.raw for found in score_plans(rows, plans, with_labels=False)]
    scored = np.flatnonzero(~np.isnan(both[0]))
    groups = [world.groups(raw, scored) for raw in both]
    by_tenant = [average_precision_by_tenant(some) for some in groups]
    anomalies = dataset.block.values[:, [VALUES.index(name) for name in ANOMALY_FEATURES]]
    user = np.nan_to_num(anomalies[:, 0])
    return Compared(
        seed,
        float((~np.isnan(anomalies).all(axis=1)).mean()),
        float((user[world.attack] >= STRANGE).mean()),
        float((user[~world.attack] >= STRANGE).mean()),
        float(roc_auc_score(world.attack, user)),
        average_precision(groups[0]),
        average_precision(groups[1]),
        {dataset.tenants[tenant]: (value, by_tenant[1][tenant]) for tenant, value in by_tenant[0].items()},
    )


def report(worlds: Iterable[Compared]) -> Iterator[str]:
    """Yield the lines of the table, each world's as it comes."""
    yield "seed  known  strange users: attacks, benign  AUC of the user alone   AP with  without  difference"
    seen = []
    for one in worlds:
        seen.append(one)
        alone = f"{one.known:5.2f}  {one.attacks:22.3f}  {one.benign:6.3f}  {one.auc:21.3f}"
        yield f"{one.seed:4}  {alone}   {one.given:7.4f}  {one.without:7.4f}  {one.given - one.without:+10.4f}"
    every = {(one.seed, name): given - without for one in seen for name, (given, without) in one.tenants.items()}
    seed, name = min(every, key=every.__getitem__)
    yield f"mean with {_mean([one.given for one in seen])}, without {_mean([one.without for one in seen])}"
    yield f"paired difference, worlds {_mean([one.given - one.without for one in seen])}, tenants {_mean(list(every.values()))}"
    yield f"{sum(one > 0 for one in every.values())} of {len(every)} tenants gain; worst: {every[seed, name]:+.4f}, {name} of seed {seed}"


def _mean(values: Sequence[float]) -> str:
    return f"{np.mean(values):.4f} ± {np.std(values, ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.nan:.4f}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--tenants", type=int, default=TENANTS)
    parser.add_argument("--days", type=int, default=DAYS)
    given = parser.parse_args()
    seeds = range(given.first_seed, given.first_seed + given.seeds)
    for line in report(compare(seed, tenants=given.tenants, days=given.days) for seed in seeds):
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
