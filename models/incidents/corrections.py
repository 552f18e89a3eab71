"""Corrections: what analysts held together and split, whatever the model says."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence


class Corrections:
    """Pairs of lines that are held together, and ``sides``: for a line, by split, the side on which it stays."""

    def __init__(self) -> None:
        self._joined: dict[int, set[int]] = {}
        self.sides: dict[int, dict[int, int]] = {}

    def merge(self, one: int, other: int) -> None:
        """Hold two lines together."""
        if one != other:
            self._joined.setdefault(one, set()).add(other)
            self._joined.setdefault(other, set()).add(one)

    def split(self, split: int, sides: Sequence[Iterable[int]]) -> None:
        """Keep lines of different ``sides`` apart."""
        for side, lines in enumerate(sides):
            for line in lines:
                self.sides.setdefault(line, {})[split] = side

    def unite(self, split: int) -> list[int]:
        """Let a split be no more; return the lines that it was about."""
        held = [line for line, under in self.sides.items() if split in under]
        for line in held:
            del self.sides[line][split]
        return held

    def joined(self, line: int) -> Collection[int]:
        """Return the lines that are held together with one."""
        return self._joined.get(line, ())

    def are_joined(self, one: int, other: int) -> bool:
        """Return whether two lines are held together."""
        return other in self._joined.get(one, ())

    def pass_on(self, gone: Iterable[int], left: Collection[int]) -> None:
        """Let the lines ``left`` of an incident stay on the sides that those ``gone`` from it were on."""
        for line in gone:
            for split, side in self.sides.get(line, {}).items():
                for heir in left:
                    self.sides.setdefault(heir, {}).setdefault(split, side)

    def drop(self, line: int) -> None:
        """Let a line go."""
        self.sides.pop(line, None)
        for other in self._joined.pop(line, ()):
            self._joined[other].discard(line)
            if not self._joined[other]:
                del self._joined[other]
