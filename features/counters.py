"""Names for the kernel's arrays: which keys are counted, with which half-lives, and the state that holds the counts."""

from __future__ import annotations

import hashlib
import os
import struct
import zipfile
import zlib
from enum import IntEnum
from pathlib import Path
from typing import Any, Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from features import kernel
from features.encode import COLUMNS, FactBlock, FactKind
from features.errors import HistoryError, ViewMismatchError

Table = tuple[NDArray[np.uint64], NDArray[np.float64]]
"""Keys, and of each the time of its last fact and its counts."""

_FIRST_SLOTS = 2**14
_LOAD = 0.6
"""The table grows when this share of its slots is taken."""
_KEPT = 0.75
"""At the size cap this share of the keys, those least decayed, is kept."""
NPZ_DAMAGE = (
    OSError, ValueError, KeyError, EOFError, IndexError, TypeError, MemoryError, RuntimeError, SyntaxError,
    zipfile.BadZipFile, zlib.error, struct.error,
)  # fmt: skip
"""What reading a damaged npz file can raise, wherever the damage is."""


class KeySpec(msgspec.Struct, frozen=True):
    """One family of counted keys.

    ``columns`` are columns of the fact (the tenant is always part of the key). ``feeds`` says which kind of fact adds to
    it. ``distinct`` or ``fresh`` names a pair key: then this key sums the pair's values lately seen, or those of them for
    which lately is unusual, instead of counting facts. ``pace`` stretches the half-lives for this key.
    """

    name: str
    columns: tuple[str, ...]
    feeds: int = FactKind.ALERT
    distinct: str = ""
    fresh: str = ""
    pace: float = 1.0


class CounterSpec(msgspec.Struct, frozen=True, omit_defaults=True):
    """Everything the state depends on.

    ``half_lives`` in seconds, shortest first; ``values`` the names of the facts' values, ``columns`` of their hashed columns.
    """

    half_lives: tuple[float, ...]
    keys: tuple[KeySpec, ...]
    values: tuple[str, ...]
    columns: tuple[str, ...] = COLUMNS

    @property
    def digest(self) -> str:
        """Hex digest that names this specification: its version of its own (DESIGN: counters)."""
        return hashlib.sha256(msgspec.json.encode(self)).hexdigest()

    def key_index(self, name: str) -> int:
        """Return the place of the key called ``name``. Raises ``ValueError``."""
        return [key.name for key in self.keys].index(name)

    def compiled(self, secret: bytes) -> tuple[Any, ...]:
        """Return the kernel's ``keys_spec``: salts, key columns, feeds, modes, pairs, rates."""
        width = max(len(key.columns) for key in self.keys) + 1
        columns = np.full((len(self.keys), width), -1, np.int64)
        salts = np.zeros(len(self.keys), np.uint64)
        for k, key in enumerate(self.keys):
            salts[k] = int.from_bytes(hashlib.blake2b(key.name.encode(), digest_size=8, key=secret).digest(), "little")
            for c, column in enumerate(("tenant", *key.columns)):
                columns[k, c] = self.columns.index(column)
        feeds = np.array([key.feeds for key in self.keys], np.uint8)
        modes = np.array([kernel.FRESH if key.fresh else kernel.DISTINCT if key.distinct else kernel.PLAIN for key in self.keys])
        pairs = [self.key_index(key.fresh or key.distinct) if key.fresh or key.distinct else -1 for key in self.keys]
        rates = np.array([[1.0 / (half_life * key.pace) for half_life in self.half_lives] for key in self.keys], np.float64)
        rates[modes == kernel.FRESH, :-1] -= rates[modes == kernel.FRESH, -1:]
        return salts, columns, feeds, modes.astype(np.int64), np.array(pairs, np.int64), rates


class Op(IntEnum):
    """What a feature does with what was read (see :mod:`features.kernel`)."""

    VALUE = kernel.VALUE
    COUNT = kernel.COUNT
    GAP = kernel.GAP
    RATIO = kernel.RATIO


