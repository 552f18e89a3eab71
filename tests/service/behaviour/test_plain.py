"""State as plain data: what comes back is the same, what was given stays, and nothing that is not ours is made."""

from __future__ import annotations

import threading
from array import array
from collections import Counter, OrderedDict
from typing import Any

import msgspec
import numpy as np
import pytest

from features.alert import EntityKind
from features.anomalies import EntityAnomalies
from features.hashing import KeyedHash
from models.behaviour.conformal import Past
from models.behaviour.held import Account
from models.behaviour.judgement import Deviation
from models.behaviour.roster import Roster
from service.behaviour.plain import PlainError, learned, put_in


def holding(value: Any) -> Roster:
    made = Roster()
    made._row = value
    return made


@pytest.mark.parametrize(
    "value",
    [
        {}, {"a": 1, "b": 2}, {2**64 - 1: (1.5, -(2**40))}, {1: 2}, {"days": (20_000, 1 << 400)}, {3: -(1 << 70)},
        {"x": 0.1, "y": float("inf")}, Counter({("a", True, 3): 2}),
        OrderedDict([(Account("t", EntityKind.USER, "ann"), array("f", (1.0, 2.5)))]), {1, 2}, [np.float64(0.1), np.float32(2.5)],
        [["ndarray", "<f8", [1], b""], "again", None], {"each": "plain"}, [Deviation(name="n", text="t", surprise=1.0)],
    ],
)  # fmt: skip
def test_what_is_learned_comes_back_the_same(value: Any) -> None:
    made = holding(None)
    put_in(made, learned(holding(value)))
    assert made._row == value
    assert type(made._row) is type(value)
    assert learned(made) == learned(holding(value))


def test_arrays_keep_kind_and_shape_and_can_be_written() -> None:
    for one in (np.zeros((0, 3), np.float32), np.arange(6).reshape(2, 3).T, np.array(["a", "bc"])):
        made = holding(None)
        put_in(made, learned(holding(one)))
        assert made._row.dtype == one.dtype  # type: ignore[attr-defined]
        np.testing.assert_array_equal(made._row, one)
        made._row[...] = one[...]
    with pytest.raises(PlainError, match="objects"):
        learned(holding(np.array([{}], object)))


def test_what_is_one_object_is_one_afterwards_and_what_is_two_is_two() -> None:
    past, other = Past(5), Past(5)
    past.add(1.0)
    made = holding(None)
    put_in(made, learned(holding([past, past, other])))
    first, second, third = made._row
    assert first is second
    assert third is not first
    first.add(2.0)
    assert first.p_value(1.5) == second.p_value(1.5)
    same = Past(3)
    pair, into = holding(past), holding(same)
    pair.other, into.other = other, same  # type: ignore[attr-defined]
    put_in(into, learned(pair))
    assert into._row is same
    assert into.other is not same  # type: ignore[attr-defined]


def test_what_was_given_is_not_told_and_stays() -> None:
    secret = b"a very long and secret text here"
    table = EntityAnomalies()
    table.hash, table.call = KeyedHash(secret), table.at  # type: ignore[attr-defined]
    fresh = EntityAnomalies()
    fresh.hash, fresh.call = given = KeyedHash(secret), fresh.at  # type: ignore[attr-defined]
    lock = fresh._guard
    told = learned(table)
    assert secret not in told
    put_in(fresh, told)
    assert (fresh.hash, fresh.call, fresh._guard) == (*given, lock)  # type: ignore[attr-defined]


@pytest.mark.parametrize("value", [threading.Thread(), object(), lambda: 0, b"".join, 1 + 2j])
def test_what_is_not_plain_is_not_told(value: object) -> None:
    with pytest.raises(PlainError, match="not plain"):
        learned([value])


@pytest.mark.parametrize(
    "data",
    [
        ["object", "os:system", 0, {}], ["object", "models.behaviour.held:Held.verdict", 0, {}], ["object", "subprocess:Popen", 0, {}],
        ["enum", "models.behaviour.held:Held", "x"], ["nonsense", "models.behaviour.held:Held"], ["again", 7], ["list", 5], ["ndarray"],
        ["object", "models.behaviour.roster:Roster", 0, {"_row": None, "more": 1}], ["object", "service.jobs:threading", 0, {}],
    ],
)  # fmt: skip
def test_other_data_are_refused(data: list[object]) -> None:
    with pytest.raises(PlainError):
        put_in(Roster(), msgspec.msgpack.encode(data))
    with pytest.raises(PlainError):
        put_in(Roster(), b"\xc1")
