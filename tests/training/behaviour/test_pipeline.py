"""Training on events alone: one bundle, registered under a name of its own, and never a champion for alerts."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from models.bundle_files import load_behaviour, read_manifest
from tamis import app
from tests.training.behaviour.test_loaders import commits
from training.behaviour.fitting import Source, learn
from training.behaviour.pipeline import train_behaviour
from training.settings import Settings
from training.tracking import BEHAVIOUR_MODEL, MODEL, connect


def test_behaviour_is_registered_as_a_model_of_its_own(tmp_path: Path) -> None:
    settings, source = Settings(var=tmp_path / "var"), Source(commits(tmp_path, {}, {"user": "bob"}), "git-activity")
    result = train_behaviour(settings, source, out=tmp_path / "bundle")
    assert load_behaviour(tmp_path / "bundle").to_files() == learn(source).model.to_files()
    manifest, digest = read_manifest(tmp_path / "bundle")
    client = connect(settings)
    version = client.get_model_version(BEHAVIOUR_MODEL, result.version)
    run = client.get_run(version.run_id)
    assert (manifest.run, digest) == (version.run_id, result.bundle_digest)
    assert (run.data.metrics["accounts"], run.data.params["format"]) == (2.0, "git-activity")
    assert run.data.tags["bundle_digest"] == result.bundle_digest
    logged = {item.path for item in client.list_artifacts(version.run_id, "bundle")}
    assert logged == {f"bundle/{name}" for name in os.listdir(tmp_path / "bundle")}
    assert not client.search_registered_models(f"name = '{MODEL}'")
    assert train_behaviour(settings, source).version == "2"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("--promote",), "judges no alerts"),
        (("--events", "x", "--events-format", "git-activity"), "judges no alerts"),
        (("--events", "x"), "one needs the other"),
        (("--events-format", "git-activity"), "one needs the other"),
    ],
)
def test_what_cannot_be_trained_together_is_said(tmp_path: Path, more: tuple[str, ...], words: str) -> None:
    ended = CliRunner().invoke(app, ["train", "--data", str(tmp_path), "--format", "git-activity", *more], env={"COLUMNS": "200"})
    assert ended.exit_code == 2
    assert words in ended.output


def test_the_command_says_what_was_learned_and_left_out(tmp_path: Path) -> None:
    data = commits(tmp_path, {}, {"user": None})
    given = ["train", "--data", str(data), "--format", "git-activity", "--out", str(tmp_path / "bundle")]
    ended = CliRunner().invoke(app, given, env={"TAMIS_VAR": str(tmp_path / "var")})
    assert ended.exit_code == 0, ended.output
    assert "1 rows left out" in ended.output
    assert load_behaviour(tmp_path / "bundle").fields
