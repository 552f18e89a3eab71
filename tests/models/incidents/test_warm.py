"""What is compiled ahead is what the correlator calls."""

from __future__ import annotations

from datetime import datetime

from models.incidents import forest_kernel, run_kernel, warm
from models.incidents.correlator import Correlator
from models.incidents.link_model import DEFAULT
from models.incidents.postings import HUB_LINES
from tests.models.incidents.alerts_by_hand import alert, host


def owner(tenant: str, kind: str, uid: str, time: datetime) -> str:
    """Who had a name at that time: somebody else at the beginning of an hour."""
    return f"{uid} of the hour" if time.minute else uid


def test_nothing_is_compiled_later() -> None:
    warm.main()
    compiled = [run_kernel.put, run_kernel.stand, run_kernel.take, run_kernel.cut, run_kernel.pack, forest_kernel.grow]
    before = [len(function.signatures) for function in compiled]
    assert all(before)
    correlator = Correlator(DEFAULT, owner)
    for n in range(2 * HUB_LINES):
        for minutes in (1.0, 0.0):  # the second came before: it speaks for the line, and names another
            correlator.add(alert(f"a{n}-{minutes}", f"r{n}", host("h"), minutes=60.0 * n + minutes), 0.9)
        correlator.settle()
        correlator.forget()
        correlator.split(n, [[n] for n in correlator.lines.kept])
    assert {token.uid for line in correlator.lines.kept.values() for token in line.tokens} == {"h"}
    assert [len(function.signatures) for function in compiled] == before
