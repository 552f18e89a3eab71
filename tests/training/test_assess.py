"""Assessing labels before a retrain: as tables for a person, as Parquet for a program, hostile text as text."""

from __future__ import annotations

import io
from pathlib import Path

import msgspec
import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from features.alert import Rule
from features.default_view import DEFAULT_VIEW
from features.label import Provenance, Verdict
from tests.conftest import START, build_alert, build_label
from tests.training.datasets import ATTACK, BENIGN, SMALL, bundle_that, dataset_of
from tests.training.test_commands import here, tamis
from training.assess import Assessment, assess, listed
from training.dataset import Dataset
from training.probes import SUSPECTED
from training.trust import LISTED

COUNT = 900
HOSTILE = "[/]<script>\x1b[2J"
LUCK = np.random.default_rng(6).random((2, COUNT))
SEVERE, WRONG = LUCK[0] < 0.25, LUCK[1] < 0.1


def write(folder: Path) -> Dataset:
    """Write a history of three tenants, judged by four people, some verdicts wrong, some not in force."""
    alerts = [
        msgspec.structs.replace(
            build_alert(i, at=i * 400.0, host=f"h{i}", tenant=f"t{i % 3}", rule=HOSTILE if i % 2 else "r"),
            severity=4 if SEVERE[i] else 1,
        )
        for i in range(COUNT)
    ]
    alerts = [msgspec.structs.replace(a, rule=Rule(a.rule.uid, a.rule.uid)) for a in alerts]
    labels = [
        build_label(a, ATTACK if severe ^ wrong else BENIGN, uid=f"l{i}", analyst=("ann", "bob", "cy", HOSTILE)[i % 4])
        for i, (a, severe, wrong) in enumerate(zip(alerts, SEVERE.tolist(), WRONG.tolist(), strict=True))
    ]
    labels += [
        build_label(alerts[0], Verdict.UNDETERMINED, uid="back", after=90.0),
        build_label(alerts[1], ATTACK, uid="machine", after=90.0, provenance=Provenance.AUTOMATION),
        build_label(alerts[2], BENIGN, uid="gone", alert_uid="nowhere"),
        build_label(alerts[3], ATTACK, uid="odds", after=90.0, contests="l3"),
    ]
    return dataset_of(folder, alerts, labels)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return write(tmp_path_factory.mktemp("assess"))


@pytest.fixture(scope="module")
def found(dataset: Dataset) -> Assessment:
    return assess(dataset, SMALL)


def test_everybody_has_a_row_and_every_label_in_force_is_counted(found: Assessment, dataset: Dataset) -> None:
    rows = {row[0]: row for row in found.by_principal.rows}
    assert len(rows) == 12
    assert rows.keys() == {f"t{t} / {name}" for t in range(3) for name in ("ann", "bob", "cy", HOSTILE)}
    assert sum(int(row[1]) + int(row[2]) for row in rows.values()) == (dataset.target >= 0).sum() == COUNT - 2
    assert sum(int(row[3]) for row in rows.values()) == len(found.doubtful)


def test_labels_not_in_force_are_counted_by_why(found: Assessment) -> None:
    assert dict(found.left_out.rows) == {  # type: ignore[arg-type]
        "automation": 1, "contested": 2, "taken_back": 2, "unknown_alert": 1,
    }  # fmt: skip


def test_what_is_not_agreed_on_against_the_champion_is_listed_until_it_is(dataset: Dataset, tmp_path: Path) -> None:
    severity = DEFAULT_VIEW.index("severity")
    champion = bundle_that(tmp_path / "b", lambda rows: rows[:, severity] > 3.5, (START.isoformat(), START.isoformat()))
    listed = assess(dataset, SMALL, champion).not_agreed
    number = listed["alert_uid"].str.removeprefix("a").astype(int).to_numpy()
    suspected = SEVERE & WRONG
    suspected[:4] = False  # taken back, or at odds
    assert sorted(number.tolist()) == np.flatnonzero(suspected).tolist()
    assert set(listed["verdict"]) == {BENIGN.value}
    assert (listed["score"] >= SUSPECTED).all()
    assert listed["score"].is_monotonic_decreasing
    assert assess(dataset, SMALL).not_agreed.empty
    (_, first) = next(item for item in dataset.labels if item[1].alert_uid == listed["alert_uid"][0])
    second = msgspec.structs.replace(first, uid="second", analyst="dee", supersedes=first.uid)
    looked = dataset.relabelled([*dataset.labels, (10**6, second)])
    assert first.alert_uid not in set(assess(looked, SMALL, champion).not_agreed["alert_uid"])


