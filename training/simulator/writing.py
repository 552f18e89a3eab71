"""Write lives down: alerts, events and labels under one order of receipt, and the truth beside them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from features.history import SCHEMAS, HistoryWriter
from training.simulator.activity import ACTIONS, APPLICATIONS, OUTCOMES, targets
from training.simulator.analysts import ANALYSTS, VERDICTS
from training.simulator.campaigns import KINDS
from training.simulator.lives import ABOUT_USER, Life
from training.simulator.naming import named, second_name
from training.simulator.rows import NONE, ORIGINS
from training.simulator.rules import RULES
from training.simulator.tables import ADDRESS, chosen, listed, moments, numbered, spelled
from training.simulator.world import COUNTRIES

_CHUNK = 500_000
_TRUE = next(i for i, verdict in enumerate(VERDICTS) if verdict.target == 1)
_BY_SENSOR = np.array([rule.product == "nids" for rule in RULES])

Columns = dict[str, NDArray[Any]]
Cells = dict[str, object]
Number = TypeVar("Number", int, NDArray[np.int64])


class Book(NamedTuple):
    """All names of all tenants: ``hosts``, ``seconds``, ``users``, ``targets``, ``incidents``: where a tenant's begin."""

    names: list[str]
    hosts: list[int]
    seconds: list[int]
    users: list[int]
    targets: list[int]
    incidents: list[int]


def open_book(lives: Sequence[Life]) -> Book:
    """Return the names of everything."""
    book = Book([], [], [], [], [], [])
    for life in lives:
        world = life.world
        lists = (
            world.hosts, [second_name(world, host) for host in range(len(world.hosts))], world.users, targets(world)[1],
            life.incidents,
        )  # fmt: skip
        for places, some in zip(book[1:], lists, strict=True):
            places.append(len(book.names))
            book.names.extend(some)
    return book


def write_history(writer: HistoryWriter, lives: Sequence[Life]) -> int:
    """Write alerts, labels and events; return the number of labels."""
    book = open_book(lives)
    columns = [_together([make(life, i, book) for i, life in enumerate(lives)]) for make in (_alerts, _labels, _events)]
    seqs = _orders([column["received"] for column in columns])
    tables = (("alerts", _alert_table), ("labels", _label_table), ("events", _event_table))
    for (kind, make), some, seq in zip(tables, columns, seqs, strict=True):
        for at in _chunks(np.argsort(seq)):
            part = {name: column[at] for name, column in some.items()} | {"seq": seq[at]}
            writer.table(kind, _table(make(part, book), SCHEMAS[kind]))
    return len(seqs[1])


def _together(parts: list[Columns]) -> Columns:
    return {name: np.concatenate([part.pop(name) for part in parts]) for name in list(parts[0])}


def _orders(received: list[NDArray[Any]]) -> list[NDArray[np.int64]]:
    """Return for each kind the place of its rows in the one order of receipt."""
    everything = np.concatenate(received)
    seq = np.empty(len(everything), np.int64)
    seq[np.argsort(everything, kind="stable")] = np.arange(len(everything))
    return np.split(seq, np.cumsum([len(some) for some in received])[:-1])


