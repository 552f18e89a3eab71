"""The chain: a function of the set of lines, defined for whatever comes."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.alert import Entity as Named
from features.alert import EntityKind, Role
from models.incidents.chain import MOST_CONTACTS, MOST_EDGES, MOST_STEP_NODES, Chain, trace
from models.incidents.incident import Line
from models.incidents.signature import Move
from tests.models.incidents.chains_by_hand import PHISHING, START, by, host, incident, leased, line, on, source, user

ENTITIES = st.builds(
    Named, st.sampled_from(list(EntityKind)), st.sampled_from(["a", "b", "10.0.0.7", "203.0.113.5"]), st.sampled_from(list(Role))
)
LINES = st.builds(
    lambda minute, tactic, entities, rule: line(minute, tactic, *entities, rule=rule),
    st.integers(0, 5).map(lambda n: n * 7.0),
    st.sampled_from(["", "initial-access", "execution", "credential-access", "lateral-movement", "discovery", "impact"]),
    st.lists(ENTITIES, max_size=4),
    st.sampled_from(["r1", "r2", "r3"]),
)
DIFFERENT = st.lists(LINES, min_size=1, max_size=12, unique_by=lambda some: some.uid)


def test_a_chain_from_its_entry_to_its_end() -> None:
    chain = trace(incident(*PHISHING), resolve=leased)
    assert (chain.entry, chain.entry_seen, chain.incident, chain.tenant) == (user("ann"), True, "incident-1", "t1")
    assert [(edge.source.uid, edge.target.uid) for edge in chain.path] == [
        ("203.0.113.5", "ann"), ("ann", "ws-ann"), ("ws-ann", "root"), ("ws-ann", "files"), ("root", "files"), ("files", "db"),
    ]  # fmt: skip
    assert [step.tactic for step in chain.steps] == [name for some in PHISHING for name in some.tactics]
    assert ("ws-ann", "bad.example") in {(edge.source.uid, edge.target.uid) for edge in chain.contacts}
    assert chain.missing == ()
    assert chain.confidence == pytest.approx(0.9)
    assert chain.reasons == (
        "an alert shows the way in", "100% of the lines follow from it", "33% of the path is inferred, no alert names it",
    )  # fmt: skip


@given(DIFFERENT.flatmap(lambda lines: st.tuples(st.just(lines), st.permutations(lines))))
def test_the_order_of_lines_does_not_matter(both: tuple[list[Line], list[Line]]) -> None:
    first, second = (trace(incident(*lines), resolve=leased) for lines in both)
    assert msgspec.json.encode(first) == msgspec.json.encode(second)


@given(DIFFERENT)
def test_a_chain_is_whole_whatever_comes(lines: list[Line]) -> None:
    chain = trace(incident(*lines), resolve=leased)
    assert 0.0 <= chain.confidence <= 1.0
    assert (chain.entry is None) == (chain.confidence == 0.0)
    assert all(edge.source != edge.target and edge.target.is_inside for edge in chain.path)
    assert {uid for edge in chain.path for uid in edge.lines} <= {some.uid for some in lines}
    assert [edge.time for edge in chain.path] == sorted(edge.time for edge in chain.path)
    assert sum(step.alerts for step in chain.steps) == len(lines)
    assert not {gap.tactic for gap in chain.missing} & {step.tactic for step in chain.steps}
    assert msgspec.json.decode(msgspec.json.encode(chain), type=Chain) == chain


def test_what_came_before_the_entry_is_a_contact_and_not_the_path() -> None:
    before = line(-30, "discovery", on("files"), source("10.0.0.99"))
    chain = trace(incident(before, *PHISHING), resolve=leased)
    assert chain.entry == user("ann")
    assert "10.0.0.99" not in {edge.source.uid for edge in chain.path}
    assert "10.0.0.99" in {edge.source.uid for edge in chain.contacts}


def test_alerts_that_name_nothing_give_no_entry_and_say_so() -> None:
    chain = trace(incident(line(0, "impact"), line(5, "execution")))
    assert (chain.entry, chain.path, chain.confidence) == (None, (), 0.0)
    assert chain.reasons == ("no alert names a host, an account or an address of the house",)
    assert [step.tactic for step in chain.steps] == ["impact", "execution"]
    assert [gap.tactic for gap in chain.missing] == ["initial-access"]


def test_a_thousand_entities_are_bounded() -> None:
    crowd = [
        line(n, "lateral-movement", *(on(f"h{n}-{k}") for k in range(50)), source("10.0.0.7"), uid=f"l{n:03}") for n in range(40)
    ]
    chain = trace(incident(line(-20, "initial-access", on("ws-ann")), *crowd), resolve=leased)
    assert chain.entry == host("ws-ann")
    assert len(chain.path) == MOST_EDGES
    assert len(chain.contacts) <= MOST_CONTACTS
    assert chain.left_out > 1000
    assert max(len(step.nodes) for step in chain.steps) == MOST_STEP_NODES


def test_years_of_silence_make_it_less_sure() -> None:
    late = msgspec.structs.replace(PHISHING[-1], first=START + timedelta(days=800), last=START + timedelta(days=800))
    near, far = trace(incident(*PHISHING), resolve=leased), trace(incident(*PHISHING[:-1], late), resolve=leased)
    assert far.entry == near.entry
    assert far.confidence == pytest.approx(near.confidence / 2, abs=0.001)
    assert "799 days of silence within: it may be two attacks" in far.reasons


def test_hubs_only_is_said() -> None:
    chain = trace(incident(line(0, "discovery", on("proxy"))), hubs={host("proxy")})
    assert chain.entry == host("proxy")
    assert "a known hub: nothing else was there" in chain.reasons
    assert chain.confidence < 0.5


def test_past_chains_tell_what_is_missing() -> None:
    past = [[Move(name, "", "host") for name in ("initial-access", "discovery", "credential-access")]] * 5
    lines = line(0, "initial-access", on("a")), line(60, "credential-access", on("a"), by("root"))
    assert [gap.tactic for gap in trace(incident(*lines), past=past).missing] == ["discovery"]
    assert trace(incident(*lines)).missing == ()


def test_an_address_stays_one_without_a_table_of_names() -> None:
    chain = trace(incident(*PHISHING))
    assert ("10.0.0.7", "files") in {(edge.source.uid, edge.target.uid) for edge in chain.path}
