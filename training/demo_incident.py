"""The most urgent incident when the demo's replay is over, as an analyst is shown it: what it is, how it went, what to do next."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass

from rich.panel import Panel
from rich.text import Text

from models.incidents.printable import printable
from training.errors import ReplayError, TrainingError
from training.replay import Client

_WAIT_SECONDS = 120.0
_CHAIN_ROWS = 4
_BEHIND = re.compile(r"^tamis_correlation_behind 0\.0$", re.MULTILINE)


@dataclass(frozen=True)
class UrgentIncident:
    """``chain`` are lines of text; ``step`` is the playbook recommended first and upon what, ``reason`` why."""

    title: str
    priority: int
    alerts: int
    lines: int
    chain: tuple[str, ...]
    step: str
    reason: str

    def panel(self) -> Panel:
        """Return it as it is printed. Names in it are an attacker's, and no markup."""
        told = Text(f"{self.title}: {self.alerts:,} alerts in {self.lines:,} lines, priority {self.priority}\n\n", style="bold")
        told.append("\n".join(self.chain), style="not bold")
        told.append("\n\nnext: ")
        told.append(f"{self.step}\n", style="not bold")
        told.append(self.reason, style="not bold dim")
        return Panel(told, title="the most urgent incident", expand=False)


def most_urgent(analyst: Client) -> UrgentIncident:
    """Return the incident that an analyst is to look at first. Raises ``TrainingError`` when there is none, or nothing to do."""
    queue = analyst.get("/v1/queue", budget=1)["incidents"]
    if not queue:
        raise TrainingError("no incident waits for a person: alerts were not joined")
    summary = queue[0]["incident"]
    report, chain, next_steps = (
        analyst.get(f"/v1/incidents/{summary['uid']}/{what}") for what in ("report", "chain", "recommendations")
    )
    if not next_steps["recommendations"]:
        raise TrainingError(f"nothing is recommended for incident {summary['uid']}")
    step = next_steps["recommendations"][0]
    upon = ", ".join(printable(f"{target['kind']} {target['uid']}", 80) for target in step["targets"][:3])
    more = f" and {len(step['targets']) - 3} more" if len(step["targets"]) > 3 else ""
    return UrgentIncident(
        title=report["title"],
        priority=summary["priority"],
        alerts=summary["alerts"],
        lines=summary["lines"],
        chain=_short(chain["text"]),
        step=f"{step['name']} ({step['action']})" + (f" on {upon}{more}" if upon else ""),
        reason=" ".join(step["reasons"]),
    )


def _short(text: str) -> tuple[str, ...]:
    """Return the first lines of a chain's text, and how many there are beside."""
    rows = text.splitlines()
    paragraph, path = rows[0], [row for row in rows[1:] if row]
    more = [f"… and {len(path) - _CHAIN_ROWS} more"] if len(path) > _CHAIN_ROWS else []
    return (paragraph, *path[:_CHAIN_ROWS], *more)


def wait_for_correlation(scientist: Client) -> None:
    """Wait until every alert that was sent is correlated. Raises ``ReplayError`` when that takes too long."""
    until = time.monotonic() + _WAIT_SECONDS
    while time.monotonic() < until:
        if _BEHIND.search(scientist.text("/metrics")):
            return
        time.sleep(0.2)
    raise ReplayError(scientist.url, "correlation did not come to an end")
