"""How well attack chains are traced, on simulated attacks whose way is known: ``python -m training.incidents.chains SEED…``.

The truth is stated by :mod:`training.simulator.chains`. Incidents here are the true ones (correlation is measured elsewhere), with
benign alerts of the same entities and hours among them, if wished.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow.parquet as pq

from features.alert import Alert
from features.context import Context
from features.history import read_alerts, read_manifest
from models.incidents.chain import Chain, trace
from models.incidents.incident import Incident
from models.incidents.sightings import Node, Resolve
from training.incidents.lines import lines
from training.simulator import Simulated, simulate

TENANTS, DAYS = 3, 90
Pair = tuple[Node, Node]


class Truth(NamedTuple):
    """How an attack went: its ``entry``, and the edges of its path: all, those of acts that alerts speak of, those among
    them of which alerts name both ends.
    """

    entry: Node
    done: frozenset[Pair]
    seen: frozenset[Pair]
    named: frozenset[Pair]


class Case(NamedTuple):
    """An attack as traced, beside the truth; ``campaign`` is the sort of attack."""

    campaign: str
    chain: Chain
    truth: Truth

    @property
    def entry_right(self) -> bool:
        """Whether the entry is the true one."""
        return self.chain.entry == self.truth.entry

    @property
    def edges(self) -> frozenset[Pair]:
        """The edges of the path as traced."""
        return frozenset((edge.source, edge.target) for edge in self.chain.path)


def f1(cases: Sequence[Case], view: str) -> float:
    """Return the harmonic mean of precision and recall over the edges of all paths; 1 where there is none to find.

    An edge that is true and outside the ``view`` is neither a hit nor an error.
    """
    true = [getattr(case.truth, view) for case in cases]
    found = [case.edges - (case.truth.done - wanted) for case, wanted in zip(cases, true, strict=True)]
    hits = sum(len(a & b) for a, b in zip(found, true, strict=True))
    total = sum(map(len, found)) + sum(map(len, true))
    return 2.0 * hits / total if total else 1.0


_SURE = 0.7


class Measured(NamedTuple):
    """What tracing achieved over ``cases`` attacks: share of right entries, of all and of those with a confidence of 0.7 or more
    and of less; F1 of edges against each view of the truth.
    """

    cases: int
    entry: float
    sure: float
    unsure: float
    seen: float
    named: float
    done: float

    def __str__(self) -> str:
        """Say it in a line."""
        return (
            f"{self.cases} attacks: entry right {self.entry:.3f} ({self.sure:.3f} where sure, {self.unsure:.3f} where not); "
            f"F1 of edges {self.seen:.3f} of acts that alerts speak of, {self.named:.3f} where they name both ends, "
            f"{self.done:.3f} of all acts"
        )


def measure(cases: Sequence[Case]) -> Measured:
    """Return how well the cases were traced; ``nan`` for a share of none."""
    right = [case.entry_right for case in cases]
    sure = [case.chain.confidence >= _SURE for case in cases]
    return Measured(
        len(cases), _share(right), _share(r for r, s in zip(right, sure, strict=True) if s),
        _share(r for r, s in zip(right, sure, strict=True) if not s), f1(cases, "seen"), f1(cases, "named"), f1(cases, "done"),
    )  # fmt: skip


def _share(flags: Iterable[bool]) -> float:
    some = list(flags)
    return sum(some) / len(some) if some else float("nan")


def true_chains(path: Path) -> dict[str, Truth]:
    """Return how each attack went, by the incident's uid."""
    edges: dict[str, list[tuple[Node, Pair, bool, bool]]] = {}
    for row in pq.read_table(path).to_pylist():
        entry, source, target = (Node(row[f"{end}_kind"], row[f"{end}_uid"]) for end in ("entry", "from", "to"))
        edges.setdefault(row["incident_uid"], []).append((entry, (source, target), row["seen"], row["named"]))
    return {
        uid: Truth(
            some[0][0],
            frozenset(pair for _, pair, _, _ in some),
            frozenset(pair for _, pair, seen, _ in some if seen),
            frozenset(pair for _, pair, seen, named in some if seen and named),
        )
        for uid, some in edges.items()
    }


