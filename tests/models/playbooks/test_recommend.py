"""What to do next: the right things in the right order, with reasons, and never more than may be."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.decision import Action, BlastRadius
from models.incidents.incident import Incident, Line
from models.playbooks.caution import DoneOutcome, Outcome
from models.playbooks.experience import PastResponse
from models.playbooks.incident_type import IncidentType
from models.playbooks.loading import Catalogue, load_catalogue
from models.playbooks.playbook import Playbook, Source, TargetKind, Trigger
from models.playbooks.recommend import Recommendation, recommend
from tests.models.playbooks.documents import NOON, incident, line, playbook

SHIPPED = load_catalogue()
UID = {playbook.slug: playbook.uid for playbook in SHIPPED.playbooks.values()}
MALWARE = incident(line("a", "T1059.001"), line("b", "T1071.001", "ws-2", addresses="203.0.113.9", domains="evil.example"))
PHISH = incident(line("a", "T1566.002", host="", users="ann", product="mail"))


def catalogue(*playbooks: Playbook) -> Catalogue:
    return Catalogue({playbook.uid: playbook for playbook in playbooks})


def slugs(found: Sequence[Recommendation]) -> list[str]:
    return [one.slug for one in found]


def done(slug: str, *targets: str, outcome: Outcome = Outcome.SUCCEEDED, minute: int = 0) -> DoneOutcome:
    return DoneOutcome(UID[slug], targets, outcome, NOON + timedelta(minutes=minute))


def worked(slug: str, mitigated: int, failed: int, kind: IncidentType = IncidentType.MALWARE) -> list[PastResponse]:
    time = NOON - timedelta(days=1)
    return [PastResponse(kind, (), UID[slug], i < mitigated, time) for i in range(mitigated + failed)]


def test_malware_is_isolated_first_then_the_rest() -> None:
    found = recommend(MALWARE, SHIPPED)
    assert slugs(found) == ["isolate-host", "block-domain", "block-address", "collect-forensics", "scan-endpoints", "open-ticket"]
    first = found[0]
    assert [(target.variable, target.uid) for target in first.targets] == [("__host__", "ws-1"), ("__host__", "ws-2")]
    assert (first.tier, first.action, first.expiry_seconds) == (BlastRadius.MODERATE, Action.RESPOND, 8 * 3600)
    assert first.reverted_by == UID["release-host"]
    assert "malware on a host, and this is the first step" in first.reasons[0]
    assert "T1059.001" in first.reasons[1]
    assert "No similar incident" in first.reasons[-1]


def test_what_comes_before_must_have_reported_its_success_on_the_same_host() -> None:
    isolated = done("isolate-host", "ws-2")
    found = {one.slug: one for one in recommend(MALWARE, SHIPPED, done=[isolated])}
    assert [target.uid for target in found["isolate-host"].targets] == ["ws-1"]
    reimage = found["reimage-host"]
    assert [target.uid for target in reimage.targets] == ["ws-2"]
    assert (reimage.tier, reimage.action) == (BlastRadius.MAJOR, Action.APPROVE)
    assert "What must come before it has reported success there." in reimage.reasons
    assert "It cannot be undone: a person decides." in reimage.reasons
    for outcome in (Outcome.FAILED, Outcome.REVERTED):
        later = done("isolate-host", "ws-2", outcome=outcome, minute=1)
        assert "reimage-host" not in slugs(recommend(MALWARE, SHIPPED, done=[isolated, later]))


def test_what_has_failed_is_offered_again_to_a_person() -> None:
    first = recommend(MALWARE, SHIPPED, done=[done("isolate-host", "ws-1", "ws-2", outcome=Outcome.FAILED)])[0]
    assert (first.slug, first.action) == ("isolate-host", Action.APPROVE)


def test_what_worked_before_moves_the_order_and_is_said() -> None:
    failed = worked("isolate-host", 0, 8) + worked("block-domain", 8, 0)
    found = recommend(MALWARE, SHIPPED, past=failed)
    assert slugs(found)[0] == "block-domain"
    assert "Of 8 similar incidents handled with it, 8 were mitigated." in found[0].reasons
    assert slugs(recommend(MALWARE, SHIPPED, past=worked("block-domain", 1, 0)))[0] == "isolate-host"


def test_what_worked_before_lifts_nothing_that_is_not_called_for() -> None:
    past = worked("insider-case", 1000, 0) + worked("quarantine-mail", 1000, 0) + worked("reimage-host", 1000, 0)
    assert not {"insider-case", "quarantine-mail", "reimage-host"} & set(slugs(recommend(MALWARE, SHIPPED, past=past)))


def test_what_is_to_come_is_not_seen() -> None:
    past = worked("block-domain", 100, 0)
    then = NOON - timedelta(days=2)
    assert slugs(recommend(MALWARE, SHIPPED, past=past, now=then))[0] == "isolate-host"


def test_what_is_watched_over_waits_for_a_person_and_the_rest_does_not() -> None:
    found = recommend(MALWARE, SHIPPED, watched={(TargetKind.HOST, "ws-2"): "a domain controller"})
    free, held = found[:2]
    assert [[target.uid for target in one.targets] for one in (free, held)] == [["ws-1"], ["ws-2"]]
    assert (free.slug, free.action, held.slug, held.action) == ("isolate-host", Action.RESPOND, "isolate-host", Action.APPROVE)
    assert "“ws-2” is a domain controller: a person decides." in held.reasons


def test_an_insider_is_met_quietly_and_by_people() -> None:
    found = recommend(incident(line("a", "T1530", host="", users="ann"), line("b", "T1052.001", users="ann")), SHIPPED)
    assert slugs(found) == ["insider-case"]
    assert found[0].action is Action.APPROVE
    assert "Somebody of the house may be meant, or wronged: a person decides." in found[0].reasons


def test_whatever_an_own_playbook_allows_it_asks_a_person_where_an_insider_may_be_meant() -> None:
    loud = playbook(trigger=Trigger(types={"insider": 1}))
    found = recommend(incident(line("a", "T1052.001", users="ann")), catalogue(loud))
    assert [one.action for one in found] == [Action.APPROVE]


@pytest.mark.parametrize("host", ["", "ws-1"])
def test_where_nothing_is_called_for_the_defaults_are_offered_and_say_so(host: str) -> None:
    found = recommend(incident(line("a", host=host)), SHIPPED)
    assert slugs(found) == ["open-ticket", "collect-forensics"][: 1 + bool(host)]
    assert all(one.reasons[0] == "Nothing in the incident calls for another playbook." for one in found)


def test_where_what_is_called_for_finds_nothing_to_act_upon_the_defaults_are_offered_and_say_so() -> None:
    ticket = SHIPPED.playbooks[UID["open-ticket"]]
    ticket = msgspec.structs.replace(ticket, own=msgspec.structs.replace(ticket.own, trigger=Trigger(default=1)))
    some = catalogue(SHIPPED.playbooks[UID["isolate-host"]], ticket)
    found = recommend(incident(line("a", "T1059", host="")), some)
    assert slugs(found) == ["open-ticket"]
    assert "“Isolate a host”" in found[0].reasons[0]
    assert recommend(MALWARE, some, done=[done("isolate-host", "ws-1", "ws-2")]) == ()


def test_an_incident_of_one_line_and_a_catalogue_of_none() -> None:
    assert recommend(MALWARE, Catalogue({})) == ()


def test_a_lure_is_taken_out_of_the_mailbox_of_whom_it_came_to() -> None:
    first = recommend(PHISH, SHIPPED)[0]
    assert first.slug == "quarantine-mail"
    assert [(target.kind, target.uid) for target in first.targets] == [(TargetKind.USER, "ann")]


def test_tactics_techniques_and_products_must_all_be_shown() -> None:
    asked = {"tactics": ("Command and Control",), "techniques": ("T1071",), "products": ("nids",)}
    facts: dict[str, Any] = {"tactics": ("command-and-control",), "techniques": "T1071.004", "product": "nids"}
    some = catalogue(playbook(trigger=Trigger(types={"any": 1}, **asked)))
    assert slugs(recommend(incident(line("a", **facts)), some)) == ["do-it"]
    without: dict[str, Any] = {"tactics": (), "techniques": "T1572", "product": "edr"}
    for name, other in without.items():
        assert not recommend(incident(line("a", **facts | {name: other})), some)


def test_what_is_not_valid_now_is_not_offered() -> None:
    over = msgspec.structs.replace(playbook(), valid_until=NOON)
    assert recommend(MALWARE, catalogue(over), now=NOON - timedelta(hours=1))
    assert not recommend(MALWARE, catalogue(over), now=NOON)
    assert not recommend(MALWARE, catalogue(msgspec.structs.replace(playbook(), revoked=True)))


def test_a_thousand_hosts_are_not_acted_upon_at_once() -> None:
    asked = incident(*(line(str(i), "T1059", f"ws-{i}") for i in range(1000)))
    first = recommend(asked, SHIPPED)[0]
    assert [target.uid for target in first.targets] == [f"ws-{i}" for i in range(20)]
    assert first.action is Action.APPROVE
    assert "at least 20 at once" in first.reasons[-1]
    again = recommend(asked, SHIPPED, done=[done("isolate-host", *(target.uid for target in first.targets))])[0]
    assert [target.uid for target in again.targets] == [f"ws-{i}" for i in range(20, 40)]


def test_what_only_the_rest_of_the_incident_names_waits_for_a_person() -> None:
    found = {one.slug: one for one in recommend(MALWARE, SHIPPED)}
    assert found["block-address"].action is Action.RESPOND
    apart = incident(line("a", "T1059"), line("b", "", "ws-2", addresses="203.0.113.9"))
    held = {one.slug: one for one in recommend(apart, SHIPPED)}["block-address"]
    assert held.action is Action.APPROVE
    assert "the rest of the incident does" in held.reasons[-1]


TECHNIQUES = ["", "T1059", "T1490", "T1566.001", "T1110", "T1078", "T1528", "T1098.001", "T1530", "T1052.001", "T1190", "T1003"]
LINES = st.lists(
    st.builds(
        line,
        uid=st.integers(0, 10**6).map(str),
        techniques=st.sampled_from(TECHNIQUES),
        host=st.sampled_from(["", "ws-1", "ws-2"]),
        users=st.sampled_from(["", "ann"]),
        addresses=st.sampled_from(["", "203.0.113.9", "10.0.0.1"]),
        domains=st.sampled_from(["", "evil.example"]),
    ),
    min_size=1, max_size=5, unique_by=lambda one: one.uid,
)  # fmt: skip
PLAYBOOKS = st.lists(
    st.builds(
        playbook,
        slug=st.sampled_from(["one", "two", "three"]),
        trigger=st.builds(Trigger, types=st.dictionaries(st.sampled_from([*IncidentType, "any"]), st.integers(1, 9))),
        targets=st.sampled_from([{}, {"__host__": (Source(TargetKind.HOST),)}, {"__user__": (Source(TargetKind.USER),)}]),
        blast_radius=st.sampled_from(BlastRadius),
        reversible=st.booleans(),
        action=st.sampled_from(Action),
        requires=st.sampled_from([(), ("playbook--one",), ("playbook--nothing",)]),
    ),
    max_size=3, unique_by=lambda one: one.uid,
)  # fmt: skip
PAST = st.lists(
    st.builds(
        PastResponse,
        type=st.sampled_from(IncidentType),
        techniques=st.lists(st.sampled_from(TECHNIQUES), max_size=2).map(tuple),
        playbook=st.sampled_from(["playbook--one", "playbook--two", *UID.values()]),
        mitigated=st.booleans(),
        time=st.integers(0, 300).map(lambda days: NOON - timedelta(days=days)),
    ),
    max_size=8,
)  # fmt: skip
DONE = st.lists(
    st.builds(
        DoneOutcome,
        playbook=st.sampled_from(["playbook--one", UID["isolate-host"], UID["revoke-sessions"]]),
        targets=st.sampled_from([(), ("ws-1",), ("ws-1", "ws-2", "ann")]),
        outcome=st.sampled_from(Outcome),
        time=st.integers(0, 60).map(lambda minutes: NOON + timedelta(minutes=minutes)),
    ),
    max_size=4,
)  # fmt: skip


def of(uid: str, some: Catalogue) -> Playbook:
    return some.playbooks[uid]


@given(LINES, PLAYBOOKS, PAST, DONE)
def test_no_catalogue_and_no_past_makes_anything_but_approve_and_major_of_what_cannot_be_undone(
    lines: list[Line], own: list[Playbook], past: list[PastResponse], outcomes: list[DoneOutcome]
) -> None:
    some = Catalogue(SHIPPED.playbooks | {one.uid: one for one in own})
    for one in recommend(incident(*lines), some, past, outcomes):
        made = of(one.playbook, some)
        assert one.action in {Action.APPROVE, Action.RESPOND}
        if not made.own.reversible:
            assert (one.tier, one.action) == (BlastRadius.MAJOR, Action.APPROVE)
        if one.action is Action.RESPOND:
            assert one.tier is not BlastRadius.MAJOR
            assert made.own.action is Action.RESPOND


@given(LINES, PLAYBOOKS, PAST, DONE)
def test_the_past_moves_what_is_offered_and_changes_nothing_else_of_it(
    lines: list[Line], own: list[Playbook], past: list[PastResponse], outcomes: list[DoneOutcome]
) -> None:
    some = Catalogue(SHIPPED.playbooks | {one.uid: one for one in own})

    def offered(seen: list[PastResponse]) -> set[tuple[object, ...]]:
        found = recommend(incident(*lines), some, seen, outcomes)
        return {(one.playbook, one.targets, one.tier, one.action, one.expiry_seconds) for one in found}

    assert offered(past) == offered([])


@given(LINES, DONE, PAST, st.booleans())
def test_what_is_offered_can_be_run_and_says_why(
    lines: list[Line], outcomes: list[DoneOutcome], past: list[PastResponse], critical: bool
) -> None:
    asked: Incident = incident(*lines)
    watched = {(TargetKind.HOST, "ws-1"): "critical", (TargetKind.USER, "ann"): "the director"} if critical else {}
    found = recommend(asked, SHIPPED, past, outcomes, watched=watched)
    there = {entity.uid for entity in asked.entities} | {observable.value for observable in asked.observables}
    latest = {(one.playbook, uid): one.outcome for one in sorted(outcomes, key=lambda one: one.time) for uid in one.targets}
    assert len({(one.playbook, one.targets) for one in found}) == len(found)
    for one in found:
        made = of(one.playbook, SHIPPED)
        assert {target.uid for target in one.targets} <= there
        assert {target.variable for target in one.targets} == made.own.targets.keys()
        assert one.reasons
        assert all(0 < len(reason) < 400 for reason in one.reasons)
        for target in one.targets:
            assert latest.get((one.playbook, target.uid)) is not Outcome.SUCCEEDED
            assert all(latest.get((uid, target.uid)) is Outcome.SUCCEEDED for uid in made.own.requires)
            assert (target.kind, target.uid) not in watched or one.action is Action.APPROVE


@given(LINES, PAST, DONE, st.randoms(use_true_random=False))
def test_the_order_of_the_catalogue_decides_nothing(
    lines: list[Line], past: list[PastResponse], outcomes: list[DoneOutcome], random: Any
) -> None:
    mixed = list(SHIPPED.playbooks.items())
    random.shuffle(mixed)
    asked = incident(*lines)
    assert recommend(asked, Catalogue(dict(mixed)), past, outcomes) == recommend(asked, SHIPPED, past, outcomes)


def test_nothing_is_automatic_while_it_is_withheld() -> None:
    """The live policy can only take automation back: what asked a person before still does, and says only why it did."""
    why = "Automation is stopped: a person decides."
    free, held = recommend(MALWARE, SHIPPED), recommend(MALWARE, SHIPPED, withheld=lambda tier: why)
    assert slugs(held) == slugs(free)
    assert {one.action for one in held} == {Action.APPROVE}
    assert any(one.action is Action.RESPOND for one in free)
    for before, after in zip(free, held, strict=True):
        assert after.reasons == (*before.reasons, why) if before.action is Action.RESPOND else before.reasons
    major = recommend(MALWARE, SHIPPED, withheld=lambda tier: "" if tier is BlastRadius.MINIMAL else why)
    assert {one.tier for one in major if one.action is Action.RESPOND} <= {BlastRadius.MINIMAL}
