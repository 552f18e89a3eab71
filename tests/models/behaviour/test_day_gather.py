"""Days of accounts and hosts gathered from blocks: by definition, whatever the blocks."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta

import msgspec
import numpy as np
import pytest

from features.alert import EntityKind
from features.event import Outcome
from features.event_encode import FIELDS, EventEncoder
from models.behaviour.day_gather import FEW, NOTHING, DayGatherer, Gathered, Seen
from models.behaviour.day_vector import DAY_FEATURES, NAMES, DayKey
from models.behaviour.event_scores import anomaly_scores
from models.behaviour.signals import NAMES as SIGNALS
from models.behaviour.walk import EventWalk
from tests.models.behaviour.office import SECRET, START, accounts, office

EVENTS = office(seed=11, count=500, days=4)
FIRST = START.toordinal() - 719163


def gathered(chunk: int, *, hosts: bool = True) -> tuple[Gathered, np.ndarray]:
    encoder, walk, days = EventEncoder(SECRET, accounts()), EventWalk(SECRET), DayGatherer(hosts=hosts)
    signals = []
    for start in range(0, len(EVENTS), chunk):
        block = encoder.events(EVENTS[start : start + chunk])
        walked = walk.read(block)
        days.add(Seen(block, walked, start + np.arange(len(block.at))), np.ones(len(block.at), bool))
        signals.append(walked.signals)
    return days.take(10**6), np.concatenate(signals)


WHOLE, SIGNAL = gathered(500)


def column(found: Gathered, name: str) -> np.ndarray:
    return found.vectors.values[:, NAMES.index(name)]


@pytest.mark.parametrize("chunk", [1, 33])
def test_blocks_do_not_matter(chunk: int) -> None:
    found, _ = gathered(chunk)
    assert found.vectors.keys == WHOLE.vectors.keys
    assert (found.tokens == WHOLE.tokens).all()
    assert found.vectors.values.tobytes() == WHOLE.vectors.values.tobytes()


def test_a_days_numbers_are_those_of_its_events() -> None:
    rows = defaultdict(list)
    for at, event in enumerate(EVENTS):
        account = accounts().at(event.tenant, event.actor.kind.value, event.actor.uid, event.time.timestamp())
        rows[event.time.toordinal() - 719163, account.tenant, account.kind, account.uid].append(at)
    for at, key in enumerate(WHOLE.vectors.keys):
        if key.kind is EntityKind.HOST:
            continue
        own = rows.pop(tuple(key))
        some, value = SIGNAL[own], dict(zip(NAMES, WHOLE.vectors.values[at].tolist(), strict=True))
        assert WHOLE.vectors.events[at] == len(own)
        for field in FIELDS:
            signal = some[:, SIGNALS.index(f"{field}_own")]
            assert value[f"{field}_own_max"] == signal.max()
            assert value[f"{field}_own_mean"] == pytest.approx(signal.sum() / (len(own) + FEW), abs=1e-12)
            assert value[f"{field}_peers_max"] == some[:, SIGNALS.index(f"{field}_peers")].max()
            token = WHOLE.tokens[at, FIELDS.index(field)]
            assert token == (own[int(signal.argmax())] if signal.max() > 0 else NOTHING)
        assert value["spray_max"] == some[:, SIGNALS.index("spray")].max()
        assert value["event_max"] == anomaly_scores(some).max()
        failed = sum(EVENTS[one].outcome is Outcome.FAILURE for one in own)
        assert value["failed_share"] == failed / (len(own) + FEW)
        assert value["hours"] == len({EVENTS[one].time.hour for one in own})
    assert not rows


def test_a_hosts_day_holds_what_was_done_from_it_and_to_it_each_event_once() -> None:
    named = defaultdict(int)
    for event in EVENTS:
        targets = {event.target.uid} if event.target is not None and event.target.kind is EntityKind.HOST else set()
        for host in targets | ({event.source.device} - {""}):
            named[event.time.toordinal() - 719163, event.tenant, EntityKind.HOST, host] += 1
    found = {key: int(n) for key, n in zip(WHOLE.vectors.keys, WHOLE.vectors.events, strict=True) if key.kind is EntityKind.HOST}
    assert found == {DayKey(*key): n for key, n in named.items()}
    assert all(key.kind is not EntityKind.HOST for key in gathered(500, hosts=False)[0].vectors.keys)


def test_days_that_have_ended_are_taken_in_order_and_the_others_stay() -> None:
    encoder, walk, days = EventEncoder(SECRET, accounts()), EventWalk(SECRET), DayGatherer()
    block = encoder.events(EVENTS)
    days.add(Seen(block, walk.read(block), np.arange(len(EVENTS))), np.ones(len(EVENTS), bool))
    first = days.take(FIRST + 2)
    assert {key.ordinal for key in first.vectors.keys} == {FIRST, FIRST + 1}
    assert days.take(FIRST + 2).vectors.keys == []
    rest = days.take(10**6)
    assert first.vectors.keys + rest.vectors.keys == WHOLE.vectors.keys
    values = np.concatenate([first.vectors.values, rest.vectors.values])
    np.testing.assert_array_equal(values, WHOLE.vectors.values)


def test_events_that_are_not_fit_are_in_no_day() -> None:
    encoder, walk, days = EventEncoder(SECRET, accounts()), EventWalk(SECRET), DayGatherer()
    block = encoder.events(EVENTS)
    days.add(Seen(block, walk.read(block), np.arange(len(EVENTS))), np.zeros(len(EVENTS), bool))
    assert days.take(10**6).vectors.keys == []


def test_names_of_whom_no_day_is_open_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.behaviour.day_gather.MOST_NAMES", 0)
    encoder, walk, days, keys = EventEncoder(SECRET, accounts()), EventWalk(SECRET), DayGatherer(), []
    for start in range(0, len(EVENTS), 50):
        block = encoder.events(EVENTS[start : start + 50])
        days.add(Seen(block, walk.read(block), np.arange(len(block.at))), np.ones(len(block.at), bool))
        keys += days.take(int(block.time[-1] // 86400)).vectors.keys
        assert len(days._named) <= 2 * len(days._rows) + 100
    assert [*keys, *days.take(10**6).vectors.keys] == WHOLE.vectors.keys
    assert not days._named


def test_days_before_1970_are_days_too() -> None:
    old = [msgspec.structs.replace(event, time=event.time - timedelta(days=40_000)) for event in EVENTS]
    encoder, walk, days = EventEncoder(SECRET), EventWalk(SECRET), DayGatherer()
    block = encoder.events(old)
    days.add(Seen(block, walk.read(block), np.arange(len(old))), np.ones(len(old), bool))
    assert {key.ordinal for key in days.take(0).vectors.keys} == {event.time.toordinal() - 719163 for event in old}


def test_every_feature_is_finite_and_has_words() -> None:
    assert WHOLE.vectors.values.shape == (len(WHOLE.vectors.keys), len(DAY_FEATURES))
    assert np.isfinite(WHOLE.vectors.values).all()
    assert all(feature.text and feature.unit for feature in DAY_FEATURES)
    assert column(WHOLE, "volume").min() > 0
