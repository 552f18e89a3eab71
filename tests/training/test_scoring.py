"""Batch scoring under the live policy: what is decided, and what is let out."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.history import HistoryWriter
from models.bundle import ModelBundle
from models.live_policy import Condition, LivePolicy, Mode, NeverSuppress, Setting
from tests.conftest import build_alert
from tests.models.bundles import make_bundle
from tests.training.datasets import SECRET
from training.scoring import LiveRun, score_file, write_parquet

ALERTS = [
    build_alert(i, at=60.0 * (i % 100), rule="r1", host="h1", severity=2, techniques=("T1059.001",) if i % 3 == 0 else ())
    for i in range(200)
]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> ModelBundle:
    """A bundle that suppresses whatever is habitual and known."""
    path = tmp_path_factory.mktemp("bundle") / "b"
    make_bundle(path)
    loaded = ModelBundle.load(path)
    certificate = msgspec.structs.replace(loaded.policy.certificates[0], threshold=1.1)
    policy = msgspec.structs.replace(loaded.policy, certificates=(certificate,), escalate_from=None)
    return ModelBundle(**{**vars(loaded), "policy": policy})


def rows(bundle: ModelBundle, tmp_path: Path, live: LiveRun | None) -> list[dict[str, object]]:
    """Score the alerts; return what was written."""
    if not (tmp_path / "history").exists():
        with HistoryWriter(tmp_path / "history") as writer:
            writer.alerts(ALERTS)
    out = tmp_path / "s.parquet"
    more = {} if live is None else {"live": live}
    score_file(bundle, tmp_path / "history", "history", out, SECRET, history=None, told=lambda text: None, **more)
    found: list[dict[str, object]] = pq.read_table(out).to_pylist()
    return found


def test_without_a_policy_everything_is_in_shadow(bundle: ModelBundle, tmp_path: Path) -> None:
    made = rows(bundle, tmp_path, None)
    assert {row["action"] for row in made} == {"queue", "suppress"}
    assert {row["published_action"] for row in made} == {"queue"}
    assert {row["policy"] for row in made} == {LivePolicy().digest}
    uid = bundle.policy.certificates[0].uid
    assert all(row["certificate"] == (uid if row["action"] == "suppress" else "") for row in made)


def test_names_that_are_no_facts_are_guarded_too(bundle: ModelBundle, tmp_path: Path) -> None:
    policy = LivePolicy(
        modes=(Setting(tenant="acme", mode=Mode.AUTOMATE, transferred=True),),
        never_suppress=(NeverSuppress(tenant="acme", by=Condition.TECHNIQUE, value="T1059"),),
    )
    made = rows(bundle, tmp_path, LiveRun(policy, 0.0))
    guarded = np.array([bool(alert.techniques) for alert in ALERTS])
    kept = np.array(["guardrail_technique" in row["reason_codes"] for row in made])  # type: ignore[operator]
    hidden = np.array([row["published_action"] == "suppress" for row in made])
    assert kept.sum() > 10
    assert hidden.sum() > 10
    assert not (kept & ~guarded).any()
    assert not (hidden & guarded).any()


def test_where_none_can_be_read_nothing_is_let_out(bundle: ModelBundle, tmp_path: Path) -> None:
    made = rows(bundle, tmp_path, LiveRun(None, 0.0))
    assert {row["published_action"] for row in made} == {"queue"}
    assert any("policy_unreadable" in row["reason_codes"] for row in made)  # type: ignore[operator]
    assert {row["policy"] for row in made} == {""}


def test_a_table_that_cannot_be_put_in_its_place_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(IsADirectoryError):
        write_parquet(pa.table({"a": [1]}), tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
