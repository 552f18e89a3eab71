"""A history as it is, before any model: its measures, what repeats, and what each rule costs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.encode import COLUMNS
from models.certificates.bounds import units_needed
from models.measures import AlertColumns, Measures, RuleMeasures, measure
from models.pace import MINUTES, PROVENANCES, VERDICTS, VerdictColumns
from models.repeats import lines
from training.dataset import Dataset
from training.verdicts import Codes

WINDOW_MINUTES = 60.0
"""Length of a line: repeats of one rule on the same entities within it are one."""
HARMLESS = 0.05
"""A rule is a candidate for suppression once enough of its alerts were reviewed, none of them an attack, to prove this share."""
_WHO = ("entity", "user", "address", "peer")


class Why(StrEnum):
    """Where the minutes that an alert costs come from: the caller, people's verdicts on the rule or on all rules, or nowhere."""

    GIVEN = "given"
    RULE = "measured on the rule"
    ALL = "measured on all rules"
    ASSUMED = "assumed"


class Cost(NamedTuple):
    """What a rule costs: ``minutes`` of a person for an alert, and ``why`` so many."""

    minutes: float
    why: Why


@dataclass(frozen=True)
class Survey:
    """What is known of a history without a model.

    ``rules``, ``products``, ``analysts``: names by the codes of ``alerts`` and ``measures``; a rule is a product's uid, under the
    first of its names. ``line`` i8[n]: row of the alert that opens each alert's line. ``nameless`` b[n]: alerts with no entity,
    which repeat nothing. ``costs``: of each rule.
    """

    dataset: Dataset
    alerts: AlertColumns
    rules: list[str]
    products: list[str]
    measures: Measures
    line: NDArray[np.int64]
    nameless: NDArray[np.bool_]
    costs: list[Cost]
    analysts: list[str]
    window: float

    @property
    def opens(self) -> NDArray[np.bool_]:
        """Which alerts open a line; the others repeat one."""
        return np.asarray(self.line == np.arange(len(self.line)))

    @property
    def minutes(self) -> NDArray[np.float64]:
        """What each alert costs by its rule, f8[n]."""
        return np.array([cost.minutes for cost in self.costs], np.float64)[self.alerts.rule]

    def parts(self) -> Iterator[tuple[str, NDArray[np.bool_]]]:
        """Yield name and mask: everything, then each tenant and each product where there are several, most alerts first."""
        yield "all", np.ones(len(self.dataset), bool)
        for what, names, code in (
            ("tenant", self.dataset.tenants, self.dataset.tenant),
            ("product", self.products, self.alerts.product),
        ):
            if len(names) > 1:
                order = np.argsort(-np.bincount(code, minlength=len(names)), kind="stable")
                yield from ((f"{what} {names[number]}", np.asarray(code == number)) for number in order.tolist())


def survey(dataset: Dataset, *, minutes: float | None = None, window: float = WINDOW_MINUTES) -> Survey:
    """Measure a history. ``minutes``: what an alert costs, if the caller knows; ``window``: length of a line in minutes."""
    products, rules = Codes(), Codes()
    product = np.array([products(rule.product) for rule in dataset.rules], np.int64)[dataset.rule]
    rule = np.array([rules((rule.product, rule.uid)) for rule in dataset.rules], np.int64)[dataset.rule]
    names = {rules((ref.product, ref.uid)): ref.name or ref.uid for ref in reversed(dataset.rules)}
    alerts = alert_columns(dataset, product, rule)
    verdicts, analysts = verdict_columns(dataset)
    measures = measure(alerts, verdicts)
    who = [dataset.block.columns[:, COLUMNS.index(name)] for name in _WHO]
    nameless = np.logical_and.reduce([column == 0 for column in who])
    keys = {"tenant": dataset.tenant, "rule": rule} | dict(zip(_WHO, who, strict=True))
    same = pd.DataFrame(keys).groupby(list(keys), sort=False).ngroup().to_numpy(np.int64)
    return Survey(
        dataset=dataset,
        alerts=alerts,
        rules=[names[code] for code in range(len(names))],
        products=[str(name) for name in products.of],
        measures=measures,
        line=lines(np.where(nameless, -1, same), dataset.block.time, window * 60.0),
        nameless=nameless,
        costs=costs(measures, len(names), minutes),
        analysts=analysts,
        window=window,
    )


def alert_columns(dataset: Dataset, product: NDArray[np.int64], rule: NDArray[np.int64]) -> AlertColumns:
    """Return the alerts of a data set as the measures take them, under these codes. A history records no responses."""
    label = dataset.verdicts.label
    rows = np.flatnonzero(label >= 0)
    verdict, provenance = (np.full(len(dataset), -1, np.int64) for _ in range(2))
    in_force = [dataset.labels[i][1] for i in label[rows].tolist()]
    verdict[rows] = [VERDICTS.index(one.verdict) for one in in_force]
    provenance[rows] = [PROVENANCES.index(one.provenance) for one in in_force]
    return AlertColumns(
        time=dataset.block.time,
        received=dataset.received,
        product=product,
        rule=rule,
        verdict=verdict,
        provenance=provenance,
        incident=dataset.incident.astype(np.int64),
        responded=np.full(len(dataset), np.nan),
    )


def verdict_columns(dataset: Dataset) -> tuple[VerdictColumns, list[str]]:
    """Return all verdicts on alerts of the data set, in force or not, and the names of who gave them."""
    row_of, names = dataset.rows_by_uid() if dataset.labels else {}, Codes()
    several = len(dataset.tenants) > 1
    told = [
        (
            row,
            label.time.timestamp(),
            VERDICTS.index(label.verdict),
            PROVENANCES.index(label.provenance),
            names(f"{label.tenant} / {label.analyst}" if several else label.analyst),
        )
        for _, label in dataset.labels
        if (row := row_of.get((label.tenant, label.alert_uid))) is not None
    ]
    columns = np.array(told, np.float64).reshape(len(told), 5).T
    alert, time, *codes = columns
    whole = (column.astype(np.int64) for column in (alert, *codes))
    found = VerdictColumns(next(whole), time, *whole)
    return found, [str(name) for name in names.of]


def costs(measures: Measures, count: int, minutes: float | None = None) -> list[Cost]:
    """Return what each of ``count`` rules costs: as given, else as people's verdicts on it tell, else as all of them do, else
    as is assumed."""
    if minutes is not None:
        return [Cost(minutes, Why.GIVEN)] * count
    seconds = measures.handling.seconds
    found = [Cost(MINUTES, Why.ASSUMED) if np.isnan(seconds) else Cost(seconds / 60.0, Why.ALL)] * count
    for rule in measures.rules:
        if not np.isnan(rule.handling.seconds):
            found[rule.rule] = Cost(rule.handling.seconds / 60.0, Why.RULE)
    return found


def advice(rule: RuleMeasures) -> str:
    """Return what may be done about a rule. One that ever spoke of an attack is no candidate for suppression."""
    if rule.attacks:
        return f"no: {rule.attacks:,} attack{'s' if rule.attacks > 1 else ''}"
    missing = units_needed(HARMLESS, HARMLESS) - rule.reviewed
    if missing > rule.alerts - rule.reviewed:
        return "too few"
    if missing > 0:
        return f"review {missing} more"
    return f"maybe: 0 of {rule.reviewed:,}"
