"""Measures of a SOC's work: how fast it is, how much it does, how often for nothing.

*Time to detect*: from when an attack's alert happened to when it was received. *To acknowledge*: from there to the first
verdict of a person. *To respond*: from when the first alert of an incident was received to the first response. *Dwell time*:
from when the first alert of an incident happened to the first verdict of a person that calls any of its alerts a true positive.

Only people tell how fast people are (see ``models/pace.py``). An alert without a label is unlabelled, never benign. What nothing
is known of is NaN, with ``n`` = 0 beside it.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from features.label import Provenance, Verdict
from models.misses import proportion
from models.pace import (
    HUMAN,
    PROVENANCES,
    VERDICTS,
    Handling,
    Judgements,
    VerdictColumns,
    handling,
    handling_by_rule,
    judgements,
    paced,
    untimed,
)

DAY_SECONDS = 86400.0
DELTA = 0.05
"""Intervals of shares hold with a confidence of 1 − this."""
_TRUE, _BENIGN, _FALSE = (VERDICTS.index(v) for v in (Verdict.TRUE_POSITIVE, Verdict.BENIGN_POSITIVE, Verdict.FALSE_POSITIVE))
_IMPORT = PROVENANCES.index(Provenance.IMPORT)


class AlertColumns(NamedTuple):
    """n alerts.

    ``time`` and ``received`` f8[n]: epoch seconds. ``product``, ``rule`` i8[n]: codes, from 0. ``verdict`` and ``provenance``
    i8[n]: of the label in force, as index into ``VERDICTS`` and ``PROVENANCES``, −1 where there is none. ``incident`` i8[n]:
    code, −1 for none. ``responded`` f8[n]: when its incident was first responded to, NaN if not known.
    """

    time: NDArray[np.float64]
    received: NDArray[np.float64]
    product: NDArray[np.int64]
    rule: NDArray[np.int64]
    verdict: NDArray[np.int64]
    provenance: NDArray[np.int64]
    incident: NDArray[np.int64]
    responded: NDArray[np.float64]

    @property
    def reviewed(self) -> NDArray[np.bool_]:
        """Which alerts somebody looked at: their label in force is a person's or came with the data, and says which it is.

        What was only inherited from an incident was not looked at by itself.
        """
        return np.isin(self.provenance, (HUMAN, _IMPORT)) & np.isin(self.verdict, (_TRUE, _BENIGN, _FALSE))

    @property
    def attack(self) -> NDArray[np.bool_]:
        """Which alerts the label in force calls a true positive, inherited ones among them."""
        return np.asarray(self.verdict == _TRUE)


class Spread(msgspec.Struct, frozen=True):
    """Median and 90th percentile of ``n`` values, NaN of none. ``negative``: durations left out because they end before they
    begin (clocks that disagree)."""

    n: int
    median: float
    p90: float
    negative: int = 0

    @classmethod
    def of(cls, values: NDArray[np.float64] | NDArray[np.int64]) -> Spread:
        """Summarise; NaN are left out."""
        known = values[~np.isnan(values)]
        kept = known[known >= 0]
        if not len(kept):
            return cls(0, math.nan, math.nan, len(known))
        return cls(len(kept), float(np.median(kept)), float(np.quantile(kept, 0.9)), len(known) - len(kept))


class Rate(msgspec.Struct, frozen=True):
    """``hits`` of ``n`` as a share with its exact two-sided interval (Clopper & Pearson 1934); of nothing NaN, from 0 to 1."""

    hits: int
    n: int
    share: float
    low: float
    high: float

    @classmethod
    def of(cls, hits: int, n: int) -> Rate:
        """Return the share at a confidence of 1 − ``DELTA``."""
        found = proportion(float(hits), float(n), DELTA)
        return cls(hits, n, found.share if n else math.nan, found.low, found.high)


class RuleMeasures(msgspec.Struct, frozen=True, kw_only=True):
    """One rule: its alerts, and what was said of those ``reviewed``.

    ``false_rate``: the share of them that was no attack, false or benign positive. ``attacks``: true positives, those inherited
    from an incident among them. ``handling``: of alerts of this rule alone.
    """

    rule: int
    alerts: int
    reviewed: int
    true_positives: int
    benign_positives: int
    false_positives: int
    attacks: int
    false_rate: Rate
    handling: Handling


class AnalystLoad(msgspec.Struct, frozen=True):
    """Verdicts of one analyst: how many, and how many a day over the days with any (``a_day.n``)."""

    analyst: int
    verdicts: int
    a_day: Spread


class Measures(msgspec.Struct, frozen=True, kw_only=True):
    """All measures of some alerts; durations in seconds.

    ``labels``: labels in force by provenance. ``detect``: by provenance of what calls the alert an attack. ``incidents``: how
    many are known; ``dwell`` has those that a person called one. ``untimed``: verdicts that tell no human pace, by why.
    ``alerts_a_day``: over the days with any; ``verdicts_a_day``: over the days of each analyst with any.
    """

    alerts: int
    alerts_a_day: Spread
    reviewed: Rate
    labels: dict[str, int]
    incidents: int
    detect: dict[str, Spread]
    acknowledge: Spread
    respond: Spread
    dwell: Spread
    untimed: dict[str, int]
    verdicts_a_day: Spread
    analysts: tuple[AnalystLoad, ...]
    handling: Handling
    rules: tuple[RuleMeasures, ...]


def measure(alerts: AlertColumns, verdicts: VerdictColumns) -> Measures:
    """Return every measure of the alerts and the verdicts on them. Of no alerts all is defined, too."""
    human = verdicts.take(paced(alerts.received, verdicts))
    made = judgements(alerts.received, alerts.rule, human)
    labels = {p.value: int((alerts.provenance == i).sum()) for i, p in enumerate(PROVENANCES)}
    return Measures(
        alerts=len(alerts.time),
        alerts_a_day=Spread.of(daily(alerts.time)[1]),
        reviewed=Rate.of(int(alerts.reviewed.sum()), len(alerts.time)),
        labels={provenance: count for provenance, count in labels.items() if count},
        incidents=len(np.unique(alerts.incident[alerts.attack & (alerts.incident >= 0)])),
        detect=time_to_detect(alerts),
        acknowledge=Spread.of(first_times(len(alerts.time), human.alert, human.time) - alerts.received),
        respond=time_to_respond(alerts),
        dwell=dwell_time(alerts, human),
        untimed=untimed(verdicts, len(human.time)),
        verdicts_a_day=Spread.of(_analyst_days(human)[1]),
        analysts=workload(human),
        handling=handling(made),
        rules=by_rule(alerts, made),
    )


def first_times(count: int, unit: NDArray[np.int64], time: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the earliest ``time`` of each of ``count`` units, NaN where there is none."""
    found = np.full(count, np.nan)
    np.fmin.at(found, unit, time)
    return found


