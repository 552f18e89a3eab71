"""Events as a table, in the columns of a history's events, and the truth beside it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from training.simulator.behaviour.catalogue import DOINGS, PROGRAMS
from training.simulator.behaviour.deeds import Deeds
from training.simulator.behaviour.living import Lived, truth
from training.simulator.behaviour.town import Town
from training.simulator.rows import START
from training.simulator.tables import ADDRESS, chosen, moments, numbered, spelled
from training.simulator.world import COUNTRIES

EVENTS, TRUTH = "events.parquet", "behaviour_truth.parquet"
OUTCOMES = ("success", "failure")


def event_table(done: Lived) -> pa.Table:
    """Return a tenant's events in order of time, a row each."""
    town, deeds = done.town, done.deeds
    number = np.full(len(deeds.time), town.world.number + 1)
    return pa.table(
        {
            "uid": numbered("tenant-#-b#", (number, 3), (np.arange(len(number)), 8)),
            "tenant": chosen(number * 0, [town.world.tenant]),
            "time": moments(deeds.time),
            "actor_kind": chosen(deeds.account, town.kinds),
            "actor_uid": chosen(deeds.account, town.accounts),
            "action": chosen(deeds.action, [doing.name for doing in DOINGS]),
            **_target(town, deeds),
            "address": spelled(np.where(deeds.address < 0, -1, deeds.address + ADDRESS), ()),
            "country": chosen(deeds.country, [*COUNTRIES, ""]),
            "device": chosen(deeds.device, [*town.devices, ""]),
            "application": chosen(deeds.program, PROGRAMS),
            "outcome": chosen(deeds.failed, OUTCOMES),
        }
    )


def _target(town: Town, deeds: Deeds) -> dict[str, pa.Array]:
    """Return what was acted upon; an empty name is none."""
    return {
        "target_kind": chosen(deeds.target, [*town.target_kinds, ""]),
        "target_uid": chosen(deeds.target, [*town.targets, ""]),
    }


def truth_table(done: Lived) -> pa.Table:
    """Return ``tenant, entity, day, scenario``: the accounts and UTC days that are not normal life."""
    rows = truth(done)
    first = (START.date() - type(START.date())(1970, 1, 1)).days
    return pa.table(
        {
            "tenant": chosen(rows.account * 0, [done.town.world.tenant]),
            "entity": chosen(rows.account, done.town.accounts),
            "day": pa.array((rows.day + first).astype(np.int32), pa.int32()).cast(pa.date32()),
            "scenario": pa.array(rows.scenario, pa.string()),
        }
    )


def write_behaviour(folder: Path, tenants: Sequence[Lived]) -> int:
    """Write events and truth of all tenants into ``folder``; return the number of events."""
    events = pa.concat_tables([event_table(done) for done in tenants])
    events = events.take(pa.array(np.argsort(events["time"].cast(pa.int64()).to_numpy(), kind="stable")))
    pq.write_table(events, folder / EVENTS, compression="zstd")
    pq.write_table(pa.concat_tables([truth_table(done) for done in tenants]), folder / TRUTH, compression="zstd")
    return int(events.num_rows)
