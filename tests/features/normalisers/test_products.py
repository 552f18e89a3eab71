"""What is particular to one product's records."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.alert import Alert, Entity, EntityKind, Observable, Role, Rule
from features.errors import RecordError
from features.label import Verdict
from features.normalisers import NORMALISERS, Place, to_ocsf
from features.normalisers.ait_ads import AitAds
from features.normalisers.ocsf import Ocsf
from features.normalisers.suricata import Suricata
from features.normalisers.wazuh import Wazuh
from tests.conftest import build_alert

ACME = Place("acme")
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
word = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
times = st.datetimes(datetime(1990, 1, 1), datetime(2099, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
alerts = st.builds(
    Alert,
    uid=word,
    tenant=word,
    time=times,
    received_time=times,
    product=word,
    rule=st.builds(Rule, word, text),
    severity=st.integers(0, 6),
    tactics=st.lists(word, max_size=3).map(tuple),
    techniques=st.lists(word, max_size=3).map(tuple),
    entities=st.lists(st.builds(Entity, st.sampled_from(EntityKind), word, st.sampled_from(Role)), max_size=4).map(tuple),
    observables=st.lists(st.builds(Observable, word, word), max_size=3).map(tuple),
    message=text,
    raw=text,
)


@settings(max_examples=200, deadline=None)
@given(alerts)
def test_an_alert_comes_back_from_its_canonical_form(alert: Alert) -> None:
    form = to_ocsf(alert)
    assert Ocsf().decode(form, Place()) == alert
    assert to_ocsf(Ocsf().decode(form, Place())) == form


def test_the_canonical_form_is_a_detection_finding() -> None:
    form = json.loads(to_ocsf(build_alert(1, severity=3, tactics=("Discovery",), techniques=("T1046",))))
    assert form["class_uid"] == 2004
    assert form["time"] == 1709539200000
    assert form["severity_id"] == 3
    assert form["finding_info"]["analytic"] == {"uid": "r1", "name": "Rule r1"}
    assert form["device"]["hostname"] == "h1"
    assert form["src_endpoint"]["ip"] == "10.0.0.7"


def test_a_canonical_time_in_another_zone_is_read_in_utc() -> None:
    there = build_alert(0).time.astimezone(timezone(timedelta(hours=5)))
    alert = Ocsf().decode(to_ocsf(build_alert(0, time=there)), Place())
    assert alert.time == there
    assert alert.time.hour == 8


def test_another_tenants_finding_is_refused() -> None:
    with pytest.raises(RecordError, match="another tenant") as refusal:
        Ocsf().decode(to_ocsf(build_alert(0, tenant="beta")), ACME)
    assert refusal.value.field == "tenant"


def test_another_class_is_refused() -> None:
    finding = json.loads(to_ocsf(build_alert(0)))
    finding["class_uid"] = 2003
    with pytest.raises(RecordError, match="class 2003"):
        Ocsf().decode(json.dumps(finding).encode(), ACME)


@pytest.mark.parametrize(
    ("verdict_id", "verdict"),
    [
        (0, None),
        (1, Verdict.FALSE_POSITIVE),
        (2, Verdict.TRUE_POSITIVE),
        (5, Verdict.BENIGN_POSITIVE),
        (10, Verdict.DUPLICATE),
        (3, Verdict.UNDETERMINED),
        (99, Verdict.UNDETERMINED),
    ],
)
def test_a_verdict_id_is_a_label(verdict_id: int, verdict: Verdict | None) -> None:
    raw = json.dumps({**json.loads(to_ocsf(build_alert(0))), "verdict_id": verdict_id}).encode()
    label = Ocsf().label(raw, build_alert(0))
    assert (label.verdict if label else None) == verdict


def test_a_label_that_cannot_be_understood_is_a_record_error() -> None:
    raw = json.dumps({**json.loads(to_ocsf(build_alert(0))), "verdict_id": "bad"}).encode()
    with pytest.raises(RecordError):
        Ocsf().label(raw, build_alert(0))


def _eve(**alert: Any) -> bytes:
    return json.dumps(
        {"timestamp": "2024-03-04T08:00:00Z", "event_type": "alert", "alert": {"signature_id": 5, **alert}}
    ).encode()


@pytest.mark.parametrize(("told", "severity"), [(1, 4), (2, 3), (3, 2), (4, 1), (0, 0), (5, 0), (255, 0), (-1, 0)])
def test_suricata_counts_severity_from_the_other_end(told: int, severity: int) -> None:
    assert Suricata().decode(_eve(severity=told), ACME).severity == severity


def test_suricata_events_that_are_no_alerts_are_refused() -> None:
    with pytest.raises(RecordError, match="not an alert event"):
        Suricata().decode(b'{"timestamp": "2024-03-04T08:00:00Z", "event_type": "dns"}', ACME)


def test_suricata_says_nothing_of_an_analyst() -> None:
    assert Suricata().label(_eve(), Suricata().decode(_eve(), ACME)) is None


def _wazuh(**fields: Any) -> Alert:
    return Wazuh().decode(
        json.dumps({"timestamp": "2024-03-04T08:00:00Z", "rule": {"id": "1", "level": 3}, **fields}).encode(), ACME
    )


@pytest.mark.parametrize(
    ("level", "severity"), [(0, 1), (3, 1), (4, 2), (6, 2), (7, 3), (9, 3), (10, 4), (12, 4), (13, 5), (16, 5)]
)
def test_wazuh_levels_become_severities(level: int, severity: int) -> None:
    assert _wazuh(rule={"id": "1", "level": level}).severity == severity


@pytest.mark.parametrize(
    ("told", "bare"),
    [
        ("192.0.2.1:443", "192.0.2.1"),
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8::443", "2001:db8::443"),
        ("::1", "::1"),
        ("host.example:22", "host.example"),
        ("x:", "x:"),
    ],
)
def test_wazuh_addresses_lose_their_port_and_nothing_else(told: str, bare: str) -> None:
    assert _wazuh(data={"srcip": told}).first(EntityKind.ADDRESS, Role.ACTOR) == bare


def test_wazuh_users_play_their_parts() -> None:
    alert = _wazuh(data={"srcuser": "eve", "dstuser": "root", "srcip": 5, "dstip": None})
    assert (alert.first(EntityKind.USER, Role.ACTOR), alert.first(EntityKind.USER, Role.TARGET)) == ("eve", "root")
    assert alert.observables == ()


def test_wazuh_names_the_host_that_logged_before_the_agent_that_sent() -> None:
    assert _wazuh(agent={"name": "relay"}, predecoder={"hostname": "web"}).first(EntityKind.HOST) == "web"
    assert _wazuh(agent={"name": "relay"}).first(EntityKind.HOST) == "relay"
    assert _wazuh().entities == ()


@pytest.mark.parametrize("stamp", ["2024-03-04T08:00:00.123+0000", "2024-03-04T09:00:00.123+01:00", "2024-03-04T08:00:00.123Z"])
def test_zones_are_read_however_written(stamp: str) -> None:
    assert _wazuh(timestamp=stamp).time == datetime(2024, 3, 4, 8, 0, 0, 123000, tzinfo=UTC)


@pytest.mark.parametrize(
    "stamp", ["2024-03-04T08:00:00", "yesterday", "9999-12-31T23:59:59-23:59", "1989-12-31T23:59:59Z", "2100-01-01T00:00:00Z"]
)
def test_times_without_zone_or_sense_are_refused(stamp: str) -> None:
    with pytest.raises(RecordError) as refusal:
        _wazuh(timestamp=stamp)
    assert refusal.value.field == "timestamp"


def _ait(**columns: Any) -> Alert:
    return AitAds().row(
        **{"time": 1.7e9, "name": "rule", "ip": "10.0.0.1", "host": "h", "short": "S-x", "uid": "u", "place": ACME, **columns}
    )


@pytest.mark.parametrize("time", [float("nan"), float("inf"), -1.0, 0.0, 1e300, "nan", "soon", ""])
def test_ait_times_must_be_epoch_seconds(time: float | str) -> None:
    with pytest.raises(RecordError) as refusal:
        _ait(time=time)
    assert refusal.value.field == "time"


@pytest.mark.parametrize(("field", "row"), [("short", ("n", "Q-x")), ("short", ("n", "")), ("name", ("", "W-x"))])
def test_ait_rows_without_rule_or_detector_are_refused(field: str, row: tuple[str, str]) -> None:
    with pytest.raises(RecordError) as refusal:
        _ait(name=row[0], short=row[1])
    assert refusal.value.field == field


def test_an_ait_label_names_the_attack_step_as_its_incident_and_comes_an_hour_later() -> None:
    alert = _ait()
    attack, noise = AitAds().verdict("dnsteal", alert), AitAds().verdict("-", alert)
    assert attack is not None
    assert noise is not None
    assert (attack.verdict, attack.incident_uid, attack.time - alert.time) == (
        Verdict.TRUE_POSITIVE,
        "acme:dnsteal",
        timedelta(hours=1),
    )
    assert (noise.verdict, noise.incident_uid) == (Verdict.FALSE_POSITIVE, "")
    assert AitAds().verdict("", alert) is None


@pytest.mark.parametrize("name", sorted(NORMALISERS))
def test_names_too_long_for_any_store_are_refused(name: str) -> None:
    records = {
        "ait-ads": {"time": 1.7e9, "name": "x" * 1025, "short": "W"},
        "wazuh": {"timestamp": "2024-03-04T08:00:00Z", "rule": {"id": "1", "level": 3}, "agent": {"name": "x" * 1025}},
        "suricata": {
            "timestamp": "2024-03-04T08:00:00Z",
            "event_type": "alert",
            "src_ip": "x" * 1025,
            "alert": {"signature_id": 5},
        },
        "ocsf": {**json.loads(to_ocsf(build_alert(0))), "finding_info": {"uid": "x" * 1025, "analytic": {"uid": "r"}}},
    }
    with pytest.raises(RecordError, match="1025 characters"):
        NORMALISERS[name].decode(msgspec.json.encode(records[name]), ACME)
