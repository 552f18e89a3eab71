"""What keeps a playbook from running without a person, or from being offered."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.decision import Action, BlastRadius
from models.playbooks.caution import MOST_TARGETS, DoneOutcome, Outcome, Standing, cautions, parted
from models.playbooks.playbook import Playbook, TargetKind
from models.playbooks.targets import Target
from tests.models.playbooks.documents import NOON, playbook

HOSTS = [Target("__host__", TargetKind.HOST, f"ws-{i}") for i in range(30)]


def done(playbook: str, outcome: Outcome, *targets: str, minute: int = 0) -> DoneOutcome:
    return DoneOutcome(playbook, targets, outcome, NOON + timedelta(minutes=minute))


def why(of: Playbook, count: int = 1, *outcomes: DoneOutcome, **watched: str) -> str:
    about = {(TargetKind.HOST, uid.replace("_", "-")): what for uid, what in watched.items()}
    return " ".join(cautions(of, HOSTS[:count], Standing(outcomes), about))


def test_nothing_is_said_of_what_is_gentle() -> None:
    assert not why(playbook(), 5)


@pytest.mark.parametrize(
    ("said", "word"),
    [
        (why(playbook(reversible=False)), "cannot be undone"),
        (why(playbook(blast_radius=BlastRadius.MAJOR)), "major"),
        (why(playbook(action=Action.APPROVE)), "for a person"),
        (why(playbook(), 6), "6 at once"),
        (why(playbook(), MOST_TARGETS), "at least 20 at once"),
        (why(playbook(), 2, ws_1="a domain controller"), "“ws-1” is a domain controller"),
        (why(playbook("p"), 1, done("playbook--p", Outcome.FAILED, "ws-0")), "tried on “ws-0” before"),
        (why(playbook("p", targets={}), 0, done("playbook--p", Outcome.FAILED)), "tried before"),
    ],
)
def test_each_reason_for_a_person_is_said(said: str, word: str) -> None:
    assert word in said
    assert "person" in said


def test_the_latest_outcome_on_a_target_stands_whatever_the_order_of_reports() -> None:
    reports = [done("p", Outcome.FAILED, "ws-1", minute=1), done("p", Outcome.SUCCEEDED, "ws-1", "ws-2", minute=2)]
    reverted = done("p", Outcome.REVERTED, "ws-1", minute=3)
    for order in (reports, reports[::-1]):
        standing = Standing(order)
        assert standing.outcome("p", "ws-1") is Outcome.SUCCEEDED
        assert standing.outcome("p", "ws-3") is None
    standing = Standing([reverted, *reports])
    assert standing.outcome("p", "ws-1") is Outcome.REVERTED
    assert standing.succeeded("p")
    assert not Standing([reverted]).succeeded("p")


def test_ready_only_after_what_it_requires_has_succeeded_there() -> None:
    reimage = playbook("reimage", requires=("isolate",))
    assert not Standing([]).ready(reimage, "ws-1")
    assert not Standing([done("isolate", Outcome.FAILED, "ws-1")]).ready(reimage, "ws-1")
    isolated = done("isolate", Outcome.SUCCEEDED, "ws-1")
    assert Standing([isolated]).ready(reimage, "ws-1")
    assert Standing([isolated]).ready(reimage, "")
    assert not Standing([isolated]).ready(reimage, "ws-2")
    assert not Standing([isolated, done("isolate", Outcome.REVERTED, "ws-1", minute=1)]).ready(reimage, "ws-1")
    assert not Standing([isolated, done(reimage.uid, Outcome.SUCCEEDED, "ws-1", minute=1)]).ready(reimage, "ws-1")


@given(st.integers(0, 30), st.sets(st.integers(0, 29)))
def test_what_is_watched_over_is_parted_from_the_rest(count: int, watched: set[int]) -> None:
    about = {(TargetKind.HOST, f"ws-{i}"): "critical" for i in watched}
    groups = list(parted(HOSTS[:count], about))
    assert all(len(group) <= MOST_TARGETS for group in groups)
    assert all(len({(target.kind, target.uid) in about for target in group}) == 1 for group in groups if group)
    if count:
        assert {target.uid for group in groups for target in group} <= {target.uid for target in HOSTS[:count]}
        assert sum(map(len, groups)) >= min(count, MOST_TARGETS)
    else:
        assert groups == [[]]


def test_a_playbook_of_several_variables_is_not_parted() -> None:
    pair = [HOSTS[0], Target("__user__", TargetKind.USER, "ann")]
    assert list(parted(pair, {(TargetKind.USER, "ann"): "critical"})) == [pair]
