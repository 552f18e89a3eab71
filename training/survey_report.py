"""A survey as tables and plots: what a newcomer sees of their own history first."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import timedelta

import numpy as np

from features.alert import from_epoch
from models.measures import RuleMeasures, Spread, daily
from training.report import Cell, Plot, Table, bar_plot, days_plot
from training.survey import Survey, Why, advice

MOST = 200
"""Rows of a table on the page, at most: names come from outside."""
_DRAWN = 9
"""Products with a colour of their own."""
_UNTIMED = {
    "import": "came with the data",
    "automation": "a machine's",
    "inherited": "inherited from an incident",
    "fixed_delay": "at accounts that always take equally long",
}
_REVIEWED = "reviewed: a person's verdict or one that came with the data is in force; never the unlabelled"


def survey_tables(survey: Survey, most: int = MOST) -> list[Table]:
    """Return everything that needs no model, at most ``most`` rows each."""
    made = (overview(survey), per_day(survey, most), grouping(survey, most), times(survey))
    return [*made, *workload(survey, most), false_positives(survey, most), handling(survey, most)]


def duration(seconds: float) -> str:
    """Return a duration for reading: in the largest unit of which there are two.

    >>> duration(90.0), duration(7200.0), duration(float("nan"))
    ('90 s', '2.0 h', '–')
    """
    if math.isnan(seconds):
        return "–"
    if seconds < 120.0:
        return f"{seconds:.0f} s"
    for unit, length in (("d", 86400.0), ("h", 3600.0)):
        if seconds >= 2.0 * length:
            return f"{seconds / length:,.1f} {unit}"
    return f"{seconds / 60.0:.0f} min"


def effort(minutes: float) -> str:
    """Return a person's time for reading, in hours; not in days, of which nobody knows how long they are.

    >>> effort(45.0), effort(90000.0)
    ('0.8 h', '1,500 h')
    """
    return f"{_hours(minutes)} h"


def _hours(minutes: float) -> str:
    return f"{minutes / 60.0:,.0f}" if minutes >= 600.0 else f"{minutes / 60.0:.1f}"


def percent(share: float) -> str:
    """Return a share for reading; ``–`` of nothing."""
    return "–" if math.isnan(share) else f"{share:.1%}"


def overview(survey: Survey) -> Table:
    """Return what was read."""
    dataset, measures = survey.dataset, survey.measures
    rows: list[list[Cell]] = [["alerts", len(dataset)]]
    if len(dataset):
        first, last = (from_epoch(float(t)) for t in (dataset.block.time.min(), dataset.block.time.max()))
        rows += [["first, last (UTC)", f"{first:%Y-%m-%d %H:%M}, {last:%Y-%m-%d %H:%M}"]]
    rows += [["tenants", len(dataset.tenants)], ["products", ", ".join(survey.products[:8])], ["rules", len(measures.rules)]]
    rows += [["alerts without an entity", int(survey.nameless.sum())]]
    rows += [["records put aside as broken", len(dataset.rejects)], ["records seen twice", dataset.duplicates]]
    rows += [["reviewed", f"{measures.reviewed.hits:,} ({percent(measures.reviewed.share)})"]]
    rows += [[f"labels in force: {name}", count] for name, count in measures.labels.items()]
    rows += [["incidents, or alerts without one, called true positives", measures.incidents]]
    return Table("What there is", ["", "this history"], rows, _REVIEWED, texts=[1])


def per_day(survey: Survey, most: int) -> Table:
    """Return alerts a day, of everything and of each tenant and product."""
    rows: list[list[Cell]] = []
    for name, mask in survey.parts():
        days, counts = daily(survey.dataset.block.time[mask])
        if not len(days):
            continue
        silent, spread = int(days[-1] - days[0] + 1 - len(days)), Spread.of(counts)
        busiest = f"{_day(int(days[counts.argmax()]))}: {counts.max():,}"
        rows.append([name, int(counts.sum()), len(days), silent, round(spread.median), round(spread.p90), busiest])
    note = "days: with any alert, which median and 90th percentile are over; silent days: between first and last without any"
    columns = ["", "alerts", "days", "silent days", "median a day", "90 % below", "busiest day"]
    return Table(
        "Alerts a day (UTC)",
        columns,
        rows[:most],
        note,
    )


def grouping(survey: Survey, most: int) -> Table:
    """Return how many lines the alerts make."""
    opens, rows = survey.opens, list[list[Cell]]()
    for name, mask in survey.parts():
        alerts, lines = int(mask.sum()), int(opens[mask].sum())
        saved = effort(float(survey.minutes[mask & ~opens].sum()))
        share = percent((alerts - lines) / alerts if alerts else math.nan)
        rows.append([name, alerts, lines, share, saved])
    note = (
        f"A line is one rule on the same entities within {survey.window:g} minutes of its first alert; alerts without an entity are "
        "lines by themselves. Nothing is hidden: a line shows its count. Time: were each repeat handled like any alert (see handling time)."
    )
    columns = ["", "alerts", "lines", "repeats", "time of the repeats"]
    return Table("Repeats: what grouping would save", columns, rows[:most], note)


def times(survey: Survey) -> Table:
    """Return how long things take."""
    measures = survey.measures
    rows = [_spread(f"to detect (attack by {who})", spread) for who, spread in measures.detect.items()]
    rows = rows or [_spread("to detect", Spread.of(np.empty(0)))]
    rows += [_spread("to acknowledge (people)", measures.acknowledge), _spread("to respond", measures.respond)]
    rows += [_spread("dwell time (people)", measures.dwell)]
    notes = [
        "Detect: alert happened → received. Acknowledge: received → a person's first verdict. Respond: received → response. "
        "Dwell: an incident's first alert → a person first calls it a true positive."
    ]
    if any(not spread.n for spread in measures.detect.values()):
        notes.append("These products do not record when an alert was received, so nothing tells the time to detect.")
    if not measures.respond.n:
        notes.append("This history records no responses.")
    if measures.untimed:
        left = ", ".join(f"{count:,} {_UNTIMED[why]}" for why, count in measures.untimed.items())
        notes.append(f"Verdicts that tell nothing of how fast people are: {left}.")
    if not measures.acknowledge.n:
        notes.append("No person's verdict is left to tell times by.")
    unseen = measures.incidents - measures.dwell.n
    if unseen > 0 and measures.dwell.n:
        notes.append(f"{unseen:,} of {measures.incidents:,} incidents were not called so by a person.")
    negative = sum(
        spread.negative for spread in (*measures.detect.values(), measures.acknowledge, measures.respond, measures.dwell)
    )
    if negative:
        notes.append(f"Left out: {negative:,} that end before they begin (clocks that disagree).")
    return Table("How long it takes", ["time", "n", "median", "90 % below"], rows, " ".join(notes))


def _spread(name: str, spread: Spread) -> list[Cell]:
    return [name, spread.n, duration(spread.median), duration(spread.p90)]


def workload(survey: Survey, most: int) -> list[Table]:
    """Return what each analyst does, if any person gave a verdict: most verdicts first."""
    measures = survey.measures
    loads = sorted(measures.analysts, key=lambda load: -load.verdicts)[:most]
    rows: list[list[Cell]] = [
        [
            survey.analysts[load.analyst] or "(no name)",
            load.verdicts,
            load.a_day.n,
            round(load.a_day.median),
            round(load.a_day.p90),
        ]
        for load in loads
    ]
    all_days = measures.verdicts_a_day
    everybody: list[Cell] = ["all", sum(load.verdicts for load in measures.analysts), all_days.n]
    rows.insert(0, [*everybody, *((round(x) for x in (all_days.median, all_days.p90)) if rows else ())])
    columns = ["analyst", "verdicts", "days", "median a day", "90 % below"]
    return [Table("Workload of people (UTC days with a verdict)", columns, rows)] if loads else []


def false_positives(survey: Survey, most: int) -> Table:
    """Return how often each reviewed rule was no attack, most of such first."""
    reviewed = [rule for rule in survey.measures.rules if rule.reviewed]
    rows: list[list[Cell]] = []
    for rule in sorted(reviewed, key=lambda rule: -rule.false_rate.hits)[:most]:
        rate = rule.false_rate
        interval = f"{rate.low:.1%} to {rate.high:.1%}"
        counts: list[Cell] = [rule.alerts, rule.reviewed, rule.true_positives, rule.benign_positives, rule.false_positives]
        rows.append([survey.rules[rule.rule], *counts, percent(rate.share), interval])
    note = f"{_REVIEWED}. No attack: false or benign positives among those reviewed; its interval is exact if they were chosen by lot."
    if not rows:
        note = "Nobody has reviewed an alert yet, so no rule has a known share of false positives; the unlabelled are not counted as benign."
    elif len(reviewed) > most:
        note += f" {len(reviewed) - most} more rules."
    columns = ["rule", "alerts", "reviewed", "true pos.", "benign pos.", "false pos.", "no attack", "95 % interval"]
    return Table("False positives by rule", columns, rows, note)


def hours_by_rule(survey: Survey) -> list[tuple[RuleMeasures, float]]:
    """Return each rule with the hours that its alerts cost, most first."""
    hours = [(rule, rule.alerts * survey.costs[rule.rule].minutes / 60.0) for rule in survey.measures.rules]
    return sorted(hours, key=lambda item: -item[1])


def handling(survey: Survey, most: int) -> Table:
    """Return the rules by count × handling time: where automation would pay."""
    ordered = hours_by_rule(survey)
    total = sum(hours for _, hours in ordered)
    lines = np.bincount(survey.alerts.rule[survey.opens], minlength=len(survey.costs))
    rows: list[list[Cell]] = []
    for rule, hours in ordered[:most]:
        cost, count = survey.costs[rule.rule], int(lines[rule.rule])
        share = percent(hours / total if total else math.nan)
        minutes = f"{cost.minutes:.3g}" + ("*" if cost.why is Why.RULE else "")
        shown: list[Cell] = [minutes, _hours(hours * 60.0), share, count, _hours(count * cost.minutes)]
        rows.append([survey.rules[rule.rule], rule.alerts, *shown, advice(rule)])
    columns = ["rule", "alerts", "minutes", "hours", "share", "lines", "by line", "suppress?"]
    note = f"{_cost_note(survey)} {_CANDIDATES}" + (f" {len(ordered) - most} more rules." if len(ordered) > most else "")
    return Table("Rules by handling time: candidates for automation", columns, rows, note)


_CANDIDATES = (
    "Hours: were every alert, or (by line) every line, handled like that; a flood costs less in truth, as nobody looks at each "
    "repeat. Suppress: a rule that ever spoke of an attack is no candidate, but may be grouped or enriched; one with too few alerts "
    'or reviews is unknown, not benign; "maybe" had no attack among those reviewed, and needs a certificate all the same.'
)


def _cost_note(survey: Survey) -> str:
    """Return where the minutes come from."""
    match survey.costs[0].why if survey.costs else Why.ASSUMED:
        case Why.GIVEN:
            return "Minutes for an alert: as given."
        case Why.ASSUMED:
            return "Minutes for an alert are assumed, for nobody's verdicts tell: say how many with --minutes."
    count = survey.measures.handling.judgements
    return f"Minutes for an alert: as {count:,} verdicts made back to back tell (*: those on the rule itself)."


def _day(number: int) -> str:
    return f"{from_epoch(0.0) + timedelta(days=number):%Y-%m-%d}"


def survey_plots(survey: Survey, most: int = 20) -> list[Plot]:
    """Draw alerts a day by product, and the rules that cost most."""
    product, time = survey.alerts.product, survey.dataset.block.time
    order = np.argsort(-np.bincount(product, minlength=len(survey.products)), kind="stable").tolist()
    by_product = {survey.products[number]: daily(time[product == number]) for number in order[:_DRAWN]}
    if order[_DRAWN:]:
        by_product["others"] = daily(time[np.isin(product, order[_DRAWN:])])
    costly: Sequence[tuple[RuleMeasures, float]] = hours_by_rule(survey)[:most]
    rules = [(survey.rules[rule.rule], hours) for rule, hours in costly]
    return [
        days_plot("alerts_a_day", "Alerts a day", "alerts", by_product),
        bar_plot("handling_time", "Rules by handling time", "hours of a person", rules),
    ]
