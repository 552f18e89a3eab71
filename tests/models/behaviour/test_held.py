"""What was flagged waits: for a person, or for the end of a quarantine among usual days."""

from __future__ import annotations

import pytest

from features.alert import EntityKind
from features.label import Verdict
from models.behaviour.held import LONGEST_DAYS, MOST_HELD, NORMAL_DAYS, QUARANTINE_DAYS, UNUSUAL, Account, Held

ANN, BOB = Account("t", EntityKind.USER, "ann"), Account("t", EntityKind.USER, "bob")


def held(*ordinals: int, account: Account = ANN) -> Held[int]:
    waiting: Held[int] = Held()
    for ordinal in ordinals:
        assert waiting.waits(account, ordinal, flagged=True, p_value=0.0, day=lambda at=ordinal: at)
    return waiting


def usual(waiting: Held[int], ordinals: range, account: Account = ANN) -> None:
    for ordinal in ordinals:
        assert not waiting.waits(account, ordinal, flagged=False, p_value=0.5, day=lambda at=ordinal: at)


def test_what_is_not_flagged_is_learned_at_once_and_nothing_is_kept_of_it() -> None:
    waiting: Held[int] = Held()
    assert not waiting.waits(ANN, 1, flagged=False, p_value=0.0001, day=lambda: 1)
    assert len(waiting) == 0
    assert not waiting.suspected(ANN)


def test_while_a_day_waits_the_unusual_days_of_that_account_wait_too_and_of_no_other() -> None:
    waiting = held(1)
    assert waiting.waits(ANN, 2, flagged=False, p_value=UNUSUAL, day=lambda: 2)
    assert not waiting.waits(ANN, 3, flagged=False, p_value=UNUSUAL * 1.1, day=lambda: 3)
    assert not waiting.waits(BOB, 3, flagged=False, p_value=0.0, day=lambda: 3)
    assert len(waiting) == 2


@pytest.mark.parametrize("verdict", [Verdict.FALSE_POSITIVE, Verdict.BENIGN_POSITIVE])
def test_a_day_that_was_legitimate_is_learned_and_only_that_day(verdict: Verdict) -> None:
    waiting = held(1, 2, 3)
    assert waiting.verdict(ANN, 2, 2, verdict) == [2]
    assert len(waiting) == 2
    assert waiting.verdict(BOB, 1, 3, verdict) == []
    assert waiting.verdict(ANN, 1, 3, verdict) == [1, 3]
    assert not waiting.suspected(ANN)


def test_a_true_positive_drops_what_waits_since_then_and_the_account_stays_under_suspicion() -> None:
    waiting = held(1, 5, 6)
    assert waiting.verdict(ANN, 5, 5, Verdict.TRUE_POSITIVE) == []
    assert (len(waiting), waiting.dropped) == (1, 2)
    assert waiting.waits(ANN, 7, flagged=False, p_value=0.01, day=lambda: 7)
    usual(waiting, range(8, 8 + NORMAL_DAYS))
    assert waiting.due(7 + QUARANTINE_DAYS) == []
    assert waiting.due(8 + QUARANTINE_DAYS) == [1, 7]


def test_a_true_positive_about_an_account_that_was_not_held_puts_it_under_suspicion_for_the_quarantine() -> None:
    waiting: Held[int] = Held()
    waiting.verdict(ANN, 5, 6, Verdict.TRUE_POSITIVE)
    assert waiting.suspected(ANN)
    assert waiting.due(7 + QUARANTINE_DAYS) == []
    assert not waiting.suspected(ANN)


def test_a_verdict_that_is_no_label_changes_nothing() -> None:
    waiting = held(1)
    assert waiting.verdict(ANN, 1, 1, Verdict.UNDETERMINED) == []
    assert len(waiting) == 1


def test_the_quarantine_ends_only_among_usual_days() -> None:
    waiting = held(1)
    assert waiting.due(100) == []
    usual(waiting, range(100, 100 + NORMAL_DAYS))
    assert waiting.due(105) == [1]
    assert not waiting.suspected(ANN)


def test_each_further_suspicion_begins_the_quarantine_again() -> None:
    waiting = held(1)
    usual(waiting, range(2, 2 + NORMAL_DAYS))
    assert waiting.waits(ANN, 30, flagged=False, p_value=0.02, day=lambda: 30)
    assert waiting.due(50) == []
    usual(waiting, range(51, 51 + NORMAL_DAYS))
    assert waiting.due(31 + QUARANTINE_DAYS) == [1, 30]


def test_what_waits_too_long_is_never_learned_and_no_account_fills_the_memory() -> None:
    waiting = held(*range(MOST_HELD + 10))
    assert (len(waiting), waiting.dropped) == (MOST_HELD, 10)
    assert waiting.due(MOST_HELD + 10 + LONGEST_DAYS) == []
    assert (len(waiting), waiting.suspected(ANN)) == (0, False)
