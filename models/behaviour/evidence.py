"""The evidence that a day is not its account's: what the population, and what another account, would explain better.

An account that was taken over by a colleague looks like that colleague, so the question is not only "is this unlike the account's
past?" but "whom would it look like?". Both are log-likelihood ratios by field; how much each field counts is learned without labels
(``training/behaviour``): once from days of colleagues credited to an account, against the account's own (:meth:`Evidence.log_odds`),
and once as the question whose day it is, of all accounts known (:meth:`Evidence.against`).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import msgspec
import numpy as np

from models.behaviour.day import Day
from models.behaviour.judgement import Deviation
from models.behaviour.profiles import Floats, Profiles, Rows

STRANGER = -1
"""The rival who is nobody known: what everybody does."""
STRANGER_COUNTS = 0.5
"""What is only unlike the account, and not like a colleague, is less to go by: everybody does something new at times."""
AMOUNT = 0.75
"""n different values of a field say n^0.75 times as much as one: more, but they come together."""
SURE_DAYS = 40.0
"""After so many active days an account's profile counts half of what it will."""
DRIFT = 0.5
"""Nats that each day speaks for the account beforehand: people change a little, without becoming somebody else."""
MOST_A_DAY = 8.0
PLAIN = 1.0
"""What each field counts against a rival where nothing was learned."""


class Weights(msgspec.Struct, frozen=True, kw_only=True):
    """How evidence is weighed: log odds = ``intercept`` + Σ weight × evidence; ``each``: what each field counts against a rival."""

    fields: tuple[str, ...]
    population: tuple[float, ...]
    closest: tuple[float, ...]
    others: float
    nearest: float
    events: float
    intercept: float
    each: tuple[float, ...]

    @property
    def vector(self) -> Floats:
        """The weights in the order of :func:`evidence`."""
        return np.array([*self.population, *self.closest, self.others, self.nearest, self.events])

    @classmethod
    def from_vector(
        cls, fields: tuple[str, ...], vector: Floats, intercept: float, each: tuple[float, ...] | None = None
    ) -> Weights:
        """Return the weights whose ``vector`` it is; without ``each``, every field counts the same."""
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
            each=(PLAIN,) * n if each is None else each,
        )

    @classmethod
    def plain(cls, fields: tuple[str, ...]) -> Weights:
        """Return the weights of the textbook, where nothing could be learned: other accounts against the own, as they are."""
        n = len(fields)
        return cls.from_vector(fields, np.array([*(0.0,) * (2 * n), 1.0, 0.0, 0.0]), 0.0)


class Evidence(NamedTuple):
    """The evidence of one day: ``vector`` in the order of :attr:`Weights.vector`, and by field (a column) for each of ``rivals``.

    ``known``: the active days of the account before.
    """

    vector: Floats
    fields: tuple[str, ...]
    rivals: Rows = np.zeros(0, np.int64)
    ratios: Floats = np.zeros((0, 0))
    known: int = 0

    def log_odds(self, weights: Weights) -> float:
        """Return the log odds that somebody else made the day, as likely as not beforehand."""
        return float(self.vector @ weights.vector + weights.intercept)

    def against(self, weights: Weights) -> Floats:
        """Return the nats with which the day speaks for each of ``rivals`` and against the account; below 0 for the account."""
        counts = np.where(self.rivals == STRANGER, STRANGER_COUNTS, 1.0) * 1.4 * self.known / (self.known + SURE_DAYS)
        nats: Floats = np.clip((self.ratios @ np.array(weights.each)) * counts - DRIFT, -MOST_A_DAY, MOST_A_DAY)
        return nats

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
    amount = np.array([max(len(day.values.get(name, ())), 1) ** AMOUNT for name in profiles.fields])
    ratios: Floats = np.vstack([others - own, stranger]) * amount
    return Evidence(vector, profiles.fields, np.append(peers, STRANGER), ratios, profiles.active_days(day.tenant, entity))
