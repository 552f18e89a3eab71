"""What is compiled ahead is what scoring and behaviour call."""

from __future__ import annotations

import numpy as np

from features import kernel, tally, warm
from features.encode import FactEncoder
from features.event_encode import EventEncoder
from models.behaviour.day_gather import DayGatherer, Seen
from models.behaviour.walk import EventWalk
from models.engine import ScoringEngine
from tests.conftest import build_alert
from tests.models.behaviour.office import SECRET, accounts, office


def test_nothing_is_compiled_later() -> None:
    warm.main()
    compiled = [kernel.walk, kernel.rehash, tally.highest, tally.add, tally.distinct]
    before = [len(function.signatures) for function in compiled]
    assert all(before)
    engine = ScoringEngine(None, FactEncoder(SECRET))
    engine.score(engine.encoder.alerts([build_alert(n, at=float(n), host=f"h{n}") for n in range(1000)]))
    block = EventEncoder(SECRET, accounts()).events(office(seed=1, count=500, days=2))
    days, numbers = DayGatherer(), np.arange(len(block.at))
    days.add(Seen(block, EventWalk(SECRET).read(block), numbers), numbers >= 0)
    assert [len(function.signatures) for function in compiled] == before
