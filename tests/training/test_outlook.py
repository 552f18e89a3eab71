"""Looking further: as far as labels allow, and nothing is fitted where they do not."""

from __future__ import annotations

from pathlib import Path

import pytest

from features.errors import SourceError
from features.label import Provenance
from models.certificates.objective import DEFAULT_OBJECTIVE, Objective
from tests.conftest import build_label
from tests.training.datasets import ATTACK, BENIGN, SECRET, SMALL, apart, dataset_of
from training.outlook import outlook, read
from training.survey import survey

AIM = Objective.parse(DEFAULT_OBJECTIVE)
HEADER = "time,name,ip,host,short"


def test_without_labels_nothing_is_fitted(tmp_path: Path) -> None:
    told: list[str] = []
    further = outlook(survey(dataset_of(tmp_path, apart(5))), AIM, SMALL, None, told.append)
    assert isinstance(further.saved, str)
    assert further.people is None
    assert told == []


def test_imports_alone_say_nothing_of_people(tmp_path: Path) -> None:
    alerts = apart(5)
    labels = [build_label(a, BENIGN, uid=a.uid, provenance=Provenance.IMPORT) for a in alerts]
    further = outlook(survey(dataset_of(tmp_path, alerts, labels)), AIM, SMALL, None)
    assert further.people is None


def test_a_few_labels_of_people_are_assessed_though_nothing_can_be_saved(tmp_path: Path) -> None:
    alerts = apart(5)
    labels = [build_label(alerts[0], ATTACK, uid="a", analyst="ann"), build_label(alerts[1], BENIGN, uid="b", analyst="ann")]
    further = outlook(survey(dataset_of(tmp_path, alerts, labels)), AIM, SMALL, None)
    assert isinstance(further.saved, str)
    assert "9 more incidents" in further.saved
    assert further.people is not None
    assert [list(row[:3]) for row in further.people.by_principal.rows] == [["acme / ann", 1, 1]]


def test_what_only_machines_said_is_listed_as_left_out(tmp_path: Path) -> None:
    alerts = apart(2)
    labels = [build_label(alerts[0], ATTACK, provenance=Provenance.AUTOMATION)]
    further = outlook(survey(dataset_of(tmp_path, alerts, labels)), AIM, SMALL, None)
    assert further.people is not None
    assert not further.people.by_principal.rows
    assert [list(row) for row in further.people.left_out.rows] == [["automation", 1]]


@pytest.mark.parametrize(("columns", "cells", "labels"), [("", "", 0), (",time_label,event_label", ",x,-", 1)])
def test_a_file_without_columns_for_labels_is_read_without(tmp_path: Path, columns: str, cells: str, labels: int) -> None:
    file = tmp_path / "net_alerts.csv"
    file.write_text(f"{HEADER}{columns}\n1642213952,a rule,10.0.0.1,mail,W-x{cells}\n")
    dataset = read(file, "ait-ads", SECRET)
    assert (len(dataset), len(dataset.labels)) == (1, labels)


def test_what_cannot_be_read_at_all_is_told_as_ever(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no such file"):
        read(tmp_path / "nowhere", "ait-ads", SECRET)
    (tmp_path / "net_alerts.csv").write_text("a,b\n1,2\n")
    with pytest.raises(SourceError, match="no column 'time'"):
        read(tmp_path / "net_alerts.csv", "ait-ads", SECRET)
