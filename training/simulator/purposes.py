"""What looks bad and is meant: scanners, backups, administrators, new machines, roll-outs, penetration tests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.simulator.noise import sources
from training.simulator.rows import DAY, HOUR, Rows, joined, rows
from training.simulator.rules import RULES, Where, numbers
from training.simulator.world import World

_SCANNER_RULES = numbers("n-port-scan", "n-web-exploit", "n-sql-injection", "n-smb-sweep")
_BACKUP_RULES = numbers("e-archive-staged", "n-upload", "n-upload", "n-dns-tunnel")
_ADMIN_RULES = numbers(
    "e-remote-service", "e-discovery", "e-encoded-command", "e-net-enumeration", "e-lolbin", "e-scheduled-task",
    "e-remote-tool", "i-privilege", "c-role-changed", "c-key-created", "s-odd-hours", "n-smb-sweep",
)  # fmt: skip
_ONBOARDING_RULES = numbers(
    "s-first-process", "i-new-device", "e-new-service", "e-scheduled-task", "e-lolbin", "n-rare-agent", "e-encoded-command",
    "c-consent", "e-signed-loader", "e-remote-tool",
)  # fmt: skip
_ROLLOUT_RULES = numbers(
    "s-first-process", "e-new-service", "e-scheduled-task", "e-update-child", "e-remote-tool", "n-update", "e-signed-loader",
)  # fmt: skip
_TEST_RULES = numbers(
    "n-port-scan", "n-smb-sweep", "n-web-exploit", "e-discovery", "e-net-enumeration", "e-lsass-access", "e-remote-service",
    "e-encoded-command", "i-failed-logons", "n-beacon", "e-lolbin",
)  # fmt: skip
_SESSIONS, _NEW_MACHINES, _ROLLOUTS, _TESTS = 0.45, 0.3, 1 / 25, 1 / 50
"""A day: sessions of each administrator, machines set up anew, roll-outs, penetration tests."""


def purposes(world: World, rng: np.random.Generator) -> Rows:
    """Return the alerts of everything done on purpose."""
    makers = (_scanner, _backup, _admins, _new_machines, _rollouts, _tests)
    return world.heard(joined([part for make in makers for part in make(world, rng)]))


def _scanner(world: World, rng: np.random.Generator) -> Iterator[Rows]:
    """The vulnerability scanner visits every server twice a week, decoys included."""
    nights = np.flatnonzero(np.isin(np.arange(world.days) % 7, [1, 4]))
    servers = np.append(world.where(Where.SERVER), world.server("decoy"))
    night, host, rule = (grid.ravel() for grid in np.meshgrid(nights, servers, _SCANNER_RULES, indexing="ij"))
    time = night * DAY + 2 * HOUR + rng.uniform(0.0, 5400.0, len(night))
    seen = rng.random(len(night)) < 0.35
    yield rows(time, "scanner", rule=rule, host=host, source=world.server("scan")).take(seen)
    touched = nights[::4] * DAY + 2 * HOUR + rng.uniform(0.0, 5400.0, len(nights[::4]))
    decoy = numbers("s-decoy-touched")
    yield rows(touched, "scanner", rule=decoy, host=world.server("decoy"), source=world.server("scan"))


def _backup(world: World, rng: np.random.Generator) -> Iterator[Rows]:
    """Every night the backup moves large files."""
    time = np.repeat(np.arange(world.days), 4) * DAY + HOUR + rng.uniform(0.0, HOUR, world.days * 4)
    made = rows(
        time, "backup", rule=np.tile(_BACKUP_RULES, world.days), host=world.server("backup"), source=world.server("backup")
    )
    yield made.take(rng.random(len(time)) < 0.7)


def _admins(world: World, rng: np.random.Generator) -> Iterator[Rows]:
    """Administrators do what attackers do, in sessions of several rules, each mostly on the same few servers."""
    servers = world.where(Where.SERVER)
    for admin in np.flatnonzero(world.people.privileged):
        days = np.flatnonzero(world.people.present[admin] & (rng.random(world.days) < _SESSIONS))
        own = rng.choice(servers, 3, replace=False)
        usual = rng.choice(_ADMIN_RULES, 4)
        count = rng.integers(1, 6, len(days))
        session = np.repeat(np.arange(len(days)), count)
        begun = world.people.moments(np.full(len(days), admin), days, rng)
        host = np.where(rng.random(len(days)) < 0.8, rng.choice(own, len(days)), rng.choice(world.where(Where.ANY), len(days)))
        rule = np.where(rng.random(len(session)) < 0.75, rng.choice(usual, len(session)), rng.choice(_ADMIN_RULES, len(session)))
        yield rows(
            begun[session] + rng.exponential(700.0, len(session)), "admin",
            rule=rule, host=host[session], user=int(admin), source=sources(rule, int(admin), world.server("vpn")),
        )  # fmt: skip


def _new_machines(world: World, rng: np.random.Generator) -> Iterator[Rows]:
    """Somebody joins or gets a new machine: many rules at once on a host where none of them is usual."""
    joined_on = world.people.joined
    newcomers = np.flatnonzero(joined_on >= 0.0)
    others = int(rng.poisson(_NEW_MACHINES * world.days))
    hosts = np.append(newcomers, rng.integers(0, world.workstations, others))
    days = np.append(joined_on[newcomers], rng.uniform(0.0, world.days, others)).astype(np.int64)
    yield _burst(world, "onboarding", _ONBOARDING_RULES, _Bursts(hosts, days, rng.integers(3, 11, len(hosts))), rng)


def _rollouts(world: World, rng: np.random.Generator) -> Iterator[Rows]:
    """Something new is installed on many workstations within three days; the same two rules speak of it everywhere."""
    for day in rng.integers(0, world.days, rng.poisson(_ROLLOUTS * world.days)).tolist():
        staff = world.staff(day)
        hosts = staff[rng.random(len(staff)) < rng.uniform(0.2, 0.7)]
        days = np.minimum(day + rng.integers(0, 3, len(hosts)), world.days - 1)
        rules = rng.choice(_ROLLOUT_RULES, 2).tolist()
        yield _burst(world, "roll-out", rules, _Bursts(hosts, days, 1 + rng.poisson(0.7, len(hosts))), rng)


class _Bursts(NamedTuple):
    """On which hosts, on which days, and how many alerts each."""

    host: NDArray[np.int64]
    day: NDArray[np.int64]
    size: NDArray[np.int64]


def _burst(world: World, origin: str, rules: list[int], bursts: _Bursts, rng: np.random.Generator) -> Rows:
    which = np.repeat(np.arange(len(bursts.host)), bursts.size)
    time = world.people.moments(bursts.host, bursts.day, rng)[which] + rng.uniform(0.0, 3 * HOUR, len(which))
    rule = rng.choice(rules, len(which))
    who = bursts.host[which]
    return rows(time, origin, rule=rule, host=who, user=who, source=sources(rule, world.server("vpn"), world.server("vpn")))


def _tests(world: World, rng: np.random.Generator) -> Iterator[Rows]:
    """A penetration test, announced: for some days attacks of all sorts from one machine, on a few hosts at a time."""
    tester = world.server("pentest")
    for day in _test_days(world, rng):
        targets = rng.choice(world.where(Where.ANY), 8, replace=False)
        sessions = int(rng.integers(8, 14))
        count = rng.integers(2, 9, sessions)
        begun = (day + rng.uniform(0.0, 4.0, sessions)) * DAY
        which = np.repeat(np.arange(sessions), count)
        host = rng.choice(targets, sessions)[which]
        rule = rng.choice(_TEST_RULES, len(which))
        time = begun[which] + rng.exponential(1500.0, len(which))
        anybody = np.where(host < world.workstations, host, rng.integers(0, world.workstations, len(which)))
        about_user = np.isin(rule, [i for i, r in enumerate(RULES) if r.product == "idp"])
        user = np.where(about_user, anybody, world.user_of(host))
        yield rows(time, "penetration-test", rule=rule, host=host, user=user, source=sources(rule, tester, tester))


def _test_days(world: World, rng: np.random.Generator) -> list[int]:
    """Return the days on which penetration tests begin."""
    return sorted(rng.integers(0, world.days, rng.poisson(_TESTS * world.days)).tolist())
