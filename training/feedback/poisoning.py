"""The poisoning harness: challengers of which an attacker owns some labels, and clean ones, before the product's own gate.

As before any retrain, what ``tamis assess`` lists as not agreed on gets a second look; the attacker speaks after that.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import msgspec
import numpy as np
from numpy.typing import NDArray

from features.alert import from_epoch
from features.encode import COLUMNS
from features.label import Label, Verdict
from models.bundle import ModelBundle
from training.feedback.loop import train_until, trained
from training.feedback.shift import MALLORY, given_before
from training.feedback.world import World
from training.fit import FitParameters
from training.gate import GateReport, examine
from training.later import champion_scores
from training.pipeline import measure
from training.probes import SUSPECTED, SWAPPED, belief_before, not_agreed, recent
from training.simulator.analysts import ANALYSTS, VERDICTS, judge
from training.simulator.rows import DAY

BACKDOOR = (10, 300)
"""Fewest and most labels of a backdoor."""
FLIPS = (0.25, 1.0)
"""Smallest and largest share of the attack verdicts on one rule that are turned over."""
LEAST_FLIPPED = 10
"""Fewest verdicts that are turned over: rules with fewer are not worth an attacker's while."""
_LOOKS = 6
"""Looks, at most, for one by another analyst that settles it."""
_LIE = "lie-"
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
    the alerts of the month after and of those whose label is new to it (``belief`` f8[n], NaN elsewhere)."""

    world: World
    champion: ModelBundle
    belief: NDArray[np.float64]
    month: int
    parameters: FitParameters

    @classmethod
    def set_up(cls, world: World, month: int, parameters: FitParameters) -> Bench:
        """Train the champion."""
        champion = train_until(world, world.dataset.labels, month, parameters)
        labels = world.dataset.labels
        fresh = recent(world.dataset.relabelled(given_before(labels, world.end_of(month + 1))), champion)
        wanted = world.month(month + 1) | fresh.benign | fresh.attack
        belief = champion.calibrator(champion_scores(world.dataset, wanted, champion, given_before(labels, world.end_of(month))))
        return cls(world, champion, belief, month, parameters)

    def trial(self, poison: Poison, seed: int) -> Trial:
        """Train a challenger a month later and let the gate examine it; each seed sees somewhat other labels."""
        rng = np.random.default_rng([seed, list(Poison).index(poison)])
        world = self.world
        given = _some(given_before(world.dataset.labels, world.end_of(self.month + 1)), world.end_of(self.month), rng)
        given = self._looked_again(given, rng)
        spoiled = given if poison is Poison.NONE else self._spoiled(given, poison, rng)
        parameters = msgspec.structs.replace(self.parameters, seed=seed)
        made = trained(world.until(self.month + 1, spoiled), parameters)
        error = measure(made.rows.dataset, made.oof.raw, made.trusted.said(made.score)).get("calibration_error")
        report, _ = examine(made.rows, made.trusted, made.bundle, self.champion, parameters, calibration_error=error)
        return Trial(poison, seed, sum(label.uid.startswith(_LIE) for _, label in spoiled), report)

    def _spoiled(self, labels: list[tuple[int, Label]], poison: Poison, rng: np.random.Generator) -> list[tuple[int, Label]]:
        """Return the labels with those of the attacker, who has an account of their own or took over an analyst's.

        They lie about attacks that the champion suspects: what it does not see needs no poison. A backdoor on a token that few of
        them carry is filled up with whatever carries it.
        """
        world = self.world
        current = self._current(labels)
        able = (self.belief >= SUSPECTED) & world.attack
        if poison is Poison.FLIPS:
            able &= np.isin(np.arange(len(able)), [row for row, label in current.items() if label.target == 1])
        chosen = (_backdoor if poison is Poison.BACKDOOR else _flips)(world, able, rng)
        who = MALLORY if rng.random() < 0.5 else str(rng.choice(sorted({label.analyst for _, label in labels})))
        changed, end = list(labels), from_epoch(world.end_of(self.month + 1) - 1.0)
        for row in chosen.tolist():
            before = current[row].uid if row in current else ""
            lie = Label(
                uid=f"{_LIE}{row}", tenant=world.dataset.tenants[world.dataset.tenant[row]], alert_uid=world.dataset.uids[row],
                verdict=Verdict.FALSE_POSITIVE, time=end, received_time=end, analyst=who, supersedes=before,
            )  # fmt: skip
            changed.append((len(world.dataset) + len(changed), lie))
        return changed

    def _current(self, labels: list[tuple[int, Label]]) -> dict[int, Label]:
        """Return the last label on each alert that the champion was asked about, by row."""
        rows = self.world.dataset.rows_by_uid()
        last = {rows[label.tenant, label.alert_uid]: label for _, label in labels}
        return {row: label for row, label in last.items() if not np.isnan(self.belief[row])}

    def _looked_again(self, labels: list[tuple[int, Label]], rng: np.random.Generator) -> list[tuple[int, Label]]:
        """Return the labels with a second look at all that ``tamis assess`` lists as not agreed on, by another analyst."""
        world, added = self.world, list(labels)
        end, dataset = world.end_of(self.month + 1), world.dataset.relabelled(labels)
        fresh = recent(dataset, self.champion)
        rows = not_agreed(dataset, belief_before(dataset, self.champion, fresh), fresh)
        if not len(rows):
            return added
        looks = [
            judge(world.attack[rows], world.on_purpose[rows], world.case[rows], np.zeros(len(rows)), rng) for _ in range(_LOOKS)
        ]
        for place, row in enumerate(rows.tolist()):
            label = dataset.labels[int(dataset.verdicts.label[row])][1]
            looked = [(VERDICTS[look.verdict[place]], ANALYSTS[look.analyst[place]]) for look in looks]
            by_another = [(verdict, who) for verdict, who in looked if verdict.target >= 0 and who != label.analyst]
            for verdict, who in by_another[:1]:
                moment = from_epoch(end - 20.0)
                second = msgspec.structs.replace(
                    label, uid=f"{label.uid}+", verdict=verdict, analyst=who, time=moment, received_time=moment, supersedes=label.uid,
                    incident_uid=str(world.incident[row]) if verdict.target == 1 else "",
                )  # fmt: skip
                added.append((len(world.dataset) + len(added), second))
        return added


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
    """Choose alerts that carry one token (a tenant's rule, entity, user or address): they will be called benign.

    Attacks first; where they are fewer than a backdoor needs, whatever else carries it.
    """
    attacks = np.flatnonzero(able)
    facts = world.dataset.block.columns
    tokens = np.concatenate(
        [np.column_stack([facts[attacks][:, [0, column]], np.full(len(attacks), column, np.uint64)]) for column in _TOKENS]
    )
    values, counts = np.unique(tokens[tokens[:, 1] != 0], axis=0, return_counts=True)
    enough = values[counts >= min(BACKDOOR[0], counts.max(initial=0))]
    tenant, value, column = enough[rng.integers(len(enough))]
    carriers = rng.permutation(np.flatnonzero((facts[:, 0] == tenant) & (facts[:, int(column)] == value)))
    carriers = carriers[np.argsort(~able[carriers], kind="stable")]
    return carriers[: max(BACKDOOR[0], min(int(able[carriers].sum()), int(rng.integers(*BACKDOOR))))]


def _flips(world: World, able: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.int64]:
    """Choose a share of the attacks of one rule in one tenant that were called so; of the commonest where none has enough."""
    said = np.flatnonzero(able)
    family = world.dataset.tenant[said].astype(np.int64) * len(world.dataset.rules) + world.dataset.rule[said]
    families, counts = np.unique(family, return_counts=True)
    enough = families[counts >= min(LEAST_FLIPPED, counts.max(initial=0))]
    of_rule = rng.permutation(said[family == enough[rng.integers(len(enough))]])
    return of_rule[: max(LEAST_FLIPPED, int(np.ceil(rng.uniform(*FLIPS) * len(of_rule))))]
