"""How far labels are trusted: mistakes are found where the margins tell, and nobody is doubted without cause."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from features.alert import Alert, Rule
from features.label import Label, Provenance
from models.calibration import Calibrator
from tests.conftest import build_alert, build_label
from tests.training.datasets import ATTACK, BENIGN, apart, by_many, dataset_of
from training.dataset import Dataset
from training.sample import weights
from training.trust import LISTED, VERDICT_ERROR, Trust, blind_trust, second_looks, trust, verdict_errors

COUNT = 2000
RNG = np.random.default_rng(5)
TRUTH = RNG.random(COUNT) < 0.1
RAW = np.where(TRUTH, 3.0, -3.0) + RNG.normal(0.0, 1.0, COUNT)
LUCK = RNG.random(COUNT)
EVERY = np.arange(COUNT)
HOSTILE = "=cmd|' /C calc'!A0<script>alert(1)</script>[/]"


@pytest.fixture(scope="module")
def alerts() -> list[Alert]:
    some = apart(COUNT)
    return [*some[:-1], msgspec.structs.replace(some[-1], rule=Rule("hostile", HOSTILE))]


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory, alerts: list[Alert]) -> Dataset:
    """Alerts that nobody has judged."""
    return dataset_of(tmp_path_factory.mktemp("plain"), alerts)


def said(plain: Dataset, alerts: list[Alert], attack: NDArray[np.bool_], voices: int = 10, **fields: object) -> Dataset:
    labels = by_many(alerts, attack, voices)
    return plain.relabelled([(seq, msgspec.structs.replace(label, **fields)) for seq, label in labels])


@pytest.fixture(scope="module")
def careless(plain: Dataset, alerts: list[Alert]) -> Dataset:
    """What people who are wrong in one verdict of six say of them."""
    return said(plain, alerts, TRUTH ^ (LUCK < VERDICT_ERROR))


def test_imports_are_never_doubted_and_calibrate_as_they_stand(plain: Dataset, alerts: list[Alert]) -> None:
    imported = said(plain, alerts, TRUTH ^ (LUCK < VERDICT_ERROR), provenance=Provenance.IMPORT)
    found = trust(imported, RAW)
    assert (found.right == 1.0).all()
    assert (found.weight == 1.0).all()
    assert not found.doubted.any()
    assert found.calibrator == Calibrator.fit(RAW, imported.target, weights(imported, EVERY))


def test_most_mistakes_are_doubted_and_few_right_verdicts(careless: Dataset) -> None:
    found, wrong = trust(careless, RAW), LUCK < VERDICT_ERROR
    assert found.doubted[wrong].mean() > 0.9
    assert found.doubted[~wrong].mean() < 0.03
    assert (found.weight[found.doubted] <= 0.05).all()


def test_the_calibrator_tells_true_attacks_although_it_was_fitted_on_mistakes(careless: Dataset) -> None:
    clean = Calibrator.fit(RAW, TRUTH.astype(np.int8), np.ones(COUNT))
    found, naive = trust(careless, RAW).calibrator, Calibrator.fit(RAW, careless.target, np.ones(COUNT))
    off, naively_off = (np.abs(calibrator(RAW) - clean(RAW)).mean() for calibrator in (found, naive))
    assert off < 0.02 < naively_off


def test_margins_that_tell_nothing_raise_no_doubt_about_a_verdict_benign(careless: Dataset) -> None:
    found = trust(careless, np.zeros(COUNT))
    assert not found.doubted[careless.target == 0].any()


def test_without_a_score_a_label_is_trusted_as_people_are(careless: Dataset) -> None:
    half = np.where(EVERY < COUNT // 2, RAW, np.nan)
    found = trust(careless, half)
    unseen = EVERY[COUNT // 2 :]
    assert found.right[unseen] == pytest.approx(
        blind_trust(careless, verdict_errors(careless, half, EVERY[: COUNT // 2])).right[unseen]
    )
    assert found.right[unseen] == pytest.approx(1.0 - VERDICT_ERROR, abs=0.1)
    assert trust(careless, np.full(COUNT, np.nan)).right == pytest.approx(1.0 - VERDICT_ERROR)


@pytest.mark.parametrize("rate", [0.05, 0.1, 0.17, 0.3])
def test_verdict_errors_are_about_the_true_rate(plain: Dataset, alerts: list[Alert], rate: float) -> None:
    found = verdict_errors(said(plain, alerts, TRUTH ^ (rate > LUCK), voices=1), RAW, EVERY)
    assert found.false == pytest.approx([rate], abs=0.035)
    assert found.miss == found.false


def test_each_person_has_an_error_of_their_own(plain: Dataset, alerts: list[Alert]) -> None:
    """Every other verdict is by somebody careful, the rest by somebody who is wrong in three of ten."""
    found = verdict_errors(said(plain, alerts, TRUTH ^ ((LUCK < 0.3) & (EVERY % 2 == 1)), voices=2), RAW, EVERY)
    assert found.false == pytest.approx([0.015, 0.29], abs=0.04)


def test_who_calls_everything_benign_is_not_thought_infallible(plain: Dataset, alerts: list[Alert]) -> None:
    lazy = said(plain, alerts, (TRUTH ^ (LUCK < VERDICT_ERROR)) & (EVERY % 10 != 0))
    found = verdict_errors(lazy, RAW, EVERY)
    assert found.false[0] < 0.08
    assert found.miss == pytest.approx(np.maximum(found.false, found.false.mean()))
    assert trust(lazy, RAW).doubted[TRUTH & (EVERY % 10 == 0)].mean() > 0.5


def test_one_sided_or_few_verdicts_beside_imports_are_weighed_by_what_imports_teach(plain: Dataset, alerts: list[Alert]) -> None:
    """An account that calls a few true attacks benign is not believed because nobody else has spoken yet."""
    labels = [(n, msgspec.structs.replace(label, provenance=Provenance.IMPORT)) for n, label in by_many(alerts, TRUTH)]
    lies = np.flatnonzero(TRUTH)[:12]
    for row in [*lies.tolist(), *np.flatnonzero(~TRUTH)[:40].tolist()]:
        labels[row] = (row, build_label(alerts[row], BENIGN, analyst="mallory"))
    assert trust(plain.relabelled(labels), RAW).doubted[lies].mean() > 0.6


def test_however_much_is_closed_at_once_it_is_one_judgement(plain: Dataset, alerts: list[Alert]) -> None:
    """A thousand benign alerts in one request, with an attack among them, make nobody else's verdicts doubted."""
    labels = by_many(alerts, TRUTH ^ (LUCK < 0.05))
    bulk = [*np.flatnonzero(~TRUTH)[:1000].tolist(), int(np.argmax(np.where(TRUTH, RAW, -9.0)))]
    moment = labels[0][1].time
    at_once = dict(labels)
    for row in bulk:
        at_once[row] = msgspec.structs.replace(
            at_once[row], verdict=BENIGN, analyst="mallory", time=moment, received_time=moment, incident_uid=""
        )
    others = TRUTH & ~np.isin(EVERY, bulk) & (LUCK >= 0.05)
    before, after = (trust(plain.relabelled(given), RAW) for given in (labels, list(at_once.items())))
    assert after.doubted[others].mean() <= before.doubted[others].mean() + 0.05
    assert after.right[bulk[-1]] < 0.5


