"""The state of our objects as plain data, and back: numbers, texts, arrays and the names of our own classes; never a pickle.

Data are read into an object that was made as usual: what it was *given* (models, names, locks, functions) it keeps, what it has *learned* is
put in. Of what the data name only classes of our own packages in use are made: structs and enums by their constructors, of any other an
empty object whose attributes are set. Nothing else that they name is called. One of our objects that is reached twice is one afterwards,
too; a list, a dictionary or an array becomes two.
"""

from __future__ import annotations

import sys
from array import array
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable
from datetime import datetime
from enum import Enum
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from features.accounts import Accounts
from features.counters import CounterState
from features.hashing import KeyedHash
from models.behaviour.combine import Combination
from models.behaviour.forest import Forest
from models.behaviour.model import BehaviourModel
from models.behaviour.peers import PeerGroups

_OURS = ("features", "models", "service")
_GIVEN = (Accounts, KeyedHash, BehaviourModel, Combination, Forest, PeerGroups)
_GIVEN_NAMES: dict[type, tuple[str, ...]] = {CounterState: ("spec", "_keys_spec")}
_SCALARS = (bool, float, str, bytes, datetime, type(None))
_NUMBERS = (np.bool_, np.int64, np.uint64, np.float32, np.float64)
_SOME: dict[str, Any] = {one.__name__: one for one in (list, tuple, set, frozenset)}
_DICTS: dict[str, Any] = {one.__name__: one for one in (dict, Counter, OrderedDict)}


class PlainError(ValueError):
    """Something has a state that is not plain, or data are of no such state."""


def learned(value: object) -> bytes:
    """Return what ``value`` has learned. Raises ``PlainError`` where some of it cannot be told."""
    return msgspec.msgpack.encode(_Writer().of(value))


def put_in(value: object, data: bytes) -> None:
    """Put in what a like of ``value`` had learned. Raises ``PlainError``; then ``value`` is of no use any more."""
    try:
        _Reader().of(msgspec.msgpack.decode(data), value)
    except PlainError:
        raise
    except Exception as error:
        raise PlainError(f"no state of a {type(value).__name__}: {error}") from error


class _Writer:
    def __init__(self) -> None:
        self._seen: dict[int, tuple[int, object]] = {}
        self._told: dict[type, Callable[[Any], Any]] = {
            **dict.fromkeys(_SCALARS, lambda value: value),
            int: lambda value: value if -(2**63) <= value < 2**64 else ["int", hex(value)],
            **dict.fromkeys(_SOME.values(), lambda value: [type(value).__name__, [self.of(one) for one in value]]),
            **dict.fromkeys(_DICTS.values(), lambda value: [type(value).__name__, self._many(value), self._many(value.values())]),
            **dict.fromkeys(_NUMBERS, lambda value: ["number", value.dtype.str, value.tobytes()]),
            np.ndarray: _array,
            array: lambda value: ["array", value.typecode, value.tobytes()],
        }

    def of(self, value: Any) -> Any:
        told = self._told.get(type(value), self._ours)
        return told(value)

    def _many(self, values: Iterable[Any]) -> Any:
        """Return values; all of one plain kind in one piece."""
        some = list(values)
        kinds = {type(one) for one in some}
        if kinds == {int} and max(some) < 2**63 and min(some) >= -(2**63):
            return ["whole", np.array(some, np.int64).tobytes()]
        return ["plain", some] if kinds in ({str}, {float}) else ["each", [self.of(one) for one in some]]

    def _ours(self, value: Any) -> Any:
        kind = type(value)
        name = f"{kind.__module__}:{kind.__qualname__}"
        if kind.__module__.split(".")[0] not in _OURS:
            raise PlainError(f"{name} is not plain")
        if isinstance(value, Enum):
            return ["enum", name, value.value]
        if isinstance(value, tuple):
            return ["tuple of", name, [self.of(one) for one in value]]
        if id(value) in self._seen:
            return ["again", self._seen[id(value)][0]]
        number = len(self._seen)
        self._seen[id(value)] = number, value  # kept, so that nothing else gets its id
        told = {key: self.of(getattr(value, key)) for key in _names(value) if not _is_given(value, key)}
        return ["object", name, number, told]


