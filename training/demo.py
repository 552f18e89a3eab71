"""The demo: the whole loop on real alerts, with a service of its own, and a table of what happened."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
from rich.console import Console
from rich.status import Status

from features.alert import Alert, main_entity
from features.encode import FactEncoder
from features.hashing import load_or_create_secret
from features.label import Label, Verdict
from models.bundle import ModelBundle
from models.bundle_store import BundleStore
from models.engine import ScoringEngine
from models.live_policy import Mode
from training.demo_incident import UrgentIncident, most_urgent, wait_for_correlation
from training.demo_stage import Stage, set_stage
from training.demo_story import Story, tell
from training.errors import ReplayError, TrainingError
from training.pipeline import TrainResult, train
from training.registry import promote
from training.replay import Client, batches
from training.settings import Settings
from training.tracking import where

OBJECTIVE = "maximum suppression @ missed_incidents <= 0.12, confidence 0.95"
"""About 26 incidents can prove 12 % at 95 %, not 1 %: the demo says what its data can prove."""

VERDICTS_A_DAY = 40
_WHO = (("pipeline", "pipeline"), ("analyst", "analyst"), ("analyst", "lead"), ("scientist", "scientist"))
"""Role and name of those who have a key."""
_START_SECONDS = 120.0
"""For a service to start, to stop, and to take up a model."""


@dataclass
class Loop:
    """What the demo has seen so far."""

    stage: Stage
    decisions: dict[str, dict[str, Any]] = field(default_factory=dict)
    labels: list[Label] = field(default_factory=list)
    alerts_by_uid: dict[str, Alert] = field(default_factory=dict)


def demo(settings: Settings, console: Console) -> Story:
    """Run the loop and print what happened.

    Raises ``TrainingError`` unless a verdict changed the decision on a later sibling and left an unrelated alert alone, and an
    incident waits with a next step.
    """
    started = time.monotonic()
    home = msgspec.structs.replace(settings, var=settings.var / "demo")
    shutil.rmtree(home.var, ignore_errors=True)
    home.var.mkdir(parents=True)
    with console.status("") as status:
        stage = set_stage(settings, home, console)
        loop = Loop(stage, alerts_by_uid={alert.uid: alert for alert in stage.alerts})
        first = _train(home, stage, None, lambda text: status.update(f"first training · {text}"))
        console.print(_let_out(home, stage, first), soft_wrap=True)
        status.update("starting the service")
        with serving(home) as url:
            second, without, incident = _live(loop, home, url, first, status)
    story = tell(stage, loop.decisions, loop.labels, without, (first, second), incident=incident)
    story.show(console, where(home), home.var, time.monotonic() - started)
    if not story.changed_siblings or not story.unrelated_same:
        raise TrainingError("the verdicts changed no decision on a later sibling, or none was left alone: the loop is not closed")
    return story


def _live(
    loop: Loop, home: Settings, url: str, first: TrainResult, status: Status
) -> tuple[TrainResult, dict[str, str], UrgentIncident]:
    """Live through all days, retraining half way; return the second training, the actions that the first model would have taken
    on each alert, and the incident that is most urgent in the end."""
    pipeline, analyst, lead, scientist = (Client(url, service_key(home, role, loop.stage.tenant, name)) for role, name in _WHO)
    days = _days(loop.stage.alerts)
    half = max(1, (len(days) + 1) // 2)

    def live(some: range) -> None:
        for number in some:
            status.update(f"day {number + 1} of {len(days)} · {len(days[number]):,} alerts over HTTP, then verdicts")
            _live_a_day(loop, pipeline, (analyst, lead), days[number])

    live(range(half))
    export = home.var / "export"
    _command(home, "export", "--out", str(export))
    second = _train(home, loop.stage, export, lambda text: status.update(f"retraining with the verdicts · {text}"))
    status.update("waiting for the service to swap in the new model")
    _wait_for_bundle(analyst, second.bundle_digest)
    live(range(half, len(days)))
    status.update("asking what would have happened without the verdicts")
    without = _without_verdicts(home, loop.stage, first)
    status.update("waiting until the last alerts are joined into incidents")
    wait_for_correlation(scientist)
    return second, without, most_urgent(analyst)


def _train(home: Settings, stage: Stage, also: Path | None, told: Any) -> TrainResult:
    result = train(home, stage.data, stage.fmt, objectives=[OBJECTIVE], also=also, told=told)
    promote(home, result.version, by="demo")
    return result


def _let_out(home: Settings, stage: Stage, result: TrainResult) -> str:
    """Give the replayed tenant the mode ``automate``, if a certificate was granted; return a sentence on it.

    The tenant has no incidents of its own in the training, so the demo's person must accept a transferred certificate.
    """
    if not result.certificate.granted:
        return f"[yellow]{stage.tenant} stays in shadow:[/] {result.certificate.sentence()}"
    note = "the demo shows what automation would do"
    mode = ("--tenant", stage.tenant, "--mode", Mode.AUTOMATE.value, "--accept-transferred")
    _command(home, "policy", "set", *mode, "--by", "demo", "--note", note)
    return (
        f"[bold]demo[/] sets {stage.tenant} to automate with certificate {result.certificate.uid}: {result.certificate.sentence()}. "
        "It follows from other networks only (transferred): outside a demo a new tenant stays in shadow until its own audit speaks."
    )


def _live_a_day(loop: Loop, pipeline: Client, analysts: tuple[Client, Client], day: Sequence[Alert]) -> None:
    """Send a day's alerts; then an analyst works the top of the queue and says what is true, and the lead looks again.

    Two who agree are trusted more; one voice alone the gate would not let make Tamis look away from what the champion suspects.
    """
    analyst, lead = analysts
    for some in batches(day):
        loop.decisions |= {decision["alert_uid"]: decision for decision in pipeline.send(some)}
    seen: set[tuple[str, str]] = set()
    given: list[dict[str, object]] = []
    for item in analyst.get("/v1/queue", limit=500)["alerts"]:
        alert = loop.alerts_by_uid[item["alert_uid"]]
        line = (alert.rule.uid, main_entity(alert).uid)
        if line in seen or len(given) == VERDICTS_A_DAY:
            continue  # an analyst judges one of a kind
        seen.add(line)
        attack = loop.stage.is_attack(alert)
        given.append(
            {
                "alert_uid": alert.uid,
                "verdict": Verdict.TRUE_POSITIVE if attack else Verdict.FALSE_POSITIVE,
                "time": min(day[-1].time + timedelta(hours=1), datetime.now(UTC)),
                "incident_uid": loop.stage.step(alert) if attack else "",
            }
        )
    if given:
        answer = analyst.post("/v1/labels", given)
        loop.labels += msgspec.convert(answer["labels"], list[Label])
        lead.post("/v1/labels", given)


def _without_verdicts(home: Settings, stage: Stage, first: TrainResult) -> dict[str, str]:
    """Return the action that the first model, never told a verdict, takes on each alert."""
    bundle = ModelBundle.load(BundleStore(home.bundles).path(first.bundle_digest))
    engine = ScoringEngine(bundle, FactEncoder(load_or_create_secret(home.secret)))
    actions: dict[str, str] = {}
    for some in batches(stage.alerts, 20_000):
        scored = engine.score(engine.encoder.alerts(some))
        actions |= {alert.uid: action.value for alert, action in zip(some, scored.actions, strict=True)}
    return actions


def _days(alerts: Sequence[Alert]) -> list[list[Alert]]:
    days: dict[str, list[Alert]] = {}
    for alert in alerts:
        days.setdefault(f"{alert.time:%Y-%m-%d}", []).append(alert)
    return list(days.values())


def _environment(home: Settings) -> dict[str, str]:
    return {**os.environ, "TAMIS_VAR": str(home.var.absolute())}


def _command(home: Settings, *arguments: str) -> str:
    done = subprocess.run(  # noqa: S603 — our own command
        [sys.executable, "-m", "tamis", *arguments], env=_environment(home), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ReplayError("tamis " + arguments[0], done.stderr.strip())
    return done.stdout.strip()


def service_key(home: Settings, role: str, tenant: str, name: str) -> str:
    """Make an API key with the command line."""
    return _command(home, "keys", "create", "--role", role, "--tenant", tenant, "--name", f"demo {name}")


@contextmanager
def serving(home: Settings) -> Iterator[str]:
    """Run the service on a free port; yield its address once it scores. Its log goes to ``service.log``."""
    log = home.var / "service.log"
    with log.open("wb") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "tamis", "serve", "--port", "0"],
            env=_environment(home),
            stderr=stderr,
            stdout=subprocess.DEVNULL,
        )
    try:
        yield _wait_for_service(process, log)
    finally:
        process.terminate()
        process.wait(_START_SECONDS)


def _wait_for_service(process: subprocess.Popen[bytes], log: Path) -> str:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        told = [line for line in log.read_text().splitlines() if line.startswith("tamis: listening on ")]
        if told:
            url = told[0].rsplit(" ", 1)[1]
            try:
                if httpx.get(f"{url}/readyz", timeout=2.0).json().get("model"):
                    return url
            except (httpx.HTTPError, ValueError):
                pass
        time.sleep(0.2)
    raise ReplayError("tamis serve", f"did not become ready; see {log}")


def _wait_for_bundle(client: Client, digest: str) -> None:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until:
        if client.get("/v1/thresholds")["bundle"] == digest:
            return
        time.sleep(0.2)
    raise ReplayError(client.url, f"did not swap in bundle {digest[:12]}")
