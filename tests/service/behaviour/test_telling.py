"""What alerts may know of behaviour in the service: from receipt on, and the same when it is folded again."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from models.behaviour.engine import BehaviourEngine
from models.behaviour.model import BehaviourModel
from service.behaviour.watching import Watching
from service.store.events import ReadEvent
from tests.models.behaviour.events import HABITS, START, event

LATE = timedelta(hours=6)
DAYS = 60


def lived() -> Watching:
    """Return what was watched for two months; in the end ann does as bob does. Every event is received an hour late."""
    watching = Watching(BehaviourEngine(BehaviourModel()), lambda tenant, kind, uid, time: uid, LATE.total_seconds())
    seq = 0
    for day in range(DAYS):
        for who in HABITS:
            seq += 1
            one = event(who, day, "bob" if (who, day) == ("ann", DAYS - 1) else "")
            received = (one.time + timedelta(hours=1)).timestamp()
            some = [ReadEvent(seq, received, one)]
            if not watching.ready(some):
                watching.close(watching.due(received))
            watching.take(some)
    return watching


def test_alerts_know_from_receipt_on_what_was_strange() -> None:
    table = lived().anomalies
    received = START + timedelta(days=DAYS - 1, hours=1)

    def known(moment: datetime) -> float:
        return table.at("t", "user", "ann", moment)

    assert known(received) > known(received - timedelta(seconds=1)) + 0.5
    assert math.isnan(known(START))
    again = lived().anomalies
    for hour in range(DAYS * 24):
        moment = START + timedelta(hours=hour)
        assert math.isnan(known(moment)) or known(moment) == again.at("t", "user", "ann", moment)
