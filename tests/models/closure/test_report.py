"""The report as data."""

from __future__ import annotations

import msgspec

from models.closure.report import Report
from tests.models.closure.cases import MALWARE, NOON, realistic


def test_a_report_survives_being_stored() -> None:
    report = realistic()
    assert msgspec.json.decode(msgspec.json.encode(report), type=Report) == report


def test_of_an_incident_alone_there_is_a_report_too() -> None:
    bare = Report.of(MALWARE, NOON, "open")
    assert (bare.title, bare.chain, bare.outcomes) == ("malware on a host", None, ())
    assert bare.summary() == "Incident incident-1 open: malware on a host, 2 alerts."


def test_the_summary_says_why_in_one_line() -> None:
    assert realistic().summary() == (
        "Incident incident-1 escalated: malware on a host, 3 alerts. “block-domain” on “bad.example” was last reported as failed."
    )
