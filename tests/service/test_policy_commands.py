"""`tamis policy`: what is written, what is refused, and that a stop always works."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from click.testing import Result
from typer.testing import CliRunner

from models.bundle_store import BundleStore
from models.live_policy import LivePolicy, Mode, Setting, Withdrawal
from models.policy import ThresholdPolicy
from models.policy_store import PolicyStore
from service.commands import app
from tests.conftest import START
from tests.service.bundles import make_bundle


def run(*arguments: str) -> Result:
    """Run a command in this process."""
    return CliRunner().invoke(app, ["policy", *arguments])


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PolicyStore:
    monkeypatch.setenv("TAMIS_VAR", str(tmp_path))
    return PolicyStore(tmp_path / "policy")


def serve(tmp_path: Path, seed: int = 0, units: int = 500) -> str:
    """Make a bundle champion; return its certificate's uid."""
    make_bundle(tmp_path / "work", seed, units=units)
    BundleStore(tmp_path / "bundles").publish(tmp_path / "work", by="test", time=START)
    return msgspec.json.decode((tmp_path / "work" / "policy.json").read_bytes(), type=ThresholdPolicy).certificates[0].uid


def test_guardrails_are_set_and_unset(store: PolicyStore) -> None:
    entries = (
        "--never-suppress",
        "severity=5",
        "--never-suppress",
        "decoy",
        "--never-touch",
        "host:dc01",
        "--cap",
        "minimal=10/3600",
    )
    assert run("set", "--tenant", "acme", *entries, "--expires", "2999-01-01", "--note", "why", "--by", "ann").exit_code == 0
    policy = store.read()
    assert [(e.by, e.value, e.tenant) for e in policy.never_suppress] == [("severity", "5", "acme"), ("decoy", "", "acme")]
    assert (policy.never_touch[0].uid, policy.caps[0].most, policy.by, policy.note) == ("dc01", 10, "ann", "why")
    assert all(e.expires is not None and e.expires.year == 2999 for e in policy.entries())
    assert run("set", "--everywhere", "--habit-from", "2").exit_code == 0
    shown = run("show").stdout
    assert all(
        word in shown for word in ("severity 5", "host dc01", "at most 10 in 3600 s", "habit_from 2.0", "until 2999", "why")
    )
    assert "dc01" not in run("show", "--tenant", "other").stdout
    gone = ("--never-suppress", "severity=5", "--never-touch", "host:dc01", "--cap", "minimal", "--habit-from")
    assert run("unset", "--tenant", "acme", *gone).exit_code == 0
    assert [e.by.value for e in store.read().never_suppress] == ["decoy"]
    assert run("unset", "--tenant", "acme", "--cap", "minimal").exit_code == 1
    assert [line.split()[0] for line in run("history").stdout.splitlines()] == ["3", "2", "1"]


@pytest.mark.parametrize(
    "given",
    [("--never-suppress", "severity=7"), ("--never-suppress", "colour=red"), ("--never-touch", "dc01"), ("--cap", "minimal=10"),
     ("--cap", "minimal=-1/60"), ("--cap", "minimal=1/nan"), ("--never-touch", "host:"), ("--mode", "automate"),
     ("--mode", "shadow", "--group", "colour:red")],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_in_one_line(store: PolicyStore, given: tuple[str, ...]) -> None:
    refused = run("set", "--tenant", "acme", *given)
    assert refused.exit_code == 1
    assert refused.stderr.startswith("error: ")
    assert refused.stderr.count("\n") <= 3
    assert store.newest() == 0


def test_nobody_is_meant_by_default(store: PolicyStore) -> None:
    assert run("set", "--never-suppress", "decoy").exit_code == 1
    assert run("stop").exit_code == 1


def test_a_mode_needs_a_certificate_of_the_bundle_that_serves(store: PolicyStore, tmp_path: Path) -> None:
    uid = serve(tmp_path)
    assert "transferred" in run("set", "--tenant", "acme", "--mode", "automate").stderr
    assert run("set", "--tenant", "acme", "--mode", "automate", "--accept-transferred").exit_code == 0
    assert store.read().modes == (Setting(tenant="acme", mode=Mode.AUTOMATE, certificate=uid, transferred=True),)
    assert f"automate (certificate {uid})" in run("show").stdout
    serve(tmp_path, seed=1, units=40)
    assert "in effect shadow: no_certificate" in run("show").stdout
    assert run("set", "--tenant", "beta", "--mode", "advise", "--accept-transferred").exit_code == 1
    assert run("set", "--tenant", "acme", "--mode", "shadow").exit_code == 0
    assert run("unset", "--tenant", "acme", "--mode").exit_code == 0
    assert store.read().modes == ()


def test_a_whole_policy_is_read_strictly(store: PolicyStore, tmp_path: Path) -> None:
    uid, file = serve(tmp_path), tmp_path / "policy.json"
    run("set", "--tenant", "acme", "--mode", "automate", "--accept-transferred", "--cap", "minimal=1/60")
    run("stop", "--tenant", "acme")
    file.write_text(run("show", "--json").stdout)
    assert run("set", "--file", str(file)).exit_code == 0
    assert store.read().entries() == store.read(2).entries()
    file.write_bytes(msgspec.json.encode(LivePolicy()))
    assert run("set", "--file", str(file)).exit_code == 0
    assert [type(entry).__name__ for entry in store.read().entries()] == ["Stop"]
    before = store.newest()
    foreign = Setting(tenant="acme", mode=Mode.ADVISE, certificate="f" * 16, transferred=True)
    for body in (
        msgspec.json.encode(LivePolicy(modes=(foreign,))),
        msgspec.json.encode(LivePolicy(modes=(Setting(tenant="a", mode=Mode.SHADOW),) * 2)),
        b'{"guardrail": 1}', b"{", b"\xff",
    ):  # fmt: skip
        file.write_bytes(body)
        assert run("set", "--file", str(file)).exit_code == 1
    assert run("set", "--file", str(tmp_path / "none")).exit_code == 1
    assert store.newest() == before
    assert uid


def test_a_stop_works_on_a_damaged_policy(store: PolicyStore, tmp_path: Path) -> None:
    serve(tmp_path)
    run("set", "--tenant", "acme", "--mode", "automate", "--accept-transferred")
    (store.root / "00000002.json").write_bytes(b"{")
    assert run("set", "--tenant", "acme", "--never-suppress", "decoy").exit_code == 1
    assert "refused" in run("show").stderr
    assert run("stop", "--everywhere", "--note", "what is this", "--by", "ann").exit_code == 0
    policy = store.read()
    assert (policy.version, policy.stops[0].by, len(policy.modes)) == (3, "ann", 1)
    assert "refused" in run("history").stdout
    assert run("resume", "--tenant", "acme").exit_code == 1
    assert run("resume", "--everywhere").exit_code == 0
    assert store.read().stops == ()


def test_a_person_restores_a_certificate(store: PolicyStore) -> None:
    gone = tuple(Withdrawal(tenant=tenant, certificate="c1", time=START, group="severity:3") for tenant in ("acme", "beta"))
    store.change(lambda p: msgspec.structs.replace(p, withdrawals=gone), by="test", time=START)
    assert "Withdrawal c1 severity:3" in run("show").stdout
    assert run("restore", "c2", "--tenant", "acme").exit_code == 1
    assert run("restore", "c1", "--tenant", "acme", "--by", "ann", "--note", "looked at all of it").exit_code == 0
    assert [w.tenant for w in store.read().withdrawals] == ["beta"]
    assert store.read().by == "ann"