class _Reader:
    def __init__(self) -> None:
        self._made: dict[int, Any] = {}
        self._filled: set[int] = set()
        self._read: dict[str, Callable[..., Any]] = {
            **{name: lambda some, of=one: of(self.of(one) for one in some) for name, one in _SOME.items()},
            **{name: lambda keys, held, of=one: of(self._dict(keys, held)) for name, one in _DICTS.items()},
            "ndarray": lambda dtype, shape, data: np.frombuffer(data, np.dtype(dtype)).reshape(shape).copy(),
            "int": lambda text: int(text, 16),
            "number": lambda dtype, data: np.frombuffer(data, np.dtype(dtype))[0],
            "array": array,
            "again": lambda number: self._made[number],
        }

    def of(self, data: Any, into: Any = None) -> Any:
        if not isinstance(data, list):
            return data
        kind, *rest = data
        return self._read[kind](*rest) if kind in self._read else self._ours(kind, rest, into)

    def _dict(self, keys: Any, held: Any) -> dict[Any, Any]:
        return dict(zip(self._many(keys), self._many(held), strict=True))

    def _many(self, data: list[Any]) -> Any:
        kind, some = data
        if kind == "whole":
            return np.frombuffer(some, np.int64).tolist()
        return some if kind == "plain" else [self.of(one) for one in some]

    def _ours(self, kind: str, rest: list[Any], into: Any) -> Any:
        ours = _class(rest[0])
        if kind == "enum" and issubclass(ours, Enum):
            return ours(rest[1])
        if kind == "tuple of" and issubclass(ours, tuple):
            return tuple.__new__(ours, [self.of(one) for one in rest[1]])
        if kind != "object":
            raise PlainError(f"no kind of data: {kind}")
        number, told = rest[1:]
        if issubclass(ours, msgspec.Struct):
            self._made[number] = ours(**{name: self.of(one) for name, one in told.items()})
            return self._made[number]
        same = type(into) is ours and id(into) not in self._filled
        if same and {name for name in _names(into) if not _is_given(into, name)} != told.keys():
            raise PlainError(f"a {rest[0]} has other parts by now")
        made = self._made[number] = into if same else ours.__new__(ours)
        self._filled.add(id(made))
        for name, one in told.items():
            setattr(made, name, self.of(one, getattr(made, name, None)))
        return made


def _array(value: NDArray[Any]) -> Any:
    if value.dtype.hasobject:
        raise PlainError("an array of objects is not plain")
    return ["ndarray", value.dtype.str, list(value.shape), np.ascontiguousarray(value).tobytes()]


def _names(value: object) -> list[str]:
    """Return the names of the attributes that an object has."""
    if isinstance(value, msgspec.Struct):
        return list(value.__struct_fields__)
    slots = [name for one in type(value).__mro__ for name in getattr(one, "__slots__", ())]
    return [*slots, *getattr(value, "__dict__", ())]


def _is_given(value: object, name: str) -> bool:
    """Whether an object was given that attribute, and did not learn it."""
    held = getattr(value, name)
    return (
        name in _GIVEN_NAMES.get(type(value), ())
        or isinstance(held, _GIVEN)
        or callable(held)
        or type(held).__module__ == "_thread"
    )


def _class(name: str) -> type:
    """Return a class of ours that is in use."""
    module, _, path = name.partition(":")
    found: Any = sys.modules.get(module) if module.split(".")[0] in _OURS else None
    for part in path.split("."):
        found = getattr(found, part, None)
    if not isinstance(found, type) or found.__module__ != module:
        raise PlainError(f"no class of ours: {name}")
    return found
