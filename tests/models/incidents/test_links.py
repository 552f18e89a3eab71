"""Links: features by hand, and chances that rise with what speaks for a link."""

from __future__ import annotations

import math

import numpy as np
import pytest

from models.incidents.links import DEFAULT, FEATURES, LOWEST, WINDOW_SECONDS, LinkModel, Shared, Sides, link_features, logit
from models.incidents.tokens import ACTOR, PLACE, Sort


def _sides(*margin: tuple[float, float], tactic: tuple[int, int] = (-1, -1)) -> Sides:
    n = len(margin)
    return Sides(np.array(margin), np.array([tactic] * n), np.array([[1, 2]] * n), np.array([[5, 5]] * n))


def _shared(*rows: tuple[int, int, float, float, int, int]) -> Shared:
    pair, sort, lines, apart, early, late = (np.array(column) for column in zip(*rows, strict=True))
    return Shared(pair, sort, lines.astype(float), apart.astype(float), np.stack([early, late], axis=1))


def _features(shared: Shared, sides: Sides) -> list[dict[str, float]]:
    return [dict(zip(FEATURES, row, strict=True)) for row in link_features(shared, sides).tolist()]


def test_features_by_hand() -> None:
    shared = _shared(
        (0, Sort.NODE, 9, 600.0, PLACE, PLACE | ACTOR),
        (0, Sort.USER, 1, 600.0, ACTOR, ACTOR),
        (1, Sort.NODE, 3, 86_400.0, 0, 0),
    )
    first, second = _features(shared, _sides((1.0, 3.0), (-5.0, -3.0), tactic=(2, 7)))
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
    shared = _shared((0, Sort.NODE, 1, 0.0, PLACE, PLACE))
    for tactic, expected in (((-1, 7), (0, 0)), ((7, 2), (0, 1)), ((2, 2), (0, 0))):
        (row,) = _features(shared, _sides((0.0, 0.0), tactic=tactic))
        assert (row["forward"], row["backward"]) == expected


@pytest.mark.parametrize("apart", [0.0, 3_600.0, 86_400.0])
def test_by_default_a_higher_score_makes_a_link_likelier_until_it_is_sure(apart: float) -> None:
    margins = np.linspace(LOWEST, 2.0, 41).tolist()
    shared = _shared(*((n, Sort.NODE, 5, apart, PLACE, PLACE) for n in range(len(margins))))
    for other in (LOWEST, -2.0, 1.0, 5.0):
        for sides in ([(margin, other) for margin in margins], [(other, margin) for margin in margins]):
            chances = DEFAULT.probability(link_features(shared, _sides(*sides)))
            assert np.all(np.diff(chances) > 0.0)


def test_by_default_the_rarer_and_the_nearer_are_likelier() -> None:
    lines = _shared(*((n, Sort.NODE, count, 1_200.0, PLACE, PLACE) for n, count in enumerate((1, 5, 50, 250))))
    near = _shared(*((n, Sort.NODE, 5, apart, PLACE, PLACE) for n, apart in enumerate((0, 600, 7_200, 86_400, 600_000))))
    for shared in (lines, near):
        n = int(shared.pair.max()) + 1
        assert np.all(np.diff(DEFAULT.probability(link_features(shared, _sides(*[(0.0, 0.0)] * n)))) < 0.0)


def test_a_chance_does_not_depend_on_what_is_asked_beside() -> None:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(300, len(FEATURES)))
    model = LinkModel(0.1, tuple(rng.normal(size=len(FEATURES)).tolist()))
    whole = model.probability(features)
    assert whole.tolist() == [model.probability(features[i : i + 1])[0] for i in range(300)]


def test_log_odds_are_kept_within_bounds() -> None:
    assert (logit(0.0), logit(-1.0), logit(0.5), logit(1.0)) == (LOWEST, LOWEST, 0.0, pytest.approx(-LOWEST))
