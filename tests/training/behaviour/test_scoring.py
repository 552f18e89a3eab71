"""``tamis score-events``, on small files and on the real sets."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from tamis import app
from tests.models.bundles import make_bundle
from tests.training.behaviour.test_loaders import COMMIT, commits
from training.behaviour.fitting import Source, learn
from training.behaviour.masquerades import SCORERS, appraise, labelled
from training.behaviour.pipeline import write_behaviour
from training.behaviour.scoring import score


def invoke(data: Path, fmt: str, out: Path, *more: str) -> tuple[int, str]:
    """Run the command."""
    ended = CliRunner().invoke(app, ["score-events", "--data", str(data), "--format", fmt, "--out", str(out), *more])
    return ended.exit_code, ended.output


def segments(path: Path, label: float = 0.0) -> Path:
    """Write the segments of two users; the last of one is as the other would type."""
    rows = [
        {"user": user, "segment": n, "commands": commands, "label": label}
        for user, commands in (("a", "ls cat vi"), ("b", "mail who"))
        for n in range(52)
    ]
    rows[51]["commands"] = "mail who"
    path.mkdir()
    pq.write_table(pa.Table.from_pylist(rows), path / "segments.parquet")
    return path


def many_commits(path: Path) -> Path:
    """Write two months of commits of three people, each with a directory of their own but for a day of the first."""
    changes = [
        {"time": COMMIT["time"] + timedelta(days=day), "user": who, "dirs": "web" if (who, day) == ("ann", 55) else directory}
        for day in range(60)
        for who, directory in (("ann", "docs"), ("bob", "core"), ("cem", "web"))
    ]
    path.mkdir()
    return commits(path, *changes)


def test_segments_after_the_fiftieth_are_scored_and_labels_change_nothing(tmp_path: Path) -> None:
    for name, label in (("x", 0.0), ("y", 1.0)):
        assert invoke(segments(tmp_path / name, label), "masquerade", tmp_path / f"{name}.parquet")[0] == 0
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
    assert list(rows[0])[:7] == ["tenant", "entity", "day", "anomaly_score", "p_value", "events", "reasons"]


def test_events_become_a_row_each_by_what_was_known_before_them(tmp_path: Path) -> None:
    data, out = many_commits(tmp_path / "data"), tmp_path / "scores.parquet"
    assert invoke(data, "git-activity", out, "--by", "event")[0] == 0
    whole = pq.read_table(out)
    assert whole.column_names[:6] == ["tenant", "entity", "uid", "time", "anomaly_score", "reasons"]
    assert len(set(whole["uid"].to_pylist())) == len(whole) == 180
    times = whole["time"].to_pylist()
    assert times == sorted(times)
    model = learn(Source(data, "git-activity")).model
    pq.write_table(pq.read_table(data / "events.parquet").slice(0, 90), data / "events.parquet")
    part = score(Source(data, "git-activity"), model, false_discovery=0.1, by_event=True).table
    assert part == whole.slice(0, 90)


@pytest.mark.parametrize(("fmt", "make"), [("masquerade", segments), ("git-activity", many_commits)])
def test_a_bundle_of_the_same_file_gives_the_same_scores(tmp_path: Path, fmt: str, make: Callable[[Path], Path]) -> None:
    data = make(tmp_path / "data")
    write_behaviour(tmp_path / "bundle", learn(Source(data, fmt)))
    assert invoke(data, fmt, tmp_path / "without.parquet")[0] == 0
    assert invoke(data, fmt, tmp_path / "with.parquet", "--bundle", str(tmp_path / "bundle"))[0] == 0
    assert pq.read_table(tmp_path / "with.parquet") == pq.read_table(tmp_path / "without.parquet")


def test_a_day_is_scored_by_what_was_known_by_its_end(tmp_path: Path) -> None:
    data = many_commits(tmp_path / "data")
    model = learn(Source(data, "git-activity")).model
    whole = score(Source(data, "git-activity"), model, false_discovery=0.1).table
    file = data / "events.parquet"
    pq.write_table(pq.read_table(file).slice(0, 3 * 56), file)
    part = score(Source(data, "git-activity"), model, false_discovery=0.1).table
    assert whole.slice(0, len(part)) == part
    assert len(part) == 3 * 56
    judged = {(row["entity"], row["day"]): row for row in part.to_pylist()}
    taken = judged["ann", (COMMIT["time"] + timedelta(days=55)).date()]
    assert taken["anomaly_score"] > max(row["anomaly_score"] for row in part.to_pylist() if row != taken)
    assert "usual for another" in taken["reasons"][0]


def test_what_cannot_be_scored_is_said(tmp_path: Path) -> None:
    out = tmp_path / "out.parquet"
    assert invoke(tmp_path, "git-activity", out)[0] == 1
    assert "unknown format 'cobol'" in invoke(tmp_path, "cobol", out)[1]
    make_bundle(tmp_path / "alerts")
    assert "holds no model of behaviour" in invoke(tmp_path, "git-activity", out, "--bundle", str(tmp_path / "alerts"))[1]
    assert invoke(commits(tmp_path, {"user": None}), "git-activity", out)[0] == 1
    assert not out.exists()


def test_masquerades_are_told_better_than_by_unigrams(data_dir: Path) -> None:
    sittings = labelled(data_dir / "masquerade")
    told = {name: float(appraise(sittings, score).split()[2]) for name, score in SCORERS.items()}
    assert told["behaviour"] >= 0.95
    assert told["behaviour"] > told["unigram likelihood ratio"] >= 0.93
    assert score(Source(data_dir / "masquerade", "masquerade"), None, false_discovery=0.1).table.num_rows == 500
