"""Objectives: what a threshold must keep, as a sentence."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from enum import StrEnum

import msgspec

from models.decision import BlastRadius
from models.errors import ObjectiveError


class Aim(StrEnum):
    """What is to be automated as much as the bound allows."""

    SUPPRESSION = "suppression"
    RESPONSE = "response"


_SUPPRESSION = re.compile(r"maximum suppression @ missed_incidents <= (0?\.\d+), confidence (0?\.\d+)", re.ASCII)
_RESPONSE = re.compile(r"maximum (minimal|moderate|major) response @ precision >= (0?\.\d+), confidence (0?\.\d+)", re.ASCII)
DEFAULT_OBJECTIVE = "maximum suppression @ missed_incidents <= 0.01, confidence 0.95"
DEFAULT_OBJECTIVES = (
    DEFAULT_OBJECTIVE,
    "maximum minimal response @ precision >= 0.95, confidence 0.95",
    "maximum moderate response @ precision >= 0.99, confidence 0.95",
    "maximum major response @ precision >= 0.999, confidence 0.95",
)
"""Hold where no sentence says otherwise."""
TIERS = tuple(BlastRadius)
_EVERY_TIER = re.compile("maximum response @ ")


class Objective(msgspec.Struct, frozen=True):
    """What a threshold must keep. ``alpha``: the share that may go wrong at most; ``delta``: the risk that the bound is wrong.

    Of a suppression what goes wrong is an incident of which every alert is hidden; of a response, one that was not due.
    """

    text: str
    alpha: float
    delta: float
    aim: Aim = Aim.SUPPRESSION
    tier: BlastRadius | None = None

    @classmethod
    def parse(cls, text: str) -> Objective:
        """Read one sentence, such as those of ``DEFAULT_OBJECTIVES``.

        Raises ``ObjectiveError`` for anything else: an objective that is nearly understood is not obeyed.
        """
        plain = " ".join(text.split())
        if (found := _SUPPRESSION.fullmatch(plain)) is not None:
            alpha, confidence = float(found[1]), float(found[2])
            _check(text, 0.0 < alpha < 1.0, "missed_incidents must lie in (0, 1)", confidence)
            return cls(plain, alpha, round(1.0 - confidence, 12))
        if (found := _RESPONSE.fullmatch(plain)) is not None:
            precision, confidence = float(found[2]), float(found[3])
            _check(text, 0.5 <= precision < 1.0, "precision must lie in [0.5, 1)", confidence)
            delta = round(1.0 - confidence, 12)
            return cls(plain, round(1.0 - precision, 12), delta, Aim.RESPONSE, BlastRadius(found[1]))
        raise ObjectiveError(text, f"expected a sentence like {DEFAULT_OBJECTIVES[0]!r} or {DEFAULT_OBJECTIVES[2]!r}")


def parse_objectives(texts: Iterable[str]) -> tuple[Objective, ...]:
    """Read sentences; for what none of them speaks of, the default holds. Suppression first, then tiers by blast radius.

    ``maximum response @ …`` without a tier speaks of every tier. Raises ``ObjectiveError`` where one is not understood, where
    two speak of the same, or where a larger blast radius would need less than a smaller one.
    """
    given: dict[tuple[Aim, BlastRadius | None], Objective] = {}
    for text in texts:
        for one in _tiered(text):
            key = (one.aim, one.tier)
            if key in given:
                raise ObjectiveError(text, f"contradicts {given[key].text!r}: one sentence for each")
            given[key] = one
    suppression, *defaults = [Objective.parse(text) for text in DEFAULT_OBJECTIVES]
    tiers: list[Objective] = []
    for default in defaults:
        one = given.get((Aim.RESPONSE, default.tier)) or _at_least(default, tiers)
        if tiers and one.alpha > tiers[-1].alpha:
            raise ObjectiveError(one.text, f"asks less of a larger blast radius than {tiers[-1].text!r}")
        tiers.append(one)
    return (given.get((Aim.SUPPRESSION, None), suppression), *tiers)


def _at_least(default: Objective, smaller: Sequence[Objective]) -> Objective:
    """Return the default, or what was asked of a smaller blast radius if that is more."""
    if not smaller or smaller[-1].alpha >= default.alpha:
        return default
    return Objective.parse(smaller[-1].text.replace(f"maximum {smaller[-1].tier}", f"maximum {default.tier}"))


def _tiered(text: str) -> list[Objective]:
    plain = " ".join(text.split())
    if _EVERY_TIER.match(plain):
        return [Objective.parse(plain.replace("maximum response", f"maximum {tier.value} response", 1)) for tier in TIERS]
    return [Objective.parse(text)]


def _check(text: str, holds: bool, otherwise: str, confidence: float) -> None:
    if not holds or not 0.5 <= confidence < 1.0:
        raise ObjectiveError(text, f"{otherwise} and confidence in [0.5, 1)")
