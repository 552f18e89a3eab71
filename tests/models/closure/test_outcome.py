"""Outcomes and how things stand after them."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.closure.outcome import Outcome, Runs, Status, as_done
from models.playbooks import caution
from tests.models.closure.cases import CATALOGUE, NOON, at, outcome, playbook


@pytest.mark.parametrize(
    "change",
    [
        {"time": "2026-11-24T12:00:00"},
        {"detail": "ä" * 1025},
        {"detail": "a" * 2049},
        {"status": "fine"},
        {"uid": ""},
        {"targets": ["h"] * 201},
        {"evidence": ["e"] * 21},
    ],
)
def test_what_cannot_be_an_outcome_is_refused(change: dict[str, object]) -> None:
    sound = {"uid": "o", "incident": "i", "playbook": "p", "status": "failed", "time": "2026-11-24T12:00:00Z"}
    assert msgspec.convert(sound, Outcome).time == NOON
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(sound | change, Outcome)


def test_a_run_holds_the_successes_since_the_last_that_was_none() -> None:
    told = [outcome("isolate-host", hours, "ws-1", status=status) for hours, status in
            ((1, Status.SUCCEEDED), (2, Status.FAILED), (3, Status.SUCCEEDED), (4, Status.SUCCEEDED))]  # fmt: skip
    run = Runs(told, CATALOGUE).get(playbook("isolate-host"), "ws-1")
    assert run is not None
    assert (run.successes, run.taken_back) == ((at(3), at(4)), False)


def test_what_undoes_a_playbook_takes_it_back_on_that_target_only() -> None:
    told = [outcome("isolate-host", 1, "ws-1", "ws-2"), outcome("release-host", 2, "ws-1")]
    runs = Runs(told, CATALOGUE)
    one, other = (runs.get(playbook("isolate-host"), uid) for uid in ("ws-1", "ws-2"))
    assert one is not None
    assert other is not None
    assert (one.taken_back, one.successes) == (True, ())
    assert (other.taken_back, other.successes) == (False, (at(1),))


@given(st.permutations(range(6)))
def test_the_order_of_arrival_does_not_matter(order: list[int]) -> None:
    told = [outcome("isolate-host", n // 2, "ws-1", status=list(Status)[n % 4], uid=f"o{n}") for n in range(6)]
    mixed = [told[n] for n in order]
    assert dict(Runs(mixed, CATALOGUE).standing()) == dict(Runs(told, CATALOGUE).standing())
    assert as_done(mixed) == as_done(told)


def test_what_was_done_in_part_is_not_done() -> None:
    (done,) = as_done([outcome("isolate-host", 1, "ws-1", status=Status.PARTIAL)])
    assert done.outcome is caution.Outcome.FAILED
