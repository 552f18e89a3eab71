"""``tamis score-events``, on small files and on the real sets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from typer.testing import CliRunner

from tamis import app
from tests.training.behaviour.test_loaders import COMMIT, commits
from training.behaviour.masquerades import SCORERS, appraise, labelled
from training.behaviour.scoring import flagged, score_segments


def invoke(data: Path, fmt: str, out: Path) -> tuple[int, str]:
    """Run the command."""
    ended = CliRunner().invoke(app, ["score-events", "--data", str(data), "--format", fmt, "--out", str(out)])
    return ended.exit_code, ended.output


def test_segments_after_the_fiftieth_are_scored_and_labels_change_nothing(tmp_path: Path) -> None:
    rows = [
        {"user": user, "segment": n, "commands": commands, "label": 0.0}
        for user, commands in (("a", "ls cat vi"), ("b", "mail who"))
        for n in range(52)
    ]
    rows[51]["commands"] = "mail who"
    for name, label in (("x", 0.0), ("y", 1.0)):
        (tmp_path / name).mkdir()
        pq.write_table(pa.Table.from_pylist([{**row, "label": label} for row in rows]), tmp_path / name / "segments.parquet")
        assert invoke(tmp_path / name, "masquerade", tmp_path / f"{name}.parquet")[0] == 0
    scored = pq.read_table(tmp_path / "x.parquet")
    assert scored == pq.read_table(tmp_path / "y.parquet")
    assert scored.column_names == ["user", "segment", "anomaly_score"]
    assert scored["segment"].to_pylist() == [50, 51, 50, 51]
    assert np.argmax(scored["anomaly_score"]) == 1


def test_commits_become_one_row_a_user_and_day(tmp_path: Path) -> None:
    data = commits(tmp_path, {}, {}, {"user": "bob"}, {"user": None})
    code, said = invoke(data, "git-activity", tmp_path / "out" / "scores.parquet")
    assert code == 0
    assert "1 rows left out" in said
    rows = pq.read_table(tmp_path / "out" / "scores.parquet").to_pylist()
    assert [(row["entity"], row["day"], row["events"], row["p_value"], row["flagged"]) for row in rows] == [
        ("ann", COMMIT["time"].date(), 2, 1.0, False),
        ("bob", COMMIT["time"].date(), 1, 1.0, False),
    ]
    assert "not judged" in rows[0]["reasons"][0]


def test_what_cannot_be_scored_is_said(tmp_path: Path) -> None:
    out = tmp_path / "out.parquet"
    assert invoke(tmp_path, "git-activity", out)[0] == 1
    assert invoke(tmp_path, "cobol", out)[0] == 1
    assert invoke(commits(tmp_path, {"user": None}), "git-activity", out)[0] == 1
    assert not out.exists()


def test_false_discovery_is_held_within_a_tenant_s_day() -> None:
    keys = [("t", 1), ("t", 1), ("t", 2), ("u", 1)]
    assert flagged(keys, np.array([0.06, 0.9, 0.06, 0.2]), 0.1).tolist() == [False, False, True, False]


def test_masquerades_are_told_better_than_by_unigrams(data_dir: Path) -> None:
    sittings = labelled(data_dir / "masquerade")
    told = {name: float(appraise(sittings, score).split()[2]) for name, score in SCORERS.items()}
    assert told["behaviour"] >= 0.95
    assert told["behaviour"] > told["unigram likelihood ratio"] >= 0.93
    assert score_segments(data_dir / "masquerade").num_rows == 500
