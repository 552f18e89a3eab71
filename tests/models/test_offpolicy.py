"""The off-policy estimate: it agrees with the truth of a simulated log, and says where nothing supports it."""

from __future__ import annotations

import numpy as np
import pytest

from models.offpolicy import Seen, off_policy


def _log(
    seed: int, n: int = 4000, audit: float = 0.2, threshold: float = 0.3, judged: float = 0.7
) -> tuple[np.ndarray, np.ndarray, Seen]:
    """Return scores, the truth, and what a policy that hid below ``threshold`` and audited a part let people see."""
    random = np.random.default_rng(seed)
    score = random.random(n)
    attack = random.random(n) < 0.02 + 0.5 * score**2
    repeats = random.choice([1.0, 0.5], n)
    shown = np.where(score < threshold, audit * repeats, 1.0)
    came = random.random(n) < shown
    target = np.where(came & (random.random(n) < judged), attack, -1).astype(np.int8)
    return score, attack, Seen(shown, came, target)


@pytest.mark.parametrize("threshold", [0.2, 0.5])
def test_it_agrees_with_the_truth_of_thresholds_never_run(threshold: float) -> None:
    """Of 200 logs the intervals of both shares hold the truth in nearly all, and the estimates have no bias."""
    held, error = 0, []
    for seed in range(200):
        score, attack, seen = _log(seed)
        hidden = score < threshold
        found = off_policy(hidden, seen)
        truth, of_all = attack[hidden].mean(), attack[hidden].sum() / attack.sum()
        assert found.misses.share is not None
        assert found.of_attacks.share is not None
        held += found.misses.low <= truth <= found.misses.high and found.of_attacks.low <= of_all <= found.of_attacks.high
        error.append(found.misses.share - truth)
    assert held >= 190
    assert abs(np.mean(error)) < 3.0 * np.std(error) / np.sqrt(len(error)) + 1e-4


def test_counting_verdicts_without_their_chances_would_be_wrong() -> None:
    """Half of what is hidden was surely seen and holds most attacks: a plain mean is far from the truth, this is not."""
    score, attack, seen = _log(1, n=40_000, audit=0.02)
    hidden = score < 0.6
    truth, plain = attack[hidden].mean(), (seen.target[hidden & (seen.target >= 0)] == 1).mean()
    found = off_policy(hidden, seen).misses
    assert found.low <= truth <= found.high
    assert not found.low <= plain <= found.high


def test_what_was_never_shown_has_no_support() -> None:
    score, _, seen = _log(2, audit=0.0)
    found = off_policy(score < 0.2, seen)
    assert (found.misses.share, found.misses.low, found.misses.high) == (None, 0.0, 1.0)
    assert found.judged == 0
    assert found.never == found.alerts
    assert found.note.startswith("no support")
    assert found.of_attacks.share is None
    assert found.of_attacks.low == 0.0


def test_what_was_partly_never_shown_widens_the_interval() -> None:
    score, attack, seen = _log(3, audit=0.0)
    hidden = score < 0.6
    found = off_policy(hidden, seen)
    assert found.never == int((score < 0.3).sum())
    assert found.misses.high > found.never / found.alerts
    assert found.misses.low <= attack[hidden].mean() <= found.misses.high
    assert "nothing is known" in found.note


def test_shown_but_judged_by_nobody() -> None:
    score, _, seen = _log(4, judged=0.0)
    found = off_policy(score < 0.5, seen)
    assert found.misses.share is None
    assert found.note.startswith("no support")


def test_verdicts_on_what_did_not_come_before_people_by_the_draw_do_not_count() -> None:
    """An alert that came back with its incident was looked at because of what it is."""
    score, _, seen = _log(5)
    told = np.where(seen.came, seen.target, 1).astype(np.int8)
    hidden = score < 0.3
    assert off_policy(hidden, seen._replace(target=told)) == off_policy(hidden, seen)


def test_nothing_hidden_misses_nothing() -> None:
    score, _, seen = _log(6)
    found = off_policy(score < 0.0, seen)
    assert (found.alerts, found.misses.share, found.misses.high, found.of_attacks.high) == (0, 0.0, 0.0, 0.0)
