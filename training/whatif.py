"""What if, over a file or a history: labels in it name the true positives, decisions in it say what could be seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.encode import FactBlock
from features.history import read_decisions, read_manifest
from models.bundle import ModelBundle
from models.certificates.costs import Costs
from models.certificates.objective import Objective
from models.decision import Action
from models.measures import DAY_SECONDS
from models.offpolicy import Seen
from models.rule_encoder import RuleTable
from models.whatif.log import Judgement, Log, NamedAlert, Names
from models.whatif.outcome import pace_of
from models.whatif.whatif import WhatIf, proposed, what_if
from training.certification import acts
from training.dataset import Dataset, load_dataset
from training.survey import verdict_columns
from training.walk import walk

Told = Callable[[str], None]


def what_if_file(
    bundle: ModelBundle,
    data: Path,
    fmt: str,
    secret: bytes,
    *,
    objectives: Sequence[Objective],
    costs: Costs | None = None,
    minutes: float | None = None,
    told: Told = lambda text: None,
) -> WhatIf:
    """Say what the objectives would do to the alerts at ``data``.

    Alerts are scored as ``tamis score`` does, labels unread, but for those of which a history has the decision: they keep the
    features that it rested on. Raises ``SourceError`` and ``HistoryError``.
    """
    told("reading")
    dataset = load_dataset(data, fmt, secret, labels=True)
    told("scoring")
    return ask(bundle, dataset, recorded(dataset, data, fmt), objectives=objectives, costs=costs, minutes=minutes)


def ask(
    bundle: ModelBundle,
    dataset: Dataset,
    record: Recorded | None = None,
    *,
    objectives: Sequence[Objective],
    costs: Costs | None = None,
    minutes: float | None = None,
) -> WhatIf:
    """Say what the objectives would do to a data set; ``record``: what was decided, where that is known."""
    log = log_of(bundle, dataset, record)
    verdicts, _ = verdict_columns(dataset)
    return what_if(
        bundle,
        proposed(bundle.policy, bundle.calibration, objectives, costs),
        log,
        names=_names(dataset),
        pace=pace_of(dataset.received, verdicts, minutes),
        notes=_notes(bundle, dataset, record),
    )


class Recorded:
    """First decisions on the alerts of a data set: the features that they rested on, and who could see the alerts."""

    def __init__(self, dataset: Dataset, rows: Sequence[dict[str, Any]]) -> None:
        row_of = dataset.rows_by_uid()
        self.features: dict[int, NDArray[np.float64]] = {}
        self.shown, self.came = np.zeros(len(dataset)), np.zeros(len(dataset), bool)
        for decision in rows:
            row = row_of.get((str(decision["tenant"]), str(decision["alert_uid"])))
            if row is None or decision["revision"] != 1:
                continue
            self.features[row] = np.array(decision["features"] or (), np.float64)
            out = decision["published_action"] or decision["action"]
            self.came[row] = out != Action.SUPPRESS
            held_back = self.came[row] and decision["action"] == Action.SUPPRESS
            self.shown[row] = 1.0 if held_back else decision["shown"]


def recorded(dataset: Dataset, data: Path, fmt: str) -> Recorded | None:
    """Return the decisions of a history, ``None`` where it has none."""
    if fmt != "history" or not read_manifest(data).rows("decisions"):
        return None
    return Recorded(dataset, read_decisions(data))


def log_of(bundle: ModelBundle, dataset: Dataset, record: Recorded | None) -> Log:
    """Return the alerts of a data set as the bundle scores them."""
    table = RuleTable(bundle.encoder, dataset.encoder.rules, dataset.encoder.tenants)
    order, parts = [np.empty(0, np.int64)], [_nothing(bundle, table)]
    for walked in walk(dataset, dataset.timeline([]), bundle.view, bundle.encoder):
        features = walked.features
        for place, row in enumerate(walked.alert.tolist() if record is not None else ()):
            told = record.features.get(row) if record is not None else None
            if told is not None and told.shape == features[place].shape:
                features[place] = told
        order.append(walked.alert)
        parts.append(Judgement.of(bundle, features, walked.block.narrow(), table))
    back, whole = np.argsort(np.concatenate(order)), Judgement.concat(parts)
    return Log(
        block=dataset.block,
        score=whole.score[back],
        evidence=whole.evidence.take(back),
        drawn=whole.drawn[back],
        target=dataset.target,
        incident=acts(dataset),
        days=float(max(len(np.unique(np.floor(dataset.received / DAY_SECONDS))), 1)),
        seen=None if record is None else Seen(record.shown, record.came, dataset.target),
    )


def _nothing(bundle: ModelBundle, table: RuleTable) -> Judgement:
    return Judgement.of(bundle, np.empty((0, len(bundle.view.features))), FactBlock.empty(), table)


def _names(dataset: Dataset) -> Names:
    def alert(row: int) -> NamedAlert:
        rule = dataset.rules[dataset.rule[row]]
        return NamedAlert(
            tenant=dataset.tenants[dataset.tenant[row]],
            alert_uid=dataset.uids[row],
            rule=rule.name or rule.uid,
            entity=dataset.entities[dataset.entity[row]],
        )

    return Names(
        dataset.encoder.rules,
        dataset.encoder.tenants,
        alert,
        lambda number: dataset.verdicts.incidents[number].partition("\x1f")[2],
    )


def _notes(bundle: ModelBundle, dataset: Dataset, record: Recorded | None) -> list[str]:
    notes = []
    before = int((dataset.block.time <= bundle.manifest.end).sum())
    if before:
        until = datetime.fromtimestamp(bundle.manifest.end, UTC)
        notes.append(
            f"{before:,} of {len(dataset):,} alerts happened before {until:%Y-%m-%d %H:%M} UTC, until which the model learned: where it "
            "has seen their labels, fewer true positives are hidden here than will be; the bound does not rest on these scores"
        )
    if record is not None:
        notes.append(f"of {len(record.features):,} alerts the decisions are on record; their features are as they were then")
    if not (dataset.target == 1).any():
        notes.append("no label calls any of these alerts a true positive: none can be named")
    return notes
