"""What a model would save: nothing where labels are missing, and no more than they prove where they are not."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import msgspec
import numpy as np
import pytest

from features.alert import Alert
from features.label import Label, Provenance
from models.certificates.bounds import units_needed, upper_bound
from models.certificates.certificate import Certificate, Status
from models.certificates.objective import Objective
from tests.conftest import build_alert, build_label
from tests.training.datasets import ATTACK, BENIGN, SMALL, apart, dataset_of
from training.assemble import Weighed
from training.assess import weigh
from training.certification import acts
from training.dataset import Dataset
from training.savings import LEAST_BENIGN, LEAST_INCIDENTS, LOOKS, ORDERS, Savings, missing_labels, ordering, savings, supported
from training.survey import Survey, survey

COUNT = 900
ASKED = Objective.parse("maximum suppression @ missed_incidents <= 0.005, confidence 0.95")
SEVERE = np.random.default_rng(4).random(COUNT) < 0.1


def story() -> tuple[list[Alert], list[Label]]:
    """Return alerts of three tenants, some of each host a day so that habit allows suppression; the severe are the attacks, a fifth
    is unlabelled."""
    alerts = [
        msgspec.structs.replace(
            build_alert(i, at=i * 400.0, host=f"h{i % 60}", tenant=f"t{i % 3}", rule=f"r{i % 2}"), severity=4 if SEVERE[i] else 1
        )
        for i in range(COUNT)
    ]
    labels = [
        build_label(a, ATTACK if severe else BENIGN, uid=f"l{i}", provenance=Provenance.IMPORT)
        for i, (a, severe) in enumerate(zip(alerts, SEVERE.tolist(), strict=True))
        if i % 5
    ]
    return alerts, labels


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Survey:
    return survey(dataset_of(tmp_path_factory.mktemp("savings"), *story()))


@pytest.fixture(scope="module")
def weighed(found: Survey) -> Weighed:
    return weigh(found.dataset, SMALL)


@pytest.fixture(scope="module")
def saved(found: Survey, weighed: Weighed) -> Savings:
    return savings(found, weighed, ASKED)


def labelled(folder: Path, attacks: int, benign: int, tenants: int = 1) -> Dataset:
    alerts = [build_alert(i, at=i * 400.0, host=f"h{i}", tenant=f"t{i % tenants}") for i in range(attacks + benign)]
    marks = np.random.default_rng(0).permutation(attacks + benign) < attacks
    return dataset_of(
        folder, alerts, [build_label(a, ATTACK if m else BENIGN, uid=a.uid) for a, m in zip(alerts, marks, strict=True)]
    )


def test_missing_labels_are_named_and_counted(tmp_path: Path) -> None:
    none = missing_labels(dataset_of(tmp_path / "none", apart(3)))
    assert f"{LEAST_INCIDENTS} more incidents" in none
    assert f"{LEAST_BENIGN} more benign" in none
    one_class = missing_labels(labelled(tmp_path / "benign", 0, LEAST_BENIGN))
    assert "incidents" in one_class
    assert "benign" not in one_class
    attacks = missing_labels(labelled(tmp_path / "attack", LEAST_INCIDENTS + 3, 40))
    assert f"{LEAST_BENIGN - 40} more benign" in attacks
    assert missing_labels(labelled(tmp_path / "enough", 60, 200)) == ""
    flood = [build_alert(i, at=i * 10.0, rule="scan", host="h1") for i in range(LEAST_INCIDENTS)]
    one = missing_labels(
        dataset_of(tmp_path / "flood", flood, [build_label(a, ATTACK, incident_uid="", uid=a.uid) for a in flood])
    )
    assert f"{LEAST_INCIDENTS - 1} more incidents" in one


def test_attacks_that_cannot_be_held_out_are_as_good_as_missing(tmp_path: Path) -> None:
    alerts = apart(LEAST_BENIGN + LEAST_INCIDENTS)
    last = alerts[LEAST_BENIGN:]
    labels = [build_label(a, ATTACK if a in last else BENIGN, uid=a.uid) for a in alerts]
    assert "held out" in missing_labels(dataset_of(tmp_path, alerts, labels))


def certificate(n: int) -> Certificate:
    return Certificate(
        objective="", alpha=0.01, delta=0.05, unit="incident", group="all", n=n, k=0, bound=upper_bound(n, 0, 0.05),
        status=Status.REFUSED, threshold=None, missing=1, assumption="own", window=("", ""),
    )  # fmt: skip


@pytest.mark.parametrize("n", [0, 10, 13, 14, 26, 42, 100, 298])
def test_what_so_many_incidents_prove_is_the_strictest_whole_percent(n: int) -> None:
    objective = supported(certificate(n))
    if objective is None:
        assert upper_bound(n, 0, 0.05) > 0.2
    else:
        assert Objective.parse(objective.text) == objective
        assert units_needed(objective.alpha, 0.05) <= n
        assert units_needed(objective.alpha - 0.01, 0.05) > n


def test_more_incidents_than_asked_for_leave_nothing_easier_to_prove() -> None:
    assert supported(certificate(299)) is None
    sure = supported(msgspec.structs.replace(certificate(100), delta=0.0001))
    assert sure is not None
    assert sure.text.endswith("confidence 0.9999")


def test_a_refused_objective_suppresses_nothing_and_says_what_could_be_proven(found: Survey, saved: Savings) -> None:
    asked, provable = saved.suppressions
    assert (asked.certificate.status, int(asked.suppressed.sum())) == (Status.REFUSED, 0)
    assert asked.certificate.missing > 0
    attacks = len(np.unique(acts(found.dataset)[found.dataset.target == 1]))
    assert (asked.certificate.n, provable.certificate.n) == (attacks, attacks)
    assert units_needed(provable.certificate.alpha, 0.05) <= attacks < units_needed(provable.certificate.alpha - 0.01, 0.05)
    assert provable.certificate.status is Status.GRANTED
    assert provable.measured.lost == provable.certificate.k
    assert provable.measured.benign_alerts > 0.3
    hidden = found.dataset.target[provable.suppressed]
    assert (hidden == 1).mean() < 0.02
    assert (hidden == -1).any()  # what nobody judged is scored and suppressed like any alert


def test_a_granted_objective_stands_alone(found: Survey, weighed: Weighed) -> None:
    easy = savings(found, weighed, Objective.parse("maximum suppression @ missed_incidents <= 0.1, confidence 0.95"))
    assert len(easy.suppressions) == 1
    assert easy.suppressions[0].certificate.status is Status.GRANTED


def test_ordering_by_score_finds_attacks_first_and_counts_only_the_judged(found: Survey, saved: Savings) -> None:
    told = saved.ordering
    target = found.dataset.target
    assert told.incidents == (target == 1).sum()
    assert told.positives <= told.families <= (target >= 0).sum()
    assert [one.looks for one in told.found] == list(LOOKS[: len(told.found)])
    for before, after in zip(told.found, told.found[1:], strict=False):
        assert all(a <= b for a, b in zip(before.incidents, after.incidents, strict=True))
    arrival, rule, score, covering = (ORDERS.index(name) for name in ("as they come", "by rule", "by score", "covering"))
    third = told.found[2].incidents
    assert third[score] > 2 * third[arrival]
    assert third[score] > 2 * third[rule]  # rules tell nothing here
    assert third[covering] > 2 * third[arrival]
    assert max(told.found[-1].incidents) <= told.incidents


def test_an_incident_is_doubtful_when_every_verdict_on_it_is(found: Survey, weighed: Weighed) -> None:
    target, right = found.dataset.target, weighed.trusted.right.copy()
    right[np.flatnonzero(target == 1)[:5]] = 0.1
    right[np.flatnonzero(target == 0)[:9]] = 0.1
    doubted = weighed._replace(trusted=dataclasses.replace(weighed.trusted, right=right))
    assert savings(found, doubted, ASKED).doubtful == 5


def test_where_nothing_could_be_scored_nothing_is_found(tmp_path: Path) -> None:
    bare = labelled(tmp_path, 0, 30)
    told = ordering(bare, weigh(bare, SMALL))
    assert (told.families, told.positives, told.incidents) == (0, 0, 0)
    assert [(one.looks, set(one.incidents)) for one in told.found] == [(1, {0})]
