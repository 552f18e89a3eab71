"""Reading files: what is broken is put aside or named, and everything else is read."""

from __future__ import annotations

import gzip
import json
import lzma
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from features.alert import Alert
from features.errors import HistoryError, SourceError, UnknownFormatError
from features.files import Reject
from features.history import HistoryWriter
from features.label import Label, Verdict
from features.normalisers import to_ocsf
from features.reading import read_chunks
from tests.conftest import build_alert, build_label

HEADER = "time,name,ip,host,short,time_label,event_label"
ROWS = ["1700000000,rule a,10.0.0.1,h1,W-A,x,-", "1700000001.5,rule b,,h2,S-B,x,scan", "1700000002,rule c,10.0.0.3,,A-C,x,-"]


class Read:
    """All of a source at once."""

    def __init__(self, path: Path, fmt: str = "ait-ads", *, labels: bool = True, size: int = 20_000, tenant: str = "") -> None:
        chunks = list(read_chunks(path, fmt, labels=labels, size=size, tenant=tenant))
        self.sizes = [len(chunk.alerts) + len(chunk.rejects) for chunk in chunks]
        self.alerts: list[Alert] = [alert for chunk in chunks for alert in chunk.alerts]
        self.rows = [row for chunk in chunks for row in chunk.rows]
        self.sources = [source for chunk in chunks for source in chunk.sources]
        self.seqs = [seq for chunk in chunks for seq in chunk.seqs]
        self.labels: list[Label] = [label for chunk in chunks for _, label in chunk.labels]
        self.rejects: list[Reject] = [reject for chunk in chunks for reject in chunk.rejects]
        self.duplicates = sum(chunk.duplicates for chunk in chunks)


def _csv(folder: Path, *rows: str, header: str = HEADER, name: str = "net_alerts.csv", end: str = "\n") -> Path:
    (folder / name).write_bytes(end.join([header, *rows, ""]).encode("utf-8", "surrogateescape"))
    return folder / name


def test_rows_become_alerts_with_their_place_and_label(tmp_path: Path) -> None:
    found = Read(_csv(tmp_path, *ROWS))
    assert [alert.uid for alert in found.alerts] == ["net-0", "net-1", "net-2"]
    assert {alert.tenant for alert in found.alerts} == {"net"}
    assert (found.rows, set(found.sources)) == ([0, 1, 2], {"net_alerts.csv"})
    assert [label.verdict for label in found.labels] == [Verdict.FALSE_POSITIVE, Verdict.TRUE_POSITIVE, Verdict.FALSE_POSITIVE]
    assert found.rejects == []


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_line_ends_and_byte_order_marks_do_not_matter(tmp_path: Path, end: str, mark: str) -> None:
    found = Read(_csv(tmp_path, *ROWS, header=mark + HEADER, end=end))
    assert len(found.alerts) == 3
    assert found.labels[1].reason == "scan"


def test_columns_may_come_in_another_order_and_with_others_beside(tmp_path: Path) -> None:
    path = _csv(
        tmp_path, 'x,W-A,h1,"rule, a",-,x,10.0.0.1,1700000000', header="more,short,host,name,event_label,time_label,ip,time"
    )
    assert Read(path).alerts[0].rule.uid == "rule, a"


