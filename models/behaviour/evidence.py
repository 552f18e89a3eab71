"""The evidence that a day is not its account's: what the population, and what another account, would explain better.

An account that was taken over by a colleague looks like that colleague, so the question is not only "is this unlike the account's
past?" but "whom would it look like?". Both are log-likelihood ratios by field; how much each field counts is a vector of weights,
learned without labels (``training/behaviour``): days of colleagues credited to an account, against the account's own.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import msgspec
import numpy as np

from models.behaviour.day import Day
from models.behaviour.judgement import Deviation
from models.behaviour.profiles import Floats, Profiles


class Weights(msgspec.Struct, frozen=True, kw_only=True):
    """A logistic weighing of evidence: log odds = ``intercept`` + Σ weight × evidence."""

    fields: tuple[str, ...]
    population: tuple[float, ...]
    closest: tuple[float, ...]
    others: float
    nearest: float
    events: float
    intercept: float

    @property
    def vector(self) -> Floats:
        """The weights in the order of :func:`evidence`."""
        return np.array([*self.population, *self.closest, self.others, self.nearest, self.events])

    @classmethod
    def from_vector(cls, fields: tuple[str, ...], vector: Floats, intercept: float) -> Weights:
        """Return the weights whose ``vector`` it is."""
        n = len(fields)
        values = [float(value) for value in vector]
        return cls(
            fields=fields,
            population=tuple(values[:n]),
            closest=tuple(values[n : 2 * n]),
            others=values[2 * n],
            nearest=values[2 * n + 1],
            events=values[2 * n + 2],
            intercept=float(intercept),
        )

    @classmethod
    def plain(cls, fields: tuple[str, ...]) -> Weights:
        """Return the weights of the textbook, where nothing could be learned: other accounts against the own, as they are."""
        n = len(fields)
        return cls(fields=fields, population=(0.0,) * n, closest=(0.0,) * n, others=1.0, nearest=0.0, events=0.0, intercept=0.0)

    def to_json(self) -> bytes:
        """Return the weights as JSON."""
        return msgspec.json.encode(self)

    @classmethod
    def from_json(cls, data: bytes) -> Weights:
        """Read what :meth:`to_json` wrote."""
        return msgspec.json.decode(data, type=cls)


class Evidence(NamedTuple):
    """The evidence of one day, in the order of :attr:`Weights.vector`."""

    vector: Floats
    fields: tuple[str, ...]

    def log_odds(self, weights: Weights) -> float:
        """Return the log odds that somebody else made the day, as likely as not beforehand."""
        return float(self.vector @ weights.vector + weights.intercept)

    def deviations(self, most: int = 3) -> tuple[Deviation, ...]:
        """Return what speaks most against the account."""
        n = len(self.fields)
        told = []
        for name, stranger, closest in zip(self.fields, self.vector[:n].tolist(), self.vector[n : 2 * n].tolist(), strict=True):
            if max(stranger, closest) > 1.0:
                other = ", usual for another" if closest >= stranger else ""
                text = f"{name.replace('_', ' ')} is unusual for the account{other}"
                told.append(Deviation(name=name, text=text, surprise=max(stranger, closest)))
        return tuple(sorted(told, key=lambda one: -one.surprise)[:most])


def evidence(profiles: Profiles, day: Day, entity: str) -> Evidence:
    """Return the evidence that ``day`` was not made by ``entity`` (its own account, or one to whom it is credited for learning).

    Where there are no peers, the population stands for them.
    """
    peers = profiles.peers(day, entity)
    own, others, population = profiles.log_shares(day, entity, peers)
    stranger = population - own
    ratio = others - own if len(others) else stranger[np.newaxis]
    total: Floats = ratio.sum(axis=1)
    best = int(np.argmax(total))
    nearest = float(total[best])
    mean = nearest + math.log(float(np.exp(total - nearest).mean()))
    vector = np.concatenate([stranger, ratio[best], [mean, nearest, math.log1p(day.events)]])
    return Evidence(vector, profiles.fields)
