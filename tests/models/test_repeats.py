"""Lines: repeats of one rule on the same entities within a window, whatever the order of the input."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.repeats import lines

ALERTS = st.lists(st.tuples(st.integers(-1, 3), st.integers(0, 50)), max_size=40)


def columns(alerts: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([code for code, _ in alerts], np.int64), np.array([time for _, time in alerts], np.float64)


def by_hand(alerts: list[tuple[int, int]], window: float) -> list[int]:
    """Walk the alerts in the order of time, one open line for each code."""
    opened: dict[int, int] = {}
    found = list(range(len(alerts)))
    for row in sorted(range(len(alerts)), key=lambda i: alerts[i][1]):
        code, time = alerts[row]
        if code < 0:
            continue
        if code in opened and time <= alerts[opened[code]][1] + window:
            found[row] = opened[code]
        else:
            opened[code] = row
    return found


@given(ALERTS, st.integers(0, 20))
def test_lines_are_what_a_walk_through_time_makes(alerts: list[tuple[int, int]], window: int) -> None:
    assert lines(*columns(alerts), float(window)).tolist() == by_hand(alerts, window)


@given(ALERTS, st.randoms(use_true_random=False))
def test_the_order_of_the_input_does_not_change_how_many_lines_there_are(alerts: list[tuple[int, int]], lot: object) -> None:
    mixed = list(alerts)
    lot.shuffle(mixed)  # type: ignore[attr-defined]
    assert len(set(lines(*columns(mixed), 10.0).tolist())) == len(set(lines(*columns(alerts), 10.0).tolist()))


def test_an_endless_repeat_makes_a_line_each_window() -> None:
    found = lines(np.zeros(100, np.int64), np.arange(100.0), 9.0)
    assert sorted(set(found.tolist())) == list(range(0, 100, 10))


def test_what_has_no_entity_repeats_nothing() -> None:
    assert lines(np.full(5, -1), np.zeros(5), 3600.0).tolist() == [0, 1, 2, 3, 4]