@pytest.mark.parametrize(
    ("broken", "field"),
    [
        ("1700000009,rule", ""),
        ("1700000009,rule,10.0.0.1,h1,W-A,x,-,more", ""),
        ("", ""),
        ('1700000009,"rule,10.0.0.1,h1,W-A,x,-', ""),
        ('1700000009,"ru"le,10.0.0.1,h1,W-A,x,-', ""),
        ("NaN,rule,10.0.0.1,h1,W-A,x,-", "time"),
        ("inf,rule,10.0.0.1,h1,W-A,x,-", "time"),
        ("yesterday,rule,10.0.0.1,h1,W-A,x,-", "time"),
        ("1700000000000,rule,10.0.0.1,h1,W-A,x,-", "time"),
        ("-5,rule,10.0.0.1,h1,W-A,x,-", "time"),
        ("1700000009,,10.0.0.1,h1,W-A,x,-", "name"),
        ("1700000009,rule,10.0.0.1,h1,Z-A,x,-", "short"),
        ("1700000009,rule \udcff,10.0.0.1,h1,W-A,x,-", ""),
        ("1700000009,rule,10.0.0.1,h1,W-A,x,scan\udcff", ""),
        ("1700000009," + "r" * 2000 + ",10.0.0.1,h1,W-A,x,-", "rule"),
        ("1700000009," + "r" * 200_000 + ',"10.0.0.1,h1,W-A,x,-', ""),
    ],
)
def test_one_broken_line_is_put_aside_and_the_others_are_read(tmp_path: Path, broken: str, field: str) -> None:
    found = Read(_csv(tmp_path, ROWS[0], broken, ROWS[1], ROWS[2]))
    assert found.rows == [0, 2, 3]
    assert [alert.uid for alert in found.alerts] == ["net-0", "net-2", "net-3"]
    (reject,) = found.rejects
    assert (reject.source, reject.row, reject.field) == ("net_alerts.csv", 1, field)
    assert reject.reason
    assert len(reject.raw) <= 2000


@pytest.mark.parametrize("column", ["time", "name", "ip", "host", "short", "event_label"])
def test_a_missing_column_is_named_with_the_file(tmp_path: Path, column: str) -> None:
    path = _csv(
        tmp_path, *ROWS, header=HEADER.replace(column, "other", 1) if column != "time" else HEADER.replace("time,", "other,", 1)
    )
    with pytest.raises(SourceError, match=f"net_alerts.csv: header: no column '{column}'"):
        Read(path)


def test_without_labels_the_columns_of_verdicts_are_not_looked_at(tmp_path: Path) -> None:
    bare = _csv(tmp_path, *(row.rsplit(",", 2)[0] for row in ROWS), header="time,name,ip,host,short", name="net_alerts.csv")
    found = Read(bare, labels=False)
    assert found.labels == []
    whole = tmp_path / "whole"
    whole.mkdir()
    assert Read(_csv(whole, *ROWS), labels=False).alerts == found.alerts
    changed = [row.replace(",-", ",scan\udcff") for row in ROWS]
    assert Read(_csv(whole, *changed), labels=False).alerts == found.alerts


@pytest.mark.parametrize("content", [b"", b"\n", b"\xef\xbb\xbf"])
def test_an_empty_file_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "net_alerts.csv").write_bytes(content)
    with pytest.raises(SourceError, match=r"net_alerts.csv: empty file"):
        Read(tmp_path)


@pytest.mark.parametrize("rows", [[], ["broken"]])
def test_a_source_without_any_alert_is_an_error_after_its_rejects(tmp_path: Path, rows: list[str]) -> None:
    chunks = read_chunks(_csv(tmp_path, *rows), "ait-ads", labels=True)
    assert [len(chunk.rejects) for chunk in islice(chunks, len(rows))] == [1] * len(rows)
    with pytest.raises(SourceError, match="no alert that could be read" + "; first net_alerts.csv, row 0: " * len(rows)):
        next(chunks)


@pytest.mark.parametrize(("suffix", "pack"), [(".xz", lzma.compress), (".gz", gzip.compress)])
def test_archives_are_read_and_truncated_or_damaged_ones_named(
    tmp_path: Path, suffix: str, pack: Callable[[bytes], bytes]
) -> None:
    many = [f"{1700000000 + i},rule {i * 7919 % 1000},10.0.0.{i % 250},h{i % 90},W-A,x,-" for i in range(3000)]
    packed = pack("\n".join([HEADER, *many]).encode())
    path = tmp_path / f"net_alerts.csv{suffix}"
    path.write_bytes(packed)
    assert len(Read(tmp_path).alerts) == 3000
    for damaged in (
        packed[: len(packed) // 2],
        packed[:-5],
        packed[:200] + bytes(200) + packed[400:],
        b"not an archive",
        packed[:3],
    ):
        path.write_bytes(damaged)
        with pytest.raises(SourceError, match=r"net_alerts.csv\.\w+: truncated or damaged archive"):
            Read(tmp_path)


@pytest.mark.parametrize(("name", "reason"), [("none", "no such file"), (".", "no file of format")])
def test_a_place_without_files_is_named(tmp_path: Path, name: str, reason: str) -> None:
    with pytest.raises(SourceError, match=reason):
        Read(tmp_path / name)


def test_an_unknown_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownFormatError, match="syslog"):
        Read(_csv(tmp_path, *ROWS), "syslog")


