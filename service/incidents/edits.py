"""What analysts have merged and split, by the lines concerned, so that it holds for lines that come (again) later."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from models.incidents.correlator import Correlator


class Edits:
    """Pairs of lines that are held together, and sides of splits that are kept apart. A split is named by an incident's uid."""

    def __init__(self) -> None:
        self._joins: dict[str, set[str]] = {}
        self._sides: dict[str, dict[str, int]] = {}

    def join(self, one: str, other: str) -> None:
        """Hold two lines together."""
        self._joins.setdefault(one, set()).add(other)
        self._joins.setdefault(other, set()).add(one)

    def split(self, name: str, sides: Sequence[Collection[str]]) -> None:
        """Keep the lines of different sides apart."""
        for side, lines in enumerate(sides):
            for line in lines:
                self._sides.setdefault(line, {})[name] = side

    def between(self, some: Collection[str], others: Collection[str]) -> list[str]:
        """Return the splits that keep ``some`` lines apart from ``others``."""
        one, other = self._under(some), self._under(others)
        return sorted({name for name, side in one for its, opposite in other if its == name and opposite != side})

    def lift(self, names: Collection[str]) -> None:
        """Let splits be no more."""
        for sides in self._sides.values():
            for name in names:
                sides.pop(name, None)

    def learn(self, body: Mapping[str, Any]) -> None:
        """Take an edit as it was written down (see :mod:`service.incidents.hand`)."""
        self.lift(body.get("lifted", ()))
        if "sides" in body:
            self.split(body["into"], body["sides"])
        for one, other in body.get("joins", ()):
            self.join(one, other)

    def follow(self, gone: Collection[str], left: Collection[str]) -> bool:
        """Let the lines ``left`` of an incident stay on the sides that the lines ``gone`` from it were on; say if there are any."""
        sides = self._under(gone)
        for name, side in sides:
            for line in left:
                self._sides.setdefault(line, {}).setdefault(name, side)
        return bool(sides)

    def forget(self, lines: Collection[str]) -> None:
        """Let lines go that will not be asked for."""
        for line in lines:
            self._sides.pop(line, None)
            for other in self._joins.pop(line, ()):
                self._joins[other].discard(line)

    def apply(self, correlator: Correlator, line: str, numbers: Mapping[str, int]) -> None:
        """Tell the correlator what holds for a line; ``numbers`` are those of the lines that it keeps."""
        for name, side in self._sides.get(line, {}).items():
            correlator.split(split_number(name), [()] * side + [(numbers[line],)])
        for other in self._joins.get(line, ()):
            if other in numbers:
                correlator.merge(numbers[line], numbers[other])

    @property
    def lines(self) -> set[str]:
        """All lines of which anything was said."""
        return {line for said in (self._sides, self._joins) for line, what in said.items() if what}

    def _under(self, lines: Collection[str]) -> set[tuple[str, int]]:
        return {item for line in lines for item in self._sides.get(line, {}).items()}


def split_number(name: str) -> int:
    """Return the number under which the correlator knows a split."""
    return int(name, 16)
