"""Calibration units of a data set: each incident once, spoken for by the alert that the whole decision would hide last."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import msgspec
import numpy as np
import pytest

from features.label import Provenance
from models.certificates.certifier import RESPONSE_GRID, certify
from models.certificates.objective import Objective
from models.certificates.units import Calibration
from models.policy import Evidence
from models.rule_encoder import tenant_key
from tests.conftest import build_alert, build_label
from tests.proofs import TENTH
from tests.training.datasets import ATTACK, dataset_of
from training.certification import acts, calibrate, limits_of
from training.dataset import Dataset, load_dataset
from training.fit import OutOfFold
from training.simulator import simulate


def _clear(dataset: Dataset, **changed: np.ndarray) -> Evidence:
    n = len(dataset)
    clear = {
        "known_rule": np.ones(n, bool), "habit": np.full(n, 9.0), "missing": np.zeros(n), "severity": np.full(n, 2.0),
        "criticality": np.zeros(n), "indicator": np.zeros(n), "decoy": np.zeros(n), "outside": np.zeros(n),
    }  # fmt: skip
    return Evidence(**{**clear, **changed})


def _calibrate(dataset: Dataset, score: np.ndarray, **changed: np.ndarray) -> Calibration:
    nothing = np.zeros(len(dataset))
    oof = OutOfFold(score, _clear(dataset, **changed), nothing, nothing)
    return calibrate(dataset, oof, score, assumption="own")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """A small simulated world."""
    out = tmp_path_factory.mktemp("certification") / "world"
    simulate(2, 5, 0, out)
    return load_dataset(out / "history", "history", bytes(32), labels=True)


@pytest.fixture
def score(dataset: Dataset) -> np.ndarray:
    """A score for each alert, all different."""
    return np.random.default_rng(0).permutation(np.linspace(0.01, 0.99, len(dataset)))


def test_an_incident_is_one_unit_at_its_highest_attack(dataset: Dataset, score: np.ndarray) -> None:
    found = _calibrate(dataset, score)
    attacks = (dataset.target == 1) & (dataset.incident >= 0)
    expected = [score[attacks & (dataset.incident == i)].max() for i in np.unique(dataset.incident[attacks])]
    assert found.incidents.score == expected
    assert all(found.incidents.attack)
    assert set(found.incidents.tenant) <= {tenant_key(name) for name in dataset.tenants}


def test_an_alert_that_a_doubt_keeps_from_being_hidden_speaks_for_its_incident(dataset: Dataset, score: np.ndarray) -> None:
    found = _calibrate(dataset, score, decoy=np.ones(len(dataset)))
    assert set(found.incidents.score) == {2.0}
    assert _calibrate(dataset, score, known_rule=np.zeros(len(dataset), bool)).responses.score == []


def test_what_would_be_responded_to_counts_once_for_each_incident_entity_and_day(dataset: Dataset, score: np.ndarray) -> None:
    found = _calibrate(dataset, score).responses
    assert min(found.score) >= RESPONSE_GRID[0]
    assert sum(found.attack) <= len(np.unique(dataset.incident[dataset.incident >= 0]))
    assert 0 < len(found) - sum(found.attack) < int((dataset.target == 0).sum())


def test_what_no_fold_scored_is_no_unit(dataset: Dataset, score: np.ndarray) -> None:
    some = np.where(dataset.tenant == 0, np.nan, score)
    assert tenant_key(dataset.tenants[0]) not in _calibrate(dataset, some).incidents.tenant


def _told_by(dataset: Dataset, *analysts: str, provenance: Provenance = Provenance.HUMAN) -> Dataset:
    """Return the data set with each label as if given by one of these in turn."""
    labels = [
        (seq, msgspec.structs.replace(label, analyst=analysts[i % len(analysts)], tenant="acme", provenance=provenance))
        for i, (seq, label) in enumerate(dataset.labels)
    ]
    return replace(dataset, tenants=["acme"] * len(dataset.tenants)).relabelled(labels)


def test_what_one_account_alone_calls_attacks_proves_nothing(dataset: Dataset, score: np.ndarray) -> None:
    """Not for any objective, whatever its threshold would have been; the certificate says why."""
    lone = _told_by(dataset, "kim")
    known = _calibrate(lone, np.maximum(score, 0.9 * (lone.target == 1)))
    assert "analyst 'kim' of tenant 'acme'" in known.doubt
    sure = msgspec.structs.replace(known, doubt="")
    for text in (TENTH, "maximum minimal response @ precision >= 0.5, confidence 0.5"):
        assert any(one.granted for one in certify(sure, [Objective.parse(text)])), text
        for one in certify(known, [Objective.parse(text)]):
            assert (one.granted, one.threshold, one.bound, one.because) == (False, None, 1.0, known.doubt)
            assert "a second voice is needed; nothing is automated" in one.sentence()
    assert "nobody named" in _calibrate(_told_by(dataset, ""), score).doubt


def test_a_second_voice_or_an_import_lifts_the_doubt(dataset: Dataset, score: np.ndarray) -> None:
    assert _calibrate(_told_by(dataset, "kim", "lee"), score).doubt == ""
    assert _calibrate(_told_by(dataset, "feed", provenance=Provenance.IMPORT), score).doubt == ""
    lone = _told_by(dataset, "kim")
    number = int(np.flatnonzero(lone.target == 1)[0])
    said = lone.labels[int(lone.verdicts.label[number])][1]
    later = said.received_time + timedelta(seconds=1)
    agreed = msgspec.structs.replace(said, uid="again", analyst="lee", supersedes=said.uid, received_time=later)
    assert _calibrate(lone.relabelled([*lone.labels, (10**9, agreed)]), score).doubt == ""


def test_limits_follow_from_the_certificates(dataset: Dataset, score: np.ndarray) -> None:
    certificates = certify(_calibrate(dataset, np.maximum(score, 0.9 * (dataset.target == 1))), [Objective.parse(TENTH)])
    limits = limits_of(dataset, certificates)
    assert len(limits.suppress_below) == len(dataset)
    whole = certificates[0].threshold
    assert (limits.suppress_below <= (whole if whole is not None else -np.inf)).all()


def test_where_nobody_names_incidents_a_flood_of_one_rule_on_one_entity_is_one_unit(tmp_path: Path) -> None:
    flood = [build_alert(i, at=i * 10.0, rule="scan", host="h1") for i in range(50)]
    others = [build_alert(50 + i, at=i * 10.0, rule=f"r{i}", host="h1") for i in range(3)]
    alerts = [*flood, *others]
    told = dataset_of(tmp_path, alerts, [build_label(alert, ATTACK) for alert in alerts])
    whole = np.linspace(0.1, 0.9, len(alerts))
    assert sorted(_calibrate(told, whole).incidents.score) == sorted([whole[49], *whole[50:]])
    assert [told.verdicts.incidents[unit] for unit in acts(told)] == ["acme\x1fa0"] * 50 + [f"acme\x1fa{i}" for i in (50, 51, 52)]
    placed = replace(told, placed={(alert.tenant, alert.uid): f"i{i // 10}" for i, alert in enumerate(flood)})
    assert len(_calibrate(placed.relabelled(placed.labels), whole).incidents) == 5 + 3
