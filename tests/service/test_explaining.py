"""What was decided, and why, in words that a terminal only prints."""

from __future__ import annotations

import shutil

import pytest
from typer.testing import CliRunner

from models.decision import ReasonCode
from service.commands import app
from service.explaining import SENTENCES
from tests.service.client import Service, finding
from tests.service.closure.cases import report, told
from tests.service.closure.test_returning import noisy


def explained(service: Service, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> tuple[int, str]:
    monkeypatch.setenv("TAMIS_VAR", str(service.settings.var))
    done = CliRunner().invoke(app, ["explain", *arguments])
    return done.exit_code, done.output


def test_each_code_is_a_sentence() -> None:
    assert set(SENTENCES) == set(ReasonCode)


def test_every_revision_is_told(audited: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    uid, hidden, _ = noisy(audited)
    report(audited, uid, told("o1", status="failed"))
    code, said = explained(audited, monkeypatch, hidden[0])
    assert code == 0
    first, second = said.split("\n\n")[1:]
    assert first.startswith("revision 1, ")
    assert ": suppress\n" in first
    assert "  because its score is below the threshold that the certificate proves [below_threshold]\n" in first
    assert "of incidents are hidden whole" in first
    assert "  guardrails: none held it back\n" in first
    assert "  audit: not drawn (propensity " in first
    assert "  live policy: " in first
    assert " by test\n" in first
    assert "speaks" in first
    assert ": queue for a person\n" in second
    assert "its incident escalated" in second
    assert "certificate: it rests on none" in second
    shutil.rmtree(audited.settings.bundles)
    assert "which is no longer here to give reasons" in explained(audited, monkeypatch, hidden[0])[1]


def test_hostile_text_is_made_harmless(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    evil = "a\x1b[2J\u202e\nrow"
    service.post(finding(evil, rule="r\x1b]0;x\x07", host="h\r\x1b[31m"))
    code, said = explained(service, monkeypatch, evil)
    assert code == 0
    assert not {character for character in said if not character.isprintable()} - {"\n"}
    assert "no model was serving [no_model]" in said
    code, said = explained(service, monkeypatch, "none\x1b[2J")
    assert (code, said) == (1, "error: no alert none[U+001B][2J\n")


def test_of_an_erased_alert_and_of_two_tenants(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    service.post(finding("a", host="erika-pc"))
    service.post(finding("a"), key=service.other)
    code, said = explained(service, monkeypatch, "a")
    assert (code, "several tenants" in said) == (1, True)
    service.send("DELETE", "/v1/alerts/a")
    code, said = explained(service, monkeypatch, "a", "--tenant", "acme")
    assert (code, "what was personal of it was erased on " in said, "erika" in said) == (0, True, False)


def test_through_the_root_command() -> None:
    import tamis  # noqa: PLC0415

    names = {command.name or command.callback.__name__ for command in tamis.app.registered_commands if command.callback}
    assert {"verify-log", "explain", "erase", "replay-decisions"} <= names
