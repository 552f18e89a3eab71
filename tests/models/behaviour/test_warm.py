"""What is compiled ahead is what days are judged by."""

from __future__ import annotations

from datetime import timedelta

from features.event_columns import read_columns
from features.event_table import table_of
from models.behaviour import profile_kernel, vector_kernel, warm
from models.behaviour.engine import BehaviourEngine
from models.behaviour.model import BehaviourModel
from tests.models.behaviour.test_day_engine import STAFF, START, event, forest
from training.behaviour.scoring import walk_days


def test_nothing_is_compiled_later() -> None:
    warm.main()
    compiled = [
        profile_kernel.moved, profile_kernel.has, profile_kernel.learn, profile_kernel.smoothed, profile_kernel.summed,
        vector_kernel.tails, vector_kernel.leaves,
    ]  # fmt: skip
    before = [len(function.signatures) for function in compiled]
    assert all(before)
    events = [event(who, day, at) for day in range(30) for who in range(STAFF) for at in range(3)]
    live = BehaviourEngine(BehaviourModel(forest=forest()))
    live.observe(events)
    judged = live.close((START + timedelta(days=40)).date())
    engine = BehaviourEngine(BehaviourModel(forest=forest()))
    by_columns = [one for _, days in walk_days(engine, read_columns(table_of(events))) for one in days]
    assert [(one.entity, one.anomaly_score) for one in by_columns] == [(one.entity, one.anomaly_score) for one in judged]
    assert not all(one.cold for one in judged)
    assert [len(function.signatures) for function in compiled] == before
