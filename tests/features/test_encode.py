"""Alerts and verdicts as facts."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.alert import Entity, EntityKind, Role
from features.aliases import Alias, AliasTable
from features.anomalies import HALF_LIFE_DAYS, EntityAnomalies
from features.context import Asset, Context, Decoy, Identity, Indicator
from features.encode import COLUMNS, VALUES, FactBlock, FactEncoder, FactKind, label_facts
from features.label import Provenance, Verdict
from tests.conftest import START, build_alert, build_label
from tests.features.blocks import SECRET, random_block, seeds


@settings(deadline=None)
@given(seed=seeds, n=st.integers(0, 30))
def test_packed_facts_come_back_bit_for_bit(seed: int, n: int) -> None:
    block = random_block(seed, n).narrow()
    rows = block.pack()
    assert len(rows) == n
    for again in (FactBlock.unpack(rows), FactBlock.unpack([b"".join(rows)])):
        for name in FactBlock.__slots__:
            assert np.ascontiguousarray(getattr(block, name)).tobytes() == getattr(again, name).tobytes()


def test_rows_of_another_width_are_refused() -> None:
    with pytest.raises(ValueError, match="buffer size"):
        FactBlock.unpack([random_block(1, 1).narrow().pack()[0][:-1]])
    for size in (1, 8, 9, 120, 122):
        with pytest.raises(ValueError, match="buffer size"):
            FactBlock.unpack([bytes(size)])


def layout_0(block: FactBlock) -> list[bytes]:
    """Return facts as they were packed before entities had anomalies."""
    row = np.dtype([("time", "<f8"), ("kind", "u1"), ("weight", "<f8"), ("columns", "<u8", (7,)), ("values", "<f8", (6,))])
    rows = np.empty(len(block), row)
    for name in ("time", "kind", "weight", "columns"):
        rows[name] = getattr(block, name)
    rows["values"] = block.values[:, :6]
    return [one.tobytes() for one in rows]


@settings(deadline=None)
@given(seed=seeds, n=st.integers(0, 300))
def test_facts_packed_before_entities_had_anomalies_are_read_without_them(seed: int, n: int) -> None:
    block = random_block(seed, n).narrow()
    old, expected = layout_0(block), block.values.copy()
    expected[:, 6:] = np.nan
    for entries in (old, [b"".join(old)], [b"".join(old), *block.pack()]):
        again = FactBlock.unpack(entries)
        assert again.values[:n].tobytes() == expected.tobytes()
        for name in ("time", "kind", "weight", "columns"):
            assert getattr(again, name)[:n].tobytes() == getattr(block, name).tobytes()
        assert sum(FactBlock.packed(entry) for entry in entries) == len(again)


def test_blocks_join_in_order() -> None:
    first, second = random_block(1, 3), random_block(2, 2)
    joined = FactBlock.concat([first, second])
    assert joined.time.tolist() == [*first.time, *second.time]
    assert len(FactBlock.concat([])) == len(FactBlock.empty()) == 0


def test_columns_are_one_entity_however_written() -> None:
    rows = (
        FactEncoder(SECRET)
        .alerts([build_alert(0, host="Web-1 "), build_alert(1, host="WEB-1"), build_alert(2, host="web-2")])
        .columns
    )
    entity = COLUMNS.index("entity")
    assert rows[0, entity] == rows[1, entity] != rows[2, entity]


def test_an_alert_about_nobody_has_no_entity() -> None:
    row = FactEncoder(SECRET).alerts([build_alert(0, entities=())]).columns[0]
    assert row[[COLUMNS.index(name) for name in ("entity", "user", "address", "peer")]].tolist() == [0, 0, 0, 0]
    assert (row[:3] > 0).all()


def test_an_alias_leads_to_the_entity_as_of_then() -> None:
    lease = Alias(
        tenant="acme", kind="host", alias="10.1.1.1", uid="laptop", valid_from=START, valid_to=datetime(2025, 1, 1, tzinfo=UTC)
    )
    encoder = FactEncoder(SECRET, aliases=AliasTable([lease]))
    rows = encoder.alerts(
        [build_alert(0, host="10.1.1.1"), build_alert(1, host="laptop"), build_alert(2, at=-1.0, host="10.1.1.1")]
    ).columns
    entity = COLUMNS.index("entity")
    assert rows[0, entity] == rows[1, entity] != rows[2, entity]


def test_values_say_what_the_context_knew() -> None:
    facts = [
        Asset(tenant="acme", uid="H1", criticality=3),
        Identity(tenant="acme", uid="root", privileged=True),
        Indicator(tenant="acme", kind="ip", value="10.0.0.7"),
        Decoy(tenant="acme", kind="host", uid="h1"),
    ]
    people = (Entity(EntityKind.HOST, "h1", Role.DEVICE), Entity(EntityKind.USER, "Root", Role.ACTOR))
    alert = build_alert(0, entities=people, severity=4)
    unusual = EntityAnomalies()
    unusual.note("acme", "user", "ROOT", alert.time - timedelta(days=HALF_LIFE_DAYS), 4.0)
    unusual.note("acme", "user", "root", alert.time + timedelta(seconds=1), 9.0)
    unusual.note("acme", "host", "h1", alert.time, 0.0)
    row = FactEncoder(SECRET, Context([(fact, START) for fact in facts]), anomalies=unusual).alerts([alert]).values[0]
    assert dict(zip(VALUES, row.tolist(), strict=True)) == {
        "severity": 4.0, "criticality": 3.0, "privileged": 1.0, "indicator": 0.0, "decoy": 1.0, "hour": 8.0,
        "user_anomaly": pytest.approx(2.0), "host_anomaly": 0.0,
    }  # fmt: skip


def test_what_is_not_known_is_nan_not_zero() -> None:
    row = FactEncoder(SECRET).alerts([build_alert(0)]).values[0]
    for name in ("severity", "criticality", "user_anomaly", "host_anomaly"):
        assert math.isnan(row[VALUES.index(name)])


def test_labels_become_facts_under_the_keys_of_their_alerts() -> None:
    alerts = [build_alert(i, host=f"h{i}") for i in range(5)]
    block = FactEncoder(SECRET).alerts(alerts)
    labels = [build_label(alert, verdict) for alert, verdict in zip(alerts, Verdict, strict=True)]
    facts = label_facts(block, labels, -1.0)
    assert facts.kind.tolist() == [FactKind.TRUE_POSITIVE, FactKind.BENIGN, FactKind.BENIGN]
    assert facts.time.tolist() == [label.time.timestamp() for label in labels[:3]]
    assert facts.weight.tolist() == [-1.0] * 3
    assert (facts.columns == block.columns[:3]).all()


@pytest.mark.parametrize(
    ("fields", "weight"),
    [
        ({"provenance": Provenance.IMPORT}, [1.0]),
        ({"provenance": Provenance.INHERITED}, [0.5]),
        ({"provenance": Provenance.AUTOMATION}, []),
        ({"contests": "another"}, []),
    ],
)
def test_a_label_adds_as_much_as_it_weighs(fields: dict[str, Any], weight: list[float]) -> None:
    alert = build_alert()
    facts = label_facts(FactEncoder(SECRET).alerts([alert]), [build_label(alert, **fields)])
    assert facts.weight.tolist() == weight


def test_registered_rules_and_tenants_hash_as_before() -> None:
    before = FactEncoder(SECRET)
    block = before.alerts([build_alert(0)])
    after = FactEncoder(SECRET)
    after.register(before.rules.values(), before.tenants.values())
    assert (after.rules, after.tenants) == (before.rules, before.tenants)
    assert set(after.rules) == {int(block.columns[0, COLUMNS.index("rule")])}
