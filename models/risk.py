"""The risk of an entity, 0–100: what its alerts and its behaviour say together, decaying, and no source more than its share.

A fact weighs in bits: an alert of probability p ``−log₂(1 − p)``, so that independent alerts add up to the probability that at
least one of them is an attack; a day whose behaviour has the p-value p ``log₂(1 − s + s·e(p))``, what a bet of the share s on
its being abnormal has grown to. (``e(p) = (1 − p + p ln p) / (p ln² p)``, Vovk & Wang 2021: its mean is 1 where nothing is wrong.)

    v(day)  = 2^−F · max over the day's facts of w · 2^(−age / half-life)      what nobody called harmless
    source  = min(cap, v₁ + v₂/2 + v₃/4 + …)                                   v₁ ≥ v₂ ≥ …: a repeat says less than the first
    risk    = 100 · (1 − 2^(−Σ source))

A source is a rule of a detector, or behaviour. With a cap of 2 bits none takes the risk over 75 by itself, however noisy it is.
F counts what people called harmless of that source on that entity, each verdict less the further its day is from the fact's.
All of it is a function of the set of facts and verdicts (of each day the ``KEPT`` strongest facts): their order does not matter.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from models.behaviour.conformal import Past

HALF_LIFE_SECONDS = 7 * 86_400.0
VERDICT_HALF_LIFE_DAYS = 30.0
CAP_BITS = 2.0
"""The most that one source says: 75 by itself."""
LEAST_SCORE = 0.1
"""An alert less likely to be an attack says nothing of its entities; no incident is shown of it either."""
SHARE = 0.05
"""What is staked on a day's being abnormal for a reason that matters."""
NOTED = 0.02
"""A day with a higher p-value says nothing."""
FLAGGED_BITS = 0.5
"""A day that was called out under control of false discovery weighs at least this: enough to be monitored, no more, since on a day
on which nothing is wrong all that is called out is false."""
KEPT, MOST_SOURCES = 8, 200
"""Facts of a day and source, and sources of an entity, that are remembered: the strongest."""
BEHAVIOUR = "behaviour"
"""The source of what behaviour says."""

_DAY = 86_400.0
_FORGOTTEN_SECONDS = 8 * HALF_LIFE_SECONDS
_KNOWN_DAYS, _USUAL_DAYS, _PEAKS = 5, 20, 2000
"""Days after which an account's strangest event is compared, days over which its usual one is a mean, and days of a tenant."""


