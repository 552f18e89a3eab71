"""Which verdict is in force: the last that a person gave, unless two are at odds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.errors import HistoryError
from features.label import Label, Provenance, Verdict
from models.ledger import LeftOut
from tests.conftest import build_alert, build_label
from tests.training.datasets import ATTACK, BENIGN, apart, dataset_of
from training.verdicts import UNLABELLED, Judged, judged, part_principals

ALERTS = [*apart(3), build_alert(0, tenant="beta")]
ROW_OF = {(alert.tenant, alert.uid): row for row, alert in enumerate(ALERTS)}


def say(uid: str, verdict: Verdict = ATTACK, on: int = 0, *, at: float = 60.0, **fields: Any) -> Label:
    return build_label(ALERTS[on], verdict, after=at, uid=uid, **{"analyst": "ann", **fields})


def look(*labels: Label) -> Judged:
    return judged(len(ALERTS), list(enumerate(labels)), ROW_OF)


FIRST = say("1", ATTACK)
AT_ODDS = say("2", BENIGN, at=70.0, analyst="bob", contests="1")
DECIDED = say("3", BENIGN, at=80.0, analyst="cy", supersedes="2")


def test_an_incident_is_named_by_a_person_or_it_is_where_correlation_holds_the_alert_or_the_alert_alone() -> None:
    labels = list(enumerate([say("1", on=0, incident_uid="case"), say("2", on=1), say("3", on=2), say("4", BENIGN, on=3)]))
    found = judged(len(ALERTS), labels, ROW_OF, {("acme", "a0"): "found", ("acme", "a1"): "found", ("beta", "a0"): "found"})
    assert [found.incidents[i] if i >= 0 else "" for i in found.incident] == ["acme\x1fcase", "acme\x1ffound", "acme\x1fa2", ""]
    assert found.named.tolist() == [True, False, False, False]
    assert found.take(np.array([1, 0])).named.tolist() == [False, True]


def test_one_verdict_is_in_force_with_all_that_belongs_to_it() -> None:
    found = look(say("1", ATTACK, 1, incident_uid="i7", reason="phishing", shown=0.4, provenance=Provenance.INHERITED))
    assert found.target.tolist() == [UNLABELLED, 1, UNLABELLED, UNLABELLED]
    assert found.label.tolist() == [-1, 0, -1, -1]
    assert (found.weight[1], found.shown[1]) == (0.5, 0.4)
    assert found.incidents == ["acme\x1fi7"]
    assert found.kinds == ["phishing"]
    assert found.principals == ["acme\x1fann"]
    assert not found.left_out


def test_a_later_verdict_supersedes() -> None:
    found = look(FIRST, say("2", BENIGN, at=90.0, supersedes="1"))
    assert (found.target[0], found.label[0]) == (0, 1)
    assert found.left_out == {0: LeftOut.SUPERSEDED}


def test_later_means_received_later_and_of_equal_times_the_higher_number() -> None:
    early, late = say("late", BENIGN, at=90.0), say("early", ATTACK, at=30.0)
    assert look(early, late).target[0] == look(late, early).target[0] == 0
    twin = say("twin", BENIGN)
    assert (look(FIRST, twin).target[0], look(twin, FIRST).target[0]) == (0, 1)


def test_two_at_odds_leave_nothing_in_force() -> None:
    found = look(FIRST, AT_ODDS)
    assert found.target[0] == UNLABELLED
    assert found.left_out == {0: LeftOut.CONTESTED, 1: LeftOut.CONTESTED}


def test_a_third_that_supersedes_decides() -> None:
    found = look(FIRST, AT_ODDS, DECIDED)
    assert (found.target[0], found.label[0]) == (0, 2)
    assert found.left_out == {0: LeftOut.SUPERSEDED, 1: LeftOut.SUPERSEDED}
    assert found.principals == ["acme\x1fcy"]


def test_one_more_contest_decides_nothing() -> None:
    found = look(FIRST, AT_ODDS, msgspec.structs.replace(DECIDED, supersedes="", contests="2"))
    assert found.target[0] == UNLABELLED
    assert set(found.left_out.values()) == {LeftOut.CONTESTED}


@pytest.mark.parametrize("nothing", [Verdict.UNDETERMINED, Verdict.DUPLICATE])
def test_a_verdict_that_is_none_takes_the_one_before_back(nothing: Verdict) -> None:
    found = look(FIRST, say("2", nothing, at=90.0, supersedes="1"))
    assert found.target[0] == UNLABELLED
    assert found.left_out == {0: LeftOut.TAKEN_BACK, 1: LeftOut.TAKEN_BACK}


@pytest.mark.parametrize("verdict", Verdict)
def test_a_machine_never_displaces_a_person(verdict: Verdict) -> None:
    machine = say("2", verdict, at=90.0, provenance=Provenance.AUTOMATION)
    found = look(FIRST, machine)
    assert (found.target[0], found.label[0]) == (1, 0)
    assert found.left_out == {1: LeftOut.AUTOMATION}


def test_a_machine_alone_teaches_nothing_and_a_person_displaces_it() -> None:
    machine = say("1", BENIGN, at=10.0, provenance=Provenance.AUTOMATION)
    assert look(machine).target[0] == UNLABELLED
    assert look(machine).left_out == {0: LeftOut.AUTOMATION}
    found = look(machine, say("2", ATTACK))
    assert (found.target[0], found.left_out) == (1, {0: LeftOut.SUPERSEDED})


def test_imports_have_no_principal_and_a_name_in_two_tenants_is_two() -> None:
    found = look(say("1", provenance=Provenance.IMPORT), say("2", on=1), say("3", on=3))
    assert [found.principals[p] if p >= 0 else "" for p in found.principal.tolist()] == ["", "acme\x1fann", "", "beta\x1fann"]


@pytest.mark.parametrize(
    ("label", "why"),
    [
        (say("x", alert_uid="a99"), LeftOut.UNKNOWN_ALERT),
        (say("x", tenant="nobody"), LeftOut.UNKNOWN_ALERT),
        (say("x", Verdict.UNDETERMINED), LeftOut.TAKEN_BACK),
        (say("x", Verdict.DUPLICATE), LeftOut.TAKEN_BACK),
        (say("x", contests="a label that never was"), LeftOut.CONTESTED),
        (say("x", contests="x"), LeftOut.CONTESTED),
        (say("x", provenance=Provenance.AUTOMATION), LeftOut.AUTOMATION),
    ],
)
def test_what_is_no_verdict_is_no_training_label(label: Label, why: LeftOut) -> None:
    found = look(label)
    assert (found.target == UNLABELLED).all()
    assert (found.label == -1).all()
    assert not found.weight.any()
    assert found.left_out == {0: why}


@pytest.mark.parametrize("field", [{"shown": 0.0}, {"shown": 1.5}, {"shown": float("nan")}, {"uid": ""}, {"verdict": "maybe"}])
def test_a_label_that_cannot_be_is_not_read_from_a_history(tmp_path: Path, field: dict[str, Any]) -> None:
    with pytest.raises(HistoryError):
        dataset_of(tmp_path, ALERTS, [msgspec.structs.replace(FIRST, **field)])


PEOPLE = ("ann", "bob", "cy")
_SAID = st.builds(
    lambda on, verdict, at, who, source, link, names: (on, verdict, at, who, source, link, names),
    st.integers(0, 3), st.sampled_from(Verdict), st.integers(0, 5), st.sampled_from(PEOPLE), st.sampled_from(Provenance),
    st.sampled_from(["", "supersedes", "contests"]), st.integers(0, 20),
)  # fmt: skip


@st.composite
def stories(draw: st.DrawFn) -> list[Label]:
    """Labels with links to any other, which may lead in circles or nowhere."""
    return [
        say(f"{i}", verdict, on, at=60.0 * at, analyst=who, provenance=source, **({link: f"{names}"} if link else {}))
        for i, (on, verdict, at, who, source, link, names) in enumerate(draw(st.lists(_SAID, max_size=12)))
    ]


@given(stories())
def test_each_label_is_in_force_or_left_out_with_a_reason(labels: list[Label]) -> None:
    found = look(*labels)
    in_force = found.label[found.label >= 0].tolist()
    assert sorted([*in_force, *found.left_out]) == list(range(len(labels)))
    assert ((found.target == UNLABELLED) == (found.label == -1)).all()
    assert (found.weight[found.label >= 0] > 0.0).all()
    for row, number in enumerate(found.label.tolist()):
        if number >= 0:
            assert not labels[number].contests
            assert labels[number].verdict.target == found.target[row]


@given(stories(), st.randoms())
def test_the_order_in_which_labels_are_listed_tells_nothing(labels: list[Label], random: Any) -> None:
    numbered = list(enumerate(labels))
    shuffled = random.sample(numbered, len(numbered))
    one, other = (judged(len(ALERTS), some, ROW_OF) for some in (numbered, shuffled))
    assert one.target.tolist() == other.target.tolist()
    assert [numbered[i][1].uid for i in one.label if i >= 0] == [shuffled[i][1].uid for i in other.label if i >= 0]


@given(stories(), st.sampled_from(PEOPLE))
def test_without_somebodys_labels_it_is_as_if_they_had_never_spoken(labels: list[Label], who: str) -> None:
    kept, gone = part_principals(list(enumerate(labels)), [who])
    assert sorted([label.uid for _, label in kept] + [label.uid for label in gone]) == sorted(label.uid for label in labels)
    assert {label.analyst for label in gone} <= {who}
    assert who not in {label.analyst for _, label in kept}
    theirs = {(label.tenant, label.uid) for label in gone}
    assert not theirs & {(label.tenant, label.contests) for _, label in kept}


def test_without_the_one_who_superseded_the_first_verdict_is_in_force_again() -> None:
    kept, gone = part_principals(list(enumerate([FIRST, say("2", BENIGN, at=90.0, analyst="bob", supersedes="1")])), ["bob"])
    found = judged(len(ALERTS), kept, ROW_OF)
    assert (found.target[0], found.left_out) == (1, {})
    assert [label.uid for label in gone] == ["2"]


@pytest.mark.parametrize(("who", "target"), [("ann", 0), ("bob", 1)])
def test_without_one_of_two_at_odds_the_other_stands(who: str, target: int) -> None:
    found = judged(len(ALERTS), part_principals(list(enumerate([FIRST, AT_ODDS])), [who])[0], ROW_OF)
    assert (found.target[0], found.left_out) == (target, {})


def test_a_label_of_the_same_uid_in_another_tenant_stays() -> None:
    labels = [say("same"), say("same", on=3, analyst="bob"), say("b", on=3, analyst="cy", contests="same", at=90.0)]
    kept, gone = part_principals(list(enumerate(labels)), ["ann"])
    assert [label.tenant for label in gone] == ["acme"]
    assert [label for _, label in kept] == labels[1:]


def test_taking_rows_keeps_codes_and_names() -> None:
    found = look(FIRST, say("2", BENIGN, 1), say("3", ATTACK, 3))
    some = found.take(np.array([3, 0]))
    assert some.target.tolist() == [1, 1]
    assert [some.principals[p] for p in some.principal.tolist()] == ["beta\x1fann", "acme\x1fann"]
    assert some.incidents == found.incidents
