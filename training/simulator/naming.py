"""Names that change: address leases and renamed hosts, and by which name an alert calls a host."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.simulator.rows import DAY, mixed
from training.simulator.world import World

_LEASE_DAYS = 21.0
_RENAMED = 0.6
"""Chance a year that a workstation is renamed."""
_OLD_NAME = 0.3
"""Share of alerts that still call a renamed host by its old name."""
_BY_ADDRESS = 0.3
"""Share of a network sensor's alerts that know no name, only the address."""
_YEAR = 365.0


class Names(NamedTuple):
    """Leases sorted by host and start: ``host``, ``start``, ``end`` (seconds), ``address`` (IPv4 as a number).

    ``renamed`` f8[hosts]: when a host got its second name, +inf if never.
    """

    host: NDArray[np.int64]
    start: NDArray[np.float64]
    end: NDArray[np.float64]
    address: NDArray[np.int64]
    renamed: NDArray[np.float64]

    def address_of(self, host: NDArray[np.int64], time: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return the address that each host has at that time."""
        far = self.end.max() + DAY
        found: NDArray[np.int64] = self.address[
            np.searchsorted(self.host * far + self.start, host * far + time, side="right") - 1
        ]
        return found


def second_name(world: World, host: int) -> str:
    """Return what a renamed host is called."""
    return f"{world.hosts[host]}-r"


def build_names(world: World, rng: np.random.Generator) -> Names:
    """Lease addresses to workstations, each for some weeks, then to another; servers keep theirs."""
    end = world.days * DAY
    count = world.workstations
    changes: list[tuple[float, int]] = [(0.0, host) for host in range(count)]
    for host, number in enumerate(rng.poisson(world.days / _LEASE_DAYS, count).tolist()):
        changes += [(float(time), host) for time in rng.uniform(0.0, end, number)]
    free = deque(rng.permutation(count + 8).tolist())
    held: dict[int, tuple[float, int]] = {}
    leases: list[tuple[int, float, float, int]] = [
        (host, 0.0, end, 250 * 256 + host - count) for host in range(count, len(world.hosts))
    ]
    for time, host in sorted(changes):
        if host in held:
            since, address = held[host]
            leases.append((host, since, time, address))
            free.append(address)
        held[host] = (time, free.popleft())
    leases += [(host, since, end, address) for host, (since, address) in held.items()]
    columns = [np.array(column) for column in zip(*sorted(leases), strict=True)]
    renamed = np.where(
        (rng.random(len(world.hosts)) < _RENAMED * world.days / _YEAR) & (np.arange(len(world.hosts)) < count),
        rng.uniform(0.0, end, len(world.hosts)), np.inf,
    )  # fmt: skip
    base = (10 << 24) + (world.number << 16)
    return Names(columns[0], columns[1], columns[2], columns[3] + base, renamed)


def named(
    names: Names, host: NDArray[np.int64], time: NDArray[np.float64], by_sensor: NDArray[np.bool_], workstations: int
) -> NDArray[np.int64]:
    """Return how each alert calls its host: 0 by its first name, 1 by its second, 2 by the address that it then has."""
    coin = mixed(host, (time * 1e6).astype(np.int64)) % np.uint64(1000)
    second = (time >= names.renamed[host]) & (coin >= np.uint64(int(_OLD_NAME * 1000)))
    address = by_sensor & (host < workstations) & (coin % np.uint64(100) < np.uint64(int(_BY_ADDRESS * 100)))
    return np.where(address, 2, np.where(second, 1, 0))