def test_a_folder_is_a_file_a_tenant_in_order_of_name(tmp_path: Path) -> None:
    for name in ("b_alerts.csv", "a_alerts.csv", "notes.csv"):
        _csv(tmp_path, *ROWS, name=name)
    found = Read(tmp_path)
    assert [alert.tenant for alert in found.alerts] == ["a"] * 3 + ["b"] * 3
    assert {alert.tenant for alert in Read(tmp_path / "a_alerts.csv", tenant="given").alerts} == {"given"}


def test_chunks_have_the_size_asked_for(tmp_path: Path) -> None:
    assert Read(_csv(tmp_path, *ROWS, "broken", *ROWS), size=3).sizes == [3, 3, 1]


def _wazuh(number: int, **fields: Any) -> dict[str, Any]:
    return {"timestamp": "2024-03-04T08:00:00.000+0000", "id": f"w{number}", "rule": {"id": "1", "level": 3}, **fields}


RECORDS = [_wazuh(i) for i in range(3)]
SHAPES: dict[str, Callable[[], str]] = {
    "lines": lambda: "\n".join(map(json.dumps, RECORDS)),
    "lines with blanks between": lambda: "\n\n".join(map(json.dumps, RECORDS)) + "\n\n",
    "one array": lambda: json.dumps(RECORDS),
    "an array, a record a line": lambda: "[" + ",\n".join(map(json.dumps, RECORDS)) + "]\n",
    "an array, brackets on their own lines": lambda: "[\n" + ",\n".join(map(json.dumps, RECORDS)) + "\n]\n",
    "an array, commas first": lambda: "[\n" + "\n,".join(map(json.dumps, RECORDS)) + "\n]",
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_json_lines_and_arrays_are_read(tmp_path: Path, shape: str, mark: str) -> None:
    (tmp_path / "mail.json").write_text(mark + SHAPES[shape](), encoding="utf-8")
    found = Read(tmp_path / "mail.json", "wazuh")
    assert [alert.uid for alert in found.alerts] == ["w0", "w1", "w2"]
    assert found.rows == [0, 1, 2]
    assert {alert.tenant for alert in found.alerts} == {"mail"}
    assert found.rejects == []


def test_a_broken_json_line_is_put_aside(tmp_path: Path) -> None:
    lines = [
        json.dumps(RECORDS[0]),
        '{"timestamp": ',
        '{"timestamp": "now", "rule": {"id": "1", "level": 3}}',
        json.dumps(RECORDS[1]),
    ]
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    found = Read(tmp_path, "wazuh")
    assert found.rows == [0, 3]
    assert [(reject.row, reject.field) for reject in found.rejects] == [(1, ""), (2, "timestamp")]
    assert found.rejects[0].raw == '{"timestamp":'


def test_a_broken_array_is_a_reject_and_no_alert(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('[{"timestamp": }]')
    with pytest.raises(SourceError, match="no alert"):
        Read(tmp_path, "wazuh")


def test_the_same_uid_with_the_same_content_is_counted_and_dropped(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("\n".join(json.dumps(record) for record in (RECORDS[0], RECORDS[0], RECORDS[1])))
    found = Read(tmp_path, "wazuh", size=1)
    assert [alert.uid for alert in found.alerts] == ["w0", "w1"]
    assert (found.duplicates, found.rejects) == (1, [])


def test_the_same_uid_with_other_content_is_a_reject(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(
        "\n".join(json.dumps(record) for record in (RECORDS[0], _wazuh(0, full_log="other"), RECORDS[1]))
    )
    found = Read(tmp_path, "wazuh", size=1)
    assert [alert.uid for alert in found.alerts] == ["w0", "w1"]
    assert [(reject.row, reject.field, reject.raw) for reject in found.rejects] == [(1, "uid", "w0")]


def test_the_same_uid_of_another_tenant_is_another_alert(tmp_path: Path) -> None:
    for name in ("a.json", "b.json"):
        (tmp_path / name).write_text(json.dumps(RECORDS[0]))
    assert len(Read(tmp_path, "wazuh").alerts) == 2


def test_a_splunk_export_of_eve_is_unwrapped(tmp_path: Path) -> None:
    eve = {"timestamp": "2024-03-04T08:00:00Z", "event_type": "alert", "alert": {"signature_id": 5}, "src_ip": "10.0.0.1"}
    deep = '{"result": {"_raw": ' + "[" * 100_000
    lines = [
        json.dumps({"preview": False, "result": {"_raw": json.dumps(eve)}}),
        json.dumps(eve),
        '{"result": {"_raw": 5}}',
        '{"_raw": "x"}',
        deep,
    ]
    (tmp_path / "s.json").write_text("\n".join(lines))
    found = Read(tmp_path, "suricata")
    assert found.duplicates + len(found.alerts) == 2
    assert found.alerts[0].rule.uid == "1:5"
    assert [reject.row for reject in found.rejects] == [2, 3, 4]


def test_a_label_that_cannot_be_understood_puts_its_record_aside(tmp_path: Path) -> None:
    good, bad = (json.loads(to_ocsf(build_alert(i))) for i in range(2))
    lines = [json.dumps({**good, "verdict_id": 2}), json.dumps({**bad, "verdict_id": "bad"})]
    (tmp_path / "o.json").write_text("\n".join(lines))
    found = Read(tmp_path, "ocsf")
    assert ([label.alert_uid for label in found.labels], [reject.row for reject in found.rejects]) == (["a0"], [1])
    assert len(Read(tmp_path, "ocsf", labels=False).alerts) == 2


def test_a_history_is_read_with_its_order_and_labels(tmp_path: Path) -> None:
    alerts = [build_alert(i, at=float(i)) for i in range(5)]
    with HistoryWriter(tmp_path / "h") as history:
        history.alerts(alerts[:3])
        history.labels([build_label(alerts[0])])
        history.alerts(alerts[3:])
    found = Read(tmp_path / "h", "history", size=2)
    assert found.alerts == alerts
    assert (found.seqs, found.rows) == ([0, 1, 2, 4, 5], [0, 1, 2, 3, 4])
    assert found.labels == [build_label(alerts[0])]
    assert Read(tmp_path / "h", "history", labels=False).labels == []


def test_a_history_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HistoryError):
        Read(tmp_path, "history")


def _first(path: Path, fmt: str, number: int = 5000) -> tuple[int, int, int]:
    chunks = list(islice(read_chunks(path, fmt, labels=True, size=number), 1))
    return len(chunks[0].alerts), len(chunks[0].rejects), len(chunks[0].labels)


@pytest.mark.parametrize("network", ["fox", "harrison", "russellmitchell", "santos", "shaw"])
def test_real_networks_are_read_without_a_reject(data_dir: Path, network: str) -> None:
    alerts, rejects, labels = _first(data_dir / "ait-ads" / f"{network}_alerts.csv.xz", "ait-ads")
    assert (alerts, rejects, labels) == (5000, 0, 5000)


@pytest.mark.parametrize("name", ["ossec_insect", "ossec_spiral"])
def test_real_wazuh_alerts_are_read_without_a_reject(data_dir: Path, name: str) -> None:
    alerts, rejects, _ = _first(data_dir / "wazuh" / f"{name}.json", "wazuh")
    assert alerts > 0
    assert rejects == 0


@pytest.mark.parametrize("number", [1, 2, 3])
def test_real_eve_alerts_are_read_without_a_reject(data_dir: Path, number: int) -> None:
    alerts, rejects, _ = _first(data_dir / "suricata-eve" / f"NationalTeam{number}.json.gz", "suricata")
    assert alerts > 0
    assert rejects == 0
