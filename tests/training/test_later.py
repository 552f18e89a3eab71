"""Challenger and champion on the later window: nobody is judged on what it has seen, and chance decides nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from features.alert import Alert
from features.default_view import DEFAULT_VIEW
from features.label import Label
from models.bundle import ModelBundle
from tests.conftest import START, build_alert, build_label
from tests.training.datasets import ATTACK, BENIGN, SMALL, bundle_that, dataset_of
from training.dataset import UNLABELLED, Dataset
from training.fit import TrainingRows
from training.gate import TOLERANCE
from training.later import LEAST_LABELS, Comparison, champion_scores, compare_later
from training.split import spans, strictly_before
from training.trust import Trust, blind_trust

COUNT = 600
STEP = 400.0
WINDOW = (START.isoformat(), build_alert(at=COUNT / 2 * STEP - 1.0).time.isoformat())
"""The champion's window: half of the alerts lie behind it."""
LUCK = np.random.default_rng(3).random(COUNT)
SEVERE = LUCK < 0.3


def story(count: int = COUNT, tenants: int = 1) -> list[Alert]:
    """Return alerts apart, of which the severe are the attacks."""
    return [
        msgspec.structs.replace(
            build_alert(i, at=i * STEP, host=f"h{i}", tenant=f"t{i % tenants}"), severity=4 if SEVERE[i] else 1
        )
        for i in range(count)
    ]


def verdicts(alerts: Sequence[Alert], attack: NDArray[np.bool_]) -> list[Label]:
    told = zip(alerts, attack[: len(alerts)].tolist(), strict=True)
    return [build_label(a, ATTACK if yes else BENIGN, uid=f"l{i}", analyst=f"p{i % 9}") for i, (a, yes) in enumerate(told)]


def compared(
    folder: Path, champion: ModelBundle, attack: NDArray[np.bool_], count: int = COUNT, tenants: int = 1
) -> list[Comparison]:
    alerts = story(count, tenants)
    rows = TrainingRows.gather(dataset_of(folder, alerts, verdicts(alerts, attack)))
    return compare_later(rows, blind_trust(rows.dataset), champion, SMALL, tolerance=TOLERANCE)


def _bundle(folder: Path, sign: float) -> ModelBundle:
    severity = DEFAULT_VIEW.index("severity")
    return bundle_that(folder / "b", lambda rows: sign * (rows[:, severity] - 2.5) > 0.0, WINDOW)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> ModelBundle:
    """A champion that calls severe alerts attacks."""
    return _bundle(tmp_path_factory.mktemp("good"), 1.0)


@pytest.fixture(scope="module")
def bad(tmp_path_factory: pytest.TempPathFactory) -> ModelBundle:
    """A champion that has it the wrong way round."""
    return _bundle(tmp_path_factory.mktemp("bad"), -1.0)


