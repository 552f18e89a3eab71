"""Attack windows: which a queue reaches and which incidents hold, on real alerts and on a small set written by hand."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np

from tests.training.datasets import SECRET
from training.correlate import correlate, read_alerts
from training.dataset import Dataset, load_dataset
from training.incidents.windows import WINDOWS, Places, reached, read_windows, tables

_T = 1_643_000_000
_SPANS = (("dirb", 990, 1100), ("escalation", 1990, 2010), ("exfiltration", 5000, 6000))
_HEADER = "time,name,ip,host,short,time_label,event_label\n"


def _folder(path: Path) -> Path:
    """Write a network with two windows that can be reached and one that cannot."""
    rows = [
        f"{_T + 1000},Odd request,10.0.0.1,web,W-Acc,dirb,dirb",
        f"{_T + 1010},Odd request,10.0.0.1,web,W-Acc,dirb,dirb",
        f"{_T + 1015},Update,10.0.0.2,mail,W-Sys,dirb,-",
        f"{_T + 2000},Root shell,10.0.0.1,web,W-Sys,escalation,escalated",
        *(f"{_T + 90000 + 60 * i},Update,10.0.0.2,mail,W-Sys,false_positive,-" for i in range(5)),
    ]
    (path / "net_alerts.csv").write_text(_HEADER + "\n".join(rows) + "\n")
    spans = [f"net,{name},{_T + start},{_T + end}" for name, start, end in _SPANS]
    (path / WINDOWS).write_text("scenario,attack,start,end\n" + "\n".join(spans) + "\n")
    return path


def _load(path: Path) -> Dataset:
    return load_dataset(path, "ait-ads", SECRET, labels=True)


def test_windows_are_reached_by_attackers_alerts_only(tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    dataset = _load(folder)
    windows = read_windows(dataset, folder)
    assert windows is not None
    assert windows.names == [("net", "dirb"), ("net", "escalation")]
    score = np.where(dataset.target == 1, 0.9, 0.01)
    assert reached(dataset, score, windows, 2) == {0, 1}
    assert len(reached(dataset, score, windows, 1)) == 1
    assert reached(dataset, 1.0 - score, windows, 1) == set()


def test_one_incident_holds_both(tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    dataset = _load(folder)
    windows = read_windows(dataset, folder)
    assert windows is not None
    queue, joined, first = tables(dataset, np.where(dataset.target == 1, 0.9, 0.01), np.zeros(len(dataset)), windows, folder)
    assert queue.rows[0] == ["queue that covers", 2, 2, 2]
    assert joined.rows[0][4:] == ["2 of 2", 0.0, "1", "2 of 2", 0.0, "1"]
    assert first.rows == [["net", "2022-01-24", "1", "1", ""]]


def test_a_rank_is_of_the_day_on_which_the_attack_shows(tmp_path: Path) -> None:
    """A louder incident elsewhere on that day comes first, in the queue and among the groups by host and day."""
    folder = _folder(tmp_path)
    dataset = _load(folder)
    windows = read_windows(dataset, folder)
    assert windows is not None
    louder = np.where(dataset.target == 1, 0.3, 0.01)
    louder[np.flatnonzero((dataset.target != 1) & (dataset.block.time < _T + 5000))] = 0.99
    _, joined, first = tables(dataset, louder, np.zeros(len(dataset)), windows, folder)
    assert [joined.rows[0][i] for i in (6, 9)] == ["2", "2"]
    assert first.rows[0][2:] == ["2", "2", ""]


def test_an_attack_that_raises_no_incident_has_no_ranks(tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    dataset = _load(folder)
    windows = read_windows(dataset, folder)
    assert windows is not None
    _, joined, first = tables(dataset, np.full(len(dataset), 0.01), np.zeros(len(dataset)), windows, folder)
    assert joined.rows[0][4] == "0 of 2"
    assert joined.rows[0][6] == ""
    assert first.rows == [["net", "", "none", "none", "no incident holds any window"]]


def test_an_attack_without_a_rank_is_told_why(tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    dataset = _load(folder)
    score = np.where(dataset.target == 1, 0.9, 0.01)
    found = correlate(read_alerts(folder, "ait-ads"), score)
    row = int(np.flatnonzero(dataset.target == 1)[0])
    group, day = int(found.incident[row]), date(2022, 1, 24)
    (line, *_) = found.incidents[found.names[group]].lines
    for like, why in (({}, "not yet raised"), ({(day, line.uid): 3}, "like the one of rank 3")):
        assert Places(dataset, score, {}, like).standing(group, row, found) == ("none", why)


def test_without_windows_there_is_nothing_to_measure(tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    (folder / WINDOWS).unlink()
    assert read_windows(_load(folder), folder) is None


def test_real_windows_that_can_be_reached(data_dir: Path, tmp_path: Path) -> None:
    """The protocol counts seven on this network."""
    source = data_dir / "ait-ads"
    for name in ("russellmitchell_alerts.csv.xz", WINDOWS):
        (tmp_path / name).write_bytes((source / name).read_bytes())
    windows = read_windows(_load(tmp_path), tmp_path)
    assert windows is not None
    assert [attack for _, attack in windows.names] == [
        "service_scans", "dirb", "wpscan", "webshell", "cracking", "privilege_escalation", "service_stop",
    ]  # fmt: skip
