"""The link model: chances that rise with what speaks for a link, and do not depend on what is asked beside."""

from __future__ import annotations

import numpy as np
import pytest

from models.incidents.link_model import ASKED_FROM, DEFAULT, FEATURES, LinkModel, among, default_margin, link_features
from models.incidents.links import LOWEST, usual_features
from models.incidents.patterns import evidence, pattern
from models.incidents.tokens import ACTOR, PLACE, Sort
from tests.models.incidents.pairs_by_hand import shared, sides


@pytest.mark.parametrize("apart", [0.0, 3_600.0, 86_400.0])
def test_by_default_a_higher_score_makes_a_link_likelier_until_it_is_sure(apart: float) -> None:
    margins = np.linspace(LOWEST, 2.0, 41).tolist()
    told = shared(*((n, Sort.NODE, 5, apart, PLACE, PLACE) for n in range(len(margins))))
    for other in (LOWEST, -2.0, 1.0, 5.0):
        for pairs in ([(margin, other) for margin in margins], [(other, margin) for margin in margins]):
            chances = DEFAULT.probability(link_features(told, sides(*pairs)))
            assert chances[-1] > chances[0]
            assert np.diff(chances).min() > -0.01  # where the trees begin to be asked


def test_by_default_the_rarer_and_the_nearer_are_likelier() -> None:
    lines = shared(*((n, Sort.NODE, count, 1_200.0, PLACE, PLACE) for n, count in enumerate((1, 5, 50, 250))))
    near = shared(*((n, Sort.NODE, 5, apart, PLACE, PLACE) for n, apart in enumerate((0, 600, 7_200, 86_400, 600_000))))
    for told in (lines, near):
        n = int(told.pair.max()) + 1
        chances = DEFAULT.probability(link_features(told, sides(*[(0.0, 0.0)] * n)))
        assert chances[-1] < chances[0] / 2.0
        assert np.diff(chances).max() < 0.1


def test_a_chance_does_not_depend_on_what_is_asked_beside() -> None:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(300, len(FEATURES)))
    model = LinkModel(0.1, tuple(rng.normal(size=len(FEATURES)).tolist()))
    whole = model.probability(features)
    assert whole.tolist() == [model.probability(features[i : i + 1])[0] for i in range(300)]


def _three() -> tuple[object, object]:
    told = shared(
        (0, Sort.NODE, 9, 600.0, PLACE, PLACE | ACTOR),
        (1, Sort.NODE, 200, 86_400.0, PLACE, PLACE),
        (2, Sort.USER, 2, 60.0, ACTOR, ACTOR),
        (2, Sort.OUTSIDE, 1, 60.0, 0, ACTOR),
    )
    return told, sides((1.0, 3.0), (LOWEST, LOWEST), (0.0, -2.0))


def test_the_pattern_is_asked_for_only_where_the_default_says_a_word() -> None:
    told, of = _three()
    usual = usual_features(told, of)
    asked = default_margin(usual) >= ASKED_FROM
    assert asked.tolist() == [True, False, True]
    features = link_features(told, of)
    assert np.array_equal(features[:, :-1], usual)
    assert features[~asked, -1].tolist() == [0.0]
    assert features[asked, -1].tolist() == pattern(evidence(*among(asked, told, of), usual[asked])).tolist()
    assert FEATURES[-1] == "pattern"


def test_of_some_pairs_the_rest_is_left_out() -> None:
    told, of = _three()
    fewer, others = among(np.array([False, True, True]), told, of)
    assert fewer.pair.tolist() == [0, 1, 1]
    assert fewer.lines.tolist() == [200.0, 2.0, 1.0]
    assert others.margin.tolist() == [[LOWEST, LOWEST], [0.0, -2.0]]
    assert others.tactic.shape == (2, 2)


def test_weights_of_other_features_are_refused() -> None:
    with pytest.raises(ValueError, match="weights for"):
        LinkModel(0.0, (1.0,))
