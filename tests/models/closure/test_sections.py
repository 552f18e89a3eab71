"""What a report says."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from models.closure.outcome import Status
from models.closure.report import Report
from models.closure.sections import MOST_ROWS, Picture, Table, sections
from models.incidents.incident import Incident
from tests.models.closure.cases import MALWARE, NOON, outcome, realistic


def test_each_part_has_its_section() -> None:
    assert [section.title for section in sections(realistic())] == [
        "In short", "Who and what", "Attack chain", "Evidence", "Decisions", "Actions and outcomes", "Next steps",
        "Similar past incidents", "What people did", "Made by",
    ]  # fmt: skip


def test_what_is_absent_has_none() -> None:
    assert [section.title for section in sections(Report.of(MALWARE, NOON, "open"))] == ["In short", "Who and what", "Evidence"]


def test_the_chain_is_drawn() -> None:
    (chain,) = (section for section in sections(realistic()) if section.title == "Attack chain")
    assert [part for part in chain.parts if isinstance(part, Picture)]


def test_what_is_too_much_is_counted() -> None:
    lines = tuple(msgspec.structs.replace(MALWARE.lines[0], uid=f"l{n}", last=NOON + timedelta(minutes=n)) for n in range(250))
    told = (outcome("isolate-host", 1, *(f"ws-{n}" for n in range(20)), status=Status.FAILED),)
    report = msgspec.structs.replace(Report.of(Incident(uid="i", tenant="t", lines=lines), NOON, "open"), outcomes=told)
    by_title = {section.title: section.parts for section in sections(report)}
    (evidence,), (done,) = by_title["Evidence"], by_title["Actions and outcomes"]
    assert isinstance(evidence, Table)
    assert isinstance(done, Table)
    assert (len(evidence.rows), evidence.more) == (MOST_ROWS, 150)
    assert done.rows[0][2].endswith("ws-7, + 12 more")


def test_decisions_that_are_not_held_are_counted() -> None:
    report = msgspec.structs.replace(realistic(), decided=1000)
    (table, *_) = next(section.parts for section in sections(report) if section.title == "Decisions")
    assert isinstance(table, Table)
    assert table.more == 997
