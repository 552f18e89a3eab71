"""What must be done before a threat counts as mitigated."""

from __future__ import annotations

from features.alert import Entity, EntityKind, Observable, Role
from models.closure.containment import concerns, contained, needs, rebuilt
from models.closure.outcome import Runs
from models.incidents.incident import Incident
from models.playbooks.loading import Catalogue
from tests.models.closure.cases import CATALOGUE, MALWARE, TAKEOVER, at, host, incident, line, outcome, user


def _wanted(case: Incident) -> set[tuple[str, str]]:
    return {(need.playbook.slug, need.target.uid) for need in needs(case, CATALOGUE).contain}


def test_the_first_two_steps_of_the_catalogue_must_be_done() -> None:
    assert _wanted(MALWARE) == {("isolate-host", "ws-1"), ("block-domain", "bad.example")}
    assert _wanted(TAKEOVER) == {("revoke-sessions", "ann"), ("reset-credentials", "ann")}


def test_what_of_the_house_is_touched_by_no_first_step_needs_the_first_that_touches_it() -> None:
    ransomware = incident(line(0, "T1486", host("db"), user("ann")))
    assert _wanted(ransomware) == {("isolate-host", "db"), ("reset-credentials", "ann")}


def test_what_only_looks_and_what_tells_people_contains_nothing() -> None:
    assert not {slug for slug, _ in _wanted(MALWARE)} & {"collect-forensics", "scan-endpoints", "open-ticket"}
    assert not any(playbook.contains for playbook in CATALOGUE.playbooks.values() if playbook.slug.startswith(("release", "un")))


def test_a_first_step_without_anything_to_act_upon_is_told() -> None:
    nameless = needs(incident(line(0, "T1059", domain="bad.example")), CATALOGUE)
    assert [playbook.slug for playbook in nameless.unnamed] == ["isolate-host"]


def test_what_was_planted_has_to_be_rebuilt_and_nothing_else() -> None:
    assert {target.uid for target in needs(incident(line(0, "T1505.003", host("web"))), CATALOGUE).rebuild} == {"web"}
    assert not needs(MALWARE, CATALOGUE).rebuild


def test_a_rebuilt_host_needs_no_isolation_any_more() -> None:
    (need,) = (need for need in needs(MALWARE, CATALOGUE).contain if need.target.uid == "ws-1")
    released = [outcome("isolate-host", 1, "ws-1"), outcome("release-host", 3, "ws-1")]
    assert contained(need, Runs(released, CATALOGUE), CATALOGUE) == []
    rebuild = Runs([*released, outcome("reimage-host", 2, "ws-1")], CATALOGUE)
    assert contained(need, rebuild, CATALOGUE) == rebuilt(need.target, rebuild, CATALOGUE) == [at(2)]


def test_nothing_is_needed_of_an_empty_catalogue() -> None:
    assert needs(MALWARE, Catalogue({})).contain == ()


def test_an_entity_and_an_observable_are_concerned() -> None:
    one = line(0, "T1071", Entity(EntityKind.ADDRESS, "203.0.113.9", Role.TARGET), domain="Bad.Example.")
    assert one.observables == (Observable("domain", "Bad.Example."),)
    assert concerns(one, "203.0.113.9")
    assert concerns(one, "bad.example")
    assert not concerns(one, "good.example")
