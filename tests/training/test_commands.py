"""The command line: what is wrong is said in one line on standard error, with an exit code, and nothing is left half-done."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import Result
from typer.testing import CliRunner

from features.history import read_labels
from models.bundle import ModelBundle
from models.ledger import LeftOut, label_key
from tamis import app


def tamis(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "tamis", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={"TAMIS_VAR": str(tmp_path / "var"), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "COLUMNS": "200"},
    )


def here(tmp_path: Path, *arguments: str) -> Result:
    """Run the command line in this process, which need not load everything again."""
    return CliRunner().invoke(app, list(arguments), env={"TAMIS_VAR": str(tmp_path / "var"), "COLUMNS": "200"})


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("train", "--data", "nowhere", "--format", "ait-ads"), "no such file or folder"),
        (("train", "--data", "nowhere", "--format", "syslog"), "unknown format 'syslog'"),
        (("train", "--data", "{here}", "--format", "wazuh"), "no file of format wazuh here"),
        (("train", "--data", "{here}", "--format", "ait-ads", "--objective", "all of it"), "expected a sentence like"),
        (
            ("score", "--bundle", "champion", "--data", "{here}", "--format", "ait-ads", "--out", "{here}/s"),
            "no bundle has been promoted",
        ),
        (
            ("score", "--bundle", "{here}", "--data", "{here}", "--format", "ait-ads", "--out", "{here}/s"),
            "incomplete or unreadable",
        ),
        (
            ("queue", "--data", "{here}", "--format", "ait-ads", "--budget", "5", "--out", "{here}/s"),
            "no bundle has been promoted",
        ),
        (("whatif", "--data", "{here}", "--format", "ait-ads"), "no bundle has been promoted"),
        (("whatif", "--data", "{here}", "--format", "ait-ads", "--objective", "hide all"), "expected a sentence like"),
        (("whatif", "--data", "{here}", "--format", "ait-ads", "--costs", "{here}/none"), "/none: "),
        (("train", "--data", "{here}", "--format", "ait-ads", "--costs", "{here}/n_alerts.csv"), "n_alerts.csv: "),
        (("assess", "--data", "nowhere", "--format", "history"), "nowhere"),
        (("evaluate", "--data", "{here}", "--format", "ait-ads", "--report", "{here}/s"), "in two tenants at least"),
        (("evaluate", "--data", "{here}/n.txt", "--format", "ocsf", "--report", "{here}/s"), "n.txt, row 0: finding_info"),
        (("simulate", "--out", "{here}/n.txt/world"), "n.txt/world.part: Not a directory"),
        (("rollback",), "there is no earlier bundle"),
        (("export", "--out", "{here}/e"), "there is nothing to export yet"),
        (("context", "import", "{here}/n_alerts.csv", "--kind", "pets"), "unknown kind 'pets'"),
        (("replay", "--data", "{here}", "--format", "ait-ads", "--url", "http://127.0.0.1:9"), "http://127.0.0.1:9"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    (tmp_path / "n_alerts.csv").write_text(
        "time,name,ip,host,short,time_label,event_label\n1642213952,a rule,10.0.0.1,mail,W-x,x,-\n"
    )
    (tmp_path / "n.txt").write_text('{"class_uid":2004,"time":1,"metadata":{}}\n')
    done = here(tmp_path, *(argument.format(here=tmp_path) for argument in arguments))
    assert done.exit_code == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert not done.stdout
    assert not (tmp_path / "s").exists()
    assert not (tmp_path / "e").exists()


def test_a_simulated_history_can_be_trained_on_and_a_broken_line_is_put_aside(tmp_path: Path) -> None:
    assert here(tmp_path, "simulate", "--out", str(tmp_path / "world"), "--tenants", "2", "--days", "7").exit_code == 0
    data = ("--data", str(tmp_path / "world" / "history"), "--format", "history")
    without = ("--without-labels-of", "analyst-1", "--without-labels-of", "analyst-2")
    done = tamis(tmp_path, "train", *data, *without, "--out", str(tmp_path / "bundle"), "--promote")
    assert done.returncode == 0, done.stderr
    assert "promoted" in done.stderr
    assert "Warning" not in done.stderr
    theirs = {
        label_key(label.tenant, label.uid): LeftOut.EXCLUDED
        for _, label in read_labels(tmp_path / "world" / "history")
        if label.analyst in {"analyst-1", "analyst-2"}
    }
    ledger = ModelBundle.load(tmp_path / "bundle").ledger
    assert {key: why for key, why in ledger.left_out.items() if why is LeftOut.EXCLUDED} == theirs
    (tmp_path / "a.jsonl").write_text('{"timestamp":"2026-01-01T00:00:00Z","rule":{"id":"1","level":3},"id":"1"}\n{broken\n')
    out = tmp_path / "scores.parquet"
    done = here(
        tmp_path, "score", "--bundle", "champion", "--data", str(tmp_path / "a.jsonl"), "--format", "wazuh", "--out", str(out)
    )
    assert done.exit_code == 0, done.stderr
    assert "1 alerts scored, 1 rejected" in done.stderr
    assert '"row":1' in (tmp_path / "scores.parquet.rejects.jsonl").read_text()
    out = tmp_path / "new" / "queue.parquet"
    given = ("--data", str(tmp_path / "a.jsonl"), "--format", "wazuh", "--budget", "5", "--out", str(out))
    done = here(tmp_path, "queue", *given)
    assert done.exit_code == 0, done.stderr
    assert "1 of 1 families of 1 alerts, 1 rejected" in done.stderr
    assert '"row":1' in (tmp_path / "new" / "queue.parquet.rejects.jsonl").read_text()
    (row,) = pq.read_table(out).to_pylist()
    assert (row["day"].isoformat(), row["rank"], row["rule"], row["alerts"]) == ("2026-01-01", 1, "1", 1)


def test_a_process_says_what_is_wrong_in_one_line(tmp_path: Path) -> None:
    done = tamis(tmp_path, "rollback")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1


def test_the_reference_names_every_command() -> None:
    groups = [("", app), *((f"{group.name} ", group.typer_instance) for group in app.registered_groups)]
    lines = (Path(__file__).parents[2] / "REFERENCE.md").read_text().splitlines()
    for prefix, group in groups:
        for command in group.registered_commands if group else ():
            name = command.name or getattr(command.callback, "__name__", "").replace("_", "-")
            assert any(f"tamis {prefix}" in line and re.search(rf"\b{name}\b", line) for line in lines), prefix + name


def test_help_names_every_command() -> None:
    done = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "200"})
    for command in (
        "data",
        "simulate",
        "train",
        "assess",
        "evaluate",
        "score",
        "queue",
        "promote",
        "rollback",
        "serve",
        "replay",
        "context",
        "export",
    ):
        assert f" {command} " in done.stdout
