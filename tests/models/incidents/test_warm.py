"""What is compiled ahead is what the correlator calls."""

from __future__ import annotations

from models.incidents import run_kernel, warm
from models.incidents.correlator import Correlator
from models.incidents.link_model import DEFAULT
from models.incidents.postings import HUB_LINES
from tests.models.incidents.alerts_by_hand import alert, host


def test_nothing_is_compiled_later() -> None:
    warm.main()
    compiled = [run_kernel.put, run_kernel.stand, run_kernel.take, run_kernel.cut, run_kernel.pack]
    before = [len(function.signatures) for function in compiled]
    assert all(before)
    correlator = Correlator(DEFAULT)
    for n in range(2 * HUB_LINES):
        correlator.add(alert(f"a{n}", f"r{n}", host("h"), minutes=60.0 * n), 0.9)
        correlator.settle()
        correlator.forget()
    assert [len(function.signatures) for function in compiled] == before
