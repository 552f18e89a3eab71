"""What is trained on and how it weighs: nobody outvotes everybody, and a flood teaches no more than what it floods."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from features.alert import Alert
from features.label import Label, Provenance
from tests.conftest import build_alert, build_label
from tests.training.datasets import ATTACK, BENIGN, apart, dataset_of
from training.dataset import Dataset
from training.sample import (
    FLOOD_GROUPS,
    PRINCIPAL_SHARE,
    ROWS_A_GROUP,
    SHOWN_FLOOR,
    capped,
    floods,
    shown_labels,
    thinned,
    training_weights,
)

Weighed = tuple[NDArray[np.float64], NDArray[np.int32]]


@st.composite
def weighed(draw: st.DrawFn) -> Weighed:
    """Weights, and who gave each: few or many principals, some of them loud, imports among them."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    count, voices = draw(st.integers(1, 80)), draw(st.integers(1, 12))
    principal = rng.integers(-1 if draw(st.booleans()) else 0, voices, count).astype(np.int32)
    return rng.exponential(1.0, count) * 10.0 ** rng.uniform(-2.0, 2.0, voices + 1)[principal], principal


def _limit(principal: NDArray[np.int32]) -> float:
    return max(PRINCIPAL_SHARE, 2.0 / max(len(set(principal[principal >= 0].tolist())), 1))


@given(weighed())
def test_no_principal_has_more_than_its_share_of_what_then_is_the_whole(given_: Weighed) -> None:
    weight, principal = given_
    found = capped(weight, principal)
    for number in set(principal[principal >= 0].tolist()):
        assert found[principal == number].sum() <= _limit(principal) * found.sum() * (1.0 + 1e-9)


@given(weighed())
def test_the_cap_takes_from_the_loudest_only_and_no_more_than_it_must(given_: Weighed) -> None:
    weight, principal = given_
    found = capped(weight, principal)
    assert (found > 0.0).all()
    assert (found <= weight * (1.0 + 1e-12)).all()
    assert found[principal < 0].tolist() == weight[principal < 0].tolist()
    for number in set(principal[principal >= 0].tolist()):
        own = principal == number
        if weight[own].sum() <= _limit(principal) * found.sum() * (1.0 - 1e-9):
            assert found[own].tolist() == weight[own].tolist()
        else:
            assert found[own].sum() == pytest.approx(_limit(principal) * found.sum())
            assert found[own] / found[own].sum() == pytest.approx(weight[own] / weight[own].sum())


@given(weighed())
def test_capping_twice_is_capping_once(given_: Weighed) -> None:
    weight, principal = given_
    once = capped(weight, principal)
    assert capped(once, principal) == pytest.approx(once)


def test_a_single_analyst_or_two_have_nobody_to_be_held_against() -> None:
    weight = np.array([5.0, 1.0, 1.0])
    for principal in ([0, 0, 0], [0, 1, 1], [0, -1, -1], [-1, -1, -1]):
        assert capped(weight, np.array(principal, np.int32)).tolist() == weight.tolist()


def test_ten_thousand_labels_of_one_account_weigh_a_quarter() -> None:
    principal = np.concatenate([np.zeros(10_000), np.arange(1, 21).repeat(3)]).astype(np.int32)
    found = capped(np.ones(len(principal)), principal)
    assert found[principal == 0].sum() == pytest.approx(20.0)
    assert found[principal > 0].sum() == 60.0


def labelled(folder: Path, alerts: list[Alert], *rows: dict[str, Any]) -> Dataset:
    """Return a data set with a verdict on each alert: benign by many unless told otherwise."""
    labels: list[Label] = []
    for i, alert in enumerate(alerts):
        told = {"verdict": BENIGN, "analyst": f"p{i}", "uid": f"l{i}", **(rows[i] if i < len(rows) else {})}
        labels.append(build_label(alert, told.pop("verdict"), **told))
    return dataset_of(folder, alerts, labels)


