"""Masquerades: simulated intrusions are by people of whom nothing is known, and a detector is told apart from chance."""

from __future__ import annotations

from models.behaviour.sequences import Scorer
from training.behaviour.loaders import Typed
from training.behaviour.masquerades import INTRUDERS, appraise, simulated

TYPED = {f"u{n}": [Typed(f"u{n}", at, (f"c{n}", f"d{n}") * 5) for at in range(12)] for n in range(6)}


def test_an_intruder_is_nobody_known_and_what_the_account_typed_later_is_all_there() -> None:
    sittings = list(simulated(TYPED, 8, 2, 0))
    assert [one.user for one in sittings] == list(TYPED)
    for sitting in sittings:
        theirs = {segment for segment, foreign in zip(sitting.segments, sitting.foreign, strict=True) if foreign}
        own = [segment for segment, foreign in zip(sitting.segments, sitting.foreign, strict=True) if not foreign]
        assert own == [one.commands for one in TYPED[sitting.user][8:]]
        assert len(theirs) == INTRUDERS
        assert not theirs & {TYPED[name][0].commands for name in sitting.model.accounts}


def test_the_same_seed_draws_the_same_intrusions() -> None:
    first, again, other = (list(simulated(TYPED, 8, 2, seed)) for seed in (1, 1, 2))
    assert first == again != other


def test_what_tells_all_is_told_from_what_tells_nothing() -> None:
    sittings = list(simulated(TYPED, 8, 2, 0))
    assert "AUC mean 1.000 worst tenth 1.000  recall at 1 % 1.00" in appraise(sittings, Scorer.score)
    assert "AUC mean 0.500" in appraise(sittings, lambda *_: 0.0)
