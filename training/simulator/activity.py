"""What people do all day, as events: by habit mostly, and habits change slowly. Attackers' doings lie among it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.simulator.attacks import Act
from training.simulator.campaigns import KINDS
from training.simulator.noise import HOMES
from training.simulator.people import DEPARTMENTS
from training.simulator.rows import DAY, NONE, Events, mixed
from training.simulator.rules import PRODUCTS
from training.simulator.world import COUNTRIES, World


class Action(NamedTuple):
    """Something that people do: ``targets``: what kind, and how many of them a tenant has for each department."""

    name: str
    product: str
    target_kind: str
    targets: int
    applications: tuple[str, ...]
    outside: bool


ACTIONS: tuple[Action, ...] = (
    Action("logon", "idp", "host", 0, ("directory", "sign-on", "remote-access"), True),
    Action("process", "edr", "process", 40, ("shell", "office", "browser", "tools"), False),
    Action("file", "edr", "file", 120, ("share", "office", "sync"), False),
    Action("mail", "mail", "mailbox", 150, ("mail",), True),
    Action("network", "nids", "address", 200, ("browser", "updater", "tools"), False),
    Action("cloud", "cloud", "application", 25, ("crm", "storage", "console", "chat"), True),
)
APPLICATIONS: tuple[str, ...] = tuple(dict.fromkeys(name for action in ACTIONS for name in action.applications))
OUTCOMES = ("success", "failure")
_FAILURES = 0.03
_ODD = 0.06
"""Share of what people do that is outside their habits."""
_FAVOURITES = 14
_PERIOD_DAYS = 60
"""How long a favourite stays one, give or take."""
EVENTS_PER_ALERT = 10.0

_LOGON, _PROCESS, _FILE, _MAIL, _NETWORK, _CLOUD = range(len(ACTIONS))
_DOINGS: dict[str, dict[int, float]] = {
    "phishing": {_MAIL: 2},
    "execution": {_PROCESS: 8, _NETWORK: 3},
    "persistence": {_PROCESS: 4, _NETWORK: 10},
    "discovery": {_PROCESS: 10, _NETWORK: 8, _FILE: 5},
    "credential_access": {_PROCESS: 5, _LOGON: 6},
    "lateral_movement": {_LOGON: 8, _PROCESS: 6},
    "exfiltration": {_FILE: 20, _NETWORK: 15},
    "impact": {_FILE: 80, _PROCESS: 10},
    "insider_collection": {_FILE: 40, _CLOUD: 15},
    "insider_staging": {_FILE: 30},
    "insider_exfiltration": {_MAIL: 8, _NETWORK: 8, _FILE: 20},
    "password_spray": {_LOGON: 40},
    "account_takeover": {_LOGON: 6, _CLOUD: 5},
    "mail_collection": {_MAIL: 20, _LOGON: 3},
    "cloud_persistence": {_CLOUD: 6, _LOGON: 2},
    "web_exploit": {_NETWORK: 10},
    "web_shell": {_PROCESS: 8, _NETWORK: 4},
    "supply_chain": {_PROCESS: 6, _NETWORK: 4},
    "supply_control": {_NETWORK: 15, _PROCESS: 3},
    "session_theft": {_LOGON: 5, _PROCESS: 2},
    "cloud_collection": {_CLOUD: 25, _MAIL: 6},
}
"""How often an attacker does what in each step."""
_FROM_AFAR = frozenset(
    {"account_takeover", "mail_collection", "cloud_persistence", "password_spray", "cloud_collection", "session_theft"}
)


def first_target(action: int, world: World) -> int:
    """Return where an action's targets begin in the tenant's list of targets (see ``targets``)."""
    return len(world.hosts) + len(DEPARTMENTS) * sum(a.targets for a in ACTIONS[:action]) if action else 0


def targets(world: World) -> tuple[list[str], list[str]]:
    """Return kind and uid of everything that can be a target in a tenant: hosts, then by action and department."""
    kinds, uids = ["host"] * len(world.hosts), list(world.hosts)
    forms = {
        "process": "{d}-tool-{n}.exe", "file": "/share/{d}/{n:04d}", "mailbox": "contact{n}@{d}.example",
        "address": "203.0.{k}.{n}", "application": "{d}/resource-{n}",
    }  # fmt: skip
    for action in ACTIONS[1:]:
        for k, department in enumerate(DEPARTMENTS):
            kinds += [action.target_kind] * action.targets
            uids += [forms[action.target_kind].format(d=department.name, n=n, k=k + 16) for n in range(action.targets)]
    return kinds, uids


def events(world: World, acts: list[Act], alerts: int, rng: np.random.Generator) -> Events:
    """Return what everybody did, about ten events for each of the tenant's ``alerts``, attackers' doings included."""
    parts = [_usual(world, alerts * EVENTS_PER_ALERT, rng), *(_doings(world, act, rng) for act in acts)]
    time, *others = (np.concatenate(column) for column in zip(*parts, strict=True))
    found = Events(time, *others)
    found = found.take((time >= 0.0) & (time < world.days * DAY))
    product = np.array([PRODUCTS.index(action.product) for action in ACTIONS])[found.action]
    return found.take(~world.silent[product, (found.time / DAY).astype(np.int64)])


def _usual(world: World, number: float, rng: np.random.Generator) -> Events:
    people = world.people
    pace = rng.lognormal(0.0, 0.5, people.total)[:, None] * people.present
    who, day = np.divmod(np.repeat(np.arange(pace.size), rng.poisson(pace * number / max(pace.sum(), 1e-9)).ravel()), world.days)
    count = len(who)
    department = people.department_on(who, day)
    habits = np.array([d.habits for d in DEPARTMENTS], np.float64)
    shares = np.cumsum(habits / habits.sum(axis=1, keepdims=True), axis=1)
    action = (shares[department] < rng.random((count, 1))).sum(axis=1).clip(max=len(ACTIONS) - 1)
    target = _habitual(world, who, day, action, rng)
    away = people.abroad[who, day].astype(np.int64)
    outside = np.array([a.outside for a in ACTIONS])[action] & (rng.random(count) < 0.3) | (away > 0)
    source = np.where(outside, -2 - HOMES - who - 1000 * away, who)
    application = _application(action, mixed(who, action, target % 3))
    return _packed(
        people.moments(who, day, rng), who, action, target, source, (world.country + away) % len(COUNTRIES), who, application,
        rng.random(count) < _FAILURES, NONE,
    )  # fmt: skip


def _habitual(
    world: World, who: NDArray[np.int64], day: NDArray[np.int64], action: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.int64]:
    """Return a target for each: one of the person's favourites of these weeks mostly, else any of any department."""
    slot = np.minimum(rng.geometric(0.25, len(who)) - 1, _FAVOURITES - 1)
    phase = (mixed(who, action, slot) % np.uint64(_PERIOD_DAYS)).astype(np.int64)
    choice = mixed(who, action, slot, (day + phase) // _PERIOD_DAYS)
    odd = rng.random(len(who)) < _ODD
    size = np.array([a.targets for a in ACTIONS])[action]
    first = np.array([first_target(a, world) for a in range(len(ACTIONS))])[action]
    own = first + world.people.department_on(who, day) * size + (choice % np.maximum(size, 1).astype(np.uint64)).astype(np.int64)
    other = first + (rng.random(len(who)) * size * len(DEPARTMENTS)).astype(np.int64)
    servers = world.workstations + (choice % np.uint64(len(world.hosts) - world.workstations)).astype(np.int64)
    logon = np.where(rng.random(len(who)) < 0.8, who, servers)
    return np.where(action == _LOGON, logon, np.where(odd, other, own))


def _application(action: NDArray[np.int64], number: NDArray[np.uint64]) -> NDArray[np.int64]:
    size = np.array([len(a.applications) for a in ACTIONS])
    names = np.zeros((len(ACTIONS), size.max()), np.int64)
    for row, a in zip(names, ACTIONS, strict=True):
        row[: len(a.applications)] = [APPLICATIONS.index(name) for name in a.applications]
    return names[action, (number % size[action].astype(np.uint64)).astype(np.int64)]


def _doings(world: World, act: Act, rng: np.random.Generator) -> Events:
    """Return what an attacker did in a step: targets of any department, from their own address where it is done from afar."""
    kind = KINDS[act.kind]
    wanted = _DOINGS[kind]
    action = np.repeat(list(wanted), 1 + rng.poisson(np.array(list(wanted.values())) - 1.0))
    count = len(action)
    first = np.array([first_target(a, world) for a in range(len(ACTIONS))])[action]
    size = np.array([a.targets for a in ACTIONS])[action] * len(DEPARTMENTS)
    target = np.where(action == _LOGON, act.host, first + (rng.random(count) * size).astype(np.int64))
    afar = kind in _FROM_AFAR
    who = rng.integers(0, world.workstations, count) if kind == "password_spray" else np.full(count, act.user)
    failed = rng.random(count) < (0.95 if kind == "password_spray" else 0.1)
    time = act.time + np.cumsum(rng.exponential(120.0, count))
    country = (world.country + act.domain) % len(COUNTRIES) if afar else world.country
    return _packed(
        time, who, action, target, act.source if afar else act.host, country, NONE if afar else act.host,
        _application(action, mixed(target)), failed, act.incident,
    )  # fmt: skip


def _packed(time: NDArray[np.float64], *columns: object) -> Events:
    """Return events of columns in the order of the fields; single numbers are repeated."""
    return Events(time, *(np.broadcast_to(np.asarray(column, np.int32), time.shape) for column in columns))