class Fact(msgspec.Struct, frozen=True, gc=False):
    """One thing that speaks for a risk: ``ref`` (an alert, a day of behaviour), when it was (epoch seconds), and its bits."""

    ref: str
    time: float
    weight: float

    @property
    def day(self) -> int:
        """The UTC day, counted from 1970."""
        return int(self.time // _DAY)

    def at(self, now: float) -> float:
        """Return what is left of its weight; nothing before it was."""
        return 0.0 if self.time > now else self.weight * math.exp2((self.time - now) / HALF_LIFE_SECONDS)


def _strength(fact: Fact) -> tuple[float, str]:
    """Return by what facts of one source are ordered, the same at whatever time it is asked for."""
    return math.log2(fact.weight) + fact.time / HALF_LIFE_SECONDS, fact.ref


class Said(msgspec.Struct, frozen=True, gc=False):
    """A verdict that is in force on a fact: whether it is an attack, and when that was said."""

    attack: bool
    time: float


class Source(msgspec.Struct, kw_only=True):
    """What one source said of one entity, and what people said of that."""

    name: str = ""
    days: dict[int, list[Fact]] = {}
    said: dict[str, Said] = {}

    def add(self, fact: Fact) -> None:
        """Take up a fact; one of the same ``ref`` replaces it if it is stronger."""
        kept = self.days.setdefault(fact.day, [])
        known = next((one for one in kept if one.ref == fact.ref), None)
        if known is not None:
            if _strength(known) >= _strength(fact):
                return
            kept.remove(known)
        kept.append(fact)
        kept.sort(key=_strength, reverse=True)
        del kept[KEPT:]

    def strengths(self, now: float) -> list[float]:
        """Return what each day is worth at ``now``, most first."""
        found = (
            self._damped(day) * max(map(self._weighed, facts), key=lambda f: f.at(now)).at(now)
            for day, facts in self.days.items()
        )
        return sorted((worth for worth in found if worth > 0.0), reverse=True)

    def bits(self, now: float) -> float:
        """Return what the source says at ``now``."""
        return min(CAP_BITS, sum(worth * 0.5**place for place, worth in enumerate(self.strengths(now))))

    def _weighed(self, fact: Fact) -> Fact:
        said = self.said.get(fact.ref)
        return fact if said is None else Fact(fact.ref, fact.time, CAP_BITS if said.attack else 0.0)

    def _damped(self, day: int) -> float:
        harmless = (abs(day - said.time / _DAY) for said in self.said.values() if not said.attack)
        return math.exp2(-sum(math.exp2(-days / VERDICT_HALF_LIFE_DAYS) for days in harmless))

    def forget(self, before: float) -> None:
        """Forget the days that ended before, and verdicts as old."""
        self.days = {day: facts for day, facts in self.days.items() if (day + 1) * _DAY > before}
        named = {fact.ref for facts in self.days.values() for fact in facts}
        self.said = {ref: said for ref, said in self.said.items() if said.time > before or ref in named}


class Part(NamedTuple):
    """What one source adds to a risk: its bits, the points of the risk that it stands for, and its facts, the strongest first."""

    source: str
    name: str
    bits: float
    points: float
    facts: list[Fact]


class EntityRisk(msgspec.Struct):
    """All that speaks for or against one entity, by source."""

    sources: dict[str, Source] = {}

    def add(self, source: str, fact: Fact, name: str = "") -> None:
        """Take up a fact; one without weight is none. ``name`` is what people call the source."""
        if not fact.weight > 0.0:
            return
        known = self.sources.setdefault(source, Source(name=name))
        known.add(fact)
        if len(self.sources) > MOST_SOURCES:
            del self.sources[min(self.sources, key=lambda key: (self._peak(key), key))]

    def judge(self, source: str, ref: str, said: Said | None, name: str = "") -> None:
        """Take up the verdict that is in force on a fact, ``None`` if none is any more; it may be known before the fact."""
        if said is None:
            if source in self.sources:
                self.sources[source].said.pop(ref, None)
            return
        self.sources.setdefault(source, Source(name=name)).said[ref] = said

    def risk(self, now: float) -> float:
        """Return the risk at a time, epoch seconds: 0 to 100."""
        return points(sum(source.bits(now) for source in self.sources.values()))

    def parts(self, now: float) -> list[Part]:
        """Return what the risk is made of, the largest part first."""
        bits = {key: source.bits(now) for key, source in self.sources.items()}
        total, risk = sum(bits.values()), points(sum(bits.values()))
        parts = [
            Part(key, source.name, bits[key], risk * bits[key] / total if total else 0.0, source_facts(source))
            for key, source in self.sources.items()
        ]
        return sorted((part for part in parts if part.bits > 0.0), key=lambda part: (-part.bits, part.source))

    def trend(self, days: Iterable[int]) -> list[tuple[int, float]]:
        """Return the risk at the end of each of some UTC days, by what is known now."""
        return [(day, self.risk((day + 1) * _DAY - 1.0)) for day in days]

    def forget(self, now: float) -> None:
        """Forget what is so old that it says hardly anything."""
        for source in self.sources.values():
            source.forget(now - _FORGOTTEN_SECONDS)
        self.sources = {key: source for key, source in self.sources.items() if source.days or source.said}

    def _peak(self, key: str) -> float:
        return max((_strength(fact)[0] for facts in self.sources[key].days.values() for fact in facts), default=-math.inf)


def source_facts(source: Source) -> list[Fact]:
    """Return the facts of a source, the strongest first."""
    return sorted((fact for facts in source.days.values() for fact in facts), key=_strength, reverse=True)


def points(bits: float) -> float:
    """Return the risk, 0–100, that so many bits are."""
    return 100.0 * (1.0 - math.exp2(-bits))


def alert_bits(score: float | None) -> float:
    """Return what an alert of that probability weighs; nothing where no model spoke."""
    if score is None or not score >= LEAST_SCORE:
        return 0.0
    return min(CAP_BITS, -math.log2(max(1.0 - score, 2.0**-CAP_BITS)))


def anomaly_bits(p_value: float, *, flagged: bool = False) -> float:
    """Return what a day of behaviour with that p-value weighs."""
    weight = 0.0
    if p_value <= NOTED:
        p = max(p_value, 1e-12)
        e = (1.0 - p + p * math.log(p)) / (p * math.log(p) ** 2)
        weight = math.log2(1.0 - SHARE + SHARE * e)
    return min(CAP_BITS, max(weight, FLAGGED_BITS if flagged else 0.0))


class Peaks:
    """How strange the strangest event of a day is: by how much it exceeds what is usual for its account, against other days of the tenant.

    A day that has not ended has not seen its strangest event yet, so its p-value errs on the side of harmless.
    """

    def __init__(self) -> None:
        self._usual: dict[tuple[str, str, str], tuple[int, float]] = {}
        self._excess: dict[str, Past] = {}

    def p_value(self, tenant: str, kind: str, uid: str, score: float) -> float:
        """Return how often the past was as strange; 1 where too little of it is known."""
        days, usual = self._usual.get((tenant, kind, uid), (0, 0.0))
        past = self._excess.get(tenant)
        return 1.0 if past is None or days < _KNOWN_DAYS else past.p_value(score - usual)

    def close(self, tenant: str, kind: str, uid: str, score: float) -> None:
        """Take up the strangest event of a day that has ended."""
        days, usual = self._usual.get((tenant, kind, uid), (0, score))
        if days >= _KNOWN_DAYS:
            self._excess.setdefault(tenant, Past(_PEAKS)).add(score - usual)
        share = 1.0 / min(days + 1, _USUAL_DAYS)
        self._usual[tenant, kind, uid] = days + 1, usual + share * (score - usual)
