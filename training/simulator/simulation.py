"""Run a simulation and write it down: a history, its context, and the truth in files of their own."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import NamedTuple

from features.history import HistoryWriter
from training.errors import DataError
from training.simulator.attacks import CAMPAIGN_DAYS
from training.simulator.behaviour.living import SEVERAL, Lived, lived
from training.simulator.behaviour.written import write_behaviour
from training.simulator.chains import write_chains
from training.simulator.inventory import write_context
from training.simulator.lives import Life, live
from training.simulator.rows import START
from training.simulator.writing import write_event_truth, write_history, write_truth

__all__ = ["START", "Simulated", "simulate"]

_MOST_TENANTS = 200
_MOST_NOISE = 100.0


class Simulated(NamedTuple):
    """What was written: the ``history``, the ``truth`` beside it (a row an alert), the ``context`` files, and counts.

    ``event_truth`` holds a row for each event that an attacker did, ``chains`` one for each edge of an attack's path.
    """

    history: Path
    truth: Path
    context: Path
    alerts: int
    labels: int
    incidents: int
    events: int
    event_truth: Path
    chains: Path

    def __str__(self) -> str:
        """Say it in a line."""
        counts = f"{self.alerts:,} alerts, {self.events:,} events, {self.labels:,} verdicts, {self.incidents} incidents"
        return f"{counts} in {self.history}; truth in {self.truth}"


def simulate(
    tenants: int,
    days: int,
    seed: int,
    out: Path,
    *,
    noise: float = 1.0,
    campaign_days: float = CAMPAIGN_DAYS,
    behaviour: bool = False,
) -> Simulated:
    """Simulate ``tenants`` over ``days`` into the folder ``out``; the same numbers give the same bytes.

    ``noise`` multiplies the benign alerts; a campaign begins every ``campaign_days`` in the mean. ``behaviour`` adds
    ``events.parquet`` (what everybody does, insiders and taken-over accounts among it) and ``behaviour_truth.parquet``.

    Raises ``DataError`` for impossible numbers, or when ``out`` holds something else.
    """
    if not 1 <= tenants <= _MOST_TENANTS or days < 1 or seed < 0:
        raise DataError(str(out), f"simulating needs 1 to {_MOST_TENANTS} tenants, a day or more, and a seed of 0 or more")
    if not (0.0 < noise <= _MOST_NOISE and campaign_days > 0.0):
        raise DataError(str(out), f"simulating needs noise over 0 and up to {_MOST_NOISE:.0f}, and days between campaigns over 0")
    if out.exists() and any(out.iterdir()) and not (out / "truth.parquet").exists():
        raise DataError(str(out), "is in use by something that is not a simulation")
    draft = out.with_name(out.name + ".part")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    lives = [live(number, days, seed, noise, campaign_days) for number in range(tenants)]
    write_context(draft / "context", lives)
    with HistoryWriter(draft / "history") as writer:
        writer.context(draft / "context" / "versions")
        labels = write_history(writer, lives)
    write_truth(draft / "truth.parquet", lives)
    write_event_truth(draft / "event_truth.parquet", lives)
    write_chains(draft / "chains.parquet", lives)
    if behaviour:
        write_behaviour(draft, [_lived(life, seed) for life in lives])
    shutil.rmtree(out, ignore_errors=True)
    draft.rename(out)
    return Simulated(
        history=out / "history",
        truth=out / "truth.parquet",
        context=out / "context",
        alerts=sum(len(life.received) for life in lives),
        labels=labels,
        incidents=sum(len(life.incidents) for life in lives),
        events=sum(len(life.events_received) for life in lives),
        event_truth=out / "event_truth.parquet",
        chains=out / "chains.parquet",
    )


def _lived(life: Life, seed: int) -> Lived:
    """Return what a tenant does; the attackers of its alerts do under its accounts what the alerts speak of."""
    return lived(life.world, seed, cases=SEVERAL, acts=life.acts, attacks=life.campaigns)
