"""The truth of root causes: where each attack got in, and how it came to every place that it reached.

The convention, fixed before any tracer was tuned on it, is what an analyst who knew every act would draw:

- **Entry** is the first thing of the house that the attacker had: the account, where the first act is on an account (a lure,
  a guessed password, a stolen session, somebody of the house); else the host.
- **From where**: an edge from the outside address to what an act from outside reaches first, unless the account in whose name
  it is done was the attacker's already; an edge from the host on which the attacker sat to each other host, for acts from
  within. A decoy is touched from the host of the act.
- **By whom**: an edge from the account to each host on which it is used.
- **Taken**: where an act uses another account than the one before, an edge from the host of the act before to that account.

An edge is an ordered pair, stated once for an incident, with the time and step of the act that first makes it. An act touches
its host, where it is an act on hosts, and every host on which an alert spoke of it (a share is encrypted on several at once).
An edge is ``seen`` when an alert spoke of an act that makes it, and ``named`` when alerts of its incident name both ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from training.simulator.attacks import Act
from training.simulator.campaigns import KINDS
from training.simulator.lives import ABOUT_USER, Life
from training.simulator.rows import DAY, NONE, Rows
from training.simulator.tables import ADDRESS, moments, spelled
from training.simulator.writing import outside_address

ON_ACCOUNTS = frozenset(
    {
        "phishing",
        "password_spray",
        "account_takeover",
        "session_theft",
        "mail_collection",
        "cloud_persistence",
        "cloud_collection",
    }
    | {"insider_collection"}
)
"""Steps that are done to an account, wherever its owner sits."""

Node = tuple[str, int]
Way = tuple[Node, Node]


class TrueEdge(msgspec.Struct, gc=False):
    """An edge of the true path: when (seconds) and in which step it was made first, and what alerts say of it."""

    way: Way
    time: float
    step: str
    seen: bool
    named: bool


def true_edges(life: Life, incident: int, acts: Sequence[Act]) -> list[TrueEdge]:
    """Return how one attack went, from its ``acts`` in the order of time."""
    alerts = life.alerts.take(life.alerts.incident == incident)
    named = _named(alerts)
    reached: set[Node] = set()
    found: dict[Way, TrueEdge] = {}
    for before, act in zip([None, *acts], acts, strict=False):
        spoke = alerts.take(alerts.step == act.kind)
        for way in _ways(life, act, before, spoke, reached):
            edge = found.setdefault(way, TrueEdge(way, act.time, KINDS[act.kind], False, named.issuperset(way)))
            edge.seen |= len(spoke.time) > 0
        reached.update(node for way in found for node in way)
    return list(found.values())


def entry(act: Act) -> Node:
    """Return the first thing that the attacker had, by the first act."""
    return ("user", act.user) if KINDS[act.kind] in ON_ACCOUNTS else ("host", act.host)


def _ways(life: Life, act: Act, before: Act | None, spoke: Rows, reached: set[Node]) -> list[Way]:
    account = ("user", act.user)
    users = _touched_users(act, spoke)
    users_of = _touched_hosts(life, act, spoke)
    hosts = [("host", host) for host, user in users_of.items() if user != NONE]
    ways: list[Way] = []
    if before is not None and before.user != act.user and account not in reached:
        ways.append((("host", before.host), account))
    if act.source >= 0:
        ways += [(("host", act.source), host) for host in hosts if host[1] != act.source]
    else:
        own = users if KINDS[act.kind] in ON_ACCOUNTS else ([] if account in reached else hosts)
        ways += [(("address", act.source), node) for node in own if node not in reached]
    ways += [(("user", user), ("host", host)) for host, user in users_of.items() if user != NONE]
    return ways + [(("host", act.host), ("host", host)) for host, user in users_of.items() if user == NONE]


def _touched_users(act: Act, spoke: Rows) -> list[Node]:
    others = np.unique(spoke.user[ABOUT_USER[spoke.rule] & (spoke.user >= 0)]).tolist()
    return [("user", user) for user in dict.fromkeys([act.user, *others])]


def _touched_hosts(life: Life, act: Act, spoke: Rows) -> dict[int, int]:
    """Return each host touched with the account used on it, −1 for the decoy, which is touched from the act's host."""
    own = [] if KINDS[act.kind] in ON_ACCOUNTS else [act.host]
    others = np.unique(spoke.host[~ABOUT_USER[spoke.rule]]).tolist()
    world = life.world
    decoy = world.server("decoy")
    return {
        host: NONE if host == decoy else act.user if host == act.host or host >= world.workstations else host
        for host in dict.fromkeys([*own, *others])
    }


def _named(alerts: Rows) -> set[Node]:
    hosts = np.append(alerts.host[~ABOUT_USER[alerts.rule]], alerts.source[alerts.source >= 0])
    found = {("host", host) for host in np.unique(hosts).tolist()}
    found |= {("user", user) for user in np.unique(alerts.user[alerts.user >= 0]).tolist()}
    return found | {("address", source) for source in np.unique(alerts.source[alerts.source < NONE]).tolist()}


def write_chains(path: Path, lives: Sequence[Life]) -> None:
    """Write a row for each edge of each attack that began before the end, with the attack's entry."""
    rows = [row for life in lives for row in _rows(life)]
    columns = list(zip(*rows, strict=True)) or [()] * 9
    tenant, incident, entered, source, target, time, step, seen, named = columns
    names: dict[str, pa.Array] = {"tenant": pa.array(tenant, pa.string()), "incident_uid": pa.array(incident, pa.string())}
    for prefix, nodes in (("entry", entered), ("from", source), ("to", target)):
        names[f"{prefix}_kind"] = pa.array([kind for kind, _ in nodes], pa.string())
        names[f"{prefix}_uid"] = pa.array([uid for _, uid in nodes], pa.string())
    names |= {"time": moments(np.array(time, np.float64)), "step": pa.array(step, pa.string())}
    names |= {"seen": pa.array(seen, pa.bool_()), "named": pa.array(named, pa.bool_())}
    pq.write_table(pa.table(names), path, compression="zstd")


def _rows(life: Life) -> Iterator[tuple[object, ...]]:
    done = [act for act in life.acts if 0.0 <= act.time < life.world.days * DAY]
    for incident, acts in groupby(done, key=lambda act: act.incident):
        ordered = list(acts)
        first = _spelled(life, entry(ordered[0]))
        for edge in true_edges(life, incident, ordered):
            source, target = (_spelled(life, node) for node in edge.way)
            yield (
                life.world.tenant, life.incidents[incident], first, source, target, edge.time, edge.step, edge.seen, edge.named,
            )  # fmt: skip


def _spelled(life: Life, node: Node) -> tuple[str, str]:
    kind, number = node
    if kind == "address":
        return kind, str(spelled(np.array([outside_address(number) + ADDRESS]), [])[0])
    return kind, (life.world.hosts if kind == "host" else life.world.users)[number]
