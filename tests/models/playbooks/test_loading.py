"""The catalogue: what is shipped holds together, and an own folder adds and replaces, but loosens nothing."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

import pytest

from models.decision import Action, BlastRadius
from models.errors import PlaybookError
from models.playbooks import loading
from models.playbooks.cacao import decode
from models.playbooks.incident_type import IncidentType
from models.playbooks.loading import SHIPPED, load_catalogue, parse_playbook
from tests.models.playbooks.documents import Change, changed, own_of, shipped

IRREVERSIBLE = {"reimage-host", "restore-from-backup", "wipe-device"}
_ACTIVITIES = {
    "compose-content", "deliver-content", "identify-audience", "identify-channel", "scan-system", "match-indicator",
    "analyze-collected-data", "identify-indicators", "scan-vulnerabilities", "configure-systems", "restrict-access",
    "disconnect-system", "eliminate-risk", "revert-system", "restore-data", "restore-capabilities", "map-network",
    "identify-steps", "step-sequence", "prepare-engagement", "execute-operation", "analyze-engagement-results",
}  # fmt: skip
"""playbook-activity-type-ov of the specification."""


def put(folder: Path, name: str, document: dict[str, Any]) -> Path:
    path = folder / f"{name}.json"
    path.write_text(json.dumps(document))
    return path


def of_its_own(like: str, **own: Any) -> dict[str, Any]:
    """Return a shipped document under another uid and slug."""
    document = shipped(like)
    document["id"] = f"playbook--{uuid.uuid5(uuid.NAMESPACE_OID, like + repr(own))}"
    own_of(document).update({"slug": f"own-{like}"} | own)
    return document


def test_what_is_shipped_holds_together() -> None:
    catalogue = load_catalogue()
    assert {playbook.slug for playbook in catalogue.playbooks.values()} == {path.stem for path in SHIPPED.glob("*.json")}
    assert len(catalogue.playbooks) >= 20
    assert not catalogue.refused
    assert all(uid == playbook.uid for uid, playbook in catalogue.playbooks.items())


def test_what_is_shipped_speaks_the_words_of_the_specification() -> None:
    for path in SHIPPED.glob("*.json"):
        document = decode(path.read_bytes())
        assert set(document.playbook_activities) <= _ACTIVITIES
        assert all(uuid.UUID(step.partition("--")[2]).version == 4 for step in document.workflow)
        assert document.description
        assert None not in {document.severity, document.impact, document.priority}


def test_what_cannot_be_undone_is_major_asks_a_person_and_waits_for_isolation() -> None:
    catalogue = load_catalogue()
    isolate = catalogue.by_slug("isolate-host")
    assert isolate is not None
    lasting = {playbook.slug: playbook for playbook in catalogue.playbooks.values() if not playbook.own.reversible}
    assert lasting.keys() == IRREVERSIBLE
    for playbook in lasting.values():
        assert (playbook.tier, playbook.most) == (BlastRadius.MAJOR, Action.APPROVE)
        assert isolate.uid in playbook.own.requires


def test_every_type_of_incident_has_a_first_step_but_the_unknown() -> None:
    playbooks = load_catalogue().playbooks.values()
    first = {kind for kind in IncidentType if any(playbook.own.trigger.types.get(kind) == 1 for playbook in playbooks)}
    assert first == set(IncidentType) - {IncidentType.UNKNOWN}
    assert {playbook.slug for playbook in playbooks if playbook.own.trigger.default} == {"open-ticket", "collect-forensics"}


def test_for_insiders_nothing_loud_is_called_for() -> None:
    called = {p.slug for p in load_catalogue().playbooks.values() if p.own.trigger.place(IncidentType.INSIDER)}
    assert called == {"insider-case"}


def test_no_slug_but_that_of_the_catalogue() -> None:
    assert load_catalogue().by_slug("dance") is None


def test_an_own_folder_adds(tmp_path: Path) -> None:
    document = of_its_own("block-domain")
    put(tmp_path, "mine", document)
    catalogue = load_catalogue(tmp_path)
    assert len(catalogue.playbooks) == len(load_catalogue().playbooks) + 1
    assert catalogue.playbooks[document["id"]].document == (tmp_path / "mine.json").read_bytes()


def test_an_own_folder_replaces(tmp_path: Path) -> None:
    document = shipped("isolate-host") | {"name": "Isolate, as we do it"}
    put(tmp_path, "mine", document)
    catalogue = load_catalogue(tmp_path)
    assert catalogue.playbooks[document["id"]].name == "Isolate, as we do it"
    assert len(catalogue.playbooks) == len(load_catalogue().playbooks)


def test_an_own_folder_renames(tmp_path: Path) -> None:
    document = shipped("isolate-host")
    own_of(document)["slug"] = "cut-off"
    put(tmp_path, "mine", document)
    catalogue = load_catalogue(tmp_path)
    assert catalogue.by_slug("cut-off") is catalogue.playbooks[document["id"]]
    assert catalogue.by_slug("isolate-host") is None


OWN_FAULTS: dict[str, tuple[str, Change, str]] = {
    "undoable, and not major": ("reimage-host", lambda d: own_of(d).update(blast_radius="moderate"), "blast_radius"),
    "undoable, and by itself": ("reimage-host", lambda d: own_of(d).update(action="respond"), "action"),
    "undoable, and reverted": ("reimage-host", lambda d: own_of(d).update(reverted_by=shipped("isolate-host")["id"]), "reverted_by"),
    "undoable, and first": ("reimage-host", lambda d: own_of(d).update(requires=[]), "requires"),
    "major, and by itself": ("isolate-host", lambda d: own_of(d).update(blast_radius="major"), "action"),
    "undone by nothing": ("isolate-host", lambda d: own_of(d).pop("reverted_by"), "reverted_by"),
    "undone by a step elsewhere": (
        "isolate-host", lambda d: own_of(d).update(reverted_by="action--5b0e6f52-3c38-4d11-8f7e-2a1d6a0c9b13"), "reverted_by",
    ),
    "hides what it finds": ("isolate-host", lambda d: own_of(d).update(action="suppress"), "action"),
    "for no type": ("isolate-host", lambda d: own_of(d)["trigger"]["types"].update(flu=1), "trigger.types"),
    "for no tactic": ("isolate-host", lambda d: own_of(d)["trigger"].update(tactics=["dancing"]), "trigger.tactics"),
    "acts on what it does not declare": (
        "isolate-host", lambda d: own_of(d)["targets"].update(__nothing__=[{"kind": "host"}]), "targets.__nothing__",
    ),
    "acts on what is not for it to fill": (
        "isolate-host", lambda d: own_of(d)["targets"].update(__isolated__=[{"kind": "host"}]), "targets.__isolated__",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", OWN_FAULTS)
def test_own_properties_that_contradict_each_other_are_refused(name: str) -> None:
    slug, change, field = OWN_FAULTS[name]
    with pytest.raises(PlaybookError) as caught:
        parse_playbook(changed(slug, change), "own.json")
    assert caught.value.field == field


def test_what_does_not_validate_is_an_error_or_left_out_with_why(tmp_path: Path) -> None:
    path = put(tmp_path, "bad", shipped("isolate-host") | {"spec_version": "cacao-1.0"})
    put(tmp_path, "good", of_its_own("block-domain"))
    with pytest.raises(PlaybookError, match="spec_version"):
        load_catalogue(tmp_path)
    catalogue = load_catalogue(tmp_path, lenient=True)
    assert [(error.path, error.field) for error in catalogue.refused] == [(str(path), "spec_version")]
    assert catalogue.by_slug("own-block-domain")
    assert catalogue.by_slug("isolate-host")


MISSING = "playbook--5b0e6f52-3c38-4d11-8f7e-2a1d6a0c9b14"


def reversible_reimage() -> dict[str, Any]:
    document = shipped("reimage-host")
    own_of(document).update(reversible=True, blast_radius="minimal", action="respond")
    return document


def runs_reimage() -> dict[str, Any]:
    document = of_its_own("reimage-host", reversible=True, blast_radius="minimal", action="respond", requires=[])
    next(step for step in document["workflow"].values() if "playbook_id" in step)["playbook_id"] = shipped("reimage-host")["id"]
    return document


def isolation_waits_for_reimage() -> dict[str, Any]:
    document = shipped("isolate-host")
    own_of(document)["requires"] = [shipped("reimage-host")["id"]]
    return document


def runs_itself() -> dict[str, Any]:
    document = of_its_own("reimage-host")
    next(step for step in document["workflow"].values() if "playbook_id" in step)["playbook_id"] = document["id"]
    return document


TOGETHER = {
    "requires what is not there": (lambda: of_its_own("isolate-host", requires=[MISSING]), "requires"),
    "reverted by what is not there": (lambda: of_its_own("isolate-host", reverted_by=MISSING), "reverted_by"),
    "takes another's slug": (lambda: of_its_own("block-domain", slug="isolate-host"), "slug"),
    "says that what cannot be undone can": (reversible_reimage, "reversible"),
    "runs what cannot be undone": (runs_reimage, "reversible"),
    "waits for what waits for it": (isolation_waits_for_reimage, "requires"),
    "runs itself": (runs_itself, "workflow"),
}


@pytest.mark.parametrize("name", TOGETHER)
def test_what_does_not_go_with_the_rest_gives_way_to_it(name: str, tmp_path: Path) -> None:
    make, field = TOGETHER[name]
    path = put(tmp_path, "mine", make())
    with pytest.raises(PlaybookError):
        load_catalogue(tmp_path)
    catalogue = load_catalogue(tmp_path, lenient=True)
    assert {(error.path, error.field) for error in catalogue.refused} == {(str(path), field)}
    assert catalogue.playbooks == load_catalogue().playbooks


def test_what_rests_on_a_refused_playbook_is_refused_with_it(tmp_path: Path) -> None:
    below = of_its_own("isolate-host", requires=[MISSING])
    put(tmp_path, "a-above", of_its_own("block-domain", requires=[below["id"]]))
    put(tmp_path, "b-below", below)
    catalogue = load_catalogue(tmp_path, lenient=True)
    assert sorted(Path(error.path).stem for error in catalogue.refused) == ["a-above", "b-below"]
    assert catalogue.playbooks == load_catalogue().playbooks


def test_one_uid_in_two_files_is_refused(tmp_path: Path) -> None:
    for name in ("a", "b"):
        put(tmp_path, name, of_its_own("block-domain"))
    catalogue = load_catalogue(tmp_path, lenient=True)
    assert [(Path(error.path).stem, error.field) for error in catalogue.refused] == [("b", "id")]


def test_of_two_own_playbooks_of_one_slug_the_first_keeps_it(tmp_path: Path) -> None:
    put(tmp_path, "a", of_its_own("block-domain"))
    put(tmp_path, "b", of_its_own("block-domain", slug="own-block-domain", expiry_seconds=60))
    catalogue = load_catalogue(tmp_path, lenient=True)
    assert [(Path(error.path).stem, error.field) for error in catalogue.refused] == [("b", "slug")]


def test_a_folder_that_is_none_and_files_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PlaybookError, match="no folder"):
        load_catalogue(tmp_path / "nowhere")
    (tmp_path / "folder.json").mkdir()
    (tmp_path / "long.json").write_bytes(b" " * 1_000_001)
    reasons = [error.reason for error in load_catalogue(tmp_path, lenient=True).refused]
    assert len(reasons) == 2
    assert "cannot be read" in reasons[0]
    assert "longer" in reasons[1]
    monkeypatch.setattr(loading, "_MOST_FILES", 1)
    (tmp_path / "folder.json").rmdir()
    put(tmp_path, "more", of_its_own("block-domain"))
    assert any("at most 1 " in error.reason for error in load_catalogue(tmp_path, lenient=True).refused)
