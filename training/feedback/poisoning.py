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
from features.encode import COLUMNS
from features.label import Label, Verdict
from models.bundle import ModelBundle
from models.certificate import DEFAULT_OBJECTIVE, Objective
from training.assemble import assemble
from training.feedback.loop import train_until
from training.feedback.shift import given_before
from training.feedback.world import DAY, MONTH_DAYS, World
from training.fit import FitParameters
from training.gate import GateReport, examine
from training.later import champion_scores
from training.probes import SUSPECTED, SWAPPED

BACKDOOR = (10, 300)
"""Fewest and most labels of a backdoor."""
FLIPS = (0.25, 1.0)
"""Smallest and largest share of the attack verdicts on one rule that are turned over."""
LEAST_FLIPPED = 10
"""Fewest verdicts that are turned over: rules with fewer are not worth an attacker's while."""
MALLORY = "mallory"
_TOKENS = tuple(COLUMNS.index(name) for name in SWAPPED)


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
    """What all trials share: a champion trained up to the end of ``month`` on the labels given by then, and what it thinks of
    the alerts of the month after (``belief`` f8[n], NaN elsewhere)."""

    world: World
    champion: ModelBundle
    belief: NDArray[np.float64]
    month: int
    parameters: FitParameters

    @classmethod
    def set_up(cls, world: World, month: int, parameters: FitParameters) -> Bench:
        """Train the champion."""
        champion = train_until(world, world.dataset.labels, month, parameters)
        belief = champion.calibrator(champion_scores(world.dataset, world.month(month + 1), champion))
        return cls(world, champion, belief, month, parameters)

    def trial(self, poison: Poison, seed: int) -> Trial:
        """Train a challenger a month later and let the gate examine it; each seed sees somewhat other labels."""
        rng = np.random.default_rng([seed, list(Poison).index(poison)])
        world = self.world
        given = _some(given_before(world.dataset.labels, world.end_of(self.month + 1)), world.end_of(self.month), rng)
        spoiled = given if poison is Poison.NONE else self._spoiled(given, poison, rng)
        past = world.dataset.without(world.day >= (self.month + 2) * MONTH_DAYS).relabelled(spoiled)
        parameters = msgspec.structs.replace(self.parameters, seed=seed)
        with tempfile.TemporaryDirectory() as folder:
            made = assemble(past, Objective.parse(DEFAULT_OBJECTIVE), parameters, Path(folder) / "bundle")
            report, _ = examine(made.rows, made.trusted, made.bundle, self.champion, parameters, calibration_error=None)
        return Trial(poison, seed, sum(label.uid.startswith("poison-") for _, label in spoiled), report)

    def _spoiled(self, labels: list[tuple[int, Label]], poison: Poison, rng: np.random.Generator) -> list[tuple[int, Label]]:
        """Return the labels with those of the attacker, who has an account of their own or took over an analyst's.

        They lie about attacks that the champion suspects: what it does not see needs no poison.
        """
        world = self.world
        rows = world.dataset.rows_by_uid()
        of_label = {rows[label.tenant, label.alert_uid]: number for number, (_, label) in enumerate(labels)}
        able = (self.belief >= SUSPECTED) & world.attack
        if poison is Poison.FLIPS:
            said = [row for row, number in of_label.items() if labels[number][1].target == 1]
            able &= np.isin(np.arange(len(able)), said)
        chosen = (_backdoor if poison is Poison.BACKDOOR else _flips)(world, able, rng)
        who = MALLORY if rng.random() < 0.5 else str(rng.choice(sorted({label.analyst for _, label in labels})))
        changed = list(labels)
        for row in chosen.tolist():
            moment = from_epoch(min(float(world.dataset.received[row]) + DAY / 4, world.end_of(self.month + 1) - 1.0))
            lie = Label(
                uid=f"poison-{row}", tenant=world.dataset.tenants[world.dataset.tenant[row]], alert_uid=world.dataset.uids[row],
                verdict=Verdict.FALSE_POSITIVE, time=moment, received_time=moment, analyst=who,
            )  # fmt: skip
            number = of_label.get(row, len(changed))
            changed[number : number + 1] = [(changed[number][0] if row in of_label else len(rows) + number, lie)]
        return changed


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


def _backdoor(world: World, able: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.int64]:
    """Choose alerts of attacks that carry one token (a tenant's rule, entity, user or address): they will be called benign."""
    attacks = np.flatnonzero(able)
    tokens = np.concatenate([world.dataset.block.columns[attacks][:, [0, column]] for column in _TOKENS])
    carrier = np.tile(attacks, len(_TOKENS))
    values, counts = np.unique(tokens[tokens[:, 1] != 0], axis=0, return_counts=True)
    enough = values[counts >= BACKDOOR[0]]
    token = enough[rng.integers(len(enough))]
    carriers = carrier[(tokens == token).all(axis=1)]
    return np.unique(rng.permutation(carriers)[: int(rng.integers(BACKDOOR[0], BACKDOOR[1]))])


def _flips(world: World, able: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.int64]:
    """Choose a share of the attacks of one rule in one tenant that were called so."""
    said = np.flatnonzero(able)
    family = world.dataset.tenant[said].astype(np.int64) * len(world.dataset.rules) + world.dataset.rule[said]
    families, counts = np.unique(family, return_counts=True)
    enough = families[counts * FLIPS[1] >= LEAST_FLIPPED]
    of_rule = rng.permutation(said[family == enough[rng.integers(len(enough))]])
    return of_rule[: max(LEAST_FLIPPED, int(np.ceil(rng.uniform(*FLIPS) * len(of_rule))))]
