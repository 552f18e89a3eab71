"""Costs: the thresholds at which hiding and responding begin to pay, and files that are refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.certificates.costs import AssetCosts, Costs
from models.errors import CostsError

PRICES = st.floats(0.01, 1e6)
FILE = (
    b'{"review": 2, "default": {"miss": 100, "wrong_response": 30, "delay": 10}, '
    b'"assets": {"4": {"miss": 10000, "wrong_response": 90, "delay": 10}}}'
)


@given(review=PRICES, miss=PRICES, wrong=PRICES, delay=PRICES, score=st.floats(0.0, 1.0))
def test_the_cheaper_side_of_each_threshold_is_the_one_taken(
    review: float, miss: float, wrong: float, delay: float, score: float
) -> None:
    costs = Costs(review=review, default=AssetCosts(miss=miss, wrong_response=wrong, delay=delay))
    hide, respond = (float(limit[0]) for limit in costs.limits(np.array([np.nan])))
    if score < hide:
        assert score * miss <= review * (1.0 + 1e-9)
    if score >= respond:
        assert (1.0 - score) * wrong <= score * delay * (1.0 + 1e-9) + 1e-12


def test_each_asset_class_has_its_own_costs(tmp_path: Path) -> None:
    (tmp_path / "costs.json").write_bytes(FILE)
    costs = Costs.read(tmp_path / "costs.json")
    hide, respond = costs.limits(np.array([np.nan, 0.0, 4.0]))
    assert hide.tolist() == [0.02, 0.02, 0.0002]
    assert respond.tolist() == [0.75, 0.75, 0.9]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (FILE.replace(b"review", b"revue"), "revue"),
        (FILE.replace(b'"delay": 10}, ', b'"delay": 10, "mood": 1}, '), "mood"),
        (FILE.replace(b"100", b"-100"), "miss"),
        (FILE.replace(b'"4"', b'"5"'), "assets"),
        (b"\xff", "malformed"),
        (b"", "JSON"),
    ],
)
def test_a_bad_file_is_refused_by_name(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "costs.json"
    path.write_bytes(content)
    with pytest.raises(CostsError, match=str(path)) as refusal:
        Costs.read(path)
    assert reason.lower() in str(refusal.value).lower()


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CostsError):
        Costs.read(tmp_path / "none.json")
