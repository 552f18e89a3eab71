"""Further scenarios: refused on a usual day, and a volume that creeps; worlds hold them only where they are asked for."""

from __future__ import annotations

import numpy as np

from training.simulator.behaviour.further import FURTHER
from training.simulator.behaviour.living import SEVERAL, lived
from training.simulator.world import build_world


def test_no_world_holds_them_unasked() -> None:
    assert not set(FURTHER) & set(SEVERAL)


def test_refusals_are_many_and_creeping_grows() -> None:
    done = lived(build_world(0, 120, np.random.default_rng(6), 40), 6, cases=dict.fromkeys(FURTHER, 1))
    refused = done.deeds.take(done.deeds.case == done.scenarios.index("denied"))
    assert 0.25 < refused.failed.mean() < 0.75
    crept = done.deeds.take(done.deeds.case == done.scenarios.index("creep"))
    daily = np.bincount((crept.time / 86_400.0).astype(int))
    daily = daily[daily > 0]
    assert len(daily) > 40
    assert daily[-10:].max() > 2 * daily[:10].max()
    assert len(set(crept.account.tolist())) == 1
