"""What the demo plays with: networks to train on, one to replay, and the truth about it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from features.alert import Alert
from features.history import HistoryWriter
from features.label import Label
from features.reading import read_chunks
from training.catalogue import fetch
from training.errors import FetchError
from training.settings import Settings
from training.simulator import simulate

_SIMULATED_TENANTS, _SIMULATED_DAYS, _SIMULATED_SEED = 5, 21, 7


@dataclass
class Stage:
    """``data`` in format ``fmt`` to train on; the ``alerts`` of ``tenant`` to replay in order of time, and what is true of them."""

    source: str
    data: Path
    fmt: str
    tenant: str
    alerts: list[Alert]
    truth: dict[str, Label]

    def is_attack(self, alert: Alert) -> bool:
        """Whether the alert was caused by an attacker."""
        label = self.truth.get(alert.uid)
        return label is not None and label.verdict.target == 1

    def step(self, alert: Alert) -> str:
        """Return the attack step that the alert belongs to."""
        return self.truth[alert.uid].incident_uid if alert.uid in self.truth else ""


def set_stage(settings: Settings, home: Settings, console: Console) -> Stage:
    """Take AIT-ADS, or the simulator where it cannot be had (and say so)."""
    try:
        return _real(fetch(settings, "ait-ads", console), home)
    except FetchError as error:
        console.print(f"[yellow]{error}; simulated alerts instead[/]", soft_wrap=True)
        return _simulated(home)


def _real(folder: Path, home: Settings) -> Stage:
    """Leave the largest network aside; replay the last of the others in time, train on the rest."""
    files = sorted((f for f in folder.iterdir() if "_alerts.csv" in f.name), key=lambda f: f.stat().st_size)[:-1][:4]
    last = max(files, key=_start)
    data = home.var / "networks"
    data.mkdir()
    for file in files:
        if file != last:
            os.symlink(file.absolute(), data / file.name)
    return _stage("AIT Alert Data Set", data, "ait-ads", last, "ait-ads")


def _start(file: Path) -> float:
    return next(iter(read_chunks(file, "ait-ads", labels=False, size=1))).alerts[0].time.timestamp()


def _stage(source: str, data: Path, fmt: str, replayed: Path, replayed_fmt: str) -> Stage:
    alerts: list[Alert] = []
    truth: dict[str, Label] = {}
    for chunk in read_chunks(replayed, replayed_fmt, labels=True):
        alerts += chunk.alerts
        truth |= {label.alert_uid: label for _, label in chunk.labels}
    alerts.sort(key=lambda alert: alert.time)
    return Stage(source, data, fmt, alerts[0].tenant, alerts, truth)


def _simulated(home: Settings) -> Stage:
    """Simulate tenants; write the last one's alerts apart."""
    world = home.var / "simulated"
    simulate(_SIMULATED_TENANTS, _SIMULATED_DAYS, _SIMULATED_SEED, world)
    chunks = list(read_chunks(world / "history", "history", labels=True))
    last = max(alert.tenant for chunk in chunks for alert in chunk.alerts)
    for name, wanted in (("networks", False), ("replayed", True)):
        with HistoryWriter(home.var / name) as writer:
            for chunk in chunks:
                writer.alerts([alert for alert in chunk.alerts if (alert.tenant == last) == wanted])
                writer.labels([label for _, label in chunk.labels if (label.tenant == last) == wanted])
            writer.context(world / "context" / "versions")
    return _stage("simulator", home.var / "networks", "history", home.var / "replayed", "history")
