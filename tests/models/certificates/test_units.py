"""Calibration units: one for each incident, spoken for by its highest alert; groups hold each unit once a dimension."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.certificates.groups import DIMENSIONS, parents
from models.certificates.units import Ranked, speakers
from tests.proofs import units

ROWS = st.lists(st.tuples(st.integers(-1, 6), st.sampled_from([0.0, 0.1, 0.5, 2.0])), max_size=40)


@given(ROWS)
def test_the_highest_alert_speaks_the_first_of_equals(rows: list[tuple[int, float]]) -> None:
    unit = np.array([u for u, _ in rows], np.int64)
    score = np.array([s for _, s in rows], np.float64)
    expected = [
        min((i for i in range(len(rows)) if unit[i] == u), key=lambda i: (-score[i], i))
        for u in sorted(set(unit.tolist()) - {-1})
    ]
    assert speakers(unit, score).tolist() == expected


def test_every_unit_is_in_one_group_of_each_dimension_wide_ones_first() -> None:
    ranked = Ranked(units([0.3, 0.2, 0.1], product=["a", "b", "a"], rule=["a/1", "b/1", "a/2"], kind=["x", "", "x"]))
    assert ranked.score.tolist() == [0.1, 0.2, 0.3]
    assert [ranked.kinds[k] for k in ranked.kind.tolist()] == ["x", "", "x"]
    assert ranked.score[ranked.groups["product:a"]].tolist() == [0.1, 0.3]
    assert ranked.score[ranked.groups["rule:a/1"]].tolist() == [0.3]
    for dimension in DIMENSIONS:
        assert sorted(np.concatenate([r for key, r in ranked.groups.items() if key.startswith(dimension)]).tolist()) == [0, 1, 2]
    keys = list(ranked.groups)
    assert all(keys.index(wider) < keys.index(key) for key in keys for wider in parents(key) if wider != "all")
    assert Ranked(units([])).groups == {}
