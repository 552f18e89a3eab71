"""What happened in the demo, as a person enjoys reading it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from features.alert import Alert, main_entity
from features.label import Label
from models.decision import Action
from training.demo_incident import UrgentIncident
from training.demo_stage import Stage
from training.pipeline import TrainResult


@dataclass
class Story:
    """Numbers of one run. ``changed_siblings``: (verdict, judged alert, later sibling, action without verdicts, action with them)."""

    stage: Stage
    actions: Counter[str]
    attack_actions: Counter[str]
    steps_found: int
    steps: int
    verdicts: Counter[str]
    changed_siblings: list[tuple[Label, Alert, Alert, str, str]]
    unrelated_same: int
    unrelated: int
    trainings: tuple[TrainResult, TrainResult]
    incident: UrgentIncident

    def show(self, console: Console, runs: str, folder: Path, seconds: float) -> None:
        """Print the story."""
        console.print(self._table())
        told = sorted(self.changed_siblings, key=lambda item: self.stage.is_attack(item[2]) != (item[0].verdict.target == 1))
        for label, judged, sibling, before, after in told[:1]:
            text = (
                f"{label.verdict.value} said of {judged.uid} ({judged.time:%d %b %H:%M}): {judged.rule.uid} on {main_entity(judged).uid}\n"
                f"its sibling {sibling.uid} ({sibling.time:%d %b %H:%M}): {before} without verdicts → {after} with them"
            )
            console.print(Panel(text, title="one verdict, followed", expand=False))
        console.print(self.incident.panel())
        console.print(f"MLflow store   {runs}", soft_wrap=True, highlight=False)
        console.print(f"everything     {folder} (service log, export, bundles)", soft_wrap=True, highlight=False)
        console.print(f"took {seconds:.0f} s", highlight=False)

    @property
    def _against_truth(self) -> int:
        """Siblings that a verdict moved the wrong way: what is true of one alert need not be true of the next."""
        changed = self.changed_siblings
        return sum(self.stage.is_attack(sibling) != (label.verdict.target == 1) for label, _, sibling, _, _ in changed)

    def _table(self) -> Table:
        total = sum(self.actions.values())
        first, second = self.trainings
        certificate = second.certificate
        table = Table(
            title=f"Tamis on {self.stage.source}: network {self.stage.tenant}, never seen in the first training",
            show_header=False,
        )
        table.add_column(style="bold")
        table.add_column(justify="right")
        table.add_column(style="dim")
        table.add_row("alerts in", f"{total:,}", "over HTTP, each with a durable decision")
        for action in (Action.SUPPRESS, Action.QUEUE, Action.ESCALATE):
            count = self.actions[action]
            table.add_row(
                _WORDS[action], f"{count:,}", f"{count / total:.1%}; {self.attack_actions[action]:,} of them attack alerts"
            )
        table.add_row(
            "attack steps found", f"{self.steps_found} of {self.steps}", "a step is found if any alert of it reached a person"
        )
        table.add_row(
            "verdicts given", f"{sum(self.verdicts.values()):,}", ", ".join(f"{n} {v}" for v, n in self.verdicts.items())
        )
        table.add_row(
            "siblings changed",
            f"{len(self.changed_siblings):,}",
            f"later, same rule and entity, decided as the verdict says; {self._against_truth} against the truth",
        )
        share = self.unrelated_same / self.unrelated if self.unrelated else 0.0
        table.add_row(
            "unrelated left alone",
            f"{self.unrelated_same:,}",
            f"{share:.1%} of the alerts of rules (or rules on an entity) without a verdict",
        )
        proof = f"n = {certificate.n}, k = {certificate.k}, bound {certificate.bound:.3f}"
        table.add_row("certificate", certificate.status.value, f"{certificate.objective}: {proof}")
        table.add_row(
            "model", f"v{first.version} → v{second.version}", f"{first.bundle_digest[:12]} → {second.bundle_digest[:12]}"
        )
        return table


_WORDS = {Action.SUPPRESS: "suppressed", Action.QUEUE: "queued", Action.ESCALATE: "escalated"}


def tell(
    stage: Stage,
    decisions: Mapping[str, Mapping[str, Any]],
    labels: Sequence[Label],
    without: Mapping[str, str],
    trainings: tuple[TrainResult, TrainResult],
    *,
    incident: UrgentIncident,
) -> Story:
    """Compare what was decided with what would have been decided without the verdicts.

    Unrelated are the alerts of rules that got no verdict; where every rule got one, those of a rule on an entity that got none.
    """
    attacks = [alert for alert in stage.alerts if stage.is_attack(alert)]
    steps = {stage.step(alert) for alert in attacks}
    found = {stage.step(alert) for alert in attacks if decisions[alert.uid]["published_action"] != Action.SUPPRESS}
    judged = _judged(stage, labels)
    rules = {rule for rule, _ in judged}
    apart = any(alert.rule.uid not in rules for alert in stage.alerts)
    changed, unrelated, same = [], 0, 0
    for alert in stage.alerts:
        line = (alert.rule.uid, main_entity(alert).uid)
        action = str(decisions[alert.uid]["action"])
        if line[0] not in rules if apart else line not in judged:
            unrelated += 1
            same += action == without[alert.uid]
        elif line in judged:
            first, label = judged[line]
            if label.time < alert.time and _obeys(label, without[alert.uid], action):
                changed.append((label, first, alert, without[alert.uid], action))
    return Story(
        stage=stage,
        actions=Counter(str(decision["published_action"]) for decision in decisions.values()),
        attack_actions=Counter(str(decisions[alert.uid]["published_action"]) for alert in attacks),
        steps_found=len(found),
        steps=len(steps),
        verdicts=Counter(label.verdict.value for label in labels),
        changed_siblings=changed,
        unrelated_same=same,
        unrelated=unrelated,
        trainings=trainings,
        incident=incident,
    )


_URGENCY = (Action.SUPPRESS, Action.QUEUE, Action.APPROVE, Action.RESPOND, Action.ESCALATE)


def _obeys(label: Label, before: str, after: str) -> bool:
    """Whether the action moved the way the verdict points: down for a benign alert, up for an attack."""
    step = _URGENCY.index(Action(after)) - _URGENCY.index(Action(before))
    return step > 0 if label.verdict.target == 1 else step < 0


def _judged(stage: Stage, labels: Sequence[Label]) -> dict[tuple[str, str], tuple[Alert, Label]]:
    """Return for each rule and entity the alert judged first, and its label."""
    by_uid = {alert.uid: alert for alert in stage.alerts}
    found: dict[tuple[str, str], tuple[Alert, Label]] = {}
    for label in labels:
        alert = by_uid[label.alert_uid]
        found.setdefault((alert.rule.uid, main_entity(alert).uid), (alert, label))
    return found