def test_what_surrounds_a_verdict_tells_whether_it_is_a_mistake(tmp_path: Path) -> None:
    """Verdicts "attack" with the same margins: those with company on the host are kept, those that stand alone are doubted."""
    rng = np.random.default_rng(3)
    alerts, labels, raw, kind = [], [], [], []
    for case in range(500):
        attack, company = case < 60, case < 60
        for part in range(4 if company else 1):
            number = len(alerts)
            alerts.append(build_alert(number, at=case * 90_000.0 + part * 1200.0, host=f"h{case}", rule=f"r{part}"))
            said = ATTACK if attack or rng.random() < 0.15 else BENIGN
            labels.append(build_label(alerts[-1], said, uid=f"l{number}", analyst=f"p{number % 7}"))
            raw.append(rng.normal())
            kind.append(company)
    found = trust(dataset_of(tmp_path, alerts, labels), np.array(raw))
    said_attack = np.array([label.verdict is ATTACK for label in labels])
    assert found.doubted[said_attack & ~np.array(kind)].mean() > 0.9
    assert found.doubted[said_attack & np.array(kind)].mean() < 0.1


def test_imports_do_not_err_and_nobody_is_nobody(plain: Dataset, alerts: list[Alert]) -> None:
    imported = said(plain, alerts, TRUTH, provenance=Provenance.IMPORT)
    assert [len(rates) for rates in verdict_errors(imported, RAW, EVERY)] == [0, 0]


def test_before_there_is_data_people_err_as_was_measured_and_imports_do_not(careless: Dataset) -> None:
    assert verdict_errors(careless, RAW, EVERY[:2]).false == pytest.approx(VERDICT_ERROR, abs=0.02)
    assert blind_trust(careless).right == pytest.approx(1.0 - VERDICT_ERROR)
    imported = careless.relabelled(
        [(seq, msgspec.structs.replace(label, provenance=Provenance.IMPORT)) for seq, label in careless.labels]
    )
    assert (blind_trust(imported).right == 1.0).all()


def _trust(right: NDArray[np.float64], error: float = 0.17) -> Trust:
    return Trust(right, Calibrator(1.0, 0.0), np.full(len(right), error), np.full(len(right), error))