def weights_of(dataset: Dataset, trust: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
    return training_weights(dataset, np.arange(len(dataset)), trust)


def test_what_was_inherited_weighs_half_and_imports_as_people(tmp_path: Path) -> None:
    sources = [{"provenance": p} for p in (Provenance.INHERITED, Provenance.HUMAN, Provenance.IMPORT)]
    assert weights_of(labelled(tmp_path, apart(6), *sources)).tolist() == [0.5, 1.0, 1.0, 1.0, 1.0, 1.0]


def test_what_was_seldom_shown_weighs_more_up_to_the_floor(tmp_path: Path) -> None:
    dataset = labelled(tmp_path, apart(30), {"shown": 1.0}, {"shown": 0.5}, {"shown": SHOWN_FLOOR}, {"shown": 0.001})
    assert weights_of(dataset)[:4] == pytest.approx([1.0, 2.0, 5.0, 5.0])


def test_trust_scales_what_a_label_weighs(tmp_path: Path) -> None:
    dataset = labelled(tmp_path, apart(6))
    assert weights_of(dataset, np.array([1.0, 0.05, 1.0, 1.0, 1.0, 1.0])) == pytest.approx([1.0, 0.05, 1.0, 1.0, 1.0, 1.0])


def test_a_group_weighs_one_however_many_alerts_it_has(tmp_path: Path) -> None:
    dataset = labelled(
        tmp_path, [*(build_alert(i, at=i) for i in range(4)), *(build_alert(4 + i, host=f"g{i}") for i in range(9))]
    )
    assert weights_of(dataset)[:5] == pytest.approx([0.25, 0.25, 0.25, 0.25, 1.0])


def test_incidents_weigh_by_the_root_of_their_groups_and_attacks_as_many_as_they_are(tmp_path: Path) -> None:
    told = [{"verdict": ATTACK, "incident_uid": "long" if i < 16 else f"short{i}"} for i in range(20)]
    found = weights_of(labelled(tmp_path, apart(30), *told))
    assert found[:16].sum() == pytest.approx(4.0 * found[16])
    assert found[:20].sum() == pytest.approx(20.0)
    assert found[20:].tolist() == [1.0] * 10


def test_one_account_has_at_most_a_quarter_of_each_class(tmp_path: Path) -> None:
    told = [{"verdict": ATTACK if i % 2 else BENIGN, "analyst": "loud" if i < 60 else f"p{i}"} for i in range(80)]
    dataset = labelled(tmp_path, apart(80), *told)
    found = weights_of(dataset)
    for target in (0, 1):
        own = dataset.target == target
        assert found[:60][own[:60]].sum() == pytest.approx(PRINCIPAL_SHARE * found[own].sum())


def test_at_most_three_of_a_group_and_verdict_are_trained_on_the_first_among_them(tmp_path: Path) -> None:
    told = [{"verdict": ATTACK if i % 2 else BENIGN} for i in range(20)]
    dataset = labelled(tmp_path, [build_alert(i, at=i) for i in range(20)], *told)
    for seed in range(5):
        kept = thinned(dataset, seed)
        assert [int(kept[dataset.target == target].sum()) for target in (0, 1)] == [ROWS_A_GROUP, ROWS_A_GROUP]
        assert kept[:2].all()


@pytest.mark.parametrize(("groups", "flood"), [(FLOOD_GROUPS, False), (FLOOD_GROUPS + 1, True)])
def test_a_rule_in_more_groups_of_an_incident_than_that_is_a_flood(tmp_path: Path, groups: int, flood: bool) -> None:
    dataset = labelled(tmp_path, apart(groups + 5), *[{"verdict": ATTACK, "incident_uid": "i"}] * groups)
    assert floods(dataset).tolist() == [flood] * groups + [False] * 5
    assert thinned(dataset, 0)[:groups].any() is np.bool_(not flood)


def test_labels_of_people_are_all_shown_imported_ones_in_part_one_a_group(tmp_path: Path) -> None:
    alerts = [build_alert(i, at=i % 2, host=f"h{i // 2}") for i in range(400)]
    people = labelled(tmp_path / "people", alerts)
    assert shown_labels(people, 0) == people.labels
    imported = labelled(tmp_path / "imports", alerts, *[{"provenance": Provenance.IMPORT}] * 300)
    shown = {label.alert_uid for _, label in shown_labels(imported, 0)}
    assert {f"a{i}" for i in range(300, 400)} <= shown
    assert 20 < len(shown) - 100 < 80
    assert all(int(uid[1:]) % 2 == 0 for uid in shown if int(uid[1:]) < 300)