def _chunks(index: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    for start in range(0, len(index), _CHUNK):
        yield index[start : start + _CHUNK]


def _table(columns: Cells, schema: pa.Schema) -> pa.Table:
    return pa.table([pa.array(columns[field.name], field.type) for field in schema], schema=schema)


def _shifted(code: NDArray[Any], first: int) -> NDArray[np.int64]:
    return np.where(code >= 0, code + first, NONE)


def outside_address(source: Number) -> Number:
    """Return the IPv4 address of a source outside, as a number."""
    return (198 << 24) + (18 << 16) + (-2 - source)


def _source(life: Life, source: NDArray[np.int64], time: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the address of a source: of a host by its lease, of the outside by its number."""
    inside = life.names.address_of(np.maximum(source, 0), time)
    return np.where(source >= 0, inside, np.where(source == NONE, NONE - ADDRESS, outside_address(source))) + ADDRESS


def _alerts(life: Life, tenant: int, book: Book) -> Columns:
    world, alerts = life.world, life.alerts
    host = np.where(ABOUT_USER[alerts.rule], NONE, alerts.host)
    call = named(life.names, np.maximum(host, 0), alerts.time, _BY_SENSOR[alerts.rule], world.workstations)
    address = life.names.address_of(np.maximum(host, 0), alerts.time) + ADDRESS
    name = np.where(call == 2, address, np.where(call == 1, host + book.seconds[tenant], host + book.hosts[tenant]))
    return {
        "tenant": np.full(len(host), world.number), "row": np.arange(len(host)), "time": alerts.time, "received": life.received,
        "rule": alerts.rule, "host": np.where(host >= 0, name, NONE), "user": _shifted(alerts.user, book.users[tenant]),
        "address": _source(life, alerts.source, alerts.time), "domain": alerts.domain,
    }  # fmt: skip


def _alert_table(part: Columns, book: Book) -> Cells:
    texts = {name: [str(getattr(rule, name)) for rule in RULES] for name in ("uid", "name", "product", "tactic", "technique")}
    rule, count = part["rule"], len(part["rule"])
    entities = np.stack([part["host"], part["user"], part["address"]], axis=1)
    entity = spelled(entities.ravel(), book.names)
    kinds, roles = (np.tile(np.arange(3), count), np.tile([0, 1, 1], count))
    fields = [chosen(kinds, ["host", "user", "address"]), entity, chosen(roles, ["device", "actor"])]
    main = spelled(np.where(part["host"] >= 0, part["host"], part["user"]), book.names)
    domain = part["domain"]
    observables = [chosen(np.zeros(count, np.int64), ["domain"]), _domains(domain)]
    schema = SCHEMAS["alerts"]
    text = {name: chosen(rule, values) for name, values in texts.items()}
    has = {name: np.array([bool(value) for value in texts[name]])[rule][:, None] for name in ("tactic", "technique")}
    return {
        "seq": part["seq"], "uid": _alert_uid(part), "tenant": _tenant(part), "time": moments(part["time"]),
        "received_time": moments(part["received"]), "product": text["product"], "rule_uid": text["uid"], "rule_name": text["name"],
        "severity": np.array([r.severity for r in RULES])[rule],
        "tactics": listed(has["tactic"], pa.string(), [text["tactic"]]),
        "techniques": listed(has["technique"], pa.string(), [text["technique"]]),
        "entities": listed(entities >= 0, schema.field("entities").type.value_type, fields),
        "observables": listed(domain[:, None] >= 0, schema.field("observables").type.value_type, observables),
        "message": pc.binary_join_element_wise(text["name"], main, " on "), "raw": chosen(np.zeros(count, np.int64), [""]),
    }  # fmt: skip


def _domains(domain: NDArray[np.int64]) -> pa.Array:
    different, place = np.unique(domain, return_inverse=True)
    return chosen(place, [f"host{number}.example" for number in different.tolist()])


def _tenant(part: Columns) -> pa.Array:
    return numbered("tenant-#", (part["tenant"] + 1, 3))


def _alert_uid(part: Columns, suffix: str = "") -> pa.Array:
    return numbered(f"tenant-#-#{suffix}", (part["tenant"] + 1, 3), (part["row"], 7))


def _labels(life: Life, tenant: int, book: Book) -> Columns:
    said, incident = life.verdicts, life.alerts.incident[life.verdicts.row]
    attack = said.verdict == _TRUE
    return {
        "tenant": np.full(len(said.row), life.world.number), "row": said.row, "received": said.time, "verdict": said.verdict,
        "analyst": said.analyst, "kind": np.where(attack, life.alerts.step[said.row], NONE),
        "incident": np.where(attack, _shifted(incident, book.incidents[tenant]), NONE),
        "case": np.where(attack & (incident < 0), life.cases.case[said.row], NONE), "shown": life.cases.chance[said.row],
    }  # fmt: skip


def _label_table(part: Columns, book: Book) -> Cells:
    nothing = chosen(np.zeros(len(part["row"]), np.int64), [""])
    alleged = numbered("tenant-#:case-#", (part["tenant"] + 1, 3), (np.maximum(part["case"], 0), 7))
    time = moments(part["received"])
    return {
        "seq": part["seq"], "time": time, "received_time": time, "uid": _alert_uid(part, "-verdict"), "tenant": _tenant(part),
        "alert_uid": _alert_uid(part), "verdict": chosen(part["verdict"], [verdict.value for verdict in VERDICTS]),
        "provenance": chosen(np.zeros(len(part["row"]), np.int64), ["human"]), "analyst": chosen(part["analyst"], ANALYSTS),
        "reason": chosen(part["kind"], [*KINDS, ""]),
        "incident_uid": pc.if_else(pa.array(part["case"] >= 0), alleged, spelled(part["incident"], book.names)),
        "supersedes": nothing, "contests": nothing, "shown": part["shown"],
    }  # fmt: skip


def _events(life: Life, tenant: int, book: Book) -> Columns:
    events = life.events
    target = np.where(
        events.target < len(life.world.hosts),
        events.target + book.hosts[tenant],
        events.target + book.targets[tenant],
    )
    return {
        "tenant": np.full(len(target), life.world.number, np.int16), "row": np.arange(len(target), dtype=np.int32),
        "time": events.time, "received": life.events_received, "actor": events.actor + np.int32(book.users[tenant]),
        "action": events.action.astype(np.int8), "target": target.astype(np.int32),
        "address": _source(life, events.source.astype(np.int64), events.time), "country": events.country.astype(np.int8),
        "device": _shifted(events.device, book.hosts[tenant]).astype(np.int32), "application": events.application.astype(np.int8),
        "outcome": events.outcome.astype(np.int8),
    }  # fmt: skip


def _event_table(part: Columns, book: Book) -> Cells:
    part = {name: column.astype(np.int64) if column.dtype.kind == "i" else column for name, column in part.items()}
    action = part["action"]
    return {
        "seq": part["seq"], "uid": numbered("tenant-#-e#", (part["tenant"] + 1, 3), (part["row"], 8)), "tenant": _tenant(part),
        "time": moments(part["time"]), "received_time": moments(part["received"]),
        "product": chosen(action, [a.product for a in ACTIONS]), "actor_kind": chosen(np.zeros(len(action), np.int64), ["user"]),
        "actor_uid": spelled(part["actor"], book.names), "action": chosen(action, [a.name for a in ACTIONS]),
        "target_kind": chosen(action, [a.target_kind for a in ACTIONS]), "target_uid": spelled(part["target"], book.names),
        "address": spelled(part["address"], book.names), "country": chosen(part["country"], COUNTRIES),
        "device": spelled(part["device"], book.names), "application": chosen(part["application"], APPLICATIONS),
        "outcome": chosen(part["outcome"], OUTCOMES), "facets": [()] * len(action),
        "latitude": [None] * len(action), "longitude": [None] * len(action),
    }  # fmt: skip


def write_truth(path: Path, lives: Sequence[Life]) -> None:
    """Write for each alert whether an attacker did it, in which incident, step and campaign, or why it is benign."""
    tables = []
    for life in lives:
        incident, count = life.alerts.incident, len(life.received)
        part = {"tenant": np.full(count, life.world.number), "row": np.arange(count)}
        tables.append(
            pa.table(
                {
                    "tenant": _tenant(part), "alert_uid": _alert_uid(part), "attack": pa.array(incident >= 0),
                    "incident_uid": chosen(incident, [*life.incidents, ""]), "step": chosen(life.alerts.step, [*KINDS, ""]),
                    "origin": chosen(life.alerts.origin, ORIGINS), "campaign": chosen(incident, [*life.campaigns, ""]),
                }
            )
        )  # fmt: skip
    pq.write_table(pa.concat_tables(tables), path, compression="zstd")


def write_event_truth(path: Path, lives: Sequence[Life]) -> None:
    """Write which events an attacker did, and in which incident; all others are benign."""
    tables = []
    for life in lives:
        row = np.flatnonzero(life.events.incident >= 0)
        incident = life.events.incident[row].astype(np.int64)
        uid = numbered("tenant-#-e#", (np.full(len(row), life.world.number + 1), 3), (row, 8))
        columns = {
            "event_uid": uid,
            "attack": pa.array(np.ones(len(row), bool)),
            "incident_uid": chosen(incident, [*life.incidents, ""]),
        }
        tables.append(pa.table(columns))
    pq.write_table(pa.concat_tables(tables), path, compression="zstd")