@given(st.integers(0, 2**32 - 1), st.floats(0.0, 1.0))
def test_believed_leaves_out_the_doubted_and_never_empties_a_class(careless: Dataset, seed: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    right = np.where(rng.random(COUNT) < share, 0.1, 0.9)
    mask = rng.random(COUNT) < rng.choice([0.002, 0.05, 1.0])
    believed = _trust(right).believed(careless, mask)
    assert not (believed & ~mask).any()
    classes = set(careless.target[mask].tolist())
    assert set(careless.target[believed].tolist()) == classes
    assert (believed == mask).all() or not (believed & (right < 0.5)).any()


SCORES = st.lists(st.floats(0.0, 1.0), min_size=2, max_size=9).map(np.array)


@given(SCORES, st.floats(0.0, 0.35))
def test_what_is_said_lies_between_the_truth_and_the_toss_of_a_coin(score: NDArray[np.float64], error: float) -> None:
    found = _trust(score, error).said(score)
    assert (found >= error - 1e-12).all()
    assert (found <= 1.0 - error + 1e-12).all()
    assert np.abs(found - 0.5) == pytest.approx(np.abs(score - 0.5) * (1.0 - 2.0 * error))
    assert found + _trust(score, error).said(1.0 - score) == pytest.approx(1.0)
    assert (np.diff(found[np.argsort(score)]) >= -1e-12).all()


@given(SCORES)
def test_people_who_never_err_say_what_is(score: NDArray[np.float64]) -> None:
    assert _trust(score, 0.0).said(score).tolist() == score.tolist()


@given(SCORES)
def test_weight_rises_with_trust_and_is_never_nothing(right: NDArray[np.float64]) -> None:
    weight = _trust(right).weight
    assert (weight >= 0.05).all()
    assert (weight <= 1.0).all()
    assert (np.diff(weight[np.argsort(right)]) >= 0.0).all()


def test_second_looks_name_the_doubted_the_least_trusted_first(careless: Dataset) -> None:
    found = trust(careless, RAW)
    listed = second_looks(careless, found, found.calibrator(RAW))
    assert list(listed.columns) == LISTED
    assert len(listed) == found.doubted.sum()
    assert listed["right"].is_monotonic_increasing
    assert (listed["right"] < 0.5).all()
    first, label = listed.iloc[0], careless.labels[int(np.argmin(found.right))][1]
    assert (first["alert_uid"], first["label_uid"], first["analyst"]) == (label.alert_uid, label.uid, label.analyst)
    assert (first["verdict"], first["given"]) == (label.verdict.value, label.time)


def test_repeats_of_one_act_are_one_second_look(tmp_path: Path) -> None:
    some = [build_alert(i, at=i, host="h" if i < 4 else f"h{i}") for i in range(6)]
    dataset = dataset_of(tmp_path, some, [label for _, label in by_many(some, np.ones(6, bool))])
    right = np.array([0.3, 0.2, 0.4, 0.1, 0.45, 0.4])
    assert second_looks(dataset, _trust(right), right)["alert_uid"].tolist() == ["a3", "a5", "a4"]


def test_nothing_doubted_is_an_empty_list_with_its_columns(careless: Dataset) -> None:
    listed = second_looks(careless, blind_trust(careless), np.zeros(COUNT))
    assert (len(listed), list(listed.columns)) == (0, LISTED)


def test_hostile_text_stays_text(plain: Dataset, alerts: list[Alert], tmp_path: Path) -> None:
    dataset = said(plain, alerts, TRUTH, analyst=HOSTILE)
    right = np.full(COUNT, 0.9)
    right[-1] = 0.1
    listed = second_looks(dataset, _trust(right), right)
    listed.to_json(tmp_path / "l.json", orient="records", date_format="iso")
    (row,) = json.loads((tmp_path / "l.json").read_text())
    assert (row["rule"], row["analyst"], row["right"]) == (HOSTILE, HOSTILE, 0.1)


def test_what_one_person_said_at_one_moment_is_right_or_wrong_as_a_whole(plain: Dataset, alerts: list[Alert]) -> None:
    """Of an attack half the alerts look harmless: the loud half speaks for them, unless others had judged those."""
    quiet = np.flatnonzero(TRUTH)[::2]
    raw = RAW.copy()
    raw[quiet] = -3.0
    spread = by_many(alerts, TRUTH, voices=1)
    moment = spread[0][1].time
    at_once = [(n, msgspec.structs.replace(label, time=moment) if TRUTH[n] else label) for n, label in spread]
    apart_found, found = (trust(plain.relabelled(labels), raw) for labels in (spread, at_once))
    assert apart_found.doubted[quiet].all()
    assert not found.doubted[TRUTH].any()
    assert len(set(found.right[TRUTH].tolist())) == 1


# -- second looks that agree ---------------------------------------------------------------------------------------------

TWO = apart(2)


def second_look(label: Label, **fields: object) -> Label:
    told = {"uid": f"second-{label.uid}", "analyst": "lead", "supersedes": label.uid, **fields}
    return msgspec.structs.replace(label, received_time=label.received_time.replace(month=6), **told)


def _confirmed(folder: Path, *labels: Label) -> list[bool]:
    return [bool(x) for x in dataset_of(folder, TWO, labels).verdicts.confirmed]


FIRST = build_label(TWO[0], BENIGN, uid="1", analyst="ann")
AT_ODDS = build_label(TWO[0], ATTACK, uid="2", analyst="bob", after=90.0, contests="1")


def test_only_another_person_who_said_the_same_of_the_same_alert_confirms(tmp_path: Path) -> None:
    assert _confirmed(tmp_path, FIRST) == [False, False]
    assert _confirmed(tmp_path, FIRST, second_look(FIRST)) == [True, False]
    assert _confirmed(tmp_path, FIRST, second_look(FIRST, analyst="ann")) == [False, False]
    assert _confirmed(tmp_path, FIRST, second_look(FIRST, verdict=ATTACK)) == [False, False]
    other = build_label(TWO[1], BENIGN, uid="3", analyst="mallory", supersedes="1")
    assert _confirmed(tmp_path, FIRST, other) == [False, False]


@pytest.mark.parametrize("decided", [ATTACK, BENIGN])
def test_two_against_one_count_as_one_and_three_against_one_agree(tmp_path: Path, decided: object) -> None:
    third = second_look(AT_ODDS, contests="", verdict=decided)
    assert _confirmed(tmp_path / "two", FIRST, AT_ODDS, third) == [False, False]
    fourth = msgspec.structs.replace(
        third, uid="4", analyst="cy", supersedes=third.uid, received_time=third.received_time.replace(month=7)
    )
    assert _confirmed(tmp_path / "three", FIRST, AT_ODDS, third, fourth) == [True, False]


def test_who_takes_back_their_own_word_needs_more_than_one_to_agree(tmp_path: Path) -> None:
    """An account that was taken over turns over what its owner had said, and somebody once erred the same way."""
    before = build_label(TWO[0], ATTACK, uid="2", analyst="bob", supersedes="1", after=90.0)
    turned = second_look(before, analyst="bob", verdict=BENIGN)
    assert dataset_of(tmp_path / "turned", TWO, [FIRST, before, turned]).verdicts.voices.tolist() == [1, 0]
    own = second_look(FIRST, analyst="ann", verdict=ATTACK)
    assert dataset_of(tmp_path / "own", TWO, [FIRST, own]).verdicts.voices.tolist() == [1, 0]


def test_one_against_three_is_doubted_although_it_is_in_force(tmp_path: Path) -> None:
    agreed = [
        msgspec.structs.replace(FIRST, uid=str(i), verdict=ATTACK, analyst=f"p{i}", supersedes=str(i - 1)) for i in range(1, 4)
    ]
    agreed[0] = msgspec.structs.replace(agreed[0], supersedes="")
    lie = second_look(agreed[-1], analyst="mallory", verdict=BENIGN)
    dataset = dataset_of(tmp_path, TWO, [*agreed, lie])
    assert dataset.verdicts.voices.tolist() == [-2, 0]
    assert blind_trust(dataset).doubted.tolist() == [True, False]


def test_links_in_a_circle_confirm_nothing_and_end(tmp_path: Path) -> None:
    own = msgspec.structs.replace(FIRST, supersedes="1")
    one, two = (msgspec.structs.replace(FIRST, uid=uid, supersedes=other) for uid, other in (("1", "2"), ("2", "1")))
    for labels in ([own], [one, two], [own, second_look(FIRST, analyst="ann")]):
        assert _confirmed(tmp_path, *labels) == [False, False]


@pytest.mark.parametrize("provenance", [Provenance.AUTOMATION, Provenance.IMPORT])
def test_who_repeats_what_no_person_said_confirms_nothing(tmp_path: Path, provenance: Provenance) -> None:
    first = msgspec.structs.replace(FIRST, provenance=provenance)
    assert _confirmed(tmp_path, first, second_look(FIRST)) == [False, False]


def test_two_who_agree_err_only_both_at_once(tmp_path: Path) -> None:
    dataset = dataset_of(tmp_path, TWO, [FIRST, second_look(FIRST), build_label(TWO[1], BENIGN, analyst="ann")])
    both = VERDICT_ERROR**2 / (VERDICT_ERROR**2 + (1.0 - VERDICT_ERROR) ** 2)
    assert blind_trust(dataset).right == pytest.approx([1.0 - both, 1.0 - VERDICT_ERROR])
