"""One contract that every normaliser keeps: golden records give golden alerts, and hostile ones a ``RecordError``, nothing else."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.alert import Alert
from features.errors import RecordError, UnknownFormatError
from features.normalisers import NORMALISERS, Place, get_normaliser
from tests.features.normalisers.spoiling import NO_RECORD, every_field_left_out, every_field_spoilt, with_any_json

FOLDER = Path(__file__).parents[1] / "golden"
GOLDEN: dict[str, list[dict[str, Any]]] = {name: json.loads((FOLDER / f"{name}.json").read_text()) for name in NORMALISERS}
CASES = [(name, i) for name, records in GOLDEN.items() for i in range(len(records))]
ACME = Place(tenant="acme", source="file.json", row=7)
formats = pytest.mark.parametrize("name", sorted(NORMALISERS))
golden = pytest.mark.parametrize(("name", "case"), CASES)


def _decode(name: str, raw: bytes, place: Place = ACME) -> Alert | None:
    """Decode and read the label as a reader does; ``None`` for a clean refusal."""
    normaliser = get_normaliser(name)
    try:
        alert = normaliser.decode(raw, place)
    except RecordError as error:
        refusal = error
    else:
        return alert if _is_sound(name, raw, alert) else None
    assert refusal.reason
    assert (refusal.source, refusal.row) == (place.source, place.row)
    str(refusal).encode()
    return None


def _is_sound(name: str, raw: bytes, alert: Alert) -> bool:
    """Check an accepted alert against its own type; return whether its label could be read too."""
    assert msgspec.convert(msgspec.to_builtins(alert), Alert) == alert, "an alert outside its own type"
    assert alert.time.tzinfo is UTC
    try:
        NORMALISERS[name].label(raw, alert)
    except RecordError:
        return False
    return True


@golden
def test_a_golden_record_gives_its_golden_alert(name: str, case: int) -> None:
    record = GOLDEN[name][case]
    raw = json.dumps(record["raw"]).encode()
    alert = NORMALISERS[name].decode(raw, ACME)
    found = json.loads(msgspec.json.encode(alert))
    if "uid" not in record["alert"]:
        assert len(found.pop("uid")) == 32
    assert found == record["alert"]
    label = NORMALISERS[name].label(raw, alert)
    assert (label.verdict if label else None) == record["verdict"]
    if label:
        assert (label.alert_uid, label.tenant) == (alert.uid, alert.tenant)
        assert label.time >= alert.time


@golden
def test_the_time_of_receipt_is_the_places(name: str, case: int) -> None:
    received = datetime(2024, 5, 1, tzinfo=UTC)
    alert = NORMALISERS[name].decode(json.dumps(GOLDEN[name][case]["raw"]).encode(), Place("acme", received))
    assert alert.received_time == received


@golden
def test_the_same_record_is_the_same_alert(name: str, case: int) -> None:
    raw = json.dumps(GOLDEN[name][case]["raw"]).encode()
    assert NORMALISERS[name].decode(raw, ACME) == NORMALISERS[name].decode(raw, ACME)


@golden
def test_every_field_spoilt_is_refused_or_read_into_a_valid_alert(name: str, case: int) -> None:
    for raw in every_field_spoilt(GOLDEN[name][case]["raw"]):
        _decode(name, raw)


@golden
def test_every_field_left_out_is_refused_or_read_into_a_valid_alert(name: str, case: int) -> None:
    for raw in every_field_left_out(GOLDEN[name][case]["raw"]):
        _decode(name, raw)


@formats
@pytest.mark.parametrize("raw", NO_RECORD)
def test_what_is_no_record_at_all_is_refused(name: str, raw: bytes) -> None:
    assert _decode(name, raw) is None


@formats
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_json_is_refused_or_read_into_a_valid_alert(name: str, data: st.DataObject) -> None:
    _decode(name, data.draw(with_any_json([record["raw"] for record in GOLDEN[name]])))


@golden
@pytest.mark.parametrize("cut", [0.1, 0.5, 0.9, 0.99])
def test_a_truncated_record_is_refused(name: str, case: int, cut: float) -> None:
    raw = json.dumps(GOLDEN[name][case]["raw"]).encode()
    assert _decode(name, raw[: int(len(raw) * cut)]) is None


@golden
def test_without_any_tenant_a_record_is_refused(name: str, case: int) -> None:
    record = copy.deepcopy(GOLDEN[name][case]["raw"])
    record.get("metadata", {}).pop("tenant_uid", None)
    with pytest.raises(RecordError, match="no tenant"):
        NORMALISERS[name].decode(json.dumps(record).encode(), Place())


@golden
def test_the_tenant_of_the_place_is_the_alerts(name: str, case: int) -> None:
    record = copy.deepcopy(GOLDEN[name][case]["raw"])
    record.get("metadata", {}).pop("tenant_uid", None)
    assert NORMALISERS[name].decode(json.dumps(record).encode(), Place("place")).tenant == "place"


def test_an_unknown_format_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UnknownFormatError, match="ait-ads, ocsf, suricata, wazuh"):
        get_normaliser("syslog")
