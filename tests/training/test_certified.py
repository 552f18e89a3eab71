"""Certificates held against the tenant left out: nothing of it, or of a unit's own tenant, is in what scores the unit."""

from __future__ import annotations

import numpy as np
import pytest

from models.certificates.objective import DEFAULT_OBJECTIVE, Objective
from models.policy import Guardrails
from tests.proofs import TENTH
from tests.training.datasets import SECRET, SMALL
from training.certification import CEILING
from training.certified import CURVE, LeftOut, Nested, apply, known_beside, nested
from training.certified_report import certified_tables
from training.dataset import Dataset, load_dataset
from training.fit import TrainingRows
from training.simulator import simulate

HALF = Objective.parse("maximum suppression @ missed_incidents <= 0.5, confidence 0.9")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    folder = tmp_path_factory.mktemp("world")
    simulate(3, 7, 5, folder / "simulated")
    return load_dataset(folder / "simulated" / "history", "history", SECRET, labels=True)


@pytest.fixture(scope="module")
def scores(dataset: Dataset) -> Nested:
    return nested(TrainingRows.gather(dataset), np.ones(len(dataset), bool), SMALL)


@pytest.fixture(scope="module")
def found(scores: Nested) -> list[LeftOut]:
    return apply(scores, HALF, Guardrails())


def test_every_alert_is_scored_for_every_tenant_left_out_by_another_model(dataset: Dataset, scores: Nested) -> None:
    assert sorted(scores.scored) == [0, 1, 2]
    assert all(oof.scored.all() for oof in scores.scored.values())
    assert len({oof.raw.tobytes() for oof in scores.scored.values()}) == 3
    own = scores.own()
    for tenant, oof in scores.scored.items():
        mine = dataset.tenant == tenant
        assert np.array_equal(own.raw[mine], oof.raw[mine])
        assert np.array_equal(own.evidence.outside[mine], oof.evidence.outside[mine])


def test_what_is_known_of_the_others_holds_no_alert_of_the_one_left_out(dataset: Dataset, scores: Nested) -> None:
    beside = dataset.rule == 0
    others = scores.others(1, beside)
    assert not others.oof.scored[(dataset.tenant == 1) | beside].any()
    assert others.oof.scored[(dataset.tenant != 1) & ~beside].all()
    certificates = others.certify(dataset, HALF, Guardrails())
    assert certificates[0].assumption == "transferred"
    calibrator, limit = known_beside(scores, HALF, Guardrails())(1, beside)
    assert calibrator == others.calibrator
    assert limit.max() == (certificates[0].threshold if certificates[0].granted else -np.inf)


def test_a_certificate_is_applied_to_the_tenant_left_out(dataset: Dataset, found: list[LeftOut]) -> None:
    assert [one.tenant for one in found] == dataset.tenants
    for one in found:
        threshold = one.certificates[0].threshold
        assert threshold is not None
        assert threshold <= CEILING
        assert one.curve[-1].benign_alerts > 0.0
        assert one.hidden.benign_alerts <= one.curve[-1].benign_alerts
        assert len(one.curve) == len(CURVE)
        assert all(
            a.benign_alerts <= b.benign_alerts and a.lost <= b.lost for a, b in zip(one.curve, one.curve[1:], strict=False)
        )


def test_what_cannot_be_proven_is_refused_and_nothing_is_suppressed(scores: Nested) -> None:
    refused = apply(scores, Objective.parse(DEFAULT_OBJECTIVE), Guardrails())
    for one in refused:
        assert not one.certificates[0].granted
        assert one.certificates[0].n + one.certificates[0].missing >= 299
        assert one.hidden.benign_alerts == one.hidden.attack_alerts == one.hidden.lost == 0


def test_the_tables_name_what_is_missing(scores: Nested, found: list[LeftOut]) -> None:
    refused = apply(scores, Objective.parse(DEFAULT_OBJECTIVE), Guardrails())
    by_tenant, refusal, curve = certified_tables(found, refused)
    assert len(by_tenant.rows) == 2 * (len(found) + 1)
    assert all("more incidents that are not missed" in str(row[-1]) for row in refusal.rows)
    assert len(curve.rows) == len(CURVE)
    assert TENTH not in by_tenant.note
