"""What a schema of types cannot say of a document is checked, and each fault names its field."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.decision import Action
from models.errors import PlaybookError
from models.playbooks.loading import parse_playbook
from models.playbooks.workflow import reached
from tests.models.playbooks.documents import Change, changed, own_of, shipped, steps_of

ELSEWHERE = "end--5b0e6f52-3c38-4d11-8f7e-2a1d6a0c9b11"
NOBODY = "group--5b0e6f52-3c38-4d11-8f7e-2a1d6a0c9b12"


def first_action(document: dict[str, Any]) -> dict[str, Any]:
    return steps_of(document, "action")[0]


def end_of_all(document: dict[str, Any]) -> str:
    return str(steps_of(document, "if-condition")[0]["on_completion"])


def back_to_start(document: dict[str, Any]) -> None:
    start = document["workflow"][document["workflow_start"]]
    steps_of(document, "if-condition")[0]["on_completion"] = start["on_completion"]


def one_end_for_both(document: dict[str, Any]) -> None:
    branch = steps_of(document, "if-condition")[0]
    gone = document["workflow"][branch["on_false"]]["on_completion"]
    document["workflow"][branch["on_false"]]["on_completion"] = document["workflow"][branch["on_true"]]["on_completion"]
    del document["workflow"][gone]


def same_uuid(document: dict[str, Any]) -> None:
    step = first_action(document)
    uid = next(uid for uid, one in document["workflow"].items() if one is step)
    document["agent_definitions"]["group--" + uid.partition("--")[2]] = {"type": "group", "name": "somebody"}


FAULTS: dict[str, tuple[Change, str]] = {
    "another version": (lambda d: d.update(spec_version="cacao-1.1"), "spec_version"),
    "no such day": (lambda d: d.update(valid_until="2027-02-30T00:00:00.000Z"), "valid_until"),
    "over before it begins": (
        lambda d: d.update(valid_from="2027-02-02T00:00:00.000Z", valid_until="2027-02-01T00:00:00.000Z"), "valid_until",
    ),
    "modified before made": (lambda d: d.update(modified="2020-01-01T00:00:00.000Z"), "modified"),
    "made by no identity": (lambda d: d.update(created_by=d["id"]), "created_by"),
    "one UUID for two": (same_uuid, "agent_definitions"),
    "begins nowhere": (lambda d: d.update(workflow_start=ELSEWHERE), "workflow_start"),
    "begins in the middle": (lambda d: d.update(workflow_start=end_of_all(d)), "workflow_start"),
    "no such exception": (lambda d: d.update(workflow_exception=ELSEWHERE), "workflow_exception"),
    "leads to nothing": (lambda d: first_action(d).update(on_completion=ELSEWHERE), "workflow."),
    "no such agent": (lambda d: first_action(d).update(agent=NOBODY), ".agent"),
    "no such target": (lambda d: first_action(d).update(targets=[NOBODY]), ".targets"),
    "no such variable": (lambda d: first_action(d)["commands"][0].update(command="Do it to __nothing__:value."), "workflow."),
    "no such argument": (lambda d: first_action(d).update(in_args=["__nothing__"]), "workflow."),
    "no such condition": (lambda d: steps_of(d, "if-condition")[0].update(condition="__nothing__:value == 'true'"), "workflow."),
    "not reached": (lambda d: d["workflow"].update({ELSEWHERE: {"type": "end"}}), f"workflow.{ELSEWHERE}"),
    "in a circle": (back_to_start, "workflow."),
    "branches share an end": (one_end_for_both, "workflow.if-condition"),
    "leads nowhere": (lambda d: first_action(d).pop("on_completion"), "workflow.action"),
    "two ways on": (lambda d: first_action(d).update(on_success=end_of_all(d)), "workflow.action"),
    "goes on after the end": (lambda d: d["workflow"][end_of_all(d)].update(on_completion=d["workflow_start"]), "workflow."),
    "says what it does not do": (lambda d: d["playbook_activities"].append("map-network"), "playbook_activities"),
    "says nothing of what it does": (lambda d: d.update(playbook_activities=[]), "playbook_activities"),
    "a command of no words": (lambda d: first_action(d)["commands"][0].pop("command"), ".commands"),
    "an extension of nobody": (lambda d: d.update(extension_definitions={}), "playbook_extensions."),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found_and_its_field_named(name: str) -> None:
    change, field = FAULTS[name]
    with pytest.raises(PlaybookError) as caught:
        parse_playbook(changed("isolate-host", change), "own/isolate.json")
    assert field in caught.value.field
    assert caught.value.path == "own/isolate.json"
    assert "own/isolate.json" in str(caught.value)
    assert caught.value.field in str(caught.value)


TYPES: dict[str, tuple[Change, str]] = {
    "no name": (lambda d: d.pop("name"), "name"),
    "a property that is none": (lambda d: d.update(colour="red"), "colour"),
    "a step of no type": (lambda d: first_action(d).update(type="dance"), "workflow"),
    "no commands": (lambda d: first_action(d).update(commands=[]), "workflow"),
    "no UUID": (lambda d: d.update(id="playbook--1"), "id"),
    "no milliseconds": (lambda d: d.update(created="2026-11-24T00:00:00Z"), "created"),
    "graver than can be": (lambda d: d.update(severity=101), "severity"),
    "a variable of no form": (lambda d: d["playbook_variables"].update(host={"type": "string"}), "playbook_variables"),
    "own: nothing": (lambda d: d.pop("playbook_extensions"), "playbook_extensions"),
    "own: a property that is none": (lambda d: own_of(d).update(colour="red"), "colour"),
    "own: no blast radius": (lambda d: own_of(d).pop("blast_radius"), "blast_radius"),
    "own: no such radius": (lambda d: own_of(d).update(blast_radius="huge"), "blast_radius"),
    "own: never lapses": (lambda d: own_of(d).update(expiry_seconds=10**9), "expiry_seconds"),
    "own: no technique": (lambda d: own_of(d)["trigger"].update(techniques=["mimikatz"]), "trigger.techniques"),
}


@pytest.mark.parametrize("name", TYPES)
def test_what_is_of_the_wrong_type_is_refused_and_named(name: str) -> None:
    change, field = TYPES[name]
    with pytest.raises(PlaybookError) as caught:
        parse_playbook(changed("isolate-host", change), "own.json")
    assert field in str(caught.value)


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"\xff\xfe", b"null", b'{"type": "bundle"}', b"[" * 100_000])
def test_what_is_no_document_is_refused(raw: bytes) -> None:
    with pytest.raises(PlaybookError):
        parse_playbook(raw, "own.json")


@given(st.binary(max_size=40), st.integers(0, 4000), st.integers(0, 40))
def test_a_damaged_document_is_read_or_refused_and_nothing_else(junk: bytes, at: int, cut: int) -> None:
    raw = json.dumps(shipped("block-domain")).encode()
    damaged = raw[:at] + junk + raw[at + cut :]
    try:
        read = parse_playbook(damaged, "own.json")
    except PlaybookError:
        return
    assert read.document == damaged
    assert read.most is Action.RESPOND or read.own.action is Action.APPROVE


def test_every_type_of_step_is_known() -> None:
    document = shipped("block-domain")
    ends = [f"end--00000000-0000-4000-8000-00000000000{i}" for i in range(8)]
    document["workflow"] |= {end: {"type": "end"} for end in ends}
    start, last = document["workflow"][document["workflow_start"]], "parallel--00000000-0000-4000-8000-0000000000a0"
    action, after = start["on_completion"], steps_of(document, "action")[0]["on_completion"]
    document["playbook_variables"]["__again__"] = {"type": "bool"}
    loop, choice = (f"{kind}-condition--00000000-0000-4000-8000-0000000000b{i}" for i, kind in enumerate(("while", "switch")))
    document["workflow"] |= {
        last: {"type": "parallel", "next_steps": ends[:2], "on_completion": loop},
        loop: {"type": "while-condition", "condition": "__again__:value == 'true'", "on_true": ends[2], "on_completion": choice},
        choice: {"type": "switch-condition", "switch": "__again__:value", "cases": {"a": ends[3], "b": ends[4]}, "on_success": ends[5],
                 "on_failure": ends[6]},
    }  # fmt: skip
    document["workflow"][action]["on_completion"] = last
    document["workflow_exception"] = ends[7]
    del document["workflow"][after]
    assert parse_playbook(json.dumps(document).encode(), "own.json").slug == "block-domain"


@given(st.dictionaries(st.integers(0, 8), st.lists(st.integers(0, 8), max_size=4)), st.lists(st.integers(0, 8)))
def test_what_is_reached_is_the_least_set_that_holds_the_starts_and_where_its_nodes_lead(
    edges: dict[int, list[int]], starts: list[int]
) -> None:
    leads = {str(node): [str(other) for other in others] for node, others in edges.items()}
    found = reached(map(str, starts), leads)
    assert {str(start) for start in starts} <= found
    assert all(other in found for node in found for other in leads.get(node, ()))
    least = {str(start) for start in starts}
    for _ in range(9):
        least |= {other for node in least for other in leads.get(node, ())}
    assert found == least
