"""Bounds of controls, from the days of a tenant's entities."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection

from features.alert import EntityKind
from models.controls import Control, Standing
from models.risk import EntityRisk, Fact, Said
from service.behaviour import records
from service.behaviour.bounds import DAYS, bounds
from service.behaviour.records import Entity
from service.store.database import Database

TODAY = 20_000
ALPHA = {Control.STEP_UP: 0.3, Control.RESTRICT: 0.3}


def put(
    connection: Connection, uid: str, day: int, level: Control = Control.NONE, *, said: bool | None = None, tenant: str = "t"
) -> None:
    state = EntityRisk()
    if said is not None:
        state.add("r", Fact("1", day * 86_400.0, 1.0))
        state.judge("r", "1", Said(said, day * 86_400.0))
    one = Entity(
        tenant=tenant, kind=EntityKind.USER, uid=uid, name=uid, pseudonym=f"user-{uid}", state=state, updated=day * 86_400.0 + 60,
        standing=Standing(level, 0.0),
    )  # fmt: skip
    records.save(connection, [one])


def test_an_entity_counts_once_and_who_was_attacked_is_not_benign(tmp_path: Path) -> None:
    database = Database(tmp_path / "t.db", b"s" * 32)
    writer = database.writer
    for i in range(20):
        for day in range(TODAY - DAYS, TODAY):
            put(writer, f"u{i}", day)
    put(writer, "u0", TODAY, Control.RESTRICT)
    put(writer, "u1", TODAY - DAYS - 1, Control.RESTRICT)
    put(writer, "bad", TODAY - 1, Control.RESTRICT, said=True)
    put(writer, "odd", TODAY - 1, Control.STEP_UP, said=False)
    put(writer, "else", TODAY - 1, tenant="other")
    found = bounds(writer, TODAY, ALPHA)
    step_up, restrict = found["t"][Control.STEP_UP], found["t"][Control.RESTRICT]
    assert tuple(step_up.evidence) == (21, 1, 2, 1)
    assert tuple(restrict.evidence) == (21, 0, 1, 1)
    assert step_up.granted
    assert restrict.granted
    assert not found["other"][Control.STEP_UP].granted
    assert bounds(writer, TODAY, {Control.STEP_UP: 0.01, Control.RESTRICT: 0.002})["t"][Control.STEP_UP].missing > 200
    database.close()
