"""The batch queue of incidents: as each day ended, an incident once, what adds most first."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from features.alert import Alert, Entity, EntityKind, Role
from features.default_view import DEFAULT_VIEW
from features.history import HistoryWriter
from models.incidents.model import IncidentModel
from tests.conftest import START, build_alert
from tests.training.datasets import SECRET, bundle_that
from training.incident_queue import days_of, incident_queue_file, ranked

DAY = 86_400.0


def _on(number: int, at: float, host: str, rule: str) -> Alert:
    return build_alert(number, at=at, rule=rule, entities=(Entity(EntityKind.HOST, host, Role.DEVICE),))


def _two_days() -> tuple[list[Alert], np.ndarray]:
    """Return an attack on one host that goes on the next day, a lesser one elsewhere, and noise."""
    alerts = [
        _on(0, 0.0, "web", "shell"), _on(1, 300.0, "web", "dump"), _on(2, 3_000.0, "mail", "odd"),
        _on(3, 0.6 * DAY, "web", "beacon"), _on(4, DAY, "web", "exfiltrate"), _on(5, 50.0, "print", "noise"),
    ]  # fmt: skip
    return alerts, np.array([0.9, 0.95, 0.4, 0.8, 0.9, 0.001])


def test_an_incident_grows_from_day_to_day_and_counts_once() -> None:
    days = list(days_of(*_two_days(), IncidentModel()))
    assert [day for day, _ in days] == [START.date(), START.date() + timedelta(days=1)]
    first, second = days[0][1], days[1][1]
    assert sorted(incident.alerts for incident in first) == [1, 3]
    (grown,) = second
    assert grown.uid in {incident.uid for incident in first}
    assert grown.alerts == 4


def test_rows_say_where_and_how_likely() -> None:
    (day, shown), _ = days_of(*_two_days(), IncidentModel())
    rows = list(ranked(day, shown, IncidentModel(), None, 5))
    assert [(row.rank, row.host, row.rule, row.alerts) for row in rows] == [(1, "web", "dump", 3), (2, "mail", "odd", 1)]
    assert 0.0 < rows[1].score < rows[0].score < 1.0
    assert len(list(ranked(day, shown, IncidentModel(), None, 1))) == 1


def test_a_flood_on_one_host_takes_one_place() -> None:
    flood = [_on(100 + i, i * 7.0, "loud", f"r{i % 3}") for i in range(3_000)]
    alerts, score = _two_days()
    (day, shown), *_ = days_of([*alerts, *flood], np.concatenate([score, np.full(3_000, 0.3)]), IncidentModel())
    hosts = [row.host for row in ranked(day, shown, IncidentModel(), None, 3)]
    assert hosts.count("loud") <= 1
    assert {"web", "mail"} <= set(hosts)


def test_a_file_is_written_with_what_could_not_be_read_beside(tmp_path: Path) -> None:
    severity = DEFAULT_VIEW.index("severity")
    bundle = bundle_that(tmp_path / "b", lambda rows: rows[:, severity] > 3.5, (START.isoformat(), START.isoformat()))
    with HistoryWriter(tmp_path / "h") as writer:
        writer.alerts([build_alert(0, severity=5, host="hit"), build_alert(1, at=9_000.0, severity=1, host="calm", entities=())])
    out = tmp_path / "new" / "queue.parquet"
    found = incident_queue_file(bundle, tmp_path / "h", "history", out, SECRET, budget=5, told=lambda text: None)
    rows = pq.read_table(out).to_pylist()
    assert (found.alerts, len(rows), found.rejects) == (2, len(found.rows), 0)
    assert rows[0]["host"] == "hit"
    assert rows[0]["day"] == date(2024, 3, 4)
    assert list(rows[0]) == ["tenant", "day", "rank", "incident", "host", "rule", "score", "alerts"]
