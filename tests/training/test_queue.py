"""The batch queue: a place for each different thing worth seeing, by day and tenant, the same whenever it is asked."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

from features.alert import Alert
from features.default_view import DEFAULT_VIEW
from features.history import HistoryWriter
from models.bundle import ModelBundle
from tests.conftest import START, build_alert, build_label
from tests.training.datasets import BENIGN, SECRET, bundle_that, dataset_of
from training.dataset import Dataset
from training.queue import family_uid, queue_file, ranked

DAY = 86_400.0


def _dataset(folder: Path, alerts: list[Alert]) -> Dataset:
    return dataset_of(folder, alerts)


def _names(dataset: Dataset, found: object) -> list[tuple[str, int, str, str]]:
    rows = found.rows  # type: ignore[attr-defined]
    return [
        (dataset.tenants[t], int(r), dataset.entities[h], dataset.rules[u].uid)
        for t, r, h, u in zip(rows["tenant"], rows["rank"], rows["host"], rows["rule"], strict=True)
    ]


def _scores(dataset: Dataset, by_rule: dict[str, float]) -> NDArray[np.float64]:
    return np.array([by_rule[dataset.rules[rule].uid] for rule in dataset.rule])


def test_each_tenant_and_day_has_its_own_ranks_up_to_the_budget(tmp_path: Path) -> None:
    alerts = [
        build_alert(100 * day + 10 * tenant + i, at=day * DAY + i * 600.0, tenant=f"t{tenant}", host=f"h{i}", rule=f"r{i}")
        for day in range(2)
        for tenant in range(2)
        for i in range(4)
    ]
    dataset = _dataset(tmp_path, alerts)
    found = ranked(dataset, _scores(dataset, {f"r{i}": 0.1 + 0.2 * i for i in range(4)}), 3)
    assert (found.alerts, found.families, len(found.rows)) == (16, 16, 12)
    for _, some in found.rows.groupby(["tenant", "day"]):
        assert some["rank"].tolist() == [1, 2, 3]
        assert some["score"].tolist() == pytest.approx([0.7, 0.5, 0.3])


def test_another_minute_and_host_come_before_more_of_the_same(tmp_path: Path) -> None:
    """Five rules fire on one host in one minute, surely attacks; a lesser alert stands elsewhere."""
    alerts = [build_alert(i, at=i * 5.0, host="h", rule=f"r{i}") for i in range(5)]
    alerts.append(build_alert(9, at=7200.0, host="other", rule="else"))
    dataset = _dataset(tmp_path, alerts)
    names = _names(dataset, ranked(dataset, _scores(dataset, {**{f"r{i}": 0.9 for i in range(5)}, "else": 0.6}), 3))
    assert [name[2] for name in names] == ["h", "other", "h"]


def test_a_flood_has_one_place_and_moves_nothing_else(tmp_path: Path) -> None:
    quiet = [build_alert(i, at=i * 900.0, host=f"h{i}", rule=f"r{i}") for i in range(6)]
    flood = [build_alert(1000 + i, at=i * 8.0, host="noisy", rule="flood") for i in range(5000)]
    by_rule = {**{f"r{i}": 0.9 - 0.1 * i for i in range(6)}, "flood": 0.002}
    plain, flooded = _dataset(tmp_path / "a", quiet), _dataset(tmp_path / "b", quiet + flood)
    before = _names(plain, ranked(plain, _scores(plain, by_rule), 6))
    after = _names(flooded, ranked(flooded, _scores(flooded, by_rule), 7))
    assert [name[2] for name in after if name[2] != "noisy"] == [name[2] for name in before]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> ModelBundle:
    severity = DEFAULT_VIEW.index("severity")
    window = (START.isoformat(), START.isoformat())
    return bundle_that(tmp_path_factory.mktemp("b") / "b", lambda rows: rows[:, severity] > 3.5, window)


def test_the_file_is_the_same_whatever_was_said_of_the_alerts(tmp_path: Path, bundle: ModelBundle) -> None:
    alerts = [build_alert(i, at=i * 700.0, host=f"h{i % 3}", rule=f"r{i % 2}") for i in range(30)]
    files = []
    for name, labels in (("a", []), ("b", [build_label(a, BENIGN) for a in alerts])):
        with HistoryWriter(tmp_path / name) as writer:
            writer.alerts(alerts)
            writer.labels(labels)
        out = tmp_path / f"{name}.parquet"
        found = queue_file(bundle, tmp_path / name, "history", out, SECRET, budget=4, told=lambda text: None)
        assert (found.alerts, found.rejects) == (30, 0)
        files.append(pq.read_table(out))
    assert files[0].equals(files[1])
    assert files[0].column_names == ["tenant", "day", "rank", "family", "host", "rule", "score", "alerts"]
    first = files[0].to_pylist()[0]
    assert first["family"] == family_uid("acme", START.date(), first["host"], first["rule"])
    assert first["alerts"] == 5


def test_families_of_other_tenants_days_hosts_or_rules_have_other_names() -> None:
    told = [("t", date(2026, 1, 1), "h", "r"), ("u", date(2026, 1, 1), "h", "r"), ("t", date(2026, 1, 2), "h", "r"),
            ("t", date(2026, 1, 1), "h\x1fr", ""), ("t", date(2026, 1, 1), "h", "r\ud800")]  # fmt: skip
    assert len({family_uid(*some) for some in told}) == len(told)


def test_repeats_within_a_minute_are_one_thing_to_see(tmp_path: Path) -> None:
    """Fifty lesser alerts in one minute do not outweigh one that is likelier."""
    repeats = [build_alert(i, at=i * 1.0, host="loud", rule="often") for i in range(50)]
    dataset = _dataset(tmp_path, [*repeats, build_alert(99, at=900.0, host="quiet", rule="once")])
    names = _names(dataset, ranked(dataset, _scores(dataset, {"often": 0.3, "once": 0.5}), 2))
    assert [name[2] for name in names] == ["quiet", "loud"]
