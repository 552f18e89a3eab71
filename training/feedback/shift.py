"""Living through days with a model: score, show the top to analysts, audit the rest, learn their verdicts when they come."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.alert import from_epoch
from features.encode import label_facts
from features.label import Label, Verdict
from models.audit import RULE_VOLUME, VOLUME, Audit, luck
from models.bundle import ModelBundle
from models.engine import ScoringEngine
from models.evidence import HABIT
from models.misses import LOOKS
from training.feedback.conditions import Condition, Labels
from training.feedback.world import World
from training.simulator.analysts import ANALYSTS, VERDICTS, judge
from training.simulator.rows import DAY

CASES_A_DAY = 20
"""Cases that the analysts of a tenant get to in a day."""
AUDIT = Audit(rate=0.05, daily=8.0)
_TWICE = 0.1
"""Share of the shown cases that a second analyst judges too: it tells how often verdicts are wrong."""
MALLORY = "mallory"
"""The account that an attacker owns."""


@dataclass
class Shift:
    """Everything that happens under one condition, day after day. ``raw`` f8[n]: the margin of each alert when it was scored."""

    world: World
    condition: Condition
    engine: ScoringEngine
    rng: np.random.Generator
    raw: NDArray[np.float64] = field(init=False)
    shown: NDArray[np.float64] = field(init=False)
    """f8[n]: probability with which each came before a person; 1 for the top."""
    audited: NDArray[np.bool_] = field(init=False)
    confirmed: NDArray[np.bool_] = field(init=False)
    """b[n]: drawn, and called an attack by all who looked."""
    labels: list[tuple[int, Label]] = field(default_factory=list)
    pairs: int = 0
    disagreements: int = 0
    verdicts: int = 0
    _waiting: list[tuple[float, int, Label]] = field(default_factory=list)

    def __post_init__(self) -> None:
        n = len(self.world.dataset)
        self.raw, self.shown = np.full(n, np.nan), np.ones(n)
        self.audited, self.confirmed = np.zeros(n, bool), np.zeros(n, bool)
        self._rows_of_day = np.split(
            np.argsort(self.world.day, kind="stable"),
            np.searchsorted(np.sort(self.world.day), np.arange(1, self.world.day.max() + 1)),
        )

    def start(self, labels: list[tuple[int, Label]], days: int) -> None:
        """Fold the first ``days`` with the labels that were given then, whatever the condition."""
        rows = self.world.dataset.rows_by_uid()
        self.labels = list(labels)
        self._waiting = [(label.time.timestamp(), rows[label.tenant, label.alert_uid], label) for _, label in labels]
        for day in range(days):
            self._fold_labels(day)
            self.engine.fold(self.world.dataset.block.take(self._rows_of_day[day]))

    def live(self, day: int, bundle: ModelBundle) -> None:
        """Live through a day."""
        if self.engine.bundle is not bundle:
            self.engine = ScoringEngine(bundle, self.engine.encoder, self.engine.state)
        self._fold_labels(day)
        rows = self._rows_of_day[day]
        if not len(rows):
            return
        scored = self.engine.score(self.world.dataset.block.take(rows))
        self.raw[rows] = scored.raw
        end = self.world.start + (day + 1) * DAY
        if self.condition.labels is Labels.ALL:
            self._tell(rows, self.world.attack[rows], self._in_turn(rows, end), "everybody")
            return
        top = self._top(rows)
        self._judge(rows[top], end)
        rest = rows[~top]
        self._audit(rest, scored.features[~top], end)
        if self.condition.labels is Labels.NAIVE:
            quiet = rest[~self.audited[rest]]
            self._tell(quiet, np.zeros(len(quiet), bool), self._in_turn(quiet, end), "nobody")

    def _top(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which alerts belong to the cases that are shown: those of the highest margin in each tenant."""
        frame = pd.DataFrame({"tenant": self.world.dataset.tenant[rows], "case": self.world.case[rows], "raw": self.raw[rows]})
        best = frame.groupby(["tenant", "case"])["raw"].max()
        place = best.groupby("tenant").rank(ascending=False, method="first")
        chosen = place[place <= CASES_A_DAY].index.get_level_values("case")
        return np.asarray(frame["case"].isin(chosen))

    def _judge(self, rows: NDArray[np.int64], end: float) -> None:
        """Have the shown cases judged, some twice."""
        world = self.world
        cases = np.unique(world.case[rows])
        self.verdicts += len(cases)
        if not self.condition.wrong:
            self._tell(rows, world.attack[rows], self._in_turn(rows, end), "expert")
            return
        said, time, who = self._verdicts(rows, world.case[rows], end)
        twice = np.isin(world.case[rows], cases[self.rng.random(len(cases)) < _TWICE])
        again, _, _ = self._verdicts(rows[twice], world.case[rows[twice]], end)
        first = np.unique(world.case[rows[twice]], return_index=True)[1]
        both = (said[twice][first] >= 0) & (again[first] >= 0)
        self.verdicts += len(first)
        self.pairs += int(both.sum())
        self.disagreements += int((said[twice][first] != again[first])[both].sum())
        owned = self._owned(rows)
        said[owned], who[owned] = 1 - world.attack[rows[owned]].astype(np.int64), MALLORY
        for verdict in (0, 1):
            given = said == verdict
            self._tell(rows[given], np.full(int(given.sum()), bool(verdict)), time[given], who[given])

    def _owned(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which verdicts the attacker gives: attacks first, so that they pass as benign."""
        cases = np.unique(self.world.case[rows])
        count = self.rng.binomial(len(cases), self.condition.owned)
        if not count:
            return np.zeros(len(rows), bool)
        attacks = np.unique(self.world.case[rows[self.world.attack[rows]]])
        return np.isin(self.world.case[rows], [*attacks, *np.setdiff1d(cases, attacks)][:count])

    def _audit(self, rest: NDArray[np.int64], features: NDArray[np.float64], end: float) -> None:
        """Draw from what was not shown; an attack counts only if all who look at it say so."""
        dataset = self.world.dataset
        counts = (features[:, self.engine.view.index(name)] for name in (VOLUME, HABIT, RULE_VOLUME))
        propensity = AUDIT.propensity(*counts)
        self.shown[rest] = propensity
        lot = luck(dataset.encoder.secret, [(dataset.tenants[dataset.tenant[row]], dataset.uids[row]) for row in rest])
        drawn = rest[lot < propensity]
        self.audited[drawn] = True
        if not len(drawn):
            return
        if not self.condition.wrong:
            self.verdicts += len(drawn)
            self.confirmed[drawn] = self.world.attack[drawn]
            self._tell(drawn, self.world.attack[drawn], self._in_turn(drawn, end), "expert")
            return
        said, time, who = self._verdicts(drawn, np.arange(len(drawn)), end)
        self.verdicts += len(drawn)
        yes = said == 1
        for _ in range(LOOKS - 1):
            looked = np.flatnonzero(yes)
            self.verdicts += len(looked)
            yes[looked] = self._verdicts(drawn[looked], np.arange(len(looked)), end)[0] == 1
        self.confirmed[drawn] = yes
        known = said >= 0
        self._tell(drawn[known], yes[known], time[known], who[known])

    def _verdicts(
        self, rows: NDArray[np.int64], case: NDArray[np.int64], end: float
    ) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.object_]]:
        """Return what analysts say of each alert (1 attack, 0 benign, −1 nothing), when (epoch seconds) and who."""
        said, time, who = np.full(len(rows), -1), np.full(len(rows), end), np.full(len(rows), "", object)
        if len(rows):
            shown = np.full(len(rows), end - self.world.start)
            found = judge(self.world.attack[rows], self.world.on_purpose[rows], case, shown, self.rng)
            said[found.row] = np.array([verdict.target for verdict in VERDICTS])[found.verdict]
            time[found.row] = self.world.start + found.time if self.condition.late else end
            who[found.row] = np.array(ANALYSTS, object)[found.analyst]
        return said, time, who

    def _in_turn(self, rows: NDArray[np.int64], end: float) -> NDArray[np.float64]:
        """Return when each case is judged by who judges all of them, in the last second of a day: each is a judgement of its own."""
        _, turn = np.unique(self.world.case[rows], return_inverse=True)
        return np.asarray(end - 1.0 + turn / (turn.max(initial=0) + 1.0), np.float64)

    def _tell(
        self, rows: NDArray[np.int64], attack: NDArray[np.bool_], time: NDArray[np.float64], who: str | NDArray[np.object_]
    ) -> None:
        """Give verdicts: each is known from its own time on."""
        dataset = self.world.dataset
        names = [who] * len(rows) if isinstance(who, str) else who.tolist()
        for row, yes, when, name in zip(rows.tolist(), attack.tolist(), time.tolist(), names, strict=True):
            incident = str(self.world.incident[row]) or f"case-{self.world.case[row]}"
            moment = from_epoch(when)
            label = Label(
                uid=f"l{len(self.labels)}", tenant=dataset.tenants[dataset.tenant[row]], alert_uid=dataset.uids[row],
                verdict=Verdict.TRUE_POSITIVE if yes else Verdict.FALSE_POSITIVE, time=moment, received_time=moment, analyst=name,
                incident_uid=incident if yes else "", shown=float(self.shown[row]),
            )  # fmt: skip
            self.labels.append((len(dataset) + len(self.labels), label))
            self._waiting.append((when, row, label))

    def _fold_labels(self, day: int) -> None:
        """Fold the verdicts that were given before the day begins."""
        begin = self.world.start + day * DAY
        due = sorted((item for item in self._waiting if item[0] <= begin), key=lambda item: item[0])
        self._waiting = [item for item in self._waiting if item[0] > begin]
        if due:
            rows = np.array([row for _, row, _ in due], np.int64)
            self.engine.fold(label_facts(self.world.dataset.block.take(rows), [label for *_, label in due]))


def given_before(labels: list[tuple[int, Label]], time: float) -> list[tuple[int, Label]]:
    """Return the labels that were given before ``time`` (epoch seconds)."""
    moment = datetime.fromtimestamp(time, UTC)
    return [item for item in labels if item[1].time <= moment]
