"""A file at once and events one by one: the same numbers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date

import numpy as np
import pyarrow as pa
import pytest

from features.accounts import Accounts
from features.alert import EntityKind
from features.event_encode import EventEncoder
from models.behaviour.day_gather import DayGatherer, Gathered, Seen
from models.behaviour.day_judges import RareDays
from models.behaviour.engine import BehaviourEngine
from models.behaviour.model import BehaviourModel
from models.behaviour.signals import Floats
from models.behaviour.tables import TableWalk, score_table
from models.behaviour.walk import EventWalk
from tests.models.behaviour.office import SECRET, accounts, office, office_table

EVENTS = office(seed=3, count=3000)
TABLE = office_table(EVENTS)
FOREVER = 10**6


def live(chunk: int) -> tuple[list[Floats], Gathered]:
    """Score the events ``chunk`` at a time, as the engine does."""
    encoder, walk, days = EventEncoder(SECRET, accounts()), EventWalk(SECRET), DayGatherer()
    signals = []
    for start in range(0, len(EVENTS), chunk):
        block = encoder.events(EVENTS[start : start + chunk])
        walked = walk.read(block)
        days.add(Seen(block, walked, start + np.arange(len(block.at))), np.ones(len(block.at), bool))
        signals.append(walked.signals)
    return signals, days.take(FOREVER)


@pytest.mark.parametrize("chunk", [1, 7, 3000])
def test_the_features_of_a_file_are_those_of_the_live_path(chunk: int) -> None:
    signals, days = live(chunk)
    with ThreadPoolExecutor(2) as pool:
        walk = TableWalk(SECRET, accounts(), pool=pool)
        blocks = list(walk.blocks(TABLE, size=1024, grace_days=FOREVER))
    assert np.concatenate([block.signals for block in blocks]).tobytes() == np.concatenate(signals).tobytes()
    ended = walk.rest()
    assert ended.vectors.keys == days.vectors.keys
    assert ended.vectors.groups == days.vectors.groups
    assert (ended.tokens == days.tokens).all()
    assert ended.vectors.values.tobytes() == days.vectors.values.tobytes()


def test_a_files_scores_are_the_engines() -> None:
    engine = BehaviourEngine(BehaviourModel(), secret=SECRET, accounts=accounts())
    told = [one for event in EVENTS for one in engine.observe([event])]
    judged = {(one.day, one.tenant, one.kind, one.entity): one for one in engine.close(date(2099, 1, 1))}
    found = score_table(TABLE, TableWalk(SECRET, accounts()), RareDays(), size=1000)
    np.testing.assert_array_equal(found.events, [one.anomaly_score for one in told])
    hosts = [
        (one, judged[date.fromordinal(key.ordinal + 719163), key.tenant, key.kind, key.entity])
        for key, one in zip(found.days.keys, found.days.judged, strict=True)
        if key.kind is EntityKind.HOST
    ]
    assert hosts
    for one, live_one in hosts:
        assert one.score == pytest.approx(live_one.anomaly_score, abs=1e-9)
        assert one.p_value == live_one.p_value


def test_rows_that_cannot_be_judged_are_counted_and_change_nothing() -> None:
    bad = [
        {**TABLE.slice(0, 1).to_pylist()[0], **change} for change in ({"actor_uid": None}, {"actor_uid": ""}, {"tenant": None})
    ]
    bad += [{**bad[0], "actor_uid": "user-1", "time": -(10**15)}, {**bad[0], "actor_uid": "user-1", "time": 5 * 10**15}]
    table = pa.concat_tables([pa.Table.from_pylist(bad, schema=TABLE.schema), TABLE])
    walk = TableWalk(SECRET, accounts())
    found = score_table(table, walk)
    assert (walk.incomplete, walk.unbelievable) == (3, 2)
    assert np.isnan(found.events[:5]).all()
    np.testing.assert_array_equal(found.events[5:], score_table(TABLE, TableWalk(SECRET, accounts())).events)


def test_an_event_of_a_closed_day_is_judged_and_its_day_is_not_judged_again() -> None:
    late = TABLE.slice(0, 1)
    walk = TableWalk(SECRET, accounts())
    found = score_table(pa.concat_tables([TABLE, late]), walk, RareDays(), size=len(TABLE))
    assert walk.late == 1
    assert len(found.days.keys) == len(set(found.days.keys))


def test_a_table_of_only_what_is_needed_is_read() -> None:
    plain = ("tenant", "time", "actor_uid", "action")
    found = score_table(TABLE.select(list(plain)), TableWalk(SECRET, Accounts()))
    assert np.isfinite(found.events).all()
