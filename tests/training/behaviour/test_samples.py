"""Samples: what is learned from comes before what is judged, and the truth is of that."""

from __future__ import annotations

from training.behaviour.samples import simulated


def test_a_simulated_tenant_teaches_while_it_settles_and_is_judged_after() -> None:
    sample = simulated(3, staff=40, length=70)
    assert len(sample.past) > 300
    assert len(sample.later) == len(sample.strange)
    assert 0 < sample.strange.mean() < 0.2
