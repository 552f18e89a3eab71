"""Reasons: a few sentences, strongest first."""

from __future__ import annotations

import numpy as np
import pytest

from features.default_view import DEFAULT_VIEW
from features.kernel import NEVER_SECONDS
from models.reasons import MOST, sentences


def _one(name: str, value: float, contribution: float = 0.5) -> str:
    row, shares = np.zeros(len(DEFAULT_VIEW.features)), np.zeros(len(DEFAULT_VIEW.features))
    row[DEFAULT_VIEW.index(name)], shares[DEFAULT_VIEW.index(name)] = value, contribution
    (reason,) = sentences(DEFAULT_VIEW, row, shares)
    return reason.text


def test_the_strongest_come_first_and_the_weak_not_at_all() -> None:
    shares = np.zeros(len(DEFAULT_VIEW.features))
    shares[:8] = [0.01, 0.1, -0.9, 0.2, 2.0, -0.3, 0.4, 0.04]
    found = sentences(DEFAULT_VIEW, np.ones(len(shares)), shares)
    assert [reason.contribution for reason in found] == [2.0, -0.9, 0.4, -0.3, 0.2]
    assert len(found) == MOST
    assert [reason.feature for reason in found] == [DEFAULT_VIEW.names[i] for i in (4, 2, 6, 5, 3)]


def test_without_contributions_there_is_nothing_to_say() -> None:
    zeros = np.zeros(len(DEFAULT_VIEW.features))
    assert sentences(DEFAULT_VIEW, zeros, zeros) == ()


@pytest.mark.parametrize(
    ("contribution", "words"),
    [
        (0.5, "speaks for an attack"),
        (-0.5, "speaks against an attack"),
        (1.0, "speaks strongly for"),
        (-3.0, "speaks strongly against"),
    ],
)
def test_the_direction_is_said(contribution: float, words: str) -> None:
    assert words in _one("entity_1d", 3.0, contribution)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("entity_gap", NEVER_SECONDS, "never before"),
        ("entity_gap", 86400.0 * 2.5, "2.5 days ago"),
        ("entity_gap", 5400.0, "1.5 hours ago"),
        ("entity_gap", 90.0, "1.5 minutes ago"),
        ("entity_gap", 12.0, "12 seconds ago"),
        ("entity_of_tenant_1d", 0.25, "25%"),
        ("entity_of_tenant_1d", 45.9, ": 100%"),
        ("entity_1d", 1234.5, "1.23e+03"),
        ("entity_1d", float("nan"), "not known"),
    ],
)
def test_values_are_in_an_analysts_words(name: str, value: float, words: str) -> None:
    assert words in _one(name, value)


def test_an_unknown_value_is_null_not_nan() -> None:
    row, shares = np.full(len(DEFAULT_VIEW.features), np.nan), np.ones(len(DEFAULT_VIEW.features))
    assert {reason.value for reason in sentences(DEFAULT_VIEW, row, shares)} == {None}
