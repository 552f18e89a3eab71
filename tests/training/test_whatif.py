"""What if over a file or a history: it agrees with batch scoring, names true positives, and reads chances off recorded decisions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from features.alert import Alert
from features.history import HistoryWriter
from features.label import Provenance
from models.bundle import ModelBundle
from models.certificates.objective import parse_objectives
from models.decision import Action
from tamis import app
from tests.conftest import build_alert, build_label
from tests.proofs import TENTH
from tests.training.conftest import make_bundle
from tests.training.datasets import ATTACK, BENIGN, SECRET
from training.scoring import score_file
from training.whatif import what_if_file
from training.whatif_report import SHOWN, tables, write

HUNDREDTH = "maximum suppression @ missed_incidents <= 0.01, confidence 0.95"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> ModelBundle:
    """A bundle that suppresses what is habitual: its calibration has forty attacks of high scores."""
    return ModelBundle.load(make_bundle(tmp_path_factory.mktemp("whatif") / "bundle").path)


def _alerts() -> list[Alert]:
    return [build_alert(i, at=i * 30.0, host=f"h{i % 3}") for i in range(200)]


def _history(folder: Path, decisions: list[dict[str, Any]] | None = None) -> Path:
    alerts = _alerts()
    with HistoryWriter(folder) as writer:
        writer.alerts(alerts)
        said = [
            build_label(a, ATTACK if i % 20 == 19 else BENIGN, uid=f"l{i}", incident_uid=f"case-{i // 100}" if i % 20 == 19 else "",
                        analyst=f"p{i % 3}", provenance=Provenance.HUMAN)
            for i, a in enumerate(alerts) if i % 4 == 3
        ]  # fmt: skip
        writer.labels(said)
        if decisions is not None:
            writer.decisions(decisions)
    return folder


def test_it_hides_what_batch_scoring_suppresses_and_names_its_true_positives(bundle: ModelBundle, tmp_path: Path) -> None:
    data = _history(tmp_path / "history")
    score_file(bundle, data, "history", tmp_path / "s.parquet", SECRET, history=None, told=lambda text: None)
    rows = pq.read_table(tmp_path / "s.parquet").to_pylist()
    hidden = {row["alert_uid"] for row in rows if row["action"] == "suppress"}
    assert 50 < len(hidden) < 200
    found = what_if_file(bundle, data, "history", SECRET, objectives=parse_objectives([TENTH]), minutes=3.0)
    assert found.present.hidden == found.proposed.hidden == len(hidden)
    assert {one.alert.alert_uid for one in found.proposed.hidden_attacks} == hidden & {f"a{i}" for i in range(19, 200, 20)}
    assert {one.incident_uid for one in found.proposed.hidden_attacks} <= {"case-0", "case-1"}
    assert (found.alerts, found.days, found.pace.minutes, found.proposed.misses) == (200, 1.0, 3.0, None)
    refused = what_if_file(bundle, data, "history", SECRET, objectives=parse_objectives([HUNDREDTH])).proposed
    assert (refused.hidden, refused.bound, refused.hidden_attacks) == (0, 1.0, [])


def test_attacks_of_no_incident_are_counted_as_certificates_do(bundle: ModelBundle, tmp_path: Path) -> None:
    """All that a rule says of an entity on a day is lost only if all of it is hidden."""
    alerts = _alerts()
    with HistoryWriter(tmp_path / "history") as writer:
        writer.alerts(alerts)
        writer.labels([build_label(alert, ATTACK, uid=f"l{i}", incident_uid="") for i, alert in enumerate(alerts)])
    found = what_if_file(bundle, tmp_path / "history", "history", SECRET, objectives=parse_objectives([TENTH]))
    assert (found.attacks, found.incidents) == (200, 3)
    assert found.proposed.attacks_hidden > 50
    assert found.proposed.incidents_lost == 0


def _decisions(bundle: ModelBundle, data: Path, out: Path, shown: float) -> list[dict[str, Any]]:
    """Return what a service would have recorded that draws one in two of what it suppresses, every second one."""
    score_file(bundle, data, "history", out, SECRET, history=None, told=lambda text: None)
    made = []
    for number, row in enumerate(pq.read_table(out).to_pylist()):
        below = row["action"] == Action.SUPPRESS
        action = Action.QUEUE if below and number % 2 else row["action"]
        made.append(
            {
                "uid": f"{number}.1", "alert_uid": row["alert_uid"], "tenant": row["tenant"], "time": row["time"], "revision": 1,
                "action": action, "published_action": action, "priority": 1, "score": row["score"], "anomaly_score": 0.0,
                "reason_codes": [], "bundle": bundle.digest, "shown": shown if below else 1.0, "supersedes": "", "features": [],
                "tier": "", "policy": "", "certificate": "",
            }
        )  # fmt: skip
    return made


def test_recorded_decisions_give_the_chances(bundle: ModelBundle, tmp_path: Path) -> None:
    decisions = _decisions(bundle, _history(tmp_path / "bare"), tmp_path / "s.parquet", 0.5)
    data = _history(tmp_path / "history", decisions)
    misses = what_if_file(bundle, data, "history", SECRET, objectives=parse_objectives([TENTH])).proposed.misses
    assert misses is not None
    came = {d["alert_uid"] for d in decisions if d["published_action"] != Action.SUPPRESS and d["shown"] == 0.5}
    judged = came & {f"a{i}" for i in range(3, 200, 4)}
    attacks = judged & {f"a{i}" for i in range(19, 200, 20)}
    assert misses.judged == len(judged)
    assert misses.misses.share == pytest.approx(len(attacks) / len(judged))
    held_back = [{**d, "published_action": Action.QUEUE} for d in decisions]
    shadow = _history(tmp_path / "shadow", held_back)
    everything = what_if_file(bundle, shadow, "history", SECRET, objectives=parse_objectives([TENTH])).proposed.misses
    assert everything is not None
    assert everything.judged >= misses.judged


def test_recorded_features_are_what_is_scored(bundle: ModelBundle, tmp_path: Path) -> None:
    decisions = _decisions(bundle, _history(tmp_path / "bare"), tmp_path / "s.parquet", 0.5)
    never = np.full(len(bundle.view.features), np.nan).tolist()
    data = _history(tmp_path / "history", [{**d, "features": never} for d in decisions])
    found = what_if_file(bundle, data, "history", SECRET, objectives=parse_objectives([TENTH]))
    assert found.proposed.hidden == 0  # nothing is habitual in such rows
    assert "of 200 alerts the decisions are on record" in " ".join(found.notes)


def test_page_and_tables_show_hostile_names_as_text(bundle: ModelBundle, tmp_path: Path) -> None:
    found = what_if_file(bundle, _history(tmp_path / "history"), "history", SECRET, objectives=parse_objectives([TENTH]))
    bad = msgspec.structs.replace(found.proposed.hidden_attacks[0].alert, rule="<script>alert(1)</script>\x1b[2J")
    named = [msgspec.structs.replace(found.proposed.hidden_attacks[0], alert=bad)]
    found = msgspec.structs.replace(found, proposed=msgspec.structs.replace(found.proposed, hidden_attacks=named))
    page = write(tmp_path / "report", found).read_text("utf-8")
    assert "<script>alert" not in page
    assert page.count("<svg") == 1
    numbers = msgspec.json.decode((tmp_path / "report" / "report.json").read_bytes())
    assert len(numbers["facts"]["whatif"]["curve"]) > 50
    assert tables(found, SHOWN)[0].title == "What if"


def test_the_command(bundle: ModelBundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAMIS_VAR", str(tmp_path / "var"))
    monkeypatch.setenv("COLUMNS", "200")
    where = make_bundle(tmp_path / "bundle").path
    data = ("--data", str(_history(tmp_path / "history")), "--format", "history", "--bundle", str(where))
    done = CliRunner().invoke(app, ["whatif", *data, "--objective", HUNDREDTH, "--report", str(tmp_path / "report")])
    assert done.exit_code == 0, done.stderr
    assert "needs 259 more incidents" in done.stdout
    assert "alerts hidden a day" in done.stdout
    assert (tmp_path / "report" / "report.html").exists()
    twice = CliRunner().invoke(app, ["whatif", *data, "--objective", HUNDREDTH, "--objective", TENTH])
    assert (twice.exit_code, twice.stdout) == (1, "")
    assert "contradicts" in twice.stderr