def test_a_clearly_worse_challenger_is_called_so(tmp_path: Path, good: ModelBundle) -> None:
    """It learned from early verdicts that have it the wrong way round."""
    found = compared(tmp_path, good, SEVERE ^ (np.arange(COUNT) < COUNT // 2))
    assert [c.group for c in found] == ["the later window", "tenant t0", "product edr"]
    for comparison in found:
        assert comparison.worse
        assert comparison.champion > comparison.challenger + 0.2


def test_a_clearly_worse_champion_is_no_objection(tmp_path: Path, bad: ModelBundle) -> None:
    found = compared(tmp_path, bad, SEVERE)
    assert [c.group for c in found] == ["the later window", "tenant t0", "product edr"]
    for comparison in found:
        assert not comparison.worse
        assert comparison.challenger > 0.9
        assert comparison.champion < 0.5
        assert comparison.labels == COUNT // 2


def test_two_alike_are_not_worse(tmp_path: Path, good: ModelBundle) -> None:
    for comparison in compared(tmp_path, good, SEVERE):
        assert comparison.challenger == pytest.approx(comparison.champion, abs=TOLERANCE)
        assert not comparison.worse


def test_chance_alone_makes_hardly_a_group_worse(tmp_path: Path, good: ModelBundle) -> None:
    """Verdicts by lot: either of two that know nothing is ahead somewhere."""
    lot = np.random.default_rng(8).random(COUNT) < 0.3
    found = compared(tmp_path, good, lot, tenants=12)
    by_tenant = [c for c in found if c.group.startswith("tenant")]
    assert len(by_tenant) == 12
    assert sum(c.challenger < c.champion - TOLERANCE for c in by_tenant) >= 3
    assert sum(c.worse for c in found) <= 1


def test_groups_with_too_few_labels_are_not_compared(tmp_path: Path, good: ModelBundle) -> None:
    found = compared(tmp_path, good, SEVERE, count=COUNT // 2 + LEAST_LABELS + 5, tenants=2)
    assert [c.group for c in found] == ["the later window", "product edr"]


def test_with_too_few_later_labels_nothing_is_compared(tmp_path: Path, good: ModelBundle) -> None:
    assert compared(tmp_path / "none", good, SEVERE, count=COUNT // 2) == []
    assert compared(tmp_path / "few", good, SEVERE, count=COUNT // 2 + LEAST_LABELS - 1) == []
    one_kind = np.where(np.arange(COUNT) < COUNT // 2, SEVERE, False)
    assert compared(tmp_path / "one", good, one_kind) == []


def test_doubted_labels_are_not_compared_on(tmp_path: Path, good: ModelBundle) -> None:
    alerts = story()
    rows = TrainingRows.gather(dataset_of(tmp_path, alerts, verdicts(alerts, SEVERE)))
    blind = blind_trust(rows.dataset)
    doubted = Trust(np.where(np.arange(COUNT) % 2 == 0, 0.1, blind.right), blind.calibrator, blind.false, blind.miss)
    (whole, *_) = compare_later(rows, doubted, good, SMALL, tolerance=TOLERANCE)
    assert whole.labels == COUNT // 4


def test_the_champion_speaks_only_of_what_is_asked(tmp_path: Path, good: ModelBundle) -> None:
    dataset = dataset_of(tmp_path, story(40))
    wanted = np.arange(40) % 3 == 0
    assert (np.isfinite(champion_scores(dataset, wanted, good)) == wanted).all()


def test_a_comparison_says_it_in_words() -> None:
    assert str(Comparison("tenant acme", 25, 0.5, 0.75, False)) == (
        "average precision 0.500 against the champion's 0.750 on tenant acme (25 labels)"
    )


# -- strictly before -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tangled(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Incidents that overlap, verdicts that come hours or days late, some never."""
    rng = np.random.default_rng(4)
    alerts = [build_alert(i, at=float(t), host=f"h{i}") for i, t in enumerate(rng.uniform(0.0, 1e6, 300))]
    labels = [
        build_label(
            alert, ATTACK if rng.random() < 0.4 else BENIGN, uid=f"l{i}", incident_uid=f"i{rng.integers(12)}",
            after=float(rng.exponential(1e5)), analyst="ann",
        )
        for i, alert in enumerate(alerts)
        if rng.random() < 0.8
    ]  # fmt: skip
    return dataset_of(tmp_path_factory.mktemp("tangled"), alerts, labels)


MOMENTS = st.floats(-1e5, 1.3e6).map(lambda t: START.timestamp() + t)


@given(MOMENTS, MOMENTS)
def test_nothing_is_trained_on_that_was_not_over_and_judged_before(tangled: Dataset, one: float, other: float) -> None:
    start, end = min(one, other), max(one, other)
    (fold,) = strictly_before(tangled, [start, end])
    time, given_at = tangled.block.time, tangled.label_times()
    assert (time[fold.train] < start).all()
    assert (given_at[fold.train] < start).all()
    assert (tangled.target[fold.train] != UNLABELLED).all()
    assert not (fold.train & fold.test).any()
    alone = tangled.incident < 0
    assert (fold.test[alone] == ((time >= start) & (time < end))[alone]).all()
    both = set(tangled.incident[fold.train].tolist()) & set(tangled.incident[fold.test].tolist())
    assert not both - {-1}


@given(MOMENTS)
def test_incidents_are_whole_on_the_tested_side_and_by_blocks_tested_once(tangled: Dataset, middle: float) -> None:
    last = START.timestamp() + 2e6
    first, second = strictly_before(tangled, [0.0, middle, last])
    assert (first.test ^ second.test).all()
    for incident in range(len(tangled.verdicts.incidents)):
        own = tangled.incident == incident
        assert len(set(second.test[own].tolist())) == 1
        if second.train[own].any():
            assert tangled.block.time[own].max() < middle


def test_an_incident_spans_from_its_first_alert_to_its_last(tangled: Dataset) -> None:
    begin, end = spans(tangled)
    for incident in range(len(tangled.verdicts.incidents)):
        own = tangled.incident == incident
        time = tangled.block.time[own]
        assert set(begin[own].tolist()) == {time.min()}
        assert set(end[own].tolist()) == {time.max()}
    alone = tangled.incident < 0
    assert (begin[alone] == end[alone]).all()
