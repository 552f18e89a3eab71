"""What people said of incidents reaches the models; what correlation made of alerts only groups what is counted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from features.alert import Alert
from features.grouping import Correction, Judgement, Placement
from features.history import HistoryWriter
from features.label import Label, Provenance
from models.incidents.link_model import DEFAULT
from models.incidents.priority import DEFAULT as DEFAULT_PRIORITY
from tests.conftest import START, build_alert, build_label
from tests.training.datasets import ATTACK, BENIGN, SECRET
from training.dataset import Dataset, load_dataset
from training.errors import DataError
from training.incident_model import learn_incidents, worth_learning
from training.links import ENOUGH_INCIDENTS
from training.split import spans

DAY = 86_400.0
CASES = ENOUGH_INCIDENTS + 5


def _story(cases: int = CASES) -> list[Alert]:
    """Return two alerts of an incident a day, minutes apart on one host, and one of the everyday, hours later."""
    return [
        build_alert(3 * day + i, at=day * DAY + at, rule=f"r{i}", host=f"h{day}")
        for day in range(cases)
        for i, at in enumerate((0.0, 300.0, 30_000.0))
    ]


def _said(alerts: list[Alert], *, named: bool) -> list[Label]:
    return [
        build_label(
            alert, BENIGN if i % 3 == 2 else ATTACK, provenance=Provenance.HUMAN, analyst="ann",
            incident_uid=f"case-{i // 3}" if named and i % 3 < 2 else "",
        )
        for i, alert in enumerate(alerts)
    ]  # fmt: skip


def _corrections(cases: int, analyst: str = "ann") -> list[Correction]:
    return [
        Correction(
            uid=f"c{day}", tenant="acme", judgement=Judgement.APART, time=START, analyst=analyst,
            parts=((f"a{3 * day}",), (f"a{3 * day + 1}",)),
        )
        for day in range(cases)
    ]  # fmt: skip


def _placements(cases: int) -> list[Placement]:
    return [Placement(tenant="acme", alert_uid=f"a{i}", incident_uid=f"found-{i // 3}") for i in range(3 * cases) if i % 3 < 2]


def _dataset(
    folder: Path, labels: list[Label], corrections: list[Correction], placements: list[Placement], without: tuple[str, ...] = ()
) -> Dataset:
    with HistoryWriter(folder / "history") as writer:
        writer.alerts(_story())
        writer.labels(labels)
        writer.corrections(corrections)
        writer.placements(placements)
    return load_dataset(folder / "history", "history", SECRET, labels=True, without_labels_of=without)


SCORE = np.tile([0.7, 0.6, 0.2], CASES)
ANOMALY = np.zeros(len(SCORE))


def test_links_are_learned_from_incidents_that_people_named(tmp_path: Path) -> None:
    dataset = _dataset(tmp_path, _said(_story(), named=True), [], [])
    links = learn_incidents(dataset, _story(), SCORE, ANOMALY).links
    assert (links.incidents, links.corrections) == (CASES, 0)
    assert dataset.verdicts.named.sum() == 2 * CASES


def test_a_machines_grouping_is_no_word_on_links(tmp_path: Path) -> None:
    """People called alerts attacks and named no incident: correlation's own opinion is not learned as if it were theirs."""
    dataset = _dataset(tmp_path, _said(_story(), named=False), [], _placements(CASES))
    assert not dataset.verdicts.named.any()
    assert worth_learning(dataset)
    assert learn_incidents(dataset, _story(), SCORE, ANOMALY).links is DEFAULT


def test_a_machines_grouping_groups_what_is_counted(tmp_path: Path) -> None:
    alone = _dataset(tmp_path / "alone", _said(_story(), named=False), [], [])
    grouped = _dataset(tmp_path / "grouped", _said(_story(), named=False), [], _placements(CASES))
    assert len(alone.verdicts.incidents) == 2 * CASES
    assert len(grouped.verdicts.incidents) == CASES
    assert grouped.incident.reshape(-1, 3)[:, :2].tolist() == [[i, i] for i in range(CASES)]
    assert (grouped.target == alone.target).all()
    first, last = spans(grouped)
    assert (last - first).reshape(-1, 3)[:, :2].tolist() == [[300.0, 300.0]] * CASES


def test_what_a_person_named_goes_before_where_correlation_holds_it(tmp_path: Path) -> None:
    dataset = _dataset(
        tmp_path, _said(_story(), named=True), [], [Placement(tenant="acme", alert_uid="a0", incident_uid="found-9")]
    )
    assert dataset.verdicts.incidents[dataset.incident[0]] == "acme\x1fcase-0"


def test_a_person_may_name_the_incident_that_correlation_found(tmp_path: Path) -> None:
    labels = [build_label(_story()[0], ATTACK, incident_uid="found-0"), build_label(_story()[1], ATTACK)]
    dataset = _dataset(tmp_path, labels, [], _placements(1))
    assert dataset.incident[0] == dataset.incident[1]
    assert dataset.verdicts.named[:2].tolist() == [True, False]


def test_corrections_alone_are_worth_learning(tmp_path: Path) -> None:
    none = _dataset(tmp_path / "none", [], [], [])
    assert not worth_learning(none)
    dataset = _dataset(tmp_path / "some", [], _corrections(CASES), [])
    assert worth_learning(dataset)
    learned = learn_incidents(dataset, _story(), SCORE, ANOMALY)
    assert learned.links.corrections == CASES
    assert learned.links != DEFAULT
    assert learned.priority is DEFAULT_PRIORITY
    assert none.digest != dataset.digest


def test_corrections_of_an_analyst_who_is_left_out_teach_nothing(tmp_path: Path) -> None:
    corrections = [*_corrections(CASES, "mallory"), *_corrections(1, "ann")]
    dataset = _dataset(tmp_path, [], corrections, [], without=("mallory",))
    assert [one.analyst for one in dataset.corrections] == ["ann"]
    with pytest.raises(DataError, match="nobody-here"):
        load_dataset(dataset.path, "history", SECRET, labels=True, without_labels_of=["nobody-here"])


def test_corrections_are_not_looked_at_where_labels_are_not(tmp_path: Path) -> None:
    path = _dataset(tmp_path, [], _corrections(2), _placements(2)).path
    dataset = load_dataset(path, "history", SECRET, labels=False)
    assert (dataset.corrections, dataset.placed) == ([], {})
