"""How unlike an account's own commands a segment of commands is, and how like other people's.

Three log-likelihood ratios over the *distinct* commands of a segment (a loop of a hundred ``ls`` says no more than one): of the
commands, of the pairs that follow each other, each against everybody else's, and of the commands against the one other account
whom they suit best. Pairs back off to single commands, those to everybody's, those to all known commands. Many different commands say
more than few, so their ratios are added up; pairs, which depend on each other, and likeness are means. What was typed long ago counts
less and less.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

OWN, PAIR, UNSEEN = 20.0, 3.0, 20.0
"""Commands of everybody mixed into an account's, of single commands into its pairs, of all known commands into everybody's."""
ADDED = 0.1
"""What the sum over commands counts beside the mean over pairs."""
LIKENESS = 0.5
"""What the likeness to one other account counts beside the other two ratios."""
INERTIA = 0.2
"""The share of the score before in the next: who sits at a keyboard seldom leaves after one segment."""
REMEMBERED = 0.97
"""What a segment learned counts after each further one."""
LEAST_COUNT = 0.02
"""Counts that have faded below are forgotten."""
LEARNT_BELOW = -0.5
"""A segment that scores lower is surely the account's own, and is learned; others are not, so that nobody is learned by mistake."""

Segment = Sequence[str]


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """Faded counts of one account's commands and of the pairs that followed each other, by first command."""

    commands: dict[str, float]
    pairs: dict[str, dict[str, float]]
    total: float

    @classmethod
    def of(cls, segments: Sequence[Segment]) -> Usage:
        """Count the commands of ``segments``."""
        usage = cls(commands={}, pairs={}, total=0)
        for segment in segments:
            usage = usage.add(segment)
        return usage

    def add(self, segment: Segment) -> Usage:
        """Return the counts, faded, with one segment more."""
        commands = _faded(self.commands)
        pairs = {first: faded for first, following in self.pairs.items() if (faded := _faded(following))}
        for command in segment:
            commands[command] = commands.get(command, 0.0) + 1.0
        for first, then in itertools.pairwise(segment):
            following = pairs.setdefault(first, {})
            following[then] = following.get(then, 0.0) + 1.0
        return Usage(commands=commands, pairs=pairs, total=REMEMBERED * self.total + len(segment))


def _faded(counts: dict[str, float]) -> dict[str, float]:
    return {name: REMEMBERED * count for name, count in counts.items() if REMEMBERED * count >= LEAST_COUNT}


class SequenceModel(msgspec.Struct, frozen=True, kw_only=True):
    """What every account is known to type: plain counts, so the fitted state is JSON."""

    accounts: dict[str, Usage]

    @classmethod
    def fit(cls, segments: Mapping[str, Sequence[Segment]]) -> SequenceModel:
        """Learn from each account's own segments."""
        return cls(accounts={account: Usage.of(own) for account, own in sorted(segments.items())})

    def to_json(self) -> bytes:
        """Return the counts as JSON."""
        return msgspec.json.encode(self)

    @classmethod
    def from_json(cls, data: bytes) -> SequenceModel:
        """Read what :meth:`to_json` wrote."""
        return msgspec.json.decode(data, type=cls)


class Scorer:
    """Scores segments of one account against all others, in their order; the account's own goes on being learned."""

    def __init__(self, model: SequenceModel, account: str) -> None:
        self._own = model.accounts.get(account, Usage.of([]))
        self._others = [usage for name, usage in model.accounts.items() if name != account]
        self._commands: dict[str, float] = defaultdict(float)
        for usage in self._others:
            for command, count in usage.commands.items():
                self._commands[command] += count
        self._total = sum(self._commands.values())
        self._spread = UNSEEN / (len(self._commands.keys() | self._own.commands.keys()) + 1)
        self._before: float | None = None

    def _share(self, command: str) -> float:
        return (self._commands.get(command, 0.0) + self._spread) / (self._total + UNSEEN)

    def _shares_of(self, usage: Usage, commands: Sequence[str]) -> NDArray[np.float64]:
        seen = np.array([usage.commands.get(command, 0) for command in commands], float)
        everybody = np.array([self._share(command) for command in commands])
        return (seen + OWN * everybody) / (usage.total + OWN)

    def ratios(self, segment: Segment) -> tuple[float, float, float]:
        """Return the log-likelihood ratios of commands, of pairs, and of the one other account that suits best."""
        commands = sorted(set(segment))
        if not commands:
            return 0.0, 0.0, 0.0
        own = np.log(self._shares_of(self._own, commands)).mean()
        everybody = np.log([self._share(command) for command in commands]).mean()
        suits = [float(np.log(self._shares_of(usage, commands)).mean()) for usage in self._others]
        return float(everybody - own), self._pair_ratio(segment), max(suits, default=float(everybody)) - float(own)

    def unigram(self, segment: Segment) -> float:
        """Return the plain reference: the mean log-likelihood ratio over all commands, repeats and all."""
        if not segment:
            return 0.0
        own = self._shares_of(self._own, segment)
        return float(np.mean([math.log(self._share(command)) for command in segment]) - np.log(own).mean())

    def _pair_ratio(self, segment: Segment) -> float:
        pairs = sorted(set(itertools.pairwise(segment)))
        if not pairs:
            return 0.0
        then = [second for _, second in pairs]
        single = self._shares_of(self._own, then)
        total = 0.0
        for (first, second), base in zip(pairs, single, strict=True):
            following = self._own.pairs.get(first, {})
            own = (following.get(second, 0) + PAIR * base) / (self._own.commands.get(first, 0) + PAIR)
            seen = sum(usage.pairs.get(first, {}).get(second, 0) for usage in self._others)
            all_of_them = (seen + PAIR * self._share(second)) / (self._commands.get(first, 0.0) + PAIR)
            total += math.log(all_of_them) - math.log(own)
        return total / len(pairs)

    def score(self, segment: Segment) -> float:
        """Return the anomaly score of the next segment."""
        commands, pairs, likeness = self.ratios(segment)
        now = ADDED * commands * len(set(segment)) + pairs + LIKENESS * likeness
        self._before = now if self._before is None else INERTIA * self._before + (1 - INERTIA) * now
        if self._before < LEARNT_BELOW:
            self._own = self._own.add(segment)
        return self._before
