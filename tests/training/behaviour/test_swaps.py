"""Swaps: who is eligible, what changes hands, what a look at the top finds."""

from __future__ import annotations

from tests.models.behaviour.events import history
from training.behaviour.hijacks import Scored, by_guarded, by_ratios, by_stream, judge, summary
from training.behaviour.swaps import Swap, draw, swapped


def test_a_seed_draws_the_same_swap_and_ids_change_hands_from_its_day_on() -> None:
    days = history(200)
    swap = draw(days, 3)
    assert swap is not None
    assert swap == draw(days, 3)
    for new, hijacked in swapped(days, swap):
        assert hijacked == (new.entity in {swap.first, swap.second})
    first = [day for day in days if day.ordinal == swap.ordinal]
    assert next(new.values["hour"] for new, _ in swapped(days, swap) if new.entity == swap.first) == next(
        day.values["hour"] for day in first if day.entity == swap.second
    )


def test_nobody_eligible_is_no_swap() -> None:
    assert draw(history(50), 0) is None
    assert draw(history(200, ("ann",)), 0) is None
    assert draw(history(200), 0, group="elsewhere") is None


def test_the_top_percent_and_the_first_active_day() -> None:
    rows = [Scored("ann", 1.0, True), Scored("cem", 0.0, False), Scored("ann", 9.0, True), Scored("bob", 2.0, True)]
    outcome = judge(rows, Swap(0, "ann", "bob", "p"))
    assert outcome.found == (2, None)
    assert outcome.auc == 1.0
    assert "found 0.50  median day 2" in summary([outcome])


def test_people_of_clear_habits_are_found_at_once() -> None:
    days = history(200)
    swap = draw(days, 1)
    assert swap is not None
    scored = (by_stream(days, [swap], {}), by_guarded(days, [swap], {}), by_ratios(days, [swap]))
    outcomes = [judge(one[0], swap) for one in scored]
    assert outcomes[0].found == outcomes[1].found == (1, 1)
    assert all(outcome.auc > 0.95 for outcome in outcomes)
