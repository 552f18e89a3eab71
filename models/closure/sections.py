"""What a report says, section by section, as plain text: how it is written down is the business of Markdown or HTML.

Names come from products and attackers. Nothing is escaped here; whoever writes text down makes it printable and escapes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

import msgspec

from models.certificates.certificate import Certificate
from models.closure.outcome import Outcome
from models.closure.report import Report
from models.decision import Action, Decision
from models.incidents.chain import Chain
from models.incidents.chain_text import text as chain_text
from models.incidents.incident import Line
from models.incidents.similar import Similar
from models.playbooks.recommend import Recommendation

MOST_ROWS = 100
"""Rows of a table and items of a list; what is more is counted."""
_MOST_NAMED = 8
"""Names in one cell."""
_WHO = {Action.RESPOND: "automation, where a certificate allows it"}


class Words(msgspec.Struct, frozen=True, gc=False):
    """A paragraph."""

    text: str


class Items(msgspec.Struct, frozen=True, gc=False):
    """A list."""

    items: tuple[str, ...]


class Table(msgspec.Struct, frozen=True, gc=False):
    """A table of text; ``more`` rows are left out."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    more: int = 0


class Picture(msgspec.Struct, frozen=True, gc=False):
    """A chain to be drawn, where that can be done."""

    chain: Chain


Part = Words | Items | Table | Picture


class Section(msgspec.Struct, frozen=True, gc=False):
    """A heading (ours, never from outside) and what stands under it."""

    title: str
    parts: tuple[Part, ...]


def sections(report: Report) -> Iterator[Section]:
    """Go through what there is to say; a part of the report that is absent has no section."""
    yield Section("In short", tuple(_in_short(report)))
    yield from _told("Who and what", _who(report))
    if report.chain is not None:
        yield Section("Attack chain", tuple(_chain(report.chain)))
    yield Section("Evidence", (_evidence(report.incident.lines),))
    yield from _told("Decisions", _decisions(report))
    yield from _told("Actions and outcomes", [_outcomes(report.outcomes)] if report.outcomes else [])
    yield from _told("Next steps", [_next(report.recommendations)] if report.recommendations else [])
    yield from _told("Similar past incidents", [_similar(report.similar)] if report.similar else [])
    yield from _told("What people did", [_acts(report)] if report.acts else [])
    yield from _told("Made by", [_versions(report)] if report.versions else [])


def moment(time: datetime) -> str:
    """Return a time to the second."""
    return f"{time:%Y-%m-%d %H:%M:%S} UTC"


def _told(title: str, parts: Iterable[Part]) -> Iterator[Section]:
    found = tuple(parts)
    if found:
        yield Section(title, found)


def _in_short(report: Report) -> Iterator[Part]:
    incident = report.incident
    count, lines = incident.alerts, len(incident.lines)
    spoken = f", highest score {incident.score:.3f}" if incident.score else ""
    yield Words(
        f"{report.status.capitalize()}: {report.title}. Tenant {incident.tenant}; {count:,} alert{'s' * (count != 1)} in {lines:,} "
        f"line{'s' * (lines != 1)}{spoken}; from {moment(incident.first)} to {moment(incident.last)}."
    )
    if report.facts:
        yield Items(_named(report.facts, MOST_ROWS))
    if report.resolution is not None:
        state = report.resolution.state.value.replace("_", " ")
        false = ", as a false positive" if report.resolution.false_positive else ""
        yield Words(f"By the rules the threat is {state}{false}:")
        yield Items(_named(report.resolution.reasons, MOST_ROWS))


def _who(report: Report) -> Iterator[Part]:
    incident = report.incident
    roles: dict[tuple[str, str], dict[str, None]] = {}
    for entity in incident.entities:
        roles.setdefault((entity.kind.value, entity.uid), {})[entity.role.value] = None
    if roles:
        yield _table(("kind", "name", "part played"), [(kind, uid, ", ".join(parts)) for (kind, uid), parts in roles.items()])
    seen = incident.observables
    if seen:
        yield _table(("observable", "value"), [(one.kind, one.value) for one in seen])