def test_second_looks_are_mostly_mistakes_and_find_most(found: Assessment) -> None:
    number = found.doubtful["alert_uid"].str.removeprefix("a").astype(int).to_numpy()
    assert WRONG[number].mean() > 0.9
    assert len(number) > 0.8 * WRONG.sum()


def test_a_terminal_is_shown_text_and_at_most_twenty(found: Assessment) -> None:
    console = Console(width=250, file=io.StringIO(), force_terminal=True, color_system=None)
    for table in found.tables():
        console.print(table.rich())
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert "[/]<script>" in shown
    assert "\x1b[2J" not in shown
    assert f"{len(found.doubtful)} in all" in shown
    assert len(found.tables()[2].rows) == 20
    assert len(found.tables(3)[2].rows) == 3


def test_what_deserves_a_second_look_is_listed_with_why(found: Assessment) -> None:
    assert len(listed(found)) == len(found.doubtful) + len(found.not_agreed)
    assert set(listed(found)["why"]) == {"likely_wrong"}
    assert listed(None).empty
    assert list(listed(None).columns) == [*LISTED, "why"]


def test_with_one_class_alone_nobody_is_doubted(tmp_path: Path) -> None:
    alerts = [build_alert(i, host=f"h{i}") for i in range(40)]
    found = assess(dataset_of(tmp_path, alerts, [build_label(a, BENIGN, analyst="ann") for a in alerts]), SMALL)
    assert [list(row[:4]) for row in found.by_principal.rows] == [["acme / ann", 0, 40, 0]]
    assert found.doubtful.empty


def test_the_command_prints_tables_and_writes_parquet(dataset: Dataset, tmp_path: Path) -> None:
    out = tmp_path / "new" / "looks.parquet"
    done = tamis(tmp_path, "assess", "--data", str(dataset.path), "--format", "history", "--out", str(out))
    assert done.returncode == 0, done.stderr
    titles = (
        "What there is", "Alerts a day", "False positives by rule", "Rules by handling time", "What would be saved",
        "Labels in force", "Labels not in force", "Likely wrong: look again",
    )  # fmt: skip
    places = [done.stdout.index(title) for title in titles]
    assert places == sorted(places)
    for words in ("t0 / ann", "unknown_alert"):
        assert words in done.stdout
    looks = pd.read_parquet(out)
    assert list(looks.columns) == [*LISTED, "why"]
    assert len(looks) > 20
    assert looks["right"].is_monotonic_increasing
    assert HOSTILE in set(looks["rule"])
    assert str(looks["given"].dtype).startswith("datetime64")


def test_the_command_needs_neither_labels_nor_a_model(tmp_path: Path) -> None:
    file, out, report = tmp_path / "a.jsonl", tmp_path / "looks.parquet", tmp_path / "report"
    file.write_text('{"timestamp":"2026-01-01T00:00:00Z","rule":{"id":"1","level":3},"id":"1"}\n{broken\n')
    given = ("--data", str(file), "--format", "wazuh", "--out", str(out), "--report", str(report))
    done = here(tmp_path, "assess", *given)
    assert done.exit_code == 0, done.stderr
    assert "missing: 10 more incidents" in done.stdout
    assert "Labels in force" not in done.stdout
    assert list(pd.read_parquet(out).columns) == [*LISTED, "why"]
    assert "What would be saved" in (report / "report.html").read_text("utf-8")
    assert (report / "report.json").exists()


def test_the_command_counts_only_when_asked_to_be_quick(dataset: Dataset, tmp_path: Path) -> None:
    data = ("--data", str(dataset.path), "--format", "history", "--quick", "--minutes", "6", "--window", "5")
    done = here(tmp_path, "assess", *data)
    assert done.exit_code == 0, done.stderr
    assert "not looked at (--quick)" in done.stdout
    assert "within 5 minutes" in " ".join(done.stdout.split())
    assert "Labels in force" not in done.stdout
    refused = here(tmp_path, "assess", *data, "--out", str(tmp_path / "x.parquet"))
    assert refused.exit_code == 2
    assert not (tmp_path / "x.parquet").exists()
