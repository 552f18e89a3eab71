"""What each sort of error costs, on a few alerts by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from features.alert import Alert, Rule
from features.context import Context
from training.correlate import Correlated
from training.incidents.losses import loss_table, losses
from training.incidents.worlds import Scored
from training.simulator import Simulated

_START = datetime(2026, 1, 1, tzinfo=UTC)
_LATE = timedelta(days=20)


def _world(incident: list[str], score: list[float]) -> Scored:
    """Return alerts of those incidents, all but a first one late enough to be measured."""
    times = [_START, *(_START + _LATE + timedelta(minutes=n) for n in range(len(incident)))]
    alerts = [
        Alert(uid=f"a{n}", tenant="t", time=at, received_time=at, product="p", rule=Rule("r"), severity=2)
        for n, at in enumerate(times)
    ]
    at = Path()
    simulated = Simulated(at, at, at, len(alerts), 0, 2, 0, at, at)
    return Scored(
        simulated,
        alerts,
        np.array([0.0, *score]),
        np.zeros(len(alerts)),
        ["", *incident],
        lambda *names: names[2],
        Context.empty(),
    )


def _found(code: list[int], raised: list[bool]) -> Correlated:
    return Correlated(np.array([99, *code]), [], np.array([False, *raised]), {})


def test_without_an_error_nothing_is_lost() -> None:
    lost = losses(_world(["a", "a", "b", "b"], [0.5] * 4), _found([0, 0, 1, 1], [True] * 4))
    assert lost == (1.0, 1.0, 1.0, 1.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("code", "raised", "sort"),
    [
        ([0, 0, 9, 1, 1, 1], [True, True, False, True, True, True], "outside"),
        ([0, 0, 2, 1, 1, 1], [True] * 6, "splits"),
        ([0, 0, 0, 0, 0, 0], [True] * 6, "merges"),
    ],
)
def test_putting_right_the_one_error_that_was_made_is_perfect(code: list[int], raised: list[bool], sort: str) -> None:
    lost = losses(_world(["a", "a", "a", "b", "b", "b"], [0.5, 0.5, 0.005, 0.5, 0.5, 0.5]), _found(code, raised))
    assert lost.ours < 1.0
    assert {name: getattr(lost, name) for name in ("outside", "splits", "merges")} == {
        name: 1.0 if name == sort else lost.ours for name in ("outside", "splits", "merges")
    }
    assert (lost.outside_share, lost.low) == ((1 / 6, 1 / 6) if sort == "outside" else (0.0, 0.0))


def test_an_attack_that_nothing_shows_is_put_together_by_itself() -> None:
    lost = losses(_world(["a", "a", "b", "b"], [0.05, 0.005, 0.5, 0.5]), _found([7, 8, 1, 1], [False, False, True, True]))
    assert (lost.outside, lost.splits) == (1.0, lost.ours)
    assert (lost.outside_share, lost.low) == (0.5, 0.25)
    assert loss_table([("here", lost)]).rows == [["here", *lost]]
