"""Run a simulation and write it down: a history, its context, and the truth in a file of its own."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from features.alert import Alert, Entity, EntityKind, Observable, Role, Rule
from features.context import import_facts
from features.history import HistoryWriter
from features.label import Label
from training.errors import DataError
from training.simulator.analysts import VERDICTS, Verdicts, judge
from training.simulator.attacks import attacks
from training.simulator.benign import benign
from training.simulator.rules import KINDS, RULES
from training.simulator.world import ORIGINS, Rows, World, build_world, department, joined

START = datetime(2026, 1, 5, tzinfo=UTC)
"""A Monday; all tenants live through the same days."""
_CHUNK = 50_000
_MOST_TENANTS = 200


class Simulated(NamedTuple):
    """What was written: the ``history``, the ``truth`` beside it (a row an alert), the ``context`` files, and counts."""

    history: Path
    truth: Path
    context: Path
    alerts: int
    labels: int
    incidents: int

    def __str__(self) -> str:
        """Say it in a line."""
        counts = f"{self.alerts:,} alerts, {self.labels:,} verdicts, {self.incidents} incidents"
        return f"{counts} in {self.history}; truth in {self.truth}"


class _Tenant(NamedTuple):
    world: World
    alerts: Rows
    received: NDArray[np.float64]
    incidents: list[str]
    verdicts: Verdicts


def simulate(tenants: int, days: int, seed: int, out: Path) -> Simulated:
    """Simulate ``tenants`` over ``days`` into the folder ``out``; the same numbers give the same bytes.

    Raises ``DataError`` for impossible numbers, or when ``out`` holds something else.
    """
    if not 1 <= tenants <= _MOST_TENANTS or days < 1 or seed < 0:
        raise DataError(str(out), f"simulating needs 1 to {_MOST_TENANTS} tenants, a day or more, and a seed of 0 or more")
    if out.exists() and any(out.iterdir()) and not (out / "truth.parquet").exists():
        raise DataError(str(out), "is in use by something that is not a simulation")
    draft = out.with_name(out.name + ".part")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    lives = [_live(number, days, seed) for number in range(tenants)]
    _write_context(draft / "context", [life.world for life in lives])
    labels = _write_history(draft / "history", draft / "context" / "versions", lives)
    _write_truth(draft / "truth.parquet", lives)
    shutil.rmtree(out, ignore_errors=True)
    draft.rename(out)
    counts = sum(len(life.alerts.time) for life in lives), labels, sum(len(life.incidents) for life in lives)
    return Simulated(out / "history", out / "truth.parquet", out / "context", *counts)


def _live(number: int, days: int, seed: int) -> _Tenant:
    """Let a tenant live. Its rows come in the order of receipt."""
    rng = np.random.default_rng([seed, number])
    world = build_world(number, rng)
    attacked, incidents = attacks(world, days, rng)
    alerts = joined([benign(world, days, rng), attacked])
    received = alerts.time + rng.exponential(8.0, len(alerts.time)) + np.where(rng.random(len(alerts.time)) < 0.02, 900.0, 0.0)
    order = np.argsort(received, kind="stable")
    alerts = alerts.take(order)
    return _Tenant(world, alerts, received[order], incidents, judge(alerts, days, rng))


def _write_history(path: Path, context: Path, lives: list[_Tenant]) -> int:
    """Write alerts and labels, numbered by one order of receipt; return the number of labels."""
    tenant = np.concatenate([np.full(len(life.received), number) for number, life in enumerate(lives)])
    row = np.concatenate([np.arange(len(life.received)) for life in lives])
    told = np.concatenate([np.full(len(life.verdicts.row), number) for number, life in enumerate(lives)])
    verdict = np.concatenate([np.arange(len(life.verdicts.row)) for life in lives])
    times = np.concatenate([*(life.received for life in lives), *(life.verdicts.time for life in lives)])
    order = np.argsort(times, kind="stable")
    seq = np.empty(len(times), np.int64)
    seq[order] = np.arange(len(times))
    alerts, labels = order[order < len(row)], order[order >= len(row)]
    with HistoryWriter(path) as writer:
        writer.context(context)
        for some in _chunks(alerts):
            made = [_alert(lives[t], r) for t, r in zip(tenant[some].tolist(), row[some].tolist(), strict=True)]
            writer.alerts(made, seq[some].tolist())
        for some in _chunks(labels):
            at = some - len(row)
            told_by = [_label(lives[t], v) for t, v in zip(told[at].tolist(), verdict[at].tolist(), strict=True)]
            writer.labels(told_by, seq[some].tolist())
    return len(labels)


def _chunks(index: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    for start in range(0, len(index), _CHUNK):
        yield index[start : start + _CHUNK]


def _time(seconds: float) -> datetime:
    return START + timedelta(microseconds=round(seconds * 1e6))


def _uid(world: World, row: int) -> str:
    return f"{world.tenant}-{row:07d}"


def _alert(life: _Tenant, row: int) -> Alert:
    world, alerts = life.world, life.alerts
    rule = RULES[alerts.rule[row]]
    entities = [Entity(EntityKind.HOST, world.hosts[alerts.host[row]], Role.DEVICE)]
    if alerts.user[row] >= 0:
        entities.append(Entity(EntityKind.USER, world.users[alerts.user[row]], Role.ACTOR))
    source = int(alerts.source[row])
    if source != -1:
        entities.append(Entity(EntityKind.ADDRESS, _address(world, source), Role.ACTOR))
    domain = int(alerts.domain[row])
    return Alert(
        uid=_uid(world, row),
        tenant=world.tenant,
        time=_time(alerts.time[row]),
        received_time=_time(life.received[row]),
        product=rule.product,
        rule=Rule(rule.uid, rule.name),
        severity=rule.severity,
        tactics=(rule.tactic,) if rule.tactic else (),
        techniques=(rule.technique,) if rule.technique else (),
        entities=tuple(entities),
        observables=(Observable("domain", _domain(domain)),) if domain >= 0 else (),
        message=f"{rule.name} on {world.hosts[alerts.host[row]]}",
    )


def _address(world: World, source: int) -> str:
    if source >= 0:
        return f"10.{world.number}.{source >> 8}.{source & 255}"
    outside = -source
    return f"198.{18 + (outside >> 16 & 1)}.{outside >> 8 & 255}.{outside & 255}"


def _domain(number: int) -> str:
    return f"host{number}.example"


def _label(life: _Tenant, number: int) -> Label:
    verdicts, alerts = life.verdicts, life.alerts
    row = int(verdicts.row[number])
    verdict = VERDICTS[verdicts.verdict[number]]
    incident, attack = int(alerts.incident[row]), verdict.target == 1
    time = _time(verdicts.time[number])
    return Label(
        uid=f"{_uid(life.world, row)}-verdict",
        tenant=life.world.tenant,
        alert_uid=_uid(life.world, row),
        verdict=verdict,
        time=time,
        received_time=time,
        analyst=f"analyst-{verdicts.analyst[number] + 1}",
        reason=KINDS[alerts.step[row]] if attack and incident >= 0 else "",
        incident_uid=life.incidents[incident] if attack and incident >= 0 else "",
    )


def _write_truth(path: Path, lives: list[_Tenant]) -> None:
    """Write what really happened: for each alert whether an attacker did it, in which incident and step, or why it is benign."""
    columns: dict[str, list[object]] = {name: [] for name in ("tenant", "alert_uid", "attack", "incident_uid", "step", "origin")}
    for life in lives:
        count = len(life.received)
        incidents, steps = life.alerts.incident.tolist(), life.alerts.step.tolist()
        columns["tenant"] += [life.world.tenant] * count
        columns["alert_uid"] += [_uid(life.world, row) for row in range(count)]
        columns["attack"] += [incident >= 0 for incident in incidents]
        columns["incident_uid"] += [life.incidents[incident] if incident >= 0 else "" for incident in incidents]
        columns["step"] += [KINDS[step] if step >= 0 else "" for step in steps]
        columns["origin"] += [ORIGINS[origin] for origin in life.alerts.origin.tolist()]
    pq.write_table(pa.table(columns), path, compression="zstd")


def _write_context(folder: Path, worlds: list[World]) -> None:
    """Write what an inventory knows, as files that ``tamis context import`` takes, and as imported versions."""
    folder.mkdir()
    assets: list[dict[str, object]] = [
        {"tenant": w.tenant, "uid": host, "criticality": int(w.criticality[i]), "exposed": str(bool(w.exposed[i])).lower()}
        for w in worlds for i, host in enumerate(w.hosts)
    ]  # fmt: skip
    identities: list[dict[str, object]] = [
        {"tenant": w.tenant, "uid": user, "department": department(int(w.department[i])),
         "privileged": str(bool(w.privileged[i])).lower()}
        for w in worlds for i, user in enumerate(w.users)
    ]  # fmt: skip
    indicators: list[dict[str, object]] = [
        {"tenant": w.tenant, "kind": "domain", "value": _domain(number)}
        for w in worlds for number in (*range(100_000 + 1000 * w.number, 100_000 + 1000 * w.number + 1000, 7), 3, 40, 300)
    ]  # fmt: skip
    decoys: list[dict[str, object]] = [{"tenant": w.tenant, "kind": "host", "uid": w.hosts[w.server("decoy")]} for w in worlds]
    facts = {"assets": assets, "identities": identities, "indicators": indicators, "decoys": decoys}
    for kind, some in facts.items():
        file = folder / f"{kind}.csv"
        with file.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, list(some[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(some)
        import_facts(folder / "versions", kind, file, "", START)
