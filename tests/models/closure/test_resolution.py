"""The rules that close or escalate."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.label import Verdict
from models.closure.outcome import Outcome, Status, ordered
from models.closure.resolution import Resolution, Rules, State, resolve
from models.incidents.incident import Incident
from models.playbooks.loading import Catalogue
from tests.models.closure.cases import CATALOGUE, MALWARE, TAKEOVER, at, host, incident, line, outcome, user

DONE = (outcome("isolate-host", 0, "ws-1"), outcome("block-domain", 0.2, "bad.example"))


def _state(told: Sequence[Outcome], hours: float = 5, case: Incident = MALWARE) -> State:
    return resolve(case, CATALOGUE, told, now=at(hours)).state


def test_a_threat_is_mitigated_when_all_is_contained_and_it_stayed_quiet() -> None:
    found = resolve(MALWARE, CATALOGUE, DONE, now=at(5))
    assert (found.state, found.false_positive, found.until) == (State.MITIGATED, False, None)
    assert len(found.reasons) == 2


def test_until_it_has_been_quiet_one_waits_and_knows_how_long() -> None:
    found = resolve(MALWARE, CATALOGUE, DONE, now=at(1))
    assert (found.state, found.until) == (State.WAITING, at(4))
    assert _state(DONE, 4.1) is State.WAITING
    assert _state(DONE, 4.2) is State.MITIGATED
    assert resolve(MALWARE, CATALOGUE, DONE, now=at(1), rules=Rules(quiet_seconds=60)).state is State.MITIGATED


def test_without_an_outcome_one_waits() -> None:
    assert resolve(MALWARE, CATALOGUE, (), now=at(100)) == Resolution(State.WAITING, ("No outcome has been reported yet.",))


def test_a_missing_outcome_is_waited_for_until_it_is_overdue() -> None:
    found = resolve(MALWARE, CATALOGUE, DONE[:1], now=at(0.5))
    assert (found.state, found.until) == (State.WAITING, at(1))
    assert _state(DONE[:1], 1) is State.NOT_MITIGATED
    assert resolve(MALWARE, CATALOGUE, (), now=at(0.5), asked=at(0)).state is State.WAITING
    assert resolve(MALWARE, CATALOGUE, (), now=at(1), asked=at(0)).state is State.NOT_MITIGATED


@pytest.mark.parametrize("status", [Status.FAILED, Status.PARTIAL, Status.REVERTED])
@pytest.mark.parametrize(("slug", "target"), [("isolate-host", ("ws-1",)), ("collect-forensics", ("ws-1",)), ("open-ticket", ())])
def test_a_last_outcome_that_is_no_success_escalates(status: Status, slug: str, target: tuple[str, ...]) -> None:
    told = (*DONE, outcome(slug, 1, *target, status=status))
    assert _state(told) is State.NOT_MITIGATED
    assert _state((*told, outcome(slug, 2, *target)), 6.1) is State.MITIGATED


def test_a_containment_that_was_taken_back_escalates() -> None:
    assert _state((*DONE, outcome("release-host", 1, "ws-1"))) is State.NOT_MITIGATED
    assert _state((*DONE, outcome("reimage-host", 0.5, "ws-1"), outcome("release-host", 1, "ws-1"))) is State.MITIGATED


def test_an_authorisation_that_lapsed_escalates_unless_it_was_renewed() -> None:
    assert _state(DONE, 7.9) is State.MITIGATED
    assert _state(DONE, 8) is State.NOT_MITIGATED
    assert _state((*DONE, outcome("isolate-host", 7, "ws-1")), 8) is State.MITIGATED


def test_sessions_stay_revoked() -> None:
    told = (outcome("revoke-sessions", 0, "ann"), outcome("reset-credentials", 0, "ann"))
    assert _state(told, 7.9, TAKEOVER) is State.MITIGATED


def test_a_suspicious_alert_on_what_was_contained_escalates() -> None:
    after = incident(*MALWARE.lines, line(2, "T1059", host("ws-1")))
    assert _state(DONE, 5, after) is State.NOT_MITIGATED
    again = (*DONE, outcome("isolate-host", 2.5, "ws-1"))
    assert _state(again, 6, after) is State.WAITING
    assert _state(again, 6.5, after) is State.MITIGATED


def test_what_is_not_suspicious_or_concerns_others_does_not_disturb() -> None:
    low = incident(*MALWARE.lines, line(2, "T1059", host("ws-1"), score=0.05))
    elsewhere = incident(*MALWARE.lines, line(2, "T1589", host("ws-9")))
    assert _state(DONE, 5, low) is State.MITIGATED
    assert _state(DONE, 5, elsewhere) is State.MITIGATED


def test_another_host_found_later_is_waited_for_in_its_own_time() -> None:
    spread = incident(*MALWARE.lines, line(2, "T1059", host("ws-2")))
    assert _state(DONE, 2.5, spread) is State.WAITING
    assert _state(DONE, 3, spread) is State.NOT_MITIGATED
    assert _state((*DONE, outcome("isolate-host", 2.5, "ws-2")), 6.5, spread) is State.MITIGATED


@pytest.mark.parametrize(
    "case",
    [
        incident(line(-1, "T1052", user("ann"))),
        incident(line(-1, "T9999", host("ws-1"))),
        incident(line(-1, "T1059", domain="bad.example")),
        incident(line(-1, "T1486", host("ws-1"))),
    ],
    ids=["insider", "unknown", "no host named", "destroyed"],
)
def test_doubt_goes_to_a_person(case: Incident) -> None:
    assert _state(DONE, 5, case) is State.NOT_MITIGATED


def test_what_is_rebuilt_closes() -> None:
    destroyed = incident(line(-1, "T1486", host("ws-1")))
    assert _state((*DONE, outcome("reimage-host", 0.5, "ws-1")), 5, destroyed) is State.MITIGATED


def test_nothing_closes_by_an_empty_catalogue() -> None:
    assert resolve(MALWARE, Catalogue({}), DONE, now=at(5)).state is State.NOT_MITIGATED


def test_what_people_call_benign_closes_whatever_was_reported() -> None:
    failed = (outcome("isolate-host", 1, "ws-1", status=Status.FAILED),)
    verdicts = {uid: Verdict.BENIGN_POSITIVE for one in MALWARE.lines for uid in one.alert_uids}
    for told in ((), failed):
        found = resolve(MALWARE, CATALOGUE, told, now=at(2), verdicts=verdicts)
        assert (found.state, found.false_positive) == (State.MITIGATED, True)
    one_open = dict(list(verdicts.items())[1:])
    assert resolve(MALWARE, CATALOGUE, failed, now=at(2), verdicts=one_open).state is State.NOT_MITIGATED
    undecided = verdicts | {MALWARE.lines[0].alert_uids[0]: Verdict.UNDETERMINED}
    assert resolve(MALWARE, CATALOGUE, (), now=at(2), verdicts=undecided).state is State.WAITING


def test_of_a_line_with_more_alerts_than_it_names_nobody_can_tell() -> None:
    many = incident(msgspec.structs.replace(MALWARE.lines[0], alerts=101))
    verdicts = {uid: Verdict.FALSE_POSITIVE for one in many.lines for uid in one.alert_uids}
    assert resolve(many, CATALOGUE, (), now=at(2), verdicts=verdicts).state is State.WAITING


def test_reasons_are_few() -> None:
    told = [outcome("isolate-host", 1, f"ws-{n}", status=Status.FAILED) for n in range(500)]
    found = resolve(MALWARE, CATALOGUE, told, now=at(1))
    assert len(found.reasons) == 21
    assert found.reasons[-1].startswith("And ")


_CONTAINMENTS = st.sampled_from((("isolate-host", "ws-1"), ("block-domain", "bad.example"), ("collect-forensics", "ws-1")))
_TIMES = st.integers(0, 24).map(lambda quarters: quarters / 4)
_OUTCOMES = st.lists(st.tuples(_CONTAINMENTS, _TIMES, st.sampled_from(Status)), max_size=8).map(
    lambda told: [outcome(slug, time, target, status=s, uid=f"o{n}") for n, ((slug, target), time, s) in enumerate(told)]
)


@given(_OUTCOMES, st.randoms(), _TIMES)
def test_the_order_of_arrival_does_not_matter(told: list[Outcome], random: object, hours: float) -> None:
    mixed = list(told)
    random.shuffle(mixed)  # type: ignore[attr-defined]
    assert resolve(MALWARE, CATALOGUE, mixed, now=at(hours)) == resolve(MALWARE, CATALOGUE, told, now=at(hours))


@given(_OUTCOMES, st.lists(st.tuples(_CONTAINMENTS, _TIMES), max_size=4), _TIMES)
def test_more_successes_never_turn_what_is_mitigated(
    told: list[Outcome], more: list[tuple[tuple[str, str], float]], hours: float
) -> None:
    after = incident(*MALWARE.lines, line(1, "T1059", host("ws-1")))
    added = [outcome(slug, time, target, uid=f"p{n}") for n, ((slug, target), time) in enumerate(more)]
    if _state(told, hours, after) is State.MITIGATED:
        assert _state([*told, *added], hours, after) is State.MITIGATED


@given(_OUTCOMES.filter(bool), _TIMES)
def test_a_last_outcome_that_failed_always_escalates(told: list[Outcome], hours: float) -> None:
    last = ordered(told)[-1]
    failed = [*(one for one in told if one is not last), msgspec.structs.replace(last, status=Status.FAILED)]
    assert _state(failed, hours) is State.NOT_MITIGATED
