"""The view: its program, its fingerprint, and what it refuses."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from features.counters import CounterSpec, KeySpec, Op
from features.default_view import DEFAULT_VIEW
from features.errors import ViewMismatchError
from features.view import Feature, FeatureView
from tests.features.blocks import random_block, same_bits, state_of

SPEC = CounterSpec((60.0, 600.0), (KeySpec("entity", ("entity",)), KeySpec("rule", ("rule",))), DEFAULT_VIEW.spec.values)


def test_the_program_names_keys_half_lives_and_values_by_place() -> None:
    view = FeatureView(
        SPEC,
        (
            Feature(name="v", op=Op.VALUE, a="criticality"),
            Feature(name="c", op=Op.COUNT, a="rule", half_life=600.0),
            Feature(name="g", op=Op.GAP, a="rule"),
            Feature(name="r", op=Op.RATIO, a="entity", half_life=600.0, b="rule", other_half_life=60.0, scale=3.0, smooth=2.0),
        ),
    )
    program, scales = view.compiled()
    assert program.tolist() == [[0, 1, 0, 0, 0], [1, 1, 1, 0, 0], [2, 1, 0, 0, 0], [3, 0, 1, 1, 0]]
    assert scales[3].tolist() == [3.0, 2.0]


@pytest.mark.parametrize(
    "feature", [Feature(name="x", op=Op.COUNT, a="user", half_life=60.0), Feature(name="x", op=Op.COUNT, a="rule", half_life=1.0)]
)
def test_a_feature_over_an_unknown_key_or_half_life_is_refused(feature: Feature) -> None:
    with pytest.raises(ValueError, match="not in"):
        FeatureView(SPEC, (feature,)).compiled()


def test_the_fingerprint_follows_every_field() -> None:
    first = DEFAULT_VIEW.features[0]
    changed = [
        msgspec.structs.replace(first, **change)
        for change in ({"half_life": 600.0}, {"a": "rule"}, {"scale": 2.0}, {"op": Op.GAP}, {"name": "other"}, {"smooth": 3.0})
    ]
    views = [FeatureView(DEFAULT_VIEW.spec, (feature, *DEFAULT_VIEW.features[1:])) for feature in changed]
    assert len({DEFAULT_VIEW.fingerprint, *(view.fingerprint for view in views)}) == 1 + len(views)


def test_a_view_survives_json_with_its_fingerprint() -> None:
    again = msgspec.json.decode(msgspec.json.encode(DEFAULT_VIEW), type=FeatureView)
    assert again == DEFAULT_VIEW
    assert again.fingerprint == DEFAULT_VIEW.fingerprint


def test_a_view_of_fewer_features_reads_the_same_values() -> None:
    names = ["rule_1d", "severity", "entity_gap"]
    view = FeatureView(DEFAULT_VIEW.spec, tuple(feature for feature in DEFAULT_VIEW.features if feature.name in names))
    block = random_block(1, 60)
    assert view.names == [name for name in DEFAULT_VIEW.names if name in names]
    whole = DEFAULT_VIEW.read(state_of(), block)[:, [DEFAULT_VIEW.index(name) for name in view.names]]
    assert same_bits(view.read(state_of(), block), np.ascontiguousarray(whole))


def test_an_unknown_feature_is_a_view_mismatch() -> None:
    with pytest.raises(ViewMismatchError, match="no_such"):
        DEFAULT_VIEW.index("no_such")


def test_an_empty_block_gives_no_rows_and_changes_nothing() -> None:
    state = state_of()
    assert DEFAULT_VIEW.read(state, random_block(1, 0)).shape == (0, len(DEFAULT_VIEW.features))
    assert state.keys == 0