def time_to_detect(alerts: AlertColumns) -> dict[str, Spread]:
    """Return how long attacks' alerts took to arrive, by the provenance of what calls them attacks.

    Products all of whose alerts were received the moment they happened do not record the receipt: they tell nothing.
    """
    took = alerts.received - alerts.time
    telling = np.isin(alerts.product, alerts.product[took != 0.0])
    found = {}
    for number, provenance in enumerate(PROVENANCES):
        called = alerts.attack & (alerts.provenance == number)
        if called.any():
            found[provenance.value] = Spread.of(took[called & telling])
    return found


def time_to_respond(alerts: AlertColumns) -> Spread:
    """Return how long incidents (alerts without one by themselves) waited for their first response, where one is known."""
    units, place = np.unique(
        np.where(alerts.incident >= 0, alerts.incident, -1 - np.arange(len(alerts.time))), return_inverse=True
    )
    responded, received = (first_times(len(units), place, column) for column in (alerts.responded, alerts.received))
    return Spread.of(responded - received)


def dwell_time(alerts: AlertColumns, human: VerdictColumns) -> Spread:
    """Return how long incidents went on before a person called one of their alerts a true positive, over those called so."""
    count = int(alerts.incident.max(initial=-1)) + 1
    of_one = alerts.incident >= 0
    began = first_times(count, alerts.incident[of_one], alerts.time[of_one])
    called = human.take((human.verdict == _TRUE) & of_one[human.alert])
    return Spread.of(first_times(count, alerts.incident[called.alert], called.time) - began)


def by_rule(alerts: AlertColumns, made: Judgements) -> tuple[RuleMeasures, ...]:
    """Return the measures of each rule that has an alert, in the order of their codes."""
    size = int(alerts.rule.max(initial=-1)) + 1
    kinds = (alerts.reviewed & (alerts.verdict == v) for v in (_TRUE, _BENIGN, _FALSE))
    masks = (np.ones(len(alerts.rule), bool), alerts.attack, *kinds)
    counts = (np.bincount(alerts.rule[mask], minlength=size).tolist() for mask in masks)
    found = []
    for rule, (count, attacks, true, benign, false, took) in enumerate(zip(*counts, handling_by_rule(made, size), strict=True)):
        reviewed = true + benign + false
        measured = RuleMeasures(
            rule=rule, alerts=count, reviewed=reviewed, true_positives=true, benign_positives=benign, false_positives=false,
            attacks=attacks, false_rate=Rate.of(benign + false, reviewed), handling=took,
        )  # fmt: skip
        found.append(measured)
    return tuple(measured for measured in found if measured.alerts)


def daily(time: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the UTC days (since 1970) that have any of ``time`` f8[n] (epoch seconds), and how many each has."""
    return np.unique(_day(time), return_counts=True)


def _day(time: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.floor(time / DAY_SECONDS).astype(np.int64)


def workload(human: VerdictColumns) -> tuple[AnalystLoad, ...]:
    """Return what each analyst did, in the order of their codes."""
    who, counts = _analyst_days(human)
    of_each = ((int(analyst), counts[who == analyst]) for analyst in np.unique(who))
    return tuple(AnalystLoad(analyst, int(own.sum()), Spread.of(own)) for analyst, own in of_each)


def _analyst_days(human: VerdictColumns) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return, for each analyst's day with a verdict, who it is and how many verdicts."""
    days, counts = np.unique(np.column_stack([human.analyst, _day(human.time)]), axis=0, return_counts=True)
    return days[:, 0], counts
