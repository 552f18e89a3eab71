"""A forest as plain arrays: what is far away is isolated soon, and no damage gets past loading."""

from __future__ import annotations

import io

import numpy as np
import pytest

from models.behaviour.forest import Forest, usual_path_length
from models.errors import BundleError


def forest() -> Forest:
    """One tree: x ≤ 10, and of those y ≤ 0."""
    return Forest(
        names=("x", "y"),
        fill=np.zeros(2),
        roots=np.array([0], np.int32),
        feature=np.array([0, 1, -1, -1, -1], np.int32),
        threshold=np.array([10.0, 0.0, 0.0, 0.0, 0.0]),
        left=np.array([1, 2, 2, 3, 4], np.int32),
        right=np.array([4, 3, 2, 3, 4], np.int32),
        length=np.array([0.0, 0.0, 5.0, 4.0, 1.0]),
        usual_length=4.0,
        depth=2,
    )


def test_a_row_ends_in_its_leaf_and_a_short_path_is_abnormal() -> None:
    x = np.array([[0.0, -1.0], [10.0, 1.0], [11.0, 0.0], [np.nan, np.nan], [np.inf, 0.0]])
    assert forest().anomaly_score(x).tolist() == [2 ** (-5 / 4), 0.5, 2 ** (-1 / 4), 2 ** (-5 / 4), 2 ** (-1 / 4)]
    assert forest().anomaly_score(np.zeros((0, 2))).shape == (0,)


def test_the_usual_path_is_that_of_the_paper() -> None:
    assert [usual_path_length(n) for n in (0, 1, 2)] == [0.0, 0.0, 1.0]
    assert usual_path_length(256) == pytest.approx(10.2448, abs=1e-3)


def test_a_forest_is_read_as_it_was_written() -> None:
    data = forest().to_bytes()
    again = Forest.from_bytes(data, "here")
    assert again.to_bytes() == data
    assert again.names == ("x", "y")


def nodes(*values: int) -> np.ndarray:
    return np.array(values, np.int32)


DAMAGE = {
    "a cycle": {"left": nodes(0, 2, 2, 3, 4)},
    "a way back": {"right": nodes(4, 0, 2, 3, 4)},
    "a child out of range": {"right": nodes(9, 3, 2, 3, 4)},
    "a negative child": {"left": nodes(-1, 2, 2, 3, 4)},
    "a leaf that leads on": {"left": nodes(1, 2, 3, 3, 4)},
    "two ways to one node": {"right": nodes(3, 3, 2, 3, 4)},
    "a feature that is not there": {"feature": nodes(2, 1, -1, -1, -1)},
    "a negative feature": {"feature": nodes(0, -2, -1, -1, -1)},
    "a root out of range": {"roots": nodes(7)},
    "no root": {"roots": nodes()},
    "no number": {"threshold": np.array([np.nan, 0, 0, 0, 0])},
    "an endless length": {"length": np.array([0, 0, np.inf, 4, 1])},
    "a negative length": {"length": np.array([0, 0, -5.0, 4, 1])},
    "parts missing": {"threshold": np.zeros(4)},
    "a feature without its median": {"fill": np.zeros(1)},
    "no usual length": {"usual_length": np.float64(0)},
    "another depth": {"depth": np.int32(2**31 - 1)},
    "other numbers": {"feature": np.array([0.0, 1.0, -1.0, -1.0, -1.0])},
    "another shape": {"feature": nodes(0, 1, -1, -1, -1)[:, np.newaxis]},
    "an object": {"names": np.array([object(), object()])},
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_refused(name: str) -> None:
    with np.load(io.BytesIO(forest().to_bytes())) as held:
        parts = {key: held[key] for key in held.files}
    file = io.BytesIO()
    np.savez(file, **{**parts, **DAMAGE[name]})
    with pytest.raises(BundleError, match="here"):
        Forest.from_bytes(file.getvalue(), "here")


def test_bytes_that_are_no_arrays_are_refused_wherever_they_are_cut_or_changed() -> None:
    data = forest().to_bytes()
    for at in range(0, len(data), 7):
        with pytest.raises(BundleError):
            Forest.from_bytes(data[:at], "here")
    for at in range(0, len(data), 11):
        changed = data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :]
        try:
            read = Forest.from_bytes(changed, "here")
        except BundleError:
            continue
        assert np.isfinite(read.anomaly_score(np.zeros((1, 2)))).all()


def test_every_row_goes_the_way_of_the_tree() -> None:
    rng, one = np.random.default_rng(3), forest()
    x = rng.normal(4.0, 6.0, (300, 2))
    x[rng.random(x.shape) < 0.1] = np.nan
    known = np.where(np.isnan(x), one.fill, x).astype(np.float32)
    lengths = np.where(known[:, 0] > 10.0, 1.0, np.where(known[:, 1] <= 0.0, 5.0, 4.0))
    assert one.anomaly_score(x).tolist() == np.exp2(-lengths / 4.0).tolist()