class World(NamedTuple):
    """A simulated world: alerts of each attack, its campaign, alerts of each tenant's everyday, and what names meant."""

    attacks: dict[str, list[Alert]]
    campaigns: dict[str, str]
    benign: dict[str, list[Alert]]
    context: Context
    truth: dict[str, Truth]

    def resolve(self, tenant: str) -> Resolve:
        """Return how a tenant's names resolve: an address that was a host's lease is that host."""

        def resolved(kind: str, uid: str, time: datetime) -> tuple[str, str]:
            meant = self.context.aliases.resolve(tenant, kind, uid, time)
            return ("host" if kind == "address" and meant != uid else kind), meant

        return resolved


def read_world(simulated: Simulated) -> World:
    """Read a simulated world back."""
    rows = pq.read_table(simulated.truth, columns=["tenant", "alert_uid", "incident_uid", "campaign"]).to_pylist()
    incident = {(row["tenant"], row["alert_uid"]): row["incident_uid"] for row in rows}
    campaigns = {row["incident_uid"]: row["campaign"] for row in rows}
    attacks: dict[str, list[Alert]] = {}
    benign: dict[str, list[Alert]] = {}
    for chunk in read_alerts(simulated.history):
        for _, alert in chunk:
            uid = incident[alert.tenant, alert.uid]
            (attacks.setdefault(uid, []) if uid else benign.setdefault(alert.tenant, [])).append(alert)
    context = Context.load(simulated.history / read_manifest(simulated.history).context)
    return World(attacks, campaigns, benign, context, true_chains(simulated.chains))


def cases(world: World, noise: int, seed: int) -> Iterator[Case]:
    """Trace every attack that set off an alert, with up to ``noise`` benign alerts of its entities and hours among its own."""
    rng = np.random.default_rng([seed, noise])
    for uid, own in sorted(world.attacks.items()):
        tenant = own[0].tenant
        resolve = world.resolve(tenant)
        others = _beside(own, world.benign.get(tenant, []), resolve)
        chosen = rng.permutation(len(others))[:noise]
        alerts = [*own, *(others[i] for i in chosen)]
        incident = Incident(uid=uid, tenant=tenant, lines=lines(alerts))
        yield Case(world.campaigns[uid], trace(incident, resolve=resolve), world.truth[uid])


def _beside(own: Sequence[Alert], benign: Sequence[Alert], resolve: Resolve) -> list[Alert]:
    """Return the benign alerts that share an entity with the attack, in its hours and the one before and after."""
    margin = timedelta(hours=1)
    start, end = min(alert.time for alert in own) - margin, max(alert.time for alert in own) + margin
    about = {node for alert in own for node in _nodes(alert, resolve)}
    return [alert for alert in benign if start <= alert.time <= end and not about.isdisjoint(_nodes(alert, resolve))]


def _nodes(alert: Alert, resolve: Resolve) -> set[tuple[str, str]]:
    return {resolve(entity.kind.value, entity.uid, alert.time) for entity in alert.entities}


def main(seeds: Sequence[int], noises: Sequence[int] = (0, 2, 5, 10)) -> None:
    """Simulate a world for each seed and print what tracing achieves over all of them, and on each sort of attack."""
    with tempfile.TemporaryDirectory() as folder:
        worlds = [read_world(simulate(TENANTS, DAYS, seed, Path(folder) / str(seed))) for seed in seeds]
    for noise in noises:
        found = [case for seed, world in zip(seeds, worlds, strict=True) for case in cases(world, noise, seed)]
        sys.stdout.write(f"up to {noise} benign alerts beside: {measure(found)}\n")
        for campaign in sorted({case.campaign for case in found}) if noise == 0 else ():
            sys.stdout.write(f"  {campaign}: {measure([case for case in found if case.campaign == campaign])}\n")


if __name__ == "__main__":
    main([int(seed) for seed in sys.argv[1:]])
