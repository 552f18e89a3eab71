"""What fires without an attacker: noise, habits, and things done on purpose that look bad."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from training.simulator.rules import INDEX, RULES, Where
from training.simulator.world import DAY, ORIGINS, Rows, World, joined, rows

_BURST = 0.55
"""Chance that an alert of a habit is followed by another a moment later."""
_ONBOARDING_RULES = (
    "s-first-process",
    "i-new-device",
    "e-new-service",
    "e-scheduled-task",
    "e-lolbin",
    "n-rare-agent",
    "e-encoded-command",
)
_ADMIN_RULES = ("e-remote-service", "e-discovery", "e-encoded-command", "i-privilege", "e-net-enumeration")


def benign(world: World, days: int, rng: np.random.Generator) -> Rows:
    """Return everything that happens in a tenant without an attacker."""
    makers = (_noise, _habits, _scanner, _backup, _admins, _onboarding)
    return joined([make(world, days, rng) for make in makers])


def _noise(world: World, days: int, rng: np.random.Generator) -> Rows:
    parts = []
    for number, rule in enumerate(RULES):
        hosts = world.where(rule.where)
        host = np.repeat(hosts, rng.poisson(rule.noise * world.rates[number] * days, len(hosts)))
        parts.append(_placed(world, world.working_times(world.user_of(host), days, rng), host, number, rng))
    return joined(parts)


def _habits(world: World, days: int, rng: np.random.Generator) -> Rows:
    """Some hosts set off the same rule again and again, in bursts; a third of the habits begin or end on the way."""
    parts = []
    for number, rule in enumerate(RULES):
        hosts = world.where(rule.where)
        chosen = hosts[rng.random(len(hosts)) < rule.habit]
        pace = rng.lognormal(-0.3, 1.0, len(chosen))
        host = np.repeat(np.arange(len(chosen)), rng.poisson(pace * days))
        first = np.where(rng.random(len(chosen)) < 0.2, rng.uniform(0, days, len(chosen)), 0.0) * DAY
        last = np.where(rng.random(len(chosen)) < 0.15, rng.uniform(0, days, len(chosen)), days) * DAY
        time = world.working_times(world.user_of(chosen[host]), days, rng)
        held = (time >= first[host]) & (time <= last[host])
        made = _placed(world, time[held], chosen[host][held], number, rng)
        parts.append(_repeated(made._replace(origin=np.full_like(made.origin, ORIGINS.index("habit"))), days, rng))
    return joined(parts)


def _placed(world: World, time: NDArray[np.float64], host: NDArray[np.int64], rule: int, rng: np.random.Generator) -> Rows:
    """Return alerts of one rule at these times on these hosts, with outside addresses and domains that many share."""
    who = world.user_of(host)
    outside = -2 - rng.zipf(1.3, len(host)).clip(max=3000)
    is_outside = np.full(len(host), RULES[rule].product in {"nids", "idp", "mail"})
    domain = np.where(is_outside & (rng.random(len(host)) < 0.5), rng.zipf(1.5, len(host)).clip(max=2000), -1)
    return rows(
        time, "noise",
        rule=rule, host=host, user=who, source=np.where(is_outside, outside, -1), domain=domain,
    )  # fmt: skip


def _repeated(made: Rows, days: int, rng: np.random.Generator) -> Rows:
    again = np.repeat(np.arange(len(made.time)), rng.geometric(1.0 - _BURST, len(made.time)))
    first = np.concatenate([[True], again[1:] != again[:-1]]) if len(again) else np.zeros(0, bool)
    time = made.time[again] + np.where(first, 0.0, rng.exponential(180.0, len(again)))
    return made.take(again)._replace(time=np.minimum(time, days * DAY - 1.0))


def _scanner(world: World, days: int, rng: np.random.Generator) -> Rows:
    """The vulnerability scanner visits every server twice a week, decoys included."""
    nights = [day for day in range(days) if day % 7 in {1, 4}]
    rules = [INDEX[name] for name in ("n-port-scan", "n-web-exploit", "n-sql-injection", "n-smb-sweep")]
    servers = world.servers
    count = len(nights) * len(servers) * len(rules)
    night = np.repeat(np.array(nights, np.float64), len(servers) * len(rules))
    time = (night + 2.0 / 24.0) * DAY + rng.uniform(0, 5400, count)
    scanned = rows(
        time, "scanner", rule=np.tile(rules, len(nights) * len(servers)),
        host=np.tile(np.repeat(servers, len(rules)), len(nights)), source=world.server("scan"),
    )  # fmt: skip
    decoyed = time[scanned.host == world.server("decoy")] + 1.0
    touched = rows(decoyed, "scanner", rule=INDEX["s-decoy-touched"], host=world.server("decoy"), source=world.server("scan"))
    seen = rng.random(count) < 0.6
    return joined([scanned.take(seen), touched])


def _backup(world: World, days: int, rng: np.random.Generator) -> Rows:
    """Every night the backup moves large files."""
    time = (np.repeat(np.arange(days), 4) + 1.0 / 24.0) * DAY + rng.uniform(0, 3600, days * 4)
    rule = np.tile([INDEX["e-archive-staged"], INDEX["n-upload"], INDEX["n-upload"], INDEX["n-dns-tunnel"]], days)
    kept = rng.random(len(time)) < 0.8
    return rows(time[kept], "backup", rule=rule[kept], host=world.server("backup"), source=world.server("backup"))


def _admins(world: World, days: int, rng: np.random.Generator) -> Rows:
    """Administrators do on servers what attackers do, in sessions of several rules, each mostly on the same few servers."""
    parts = []
    usual = world.where(Where.SERVER)
    for admin in np.flatnonzero(world.privileged):
        sessions = int(rng.poisson(0.5 * days))
        own = rng.choice(usual, 3, replace=False)
        begun = world.working_times(np.full(sessions, admin), days, rng)
        for start in begun.tolist():
            host = int(rng.choice(own if rng.random() < 0.85 else usual))
            count = int(rng.integers(1, 6))
            rule = [INDEX[_ADMIN_RULES[i]] for i in rng.integers(0, len(_ADMIN_RULES), count)]
            time = np.minimum(start + np.cumsum(rng.exponential(240.0, count)), days * DAY - 1.0)
            parts.append(rows(time, "admin", rule=rule, host=host, user=int(admin), source=int(admin)))
    return joined(parts) if parts else rows(np.zeros(0), "admin")


def _onboarding(world: World, days: int, rng: np.random.Generator) -> Rows:
    """New machines and roll-outs: many rules at once on a host where none of them is usual."""
    parts = []
    for _ in range(int(rng.poisson(0.35 * days))):
        host = int(rng.integers(0, len(world.users)))
        count = int(rng.integers(3, 12))
        start = world.working_times(np.array([host]), days, rng)[0]
        time = np.minimum(start + np.sort(rng.uniform(0, 4 * 3600, count)), days * DAY - 1.0)
        rule = [INDEX[_ONBOARDING_RULES[i]] for i in rng.integers(0, len(_ONBOARDING_RULES), count)]
        parts.append(rows(time, "onboarding", rule=rule, host=host, user=host))
    return joined(parts) if parts else rows(np.zeros(0), "onboarding")
