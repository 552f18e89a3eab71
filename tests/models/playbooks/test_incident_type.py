"""The type of an incident follows from its facts, whatever the product and its rules are called, and says from which."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.alert import Rule
from models.incidents.attack import TACTICS
from models.incidents.incident import Line
from models.playbooks.incident_type import TITLES, IncidentType, fact, shown, signs_of, type_of
from models.playbooks.signs import SIGNS_OF_TECHNIQUES, Sign
from tests.models.playbooks.documents import incident, line

SOME_TECHNIQUES = [*SIGNS_OF_TECHNIQUES, "T1003.001", "T9999", "no technique"]


def account(techniques: str, uid: str = "account", **given: str) -> Line:
    return line(uid, techniques, host="", users="ann", **given)


CASES: dict[str, tuple[IncidentType, list[Line]]] = {
    "shadow copies deleted after a phish": (IncidentType.RANSOMWARE, [account("T1566.001"), line("b", "T1490")]),
    "an updater that starts a shell": (IncidentType.SUPPLY_CHAIN, [line("a", "T1195.002 T1059")]),
    "a web shell": (IncidentType.SERVER_COMPROMISE, [line("a", "T1505.003")]),
    "an exploit, then commands": (IncidentType.SERVER_COMPROMISE, [line("a", "T1190"), line("b", "T1059.004")]),
    "an exploit, then data leaves": (IncidentType.SERVER_COMPROMISE, [line("a", "T1190"), line("b", "T1041")]),
    "an exploit that nothing follows": (IncidentType.WEB_ATTACK, [line("a", "T1190", addresses="203.0.113.9")]),
    "LSASS read": (IncidentType.CREDENTIAL_THEFT, [line("a", "T1059"), line("b", "T1003.001")]),
    "malware that takes data out": (IncidentType.EXFILTRATION, [line("a", "T1071.001"), line("b", "T1048")]),
    "a beacon": (IncidentType.MALWARE, [line("a", "T1071.001")]),
    "a service moved to": (IncidentType.INTRUSION, [line("a", "T1021.002"), line("b", "T1087")]),
    "a token used from two places": (IncidentType.SESSION_THEFT, [account("T1550.001"), account("T1098.001", "b")]),
    "a key made": (IncidentType.CLOUD_FOOTHOLD, [account("T1078"), account("T1098.001", "b")]),
    "prompts refused": (IncidentType.CREDENTIAL_COMPROMISE, [account("T1621")]),
    "guessed, then logged on": (IncidentType.CREDENTIAL_COMPROMISE, [account("T1110.003"), account("T1078", "b")]),
    "a logon from elsewhere": (IncidentType.ACCOUNT_TAKEOVER, [account("T1078.004")]),
    "guessed, then mail forwarded": (IncidentType.ACCOUNT_TAKEOVER, [account("T1110"), account("T1114.003", "b")]),
    "a rule that forwards mail": (IncidentType.ACCOUNT_TAKEOVER, [account("T1114.003")]),
    "a lure": (IncidentType.PHISHING, [account("T1566.002")]),
    "guessing alone": (IncidentType.CREDENTIAL_GUESSING, [account("T1110")]),
    "files to a stick": (IncidentType.INSIDER, [line("a", "T1052.001")]),
    "somebody who downloads a lot": (IncidentType.INSIDER, [account("T1530"), account("T1567", "b")]),
    "an upload by nobody": (IncidentType.EXFILTRATION, [line("a", "T1048")]),
    "a flood": (IncidentType.DENIAL_OF_SERVICE, [line("a", "T1498", addresses="203.0.113.9")]),
    "a scan from outside": (IncidentType.RECONNAISSANCE, [line("a", "T1595.001", addresses="203.0.113.9")]),
    "what no product names": (IncidentType.UNKNOWN, [line("a"), account("T9999", tactics=("dancing",))]),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("name", CASES)
def test_type_of(name: str) -> None:
    kind, lines = CASES[name]
    found = type_of(incident(*lines))
    assert found.type is kind
    assert found.title == TITLES[kind]
    assert found.facts
    assert set(found.lines) <= {one.uid for one in lines}


TACTIC_CASES = [
    ("Execution", "ws-1", "", IncidentType.MALWARE),
    ("TA0006", "ws-1", "ann", IncidentType.CREDENTIAL_THEFT),
    ("credential_access", "", "ann", IncidentType.CREDENTIAL_GUESSING),
    ("Initial Access", "", "ann", IncidentType.ACCOUNT_TAKEOVER),
    ("Initial Access", "web-1", "", IncidentType.WEB_ATTACK),
    ("Persistence", "", "ann", IncidentType.CLOUD_FOOTHOLD),
    ("Impact", "ws-1", "", IncidentType.RANSOMWARE),
    ("Exfiltration", "", "ann", IncidentType.INSIDER),
    ("Discovery", "ws-1", "", IncidentType.INTRUSION),
]


@pytest.mark.parametrize(("tactic", "host", "users", "kind"), TACTIC_CASES)
def test_a_tactic_speaks_where_no_technique_does(tactic: str, host: str, users: str, kind: IncidentType) -> None:
    assert type_of(incident(line("a", host=host, users=users, tactics=(tactic,)))).type is kind


def test_where_to_act_is_what_the_attacker_holds_not_what_was_tried() -> None:
    guessed = [line(f"guess-{user}", "T1110", host="", users=user) for user in ("ann", "bob")]
    found = type_of(incident(*guessed, line("in", "T1078", host="", users="bob")))
    assert found.lines == ("in",)
    moved = type_of(incident(line("shell", "T1505.003", "web-1"), line("look", "T1046", "db-1"), line("moved", "T1021", "db-2")))
    assert moved.lines == ("shell", "moved")


def test_weak_lines_say_nothing_beside_strong_ones() -> None:
    strong, weak = line("a", "T1566.001", host="", users="ann", score=0.8), line("b", "T1490", score=0.1)
    assert type_of(incident(strong, weak)).type is IncidentType.PHISHING
    assert type_of(incident(weak)).type is IncidentType.RANSOMWARE


LINES = st.lists(
    st.builds(
        line,
        uid=st.integers(0, 10**6).map(str),
        techniques=st.lists(st.sampled_from(SOME_TECHNIQUES), max_size=3).map(" ".join),
        host=st.sampled_from(["", "ws-1", "ws-2"]),
        users=st.sampled_from(["", "ann", "ann bob"]),
        tactics=st.lists(st.sampled_from([*TACTICS, *TACTICS.values(), "?"]), max_size=2).map(tuple),
        score=st.sampled_from([0.0, 0.5, 1.0]),
    ),
    min_size=1, max_size=6, unique_by=lambda one: one.uid,
)  # fmt: skip


@given(LINES, st.randoms(use_true_random=False))
def test_the_order_of_lines_and_the_names_of_rules_decide_nothing(lines: list[Line], random: object) -> None:
    found = type_of(incident(*lines))
    other = list(lines)
    random.shuffle(other)  # type: ignore[attr-defined]
    assert type_of(incident(*other)).type is found.type
    assert set(type_of(incident(*other)).lines) == set(found.lines)
    renamed = [line_of(one, Rule("e-shadow-delete", "Ransomware!")) for one in lines]
    assert type_of(incident(*renamed)).type is found.type


def line_of(one: Line, rule: Rule) -> Line:
    return Line(**{name: getattr(one, name) for name in one.__struct_fields__} | {"rule": rule})


@given(LINES)
def test_facts_are_few_and_lines_are_of_the_incident(lines: list[Line]) -> None:
    found = type_of(incident(*lines))
    assert 1 <= len(found.facts) <= 5
    assert set(found.lines) <= {one.uid for one in lines}
    assert (found.type is IncidentType.UNKNOWN) == (not found.lines)


def test_a_sub_technique_is_a_sign_of_what_its_parent_is_unless_it_has_its_own() -> None:
    assert signs_of(line("a", "T1003.006")) == {Sign.DUMPING}
    assert signs_of(line("a", "t1562.001 ")) == {Sign.FOOTHOLD}
    assert signs_of(line("a", "T1562.008")) == {Sign.ACCOUNT_CHANGED}
    assert Sign.PERSON not in signs_of(line("a", "", users="ann"))


@given(st.text(max_size=300))
def test_what_comes_from_outside_is_shown_in_one_short_printable_line(text: str) -> None:
    said = shown(text)
    assert len(said) <= 80
    assert said.isprintable()
    assert shown(said) == said
    told = fact(line("a", "T1490", product="p", name=text))
    assert "\n" not in told
    assert len(told) < 150