def _chain(chain: Chain) -> Iterator[Part]:
    told, *rows = [line for line in chain_text(chain).split("\n") if line]
    yield Words(told)
    yield Picture(chain)
    if rows:
        yield Items(tuple(row.partition(". ")[2] or row for row in rows))


def _evidence(lines: Sequence[Line]) -> Table:
    columns = ("first", "last", "reported by", "rule", "techniques, else tactics", "on", "severity", "score", "alerts", "uids")
    return _table(columns, [_line(line) for line in lines])


def _line(line: Line) -> tuple[str, ...]:
    names = [f"{entity.kind.value} {entity.uid}" for entity in line.entities]
    return (
        moment(line.first), moment(line.last), line.product, line.rule.name or line.rule.uid,
        _cell(line.techniques or line.tactics), _cell(names), str(line.severity), f"{line.score:.3f}" if line.score else "–",
        f"{line.alerts:,}", _cell(line.alert_uids),
    )  # fmt: skip


def _decisions(report: Report) -> Iterator[Part]:
    if report.decisions:
        columns = ("time", "alert", "revision", "action", "score", "priority", "reason codes", "bundle")
        table = _table(columns, [_decision(one) for one in report.decisions])
        more = max(report.decided - len(report.decisions), 0)
        yield msgspec.structs.replace(table, more=table.more + more)
    if report.certificates:
        yield Words("The thresholds behind these decisions, and what was proven of them:")
        proven = ("bundle", "status", "objective", "threshold", "units n, missed k", "bound", "assumption", "window")
        yield _table(proven, [(one.bundle[:16], *_certificate(one.certificate)) for one in report.certificates])


def _decision(one: Decision) -> tuple[str, ...]:
    score = "–" if one.score is None else f"{one.score:.4f}"
    codes = _cell([code.value for code in one.reason_codes])
    return (
        moment(one.time), one.alert_uid, str(one.revision), one.action.value, score, str(one.priority), codes, one.bundle[:16],
    )  # fmt: skip


def _certificate(one: Certificate) -> tuple[str, ...]:
    threshold = "–" if one.threshold is None else f"{one.threshold:.6f}"
    return (
        one.status.value, one.objective, threshold, f"{one.unit}, {one.group}: {one.n:,}, {one.k:,}", f"{one.bound:.4f}",
        one.assumption, " – ".join(one.window),
    )  # fmt: skip


def _outcomes(outcomes: Sequence[Outcome]) -> Table:
    columns = ("time", "playbook", "on", "outcome", "by", "detail", "evidence")
    return _table(columns, [
        (moment(one.time), one.slug or one.playbook, _cell(one.targets), one.status.value, one.by, one.detail, _cell(one.evidence))
        for one in outcomes
    ])  # fmt: skip


def _next(recommendations: Sequence[Recommendation]) -> Table:
    columns = ("playbook", "on", "who decides", "blast radius", "why")
    return _table(columns, [
        (one.name, _cell([target.uid for target in one.targets]), _WHO.get(one.action, "a person"), one.tier.value,
         " ".join(one.reasons))
        for one in recommendations
    ])  # fmt: skip


def _similar(similar: Sequence[Similar]) -> Table:
    columns = ("incident", "likeness", "closed", "verdicts", "what was done, and how it ended")
    return _table(columns, [
        (one.past.uid, f"{one.likeness:.0%}", moment(one.past.closed), _cell([said.verdict for said in one.past.verdicts]),
         _cell([f"{done.playbook}: {done.outcome}" for done in one.past.responses]))
        for one in similar
    ])  # fmt: skip


def _acts(report: Report) -> Table:
    columns = ("time", "who", "did", "to", "why")
    return _table(columns, [(moment(act.time), act.by, act.what, act.subject, act.why) for act in report.acts])


def _versions(report: Report) -> Table:
    return _table(("part", "version"), [(one.part, one.version) for one in report.versions])


def _table(columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Table:
    return Table(columns, tuple(rows[:MOST_ROWS]), max(len(rows) - MOST_ROWS, 0))


def _cell(names: Sequence[str]) -> str:
    return ", ".join(_named(names, _MOST_NAMED))


def _named(names: Sequence[str], most: int) -> tuple[str, ...]:
    more = len(names) - most
    return (*names[:most], *([f"+ {more:,} more"] if more > 0 else []))
