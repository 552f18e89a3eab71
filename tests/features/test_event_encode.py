"""Events as facts: two entries, the same columns; cells that bound what one account can fill."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import numpy as np
import pytest

from features.alert import Entity, EntityKind, Role
from features.encode import FactBlock
from features.event import Event, Outcome, Source, user
from features.event_columns import read_columns
from features.event_encode import EVENT_COLUMNS, FIELDS, OWN_CELLS, EventBlock, EventEncoder, EventKind
from tests.models.behaviour.office import SECRET, START, accounts, office, office_table

EVENTS = office(seed=1, count=800)


def encoder() -> EventEncoder:
    return EventEncoder(SECRET, accounts())


def same(a: FactBlock, b: FactBlock) -> bool:
    return all(
        getattr(a, name).tobytes() == getattr(b, name).tobytes() for name in ("time", "kind", "weight", "columns", "values")
    )


def whose(block: EventBlock) -> list[tuple[object, ...]]:
    named = [*block.accounts, None]
    return [
        (named[who], *(named[host] for host in hosts))
        for who, hosts in zip(block.who.tolist(), block.hosts.tolist(), strict=True)
    ]


@pytest.mark.parametrize("size", [1, 97, 800])
def test_a_table_and_events_give_the_same_facts(size: int) -> None:
    one, other = encoder(), encoder()
    live = [one.events(EVENTS[start : start + size]) for start in range(0, len(EVENTS), size)]
    blocks = list(other.columns(read_columns(office_table(EVENTS)), size))
    assert np.concatenate([part.row for part, _ in blocks]).tolist() == list(range(len(EVENTS)))
    for mine, (_, theirs) in zip(live, blocks, strict=True):
        assert same(mine.facts, theirs.facts)
        assert whose(mine) == whose(theirs)
        assert mine.at.tolist() == theirs.at.tolist()
        assert mine.speed.tobytes() == theirs.speed.tobytes()
        assert mine.outcome.tobytes() == theirs.outcome.tobytes()


def test_the_size_of_blocks_does_not_matter() -> None:
    whole, pieces = encoder(), encoder()
    facts = FactBlock.concat([pieces.events(EVENTS[start : start + 13]).facts for start in range(0, len(EVENTS), 13)])
    assert same(whole.events(EVENTS).facts, facts)


def event(seconds: float = 0.0, action: str = "open", **more: object) -> Event:
    made = Event(uid="1", tenant="t", time=START + timedelta(seconds=seconds), actor=user("ada"), action=action)
    return msgspec.structs.replace(made, **more)


def column(block: EventBlock, name: str) -> list[int]:
    return block.facts.columns[block.at, EVENT_COLUMNS.index(name)].tolist()


def test_a_failure_is_a_row_of_its_own_after_its_event() -> None:
    block = encoder().events([event(), event(1, outcome=Outcome.FAILURE), event(2, outcome=Outcome.SUCCESS)])
    assert block.facts.kind.tolist() == [EventKind.EVENT, EventKind.EVENT, EventKind.FAILURE, EventKind.EVENT]
    assert block.at.tolist() == [0, 1, 3]
    assert block.outcome.tolist() == [0, -1, 1]


def test_what_an_event_does_not_tell_is_absent() -> None:
    block = encoder().events([event()])
    for name in (
        "address",
        "country",
        "device",
        "application",
        "target",
        "target_shared",
        "sequence",
        "targeted",
        "placed",
        "peers",
    ):
        assert column(block, name) == [0]
    assert column(block, "hour") == [1]


def test_a_sequence_is_the_action_after_the_one_before_within_an_hour() -> None:
    block = encoder().events([event(0, "a"), event(10, "b"), event(20, "a"), event(30, "b"), event(9000, "b"), event(40, "b")])
    first, ab, ba, again, anew, late = column(block, "sequence")
    assert (first, late) == (0, 0)
    assert ab == again
    assert len({ab, ba, anew}) == 3


def test_a_million_values_of_one_account_fill_a_bounded_number_of_cells() -> None:
    some = [
        event(at, target=Entity(EntityKind.FILE, f"f{at}", Role.TARGET), source=Source(device=f"d{at}")) for at in range(20_000)
    ]
    block = encoder().events(some)
    for name in ("target", "device"):
        assert len(set(column(block, name))) <= OWN_CELLS[FIELDS.index(name)]
    known = set(column(encoder().events(some[:50]), "target"))
    hidden = [cell in known for cell in column(encoder().events(some[50:2000]), "target")]
    assert np.mean(hidden) < 0.03


def test_speed_is_that_of_the_way_since_the_last_place_and_short_ways_are_none() -> None:
    def there(latitude: float, longitude: float) -> Source:
        return Source(latitude=latitude, longitude=longitude)

    ways = [
        event(0, source=there(52.4, 4.9)),
        event(60),
        event(3600, source=there(35.7, 139.7)),
        event(3660, source=there(35.6, 139.5)),
    ]
    speed = encoder().events(ways).speed
    assert speed[[0, 1, 3]].tolist() == [0.0, 0.0, 0.0]
    assert 9200 < speed[2] < 9400


def test_accounts_of_two_tenants_or_kinds_share_nothing() -> None:
    block = encoder().events([event(), event(1, tenant="u"), event(2, actor=Entity(EntityKind.APPLICATION, "ada", Role.ACTOR))])
    keys = {tuple(block.facts.columns[at, :2].tolist()) for at in block.at}
    assert len(keys) == 3
    assert column(block, "previous") == [0, 0, 0]
