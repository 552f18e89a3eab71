"""Links: what two lines have in common, by hand."""

from __future__ import annotations

import math

import pytest

from models.incidents.links import LOWEST, USUAL, WINDOW_SECONDS, Shared, Sides, logit, usual_features
from models.incidents.tokens import ACTOR, PLACE, Sort
from tests.models.incidents.pairs_by_hand import shared, sides


def _features(told: Shared, of: Sides) -> list[dict[str, float]]:
    return [dict(zip(USUAL, row, strict=True)) for row in usual_features(told, of).tolist()]


def test_features_by_hand() -> None:
    told = shared(
        (0, Sort.NODE, 9, 600.0, PLACE, PLACE | ACTOR),
        (0, Sort.USER, 1, 600.0, ACTOR, ACTOR),
        (1, Sort.NODE, 3, 86_400.0, 0, 0),
    )
    first, second = _features(told, sides((1.0, 3.0), (-5.0, -3.0), tactic=(2, 7)))
    node, user = (-math.log((lines + 1) * 660.0 / WINDOW_SECONDS) for lines in (9, 1))
    assert first == pytest.approx({
        "rarity": user, "node": 1, "user": 1, "outside": 0, "node_rarity": node, "user_rarity": user, "outside_rarity": 0,
        "more": 1, "moved": 1, "minutes": math.log(11), "long": 0, "hour": 1, "forward": 1, "backward": 0, "same_rule": 0,
        "other_product": 0, "early": 1, "late": 3, "highest": 3, "lowest": 1, "suspect": 4.5, "likely": 3, "sure": 1,
    })  # fmt: skip
    address = -math.log(4 * 86_460.0 / WINDOW_SECONDS)
    assert second == pytest.approx({
        "rarity": address, "node": 0, "user": 0, "outside": 1, "node_rarity": 0, "user_rarity": 0, "outside_rarity": address,
        "more": 0, "moved": 0, "minutes": math.log(1441), "long": math.log(1441) - 6, "hour": 0, "forward": 1, "backward": 0,
        "same_rule": 0, "other_product": 0, "early": -5, "late": -3, "highest": -3, "lowest": -5, "suspect": 0, "likely": 0,
        "sure": 0,
    })  # fmt: skip


def test_a_tactic_that_is_not_known_is_neither_forward_nor_backward() -> None:
    told = shared((0, Sort.NODE, 1, 0.0, PLACE, PLACE))
    for tactic, expected in (((-1, 7), (0, 0)), ((7, 2), (0, 1)), ((2, 2), (0, 0))):
        (row,) = _features(told, sides((0.0, 0.0), tactic=tactic))
        assert (row["forward"], row["backward"]) == expected


def test_log_odds_are_kept_within_bounds() -> None:
    assert (logit(0.0), logit(-1.0), logit(0.5), logit(1.0)) == (LOWEST, LOWEST, 0.0, pytest.approx(-LOWEST))
