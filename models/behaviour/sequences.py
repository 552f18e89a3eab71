"""How unlike an account's own commands a segment of commands is, and how like other people's.

Three log-likelihood ratios against the account, means over what is *distinct* in a segment (a loop of a hundred ``ls`` says no more
than one): of the pairs that follow each other, everybody else's; of the commands that a segment holds at all, everybody else's, and the
one other account's whom they suit best. An account's pairs back off to its commands, those to everybody's, those to all known commands.
What was typed long ago counts less and less.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

OWN, PRESENT, PAIR = 20.0, 5.0, 0.5
"""Mixed into an account's own: so many of everybody's commands, of everybody's segments, and of its own commands into its pairs."""
UNSEEN, EVERYBODY_S_PAIR = 20.0, 3.0
"""The same of everybody: all known commands into its commands and segments, its commands into its pairs."""
MOST_A_PAIR = 3.0
"""The nats that one pair may say for or against: many that are a little strange say more than one that was never typed."""
COMMANDS = 0.4
"""What each of both ratios of commands counts beside the one of pairs."""
REMEMBERED = 0.97
"""What a segment learned counts after each further one."""
LEAST_COUNT = 0.02
"""Counts that have faded below are forgotten."""
LEARNT_BELOW = -0.2
"""A segment that scores lower is surely the account's own, and is learned; others are not, so that nobody is learned by mistake."""

Segment = Sequence[str]
Floats = NDArray[np.float64]


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """Faded counts of one account's commands, of the segments that hold each, and of the pairs that followed each other, by first."""

    commands: dict[str, float]
    present: dict[str, float]
    pairs: dict[str, dict[str, float]]
    total: float
    segments: float

    @classmethod
    def of(cls, segments: Sequence[Segment]) -> Usage:
        """Count the commands of ``segments``."""
        usage = cls(commands={}, present={}, pairs={}, total=0, segments=0)
        for segment in segments:
            usage = usage.add(segment)
        return usage

    def add(self, segment: Segment) -> Usage:
        """Return the counts, faded, with one segment more."""
        commands, present = _faded(self.commands), _faded(self.present)
        pairs = {first: faded for first, following in self.pairs.items() if (faded := _faded(following))}
        for command in segment:
            commands[command] = commands.get(command, 0.0) + 1.0
        for command in set(segment):
            present[command] = present.get(command, 0.0) + 1.0
        for first, then in itertools.pairwise(segment):
            following = pairs.setdefault(first, {})
            following[then] = following.get(then, 0.0) + 1.0
        total, segments = REMEMBERED * self.total + len(segment), REMEMBERED * self.segments + 1.0
        return Usage(commands=commands, present=present, pairs=pairs, total=total, segments=segments)


def _faded(counts: dict[str, float]) -> dict[str, float]:
    return {name: REMEMBERED * count for name, count in counts.items() if REMEMBERED * count >= LEAST_COUNT}


class SequenceModel(msgspec.Struct, frozen=True, kw_only=True):
    """What every account is known to type: plain counts, so the fitted state is JSON."""

    accounts: dict[str, Usage]

    @classmethod
    def fit(cls, segments: Mapping[str, Sequence[Segment]]) -> SequenceModel:
        """Learn from each account's own segments."""
        return cls(accounts={account: Usage.of(own) for account, own in sorted(segments.items())})


class _Shares:
    """Everybody's share of each command, by the counts of several accounts."""

    def __init__(self, counts: Sequence[dict[str, float]], total: float, known: int) -> None:
        self.counts: dict[str, float] = defaultdict(float)
        for one in counts:
            for command, count in one.items():
                self.counts[command] += count
        self._total, self._spread = total + UNSEEN, UNSEEN / (known + 1)

    def of(self, commands: Sequence[str]) -> Floats:
        return (np.array([self.counts.get(command, 0.0) for command in commands]) + self._spread) / self._total


def _mixed(counts: dict[str, float], total: float, commands: Sequence[str], everybody: Floats, weight: float) -> Floats:
    return (np.array([counts.get(command, 0.0) for command in commands]) + weight * everybody) / (total + weight)


class Scorer:
    """Scores segments of one account against all others, in their order; the account's own goes on being learned."""

    def __init__(self, model: SequenceModel, account: str) -> None:
        self._own = model.accounts.get(account, Usage.of([]))
        self._others = [usage for name, usage in model.accounts.items() if name != account]
        known = len({command for usage in [*self._others, self._own] for command in usage.commands})
        self._typed = _Shares([one.commands for one in self._others], sum(one.total for one in self._others), known)
        self._present = _Shares([one.present for one in self._others], sum(one.segments for one in self._others), known)

    def ratios(self, segment: Segment) -> tuple[float, float, float]:
        """Return the log-likelihood ratios of pairs, of commands, and of the one other account that suits best."""
        commands = sorted(set(segment))
        if not commands:
            return 0.0, 0.0, 0.0
        share = self._present.of(commands)

        def suits(usage: Usage) -> float:
            return float(np.log(_mixed(usage.present, usage.segments, commands, share, PRESENT)).mean())

        own, everybody = suits(self._own), float(np.log(share).mean())
        best = max((suits(usage) for usage in self._others), default=everybody)
        return self._pair_ratio(segment), everybody - own, best - own

    def unigram(self, segment: Segment) -> float:
        """Return the plain reference: the mean log-likelihood ratio over all commands, repeats and all."""
        if not segment:
            return 0.0
        share = self._typed.of(segment)
        return float((np.log(share) - np.log(_mixed(self._own.commands, self._own.total, segment, share, OWN))).mean())

    def _pair_ratio(self, segment: Segment) -> float:
        pairs = sorted(set(itertools.pairwise(segment)))
        if not pairs:
            return 0.0
        then = [second for _, second in pairs]
        share = self._typed.of(then)
        single = _mixed(self._own.commands, self._own.total, then, share, OWN)
        total = 0.0
        for (first, second), of_all, of_own in zip(pairs, share.tolist(), single.tolist(), strict=True):
            following = self._own.pairs.get(first, {}).get(second, 0.0)
            own = (following + PAIR * of_own) / (self._own.commands.get(first, 0.0) + PAIR)
            seen = sum(usage.pairs.get(first, {}).get(second, 0.0) for usage in self._others)
            everybody = (seen + EVERYBODY_S_PAIR * of_all) / (self._typed.counts.get(first, 0.0) + EVERYBODY_S_PAIR)
            total += min(max(math.log(everybody / own), -MOST_A_PAIR), MOST_A_PAIR)
        return total / len(pairs)

    def score(self, segment: Segment) -> float:
        """Return the anomaly score of the next segment: above 0, it is more like others than like the account."""
        pairs, commands, likeness = self.ratios(segment)
        score = pairs + COMMANDS * (commands + likeness)
        if score < LEARNT_BELOW:
            self._own = self._own.add(segment)
        return score
