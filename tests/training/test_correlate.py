"""Incidents of a file: what belongs together is one, the rest is background, whatever the order of the file."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from features.alert import Alert, Entity, EntityKind, Observable, Role
from features.history import HistoryWriter
from tests.conftest import build_alert
from training.correlate import correlate, read_alerts

HOUR = 3600.0


def _story() -> tuple[list[Alert], list[float]]:
    """Return an attack on one user's machine that moves on to a server, an unrelated one elsewhere, and everyday alerts."""
    user = Entity(EntityKind.USER, "ann", Role.ACTOR)
    mine = (Entity(EntityKind.HOST, "ws-1", Role.DEVICE), user)
    onward = (Entity(EntityKind.HOST, "db-1", Role.DEVICE), Entity(EntityKind.HOST, "ws-1", Role.ACTOR))
    other = (Entity(EntityKind.HOST, "ws-9", Role.DEVICE), Entity(EntityKind.USER, "zoe", Role.ACTOR))
    alerts = [
        build_alert(0, at=0.0, rule="lure", entities=(user,), observables=(Observable("url", "http://lure.example"),),
                    tactics=("initial-access",)),
        build_alert(1, at=600.0, rule="script", entities=mine, tactics=("execution",)),
        build_alert(2, at=2000.0, rule="dump", entities=mine, tactics=("credential-access",)),
        build_alert(3, at=3 * HOUR, rule="remote", entities=onward, tactics=("lateral-movement",)),
        build_alert(10, at=900.0, rule="script", entities=other, tactics=("execution",)),
        *(build_alert(20 + i, at=i * HOUR, rule="noise", host=f"h{i % 3}") for i in range(12)),
    ]  # fmt: skip
    return alerts, [0.6, 0.9, 0.95, 0.8, 0.9, *([0.001] * 12)]


def test_an_attack_is_one_incident_and_another_is_another() -> None:
    alerts, score = _story()
    found = correlate(alerts, np.array(score))
    names = [found.names[code] for code in found.incident]
    assert len(set(names[:4])) == 1
    assert names[4] not in names[:4]
    assert found.raised.tolist() == [True] * 5 + [False] * 12
    attack = found.incidents[names[0]]
    assert attack.alerts == 4
    assert len(attack.links) == len(attack.lines) - 1
    assert all(link.why for link in attack.links)


def test_background_is_filed_by_entity_and_day() -> None:
    alerts, score = _story()
    found = correlate(alerts, np.array(score))
    names = [found.names[code] for code in found.incident[5:]]
    assert len(set(names)) == 3


def test_the_order_of_the_file_does_not_matter() -> None:
    alerts, score = _story()
    found = correlate(alerts, np.array(score))
    shuffled = np.random.default_rng(3).permutation(len(alerts))
    again = correlate([alerts[i] for i in shuffled], np.array(score)[shuffled])
    assert [again.names[again.incident[np.flatnonzero(shuffled == i)[0]]] for i in range(len(alerts))] == [
        found.names[code] for code in found.incident
    ]


def test_alerts_are_read_in_the_order_of_the_data_set(tmp_path: Path) -> None:
    alerts, _ = _story()
    with HistoryWriter(tmp_path / "h") as writer:
        writer.alerts(alerts)
    assert [alert.uid for alert in read_alerts(tmp_path / "h", "history")] == [alert.uid for alert in alerts]


def test_nothing_gives_nothing() -> None:
    found = correlate([], np.zeros(0))
    assert (found.names, found.incidents, len(found.incident)) == ([], {}, 0)
