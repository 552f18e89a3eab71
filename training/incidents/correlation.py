"""How well alerts are joined into incidents, on simulated worlds: ``tamis evaluate --incidents``.

Campaigns begin every day and overlap; there are three levels of noise. Alerts are scored by models that were trained on the other
tenants. The first two weeks, while counters and scores are cold, are not measured. Beside: grouping by gaps in time (the best of
four gaps, chosen with hindsight) and by host and day.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import adjusted_rand_score

from features.alert import Alert, main_entity
from models.incidents.chain import trace
from models.incidents.incident import Incident
from models.playbooks.loading import load_catalogue
from models.playbooks.recommend import recommend
from training.correlate import Correlated, correlate
from training.incidents.appraisal import Appraised, appraisal_table, appraise
from training.incidents.chains import Case, f1, read_world
from training.incidents.losses import Lost, loss_table, losses
from training.incidents.responses import judge as judge_responses
from training.incidents.responses import share_right, true_incidents
from training.incidents.worlds import NOISES, Scored, scored_world, warm
from training.report import Cell, Table

_GAPS = (3600.0, 4 * 3600.0, 12 * 3600.0, 24 * 3600.0)
Progress = Callable[[str], None]


class Joined(NamedTuple):
    """What became of a world. Adjusted Rand index over the alerts of attackers: ``ours``, by ``gap`` and by ``host_day``;
    ``strict``: over these and all benign alerts of incidents that are shown, each of which should be alone. ``held``: share of the
    attackers' alerts in incidents that are shown; ``benign``: share of benign alerts in those that hold any of them."""

    ours: float
    gap: float
    host_day: float
    strict: float
    held: float
    benign: float
    shown: int
    true: int


def judge(world: Scored, found: Correlated) -> Joined:
    """Compare what correlation made of a world with the truth."""
    measured = warm(world.alerts)
    true = np.unique(world.incident, return_inverse=True)[1]
    attack = np.array([bool(name) for name in world.incident])
    mine = attack & measured
    alone = np.where(attack, true, -1 - np.arange(len(true)))
    seen = measured & (attack | found.raised)
    ours = np.where(found.raised, found.incident, -1 - np.arange(len(true)))
    holding = found.raised & measured & np.isin(found.incident, found.incident[mine & found.raised])
    own = [alert for alert, is_mine in zip(world.alerts, mine, strict=True) if is_mine]
    return Joined(
        ours=float(adjusted_rand_score(true[mine], found.incident[mine])),
        gap=max(float(adjusted_rand_score(true[mine], _by_gap(own, gap))) for gap in _GAPS),
        host_day=float(adjusted_rand_score(true[mine], _by_host_and_day(own))),
        strict=float(adjusted_rand_score(alone[seen], ours[seen])),
        held=float(found.raised[mine].mean()),
        benign=float(1.0 - attack[holding].mean()),
        shown=len(np.unique(found.incident[found.raised & measured])),
        true=len(np.unique(true[mine])),
    )


def _by_gap(alerts: Sequence[Alert], gap: float) -> NDArray[np.int64]:
    """Number the bursts of a tenant: a new one begins after a pause."""
    order = sorted(range(len(alerts)), key=lambda i: (alerts[i].tenant, alerts[i].time))
    found, number, before = np.zeros(len(alerts), np.int64), -1, None
    for i in order:
        alert = alerts[i]
        if before is None or before.tenant != alert.tenant or (alert.time - before.time).total_seconds() > gap:
            number += 1
        found[i], before = number, alert
    return found


def _by_host_and_day(alerts: Sequence[Alert]) -> NDArray[np.int64]:
    names = [f"{alert.tenant}\x1f{main_entity(alert).uid}\x1f{alert.time:%Y-%m-%d}" for alert in alerts]
    return np.asarray(np.unique(names, return_inverse=True)[1], np.int64)


class Told(NamedTuple):
    """How well chains and playbooks fit on what correlation made: share of right entries, F1 of the paths' edges (of acts that
    alerts speak of), share of right playbooks, over so many true incidents that any shown incident holds. ``truth``: share of right
    playbooks on all true incidents as they are, as if correlation had joined them without an error."""

    incidents: int
    entry: float
    edges: float
    playbook: float
    truth: float


def retell(world: Scored, found: Correlated) -> Told:
    """Trace and recommend on the shown incident that holds most of each true one, as an analyst would see it."""
    lived, catalogue = read_world(world.simulated), load_catalogue()
    most = _matched(world, found)
    cases, right, trues = [], [], true_incidents(world.simulated)
    truth = share_right(judge_responses(trues, catalogue))
    for true in trues:
        seen = most.get(true.incident.uid)
        if seen is None:
            continue
        chain = trace(seen, resolve=lived.resolve(seen.tenant))
        cases.append(Case(true.campaign, chain, lived.truth[true.incident.uid]))
        right.append(next((one.slug for one in recommend(seen, catalogue)), "") in true.right)
    if not cases:
        return Told(0, float("nan"), float("nan"), float("nan"), truth)
    return Told(len(cases), float(np.mean([case.entry_right for case in cases])), f1(cases, "seen"), float(np.mean(right)), truth)


def _matched(world: Scored, found: Correlated) -> dict[str, Incident]:
    held: dict[str, Counter[int]] = {}
    for name, code, raised in zip(world.incident, found.incident.tolist(), found.raised.tolist(), strict=True):
        if name and raised:
            held.setdefault(name, Counter())[code] += 1
    return {name: found.incidents[found.names[count.most_common(1)[0][0]]] for name, count in held.items()}


class World(NamedTuple):
    """A world as measured."""

    noise: float
    seed: int
    alerts: int
    joined: Joined
    told: Told
    appraised: Appraised
    lost: Lost

    @property
    def name(self) -> str:
        """What tells it apart."""
        return f"noise × {self.noise}, seed {self.seed}"


def measured(folder: Path, secret: bytes, seeds: Sequence[int], told: Progress = lambda text: None) -> list[World]:
    """Simulate a world in ``folder`` for each level of noise and seed, and measure what is joined in it and how well it is told."""
    found = []
    for noise in NOISES:
        for seed in seeds:
            told(f"noise {noise}, seed {seed}")
            world = scored_world(folder, seed, noise, secret)
            joined = correlate(world.alerts, world.score, world.resolve, anomaly=world.anomaly)
            parts = judge(world, joined), retell(world, joined), appraise(world, joined), losses(world, joined)
            found.append(World(noise, seed, len(world.alerts), *parts))
    return found


def tables(worlds: Sequence[World]) -> list[Table]:
    """Return what was measured."""
    joins: list[list[Cell]] = [[world.name, world.alerts, *world.joined] for world in worlds]
    tells: list[list[Cell]] = [[world.name, *world.told] for world in worlds]
    note = (
        "Adjusted Rand index over the alerts of attackers; by gaps in time with the best of four gaps, by host and day; strict counts "
        "each benign alert of an incident as one that should be alone. Campaigns begin every day; the first two weeks are left out."
    )
    return [
        Table(
            "Alerts joined into incidents, simulated",
            ["world", "alerts", "ours", "by gaps", "by host and day", "strict", "held", "benign in them", "shown", "true"], joins, note,
        ),
        Table(
            "What is told of the incidents joined", ["world", "true incidents", "entry right", "F1 of the path", "playbook right", "on true incidents"],
            tells,
        ),
        loss_table([(world.name, world.lost) for world in worlds]),
        appraisal_table([(world.name, world.appraised) for world in worlds]),
    ]  # fmt: skip
