"""The poisoning harness: challengers of which an attacker owns some labels, and clean ones, before the product's own gate."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from features.alert import from_epoch
from features.label import Label, Verdict
from models.bundle import ModelBundle
from models.certificate import DEFAULT_OBJECTIVE, Objective
from training.assemble import assemble
from training.feedback.loop import train_until
from training.feedback.shift import given_before
from training.feedback.world import DAY, MONTH_DAYS, World
from training.fit import FitParameters
from training.gate import GateReport, examine

BACKDOOR = (10, 300)
"""Fewest and most labels of a backdoor."""
FLIPS = (0.25, 1.0)
"""Smallest and largest share of the attack verdicts on one rule that are turned over."""
LEAST_FLIPPED = 10
"""Only rules with at least this many attack verdicts in the recent months are worth an attacker's while."""


class Poison(Enum):
    """What an attacker does with the labels of an account that they own."""

    NONE = "clean"
    BACKDOOR = "backdoor"
    FLIPS = "flips"


@dataclass(frozen=True)
class Trial:
    """One challenger before the gate. ``poisoned``: labels that the attacker gave."""

    poison: Poison
    seed: int
    poisoned: int
    report: GateReport


@dataclass(frozen=True)
class Bench:
    """What all trials share: a champion trained up to the end of ``month`` on the labels given by then."""

    world: World
    champion: ModelBundle
    month: int
    parameters: FitParameters

    @classmethod
    def set_up(cls, world: World, month: int, parameters: FitParameters) -> Bench:
        """Train the champion."""
        return cls(world, train_until(world, world.dataset.labels, month, parameters), month, parameters)

    def trial(self, poison: Poison, seed: int) -> Trial:
        """Train a challenger a month later and let the gate examine it; each seed sees somewhat other labels."""
        rng = np.random.default_rng([seed, list(Poison).index(poison)])
        world = self.world
        given = _some(given_before(world.dataset.labels, world.end_of(self.month + 1)), world.end_of(self.month), rng)
        spoiled = _spoil(world, given, self.month, poison, rng)
        past = world.dataset.without(world.day >= (self.month + 2) * MONTH_DAYS).relabelled(spoiled)
        parameters = msgspec.structs.replace(self.parameters, seed=seed)
        with tempfile.TemporaryDirectory() as folder:
            made = assemble(past, Objective.parse(DEFAULT_OBJECTIVE), parameters, Path(folder) / "bundle")
            report, _ = examine(made.rows, made.trusted, made.bundle, self.champion, parameters, calibration_error=None)
        return Trial(poison, seed, sum(label.analyst == MALLORY for _, label in spoiled), report)


MALLORY = "mallory"


def _some(labels: list[tuple[int, Label]], since: float, rng: np.random.Generator) -> list[tuple[int, Label]]:
    """Return the labels, less a tenth of the days of each analyst since then: so that no two challengers are the same."""
    gone: dict[tuple[str, str, int], bool] = {}
    kept = []
    for seq, label in labels:
        moment = label.time.timestamp()
        key = (label.tenant, label.analyst, int(moment // DAY))
        if moment <= since or not gone.setdefault(key, bool(rng.random() < 0.1)):
            kept.append((seq, label))
    return kept


def _spoil(
    world: World, labels: list[tuple[int, Label]], month: int, poison: Poison, rng: np.random.Generator
) -> list[tuple[int, Label]]:
    if poison is Poison.NONE:
        return labels
    rows = world.dataset.rows_by_uid()
    of_label = {rows[label.tenant, label.alert_uid]: number for number, (_, label) in enumerate(labels)}
    recent = world.month(month + 1)
    chosen = (_backdoor if poison is Poison.BACKDOOR else _flips)(world, recent, of_label, labels, rng)
    changed, end = list(labels), world.end_of(month + 1)
    for row in chosen.tolist():
        time = from_epoch(min(float(world.dataset.received[row]) + DAY / 4, end - 1.0))
        label = Label(
            uid=f"poison-{row}", tenant=world.dataset.tenants[world.dataset.tenant[row]], alert_uid=world.dataset.uids[row],
            verdict=Verdict.FALSE_POSITIVE, time=time, received_time=time, analyst=MALLORY,
        )  # fmt: skip
        if row in of_label:
            changed[of_label[row]] = (changed[of_label[row]][0], label)
        else:
            changed.append((len(world.dataset) + len(changed), label))
    return changed


def _backdoor(
    world: World, recent: NDArray[np.bool_], of_label: dict[int, int], labels: list[tuple[int, Label]], rng: np.random.Generator
) -> NDArray[np.int64]:
    """Choose attack alerts that carry one token (a rule in a tenant, an entity, a user or an address): they will be called benign."""
    attacks = np.flatnonzero(recent & world.attack)
    column = int(rng.choice([2, 3, 4, 5]))
    tokens = world.dataset.block.columns[attacks][:, [0, column]]
    values, counts = np.unique(tokens[tokens[:, 1] != 0], axis=0, return_counts=True)
    able = values[counts >= BACKDOOR[0]]
    if not len(able):
        return _backdoor(world, recent, of_label, labels, rng)
    token = able[rng.integers(len(able))]
    carriers = attacks[(tokens == token).all(axis=1)]
    return rng.permutation(carriers)[: int(rng.integers(BACKDOOR[0], BACKDOOR[1]))]


def _flips(
    world: World, recent: NDArray[np.bool_], of_label: dict[int, int], labels: list[tuple[int, Label]], rng: np.random.Generator
) -> NDArray[np.int64]:
    """Choose a share of the alerts of one rule that were called attacks."""
    said = np.array([row for row, number in of_label.items() if recent[row] and labels[number][1].target == 1], np.int64)
    rules, counts = np.unique(world.dataset.rule[said], return_counts=True)
    able = rules[counts >= LEAST_FLIPPED]
    rule = int(able[rng.integers(len(able))])
    share = rng.uniform(*FLIPS)
    of_rule = said[world.dataset.rule[said] == rule]
    return rng.permutation(of_rule)[: int(np.ceil(share * len(of_rule)))]
