"""What would be saved, as tables; and the page of ``tamis assess``."""

from __future__ import annotations

import math
from pathlib import Path

import msgspec

from models.certificates.certificate import Certificate
from training.assess import Assessment
from training.report import Cell, Table, write_report
from training.savings import ORDERS, Ordering, Savings, Suppressed
from training.survey import Survey
from training.survey_report import MOST, effort, percent, survey_plots, survey_tables

_DOUBTFUL = (
    " {:,} of {:,} incidents rest on verdicts that are likely wrong, and count like any other: less can be suppressed, and ordering finds "
    "fewer of them, than of true ones. Look at those again first (below)."
)


def savings_tables(survey: Survey, saved: Savings | str) -> list[Table]:
    """Return the summary of what would be saved, and what it rests on; ``saved`` is why there is nothing where it is a text."""
    tables = [summary(survey, saved)]
    if not isinstance(saved, str):
        tables += [_suppressions(survey, saved), _ordering(saved.ordering)]
    return tables


def summary(survey: Survey, saved: Savings | str) -> Table:
    """Return a row each for grouping, suppression and ordering."""
    opens, alerts = survey.opens, len(survey.dataset)
    fewer = alerts - int(opens.sum())
    spared = effort(float(survey.minutes[~opens].sum()))
    counted = f"counted: {alerts:,} alerts become {alerts - fewer:,} lines"
    rows: list[list[Cell]] = [["grouping", fewer, percent(fewer / alerts if alerts else math.nan), spared, counted]]
    if isinstance(saved, str):
        rows += [[name, "–", "–", "–", saved] for name in ("suppression", "ordering")]
    else:
        rows += [_suppression(survey, one, saved.scored) for one in saved.suppressions]
        rows.append(["ordering", "–", "–", "–", _ordered(saved.ordering)])
    doubtful = "" if isinstance(saved, str) or not saved.doubtful else _DOUBTFUL.format(saved.doubtful, saved.ordering.incidents)
    note = "Each by itself, not to be added up. Time: what it would take to handle each of these alerts (see handling time)."
    return Table(
        "What would be saved",
        ["by", "alerts fewer", "of all", "time for them", "on what grounds"],
        rows,
        note + doubtful,
        texts=[4],
    )


def _suppression(survey: Survey, one: Suppressed, scored: int) -> list[Cell]:
    hidden, certificate = one.suppressed, one.certificate
    if certificate.threshold is None:
        return ["suppression", 0, percent(0.0), "–", _proof(certificate)]
    count, alerts = int(hidden.sum()), len(hidden)
    grounds = _proof(certificate) + (f"; only {scored:,} of {alerts:,} alerts could be scored" if scored < alerts else "")
    return ["suppression", count, percent(count / alerts), effort(float(survey.minutes[hidden].sum())), grounds]


def _proof(certificate: Certificate) -> str:
    asked = f"at most {certificate.alpha:.0%} of incidents missed"
    if certificate.threshold is None:
        return f"{asked}: refused, {certificate.missing:,} more incidents are needed (there are {certificate.n:,})"
    return f"{asked}: proven by {certificate.n:,} incidents, {certificate.k} of them missed"


def _ordered(found: Ordering) -> str:
    if not found.incidents:
        return "none of the alerts called true positives could be held out and scored"
    told = [one for one in found.found if one.looks <= 10][-1]
    return f"of {found.incidents:,} incidents {told.looks} looks a day and tenant see " + ", ".join(
        f"{count:,} {way}" for count, way in zip(told.incidents, ORDERS, strict=True)
    )


def _suppressions(survey: Survey, saved: Savings) -> Table:
    rows: list[list[Cell]] = []
    for one in saved.suppressions:
        m, of = one.measured, one.certificate
        shares = [percent(x) for x in (m.benign_alerts, m.benign_groups, m.attack_alerts)]
        rows.append([f"at most {of.alpha:.0%} missed", of.status.value, of.n, *shares, f"{m.lost} of {m.incidents}"])
    how = {"transferred": "the other tenants", "own": "what came before"}[saved.suppressions[0].certificate.assumption]
    note = (
        f"Each alert scored by a model that learned from {how} only; {saved.scored:,} of {len(survey.dataset):,} alerts could be. "
        "Shares are of labelled alerts; a group is rule × entity × five minutes. The first row is what was asked for (--objective); "
        "a second one, where there is one, is the most that these labels can prove, if that is enough for you."
    )
    columns = ["objective", "certificate", "incidents", "benign alerts", "benign groups", "attack alerts", "incidents lost"]
    return Table("What suppression would hide", columns, rows, note)


def _ordering(found: Ordering) -> Table:
    rows: list[list[Cell]] = [[f"{one.looks}", *one.incidents, *one.positives] for one in found.found]
    note = (
        f"A look is at a family (tenant × day × host × rule): {found.families:,} have a verdict and a score, {found.positives:,} of them "
        f"a true positive, of {found.incidents:,} incidents. By rule: by the share of attacks that the rule had in what the model learned "
        "from. Covering: as `tamis queue` orders them."
    )
    columns = ["looks a day", *(f"incidents {way}" for way in ORDERS), *(f"families {way}" for way in ORDERS)]
    return Table("What ordering finds: true positives seen in the first looks of each tenant's day", columns, rows, note)


def write(folder: Path, survey: Survey, saved: Savings | str, people: Assessment | None) -> Path:
    """Write page and numbers; return the page."""
    (first, *counts), (saving, *grounds) = survey_tables(survey), savings_tables(survey, saved)
    tables = [first, saving, *counts, *grounds, *(people.tables(MOST) if people else [])]
    measures = survey.measures
    facts = {
        "data_digest": survey.dataset.digest,
        "window_minutes": survey.window,
        "lines": int(survey.opens.sum()),
        "rules": survey.rules[:MOST],
        "measures": msgspec.to_builtins(msgspec.structs.replace(measures, rules=measures.rules[:MOST])),
        "savings": saved if isinstance(saved, str) else _facts(saved),
    }
    return write_report(folder, "Tamis: what these alerts are like", tables, survey_plots(survey), facts)


def _facts(saved: Savings) -> dict[str, object]:
    return {
        "scored": saved.scored,
        "doubtful": saved.doubtful,
        "suppression": [
            {"certificate": msgspec.to_builtins(one.certificate), "alerts": int(one.suppressed.sum()), **one.measured._asdict()}
            for one in saved.suppressions
        ],
        "ordering": {**saved.ordering._asdict(), "found": [one._asdict() for one in saved.ordering.found]},
    }