class CounterState:
    """The decayed counts of everything seen so far: a fold over facts in the order of receipt.

    Memory is 16 + 8·H bytes a slot; at ``max_keys`` keys the most decayed quarter is dropped. Not safe for use by two
    threads at once.
    """

    def __init__(self, spec: CounterSpec, secret: bytes, max_keys: int = 2**22) -> None:
        self.spec = spec
        self.max_keys = max_keys
        self._keys_spec = spec.compiled(secret)
        self._table = self._empty(_FIRST_SLOTS)
        self._used = np.zeros(1, np.int64)

    @property
    def keys(self) -> int:
        """Number of keys held."""
        return int(self._used[0])

    def copy(self) -> CounterState:
        """Return an independent copy."""
        other = object.__new__(CounterState)
        other.spec, other.max_keys, other._keys_spec = self.spec, self.max_keys, self._keys_spec
        keys, cells = self._table
        other._table = (keys.copy(), cells.copy())
        other._used = self._used.copy()
        return other

    def walk(self, block: FactBlock, program: NDArray[np.int64], scales: NDArray[np.float64], out: NDArray[np.float64]) -> None:
        """Read features of each alert of ``block`` as of then into ``out`` (n × F, or 0 rows to only fold), then add the fact."""
        if block.values.shape[1] != len(self.spec.values):
            raise ViewMismatchError("values of a fact block", str(len(self.spec.values)), str(block.values.shape[1]))
        if block.columns.shape[1] != len(self.spec.columns):
            raise ViewMismatchError("columns of a fact block", str(len(self.spec.columns)), str(block.columns.shape[1]))
        facts = (block.time, block.kind, block.weight, block.columns, block.values)
        at = 0
        while at < len(block):
            limit = min(int(self._table[0].shape[0] * _LOAD), max(self.max_keys, 2 * len(self.spec.keys)))
            at = kernel.walk(self._table, self._used, limit, facts, self._keys_spec, program, scales, at, out)
            if at < len(block):
                self._make_room(float(block.time[at]))

    def _empty(self, slots: int) -> Table:
        return np.zeros(slots, np.uint64), np.zeros((slots, 1 + len(self.spec.half_lives)))

    def _make_room(self, now: float) -> None:
        """Grow the table, or at the cap drop the keys whose longest-lived count has decayed most as of ``now``."""
        keys, cells = self._table
        last, counts = cells[:, 0], cells[:, 1:]
        slots = keys.shape[0]
        keep = keys != 0
        if slots * _LOAD < self.max_keys:
            slots *= 2
        else:
            longest = int(np.argmax(self.spec.half_lives))
            alive = counts[:, longest] * 2.0 ** (-np.maximum(now - last, 0.0) / self.spec.half_lives[longest])
            order = np.argsort(alive[keep], kind="stable")
            keep[np.flatnonzero(keep)[order[: len(order) - int(len(order) * _KEPT)]]] = False
        table = self._empty(slots)
        self._used[0] = kernel.rehash(self._table, table, keep)
        self._table = table

    def save(self, path: Path) -> None:
        """Write the state to ``path`` (npz) whole or not at all."""
        keys, cells = self._table
        taken = keys != 0
        draft = path.with_name(path.name + ".part")
        with draft.open("wb") as file:
            np.savez(
                file, spec=np.array(self.spec.digest), slots=keys.shape[0], at=np.flatnonzero(taken),
                keys=keys[taken], last=cells[taken, 0], counts=cells[taken, 1:],
            )  # fmt: skip
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)

    @classmethod
    def load(cls, path: Path, spec: CounterSpec, secret: bytes, max_keys: int = 2**22) -> Self:
        """Read a saved state.

        Raises ``ViewMismatchError`` when it was made under another specification, ``HistoryError`` when damaged.
        """
        state = cls(spec, secret, max_keys)
        try:
            with np.load(path, allow_pickle=False) as saved:
                found = str(saved["spec"])
                if found != spec.digest:
                    raise ViewMismatchError("counter state", spec.digest, found)
                table = state._empty(int(saved["slots"]))
                at = saved["at"]
                table[0][at], table[1][at, 0], table[1][at, 1:] = saved["keys"], saved["last"], saved["counts"]
        except NPZ_DAMAGE as error:
            raise HistoryError(str(path), f"damaged counter state: {error}") from error
        state._table = table
        state._used[0] = len(at)
        return state
