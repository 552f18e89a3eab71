"""The ledger says of each label of people, once, that it was used or why it was not."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.label import Label, Provenance, Verdict
from models.ledger import LabelLedger, LeftOut, label_key
from tests.conftest import build_alert, build_label
from tests.training.datasets import ATTACK, BENIGN, apart, by_many, dataset_of
from training.dataset import UNLABELLED, Dataset
from training.ledger import keep_ledger
from training.sample import FLOOD_GROUPS, thinned
from training.trust import blind_trust

ALERTS = [build_alert(i, at=i % 5, host=f"h{i // 5}") for i in range(20)]
"""Four groups of five."""
PEOPLE = ("ann", "bob", "cy")


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Alerts that nobody has judged."""
    return dataset_of(tmp_path_factory.mktemp("plain"), ALERTS)


def kept(dataset: Dataset, doubted: tuple[int, ...] = ()) -> LabelLedger:
    """Return the ledger of a training on what a training learns from, ``doubted`` being the rows not believed."""
    right = np.full(len(dataset), 0.8)
    right[list(doubted)] = 0.1
    trusted = dataclasses.replace(blind_trust(dataset), right=right)
    learned = np.flatnonzero(thinned(dataset, 0) & trusted.believed(dataset, dataset.target != UNLABELLED))
    return keep_ledger(dataset, learned, trusted)


def told(row: int, verdict: Verdict = BENIGN, **fields: object) -> Label:
    return build_label(ALERTS[row], verdict, **{"uid": f"l{row}", "analyst": "ann", **fields})  # type: ignore[arg-type]


def find(ledger: LabelLedger, uid: str, tenant: str = "acme") -> float | LeftOut | None:
    return ledger.find(tenant, uid)


_SAID = st.tuples(
    st.integers(0, 21), st.sampled_from(Verdict), st.sampled_from(PEOPLE), st.sampled_from(Provenance), st.integers(0, 9),
    st.sampled_from(["", "supersedes", "contests"]),
)  # fmt: skip


@given(st.lists(_SAID, max_size=40), st.sets(st.integers(0, 19)), st.sets(st.sampled_from(PEOPLE), max_size=2))
def test_each_label_of_people_is_there_once(
    plain: Dataset, said: list[tuple[int, Verdict, str, Provenance, int, str]], doubted: set[int], without: set[str]
) -> None:
    labels = [
        build_label(
            ALERTS[on % 20], verdict, after=60.0 + at, uid=f"l{i}", analyst=who, provenance=source,
            alert_uid=f"a{on}", **({link: f"l{i - 1}"} if link and i else {}),
        )
        for i, (on, verdict, who, source, at, link) in enumerate(said)
    ]  # fmt: skip
    dataset = plain.relabelled(list(enumerate(labels)), without)
    ledger = kept(dataset, tuple(doubted))
    expected = {
        label_key(label.tenant, label.uid)
        for label in labels
        if label.provenance is not Provenance.IMPORT or label.analyst in without
    }
    assert not ledger.used.keys() & ledger.left_out.keys()
    assert ledger.used.keys() | ledger.left_out.keys() == expected
    excluded = {key for key, why in ledger.left_out.items() if why is LeftOut.EXCLUDED}
    assert excluded == {label_key(label.tenant, label.uid) for label in labels if label.analyst in without}
    assert all(weight > 0.0 for weight in ledger.used.values())
    if ledger.used and not any(label.provenance is Provenance.IMPORT for label in labels):
        assert np.mean(list(ledger.used.values())) == pytest.approx(1.0, abs=1e-5)


def test_mean_weight_is_one_over_all_that_is_learned_imports_among_it(plain: Dataset) -> None:
    labels = [told(row, shown=0.25, analyst=PEOPLE[row // 5]) for row in (0, 5, 10)]
    labels += [told(15, ATTACK, provenance=Provenance.IMPORT)]
    ledger = kept(plain.relabelled(list(enumerate(labels))))
    assert len(ledger.used) == 3
    assert list(ledger.used.values()) == pytest.approx([2.4 / (8.2 / 4.0)] * 3, abs=1e-5)


def test_imports_are_not_listed(plain: Dataset) -> None:
    labels = [told(0, provenance=Provenance.IMPORT), told(5, ATTACK)]
    ledger = kept(plain.relabelled(list(enumerate(labels))))
    assert find(ledger, "l0") is None
    assert isinstance(find(ledger, "l5"), float)


def test_each_reason_is_told(plain: Dataset) -> None:
    labels = [
        *(told(row) for row in range(5)),
        told(5, ATTACK), told(5, after=90.0, uid="second", supersedes="l5"),
        told(10), told(10, ATTACK, after=90.0, uid="contest", analyst="bob", contests="l10"),
        told(15, ATTACK), told(15, Verdict.UNDETERMINED, after=90.0, uid="back", supersedes="l15"),
        told(16, provenance=Provenance.AUTOMATION), told(17, ATTACK), told(18, ATTACK), told(19, alert_uid="gone"),
    ]  # fmt: skip
    ledger = kept(plain.relabelled(list(enumerate(labels))), doubted=(18,))
    reasons = {uid: find(ledger, uid) for uid in ("l5", "l10", "contest", "l15", "back", "l16", "l18", "l19")}
    assert reasons == {
        "l5": LeftOut.SUPERSEDED, "l10": LeftOut.CONTESTED, "contest": LeftOut.CONTESTED, "l15": LeftOut.TAKEN_BACK,
        "back": LeftOut.TAKEN_BACK, "l16": LeftOut.AUTOMATION, "l18": LeftOut.LIKELY_WRONG, "l19": LeftOut.UNKNOWN_ALERT,
    }  # fmt: skip
    assert [find(ledger, f"l{row}") for row in range(5)].count(LeftOut.REPEAT) == 2
    assert isinstance(find(ledger, "second"), float)


def test_what_one_analyst_said_can_be_excluded_and_what_it_superseded_is_used(plain: Dataset) -> None:
    labels = [told(0, analyst="bob"), told(0, ATTACK, uid="eve's", after=90.0, analyst="eve", supersedes="l0"), told(5, ATTACK)]
    ledger = kept(plain.relabelled(list(enumerate(labels)), ["eve"]))
    assert find(ledger, "eve's") is LeftOut.EXCLUDED
    assert isinstance(find(ledger, "l0"), float)


def test_a_doubted_label_that_had_to_be_learned_from_is_used(plain: Dataset) -> None:
    """Without it one class would have been empty."""
    labels = [told(0), told(5, ATTACK, analyst="bob"), told(10, analyst="cy")]
    ledger = kept(plain.relabelled(list(enumerate(labels))), doubted=(5,))
    assert isinstance(find(ledger, "l5"), float)


def test_a_flood_is_told(tmp_path: Path) -> None:
    alerts = apart(FLOOD_GROUPS + 5)
    labels = by_many(alerts, np.arange(len(alerts)) <= FLOOD_GROUPS)
    dataset = dataset_of(tmp_path, alerts, [msgspec.structs.replace(label, incident_uid="i") for _, label in labels])
    learned = np.flatnonzero(thinned(dataset, 0))
    ledger = keep_ledger(dataset, learned, blind_trust(dataset))
    assert len(ledger.used) == 4
    assert set(ledger.left_out.values()) == {LeftOut.FLOOD}


def test_nothing_learned_is_an_empty_ledger(plain: Dataset) -> None:
    assert keep_ledger(plain, np.zeros(0, np.int64), blind_trust(plain)) == LabelLedger()
