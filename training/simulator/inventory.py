"""What an inventory knows of a tenant, as files that ``tamis context import`` takes, and as imported versions."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import numpy as np

from features.context import import_facts
from training.simulator.attacks import NEW_DOMAINS
from training.simulator.lives import Life
from training.simulator.naming import second_name
from training.simulator.people import DEPARTMENTS
from training.simulator.rows import DAY, START

Fact = dict[str, object]
_KNOWN_BAD = 7
"""Every seventh of the attackers' domains is a known indicator; a few that everybody visits are, too."""
_FALSE_INDICATORS = (3, 40, 300)


def write_context(folder: Path, lives: Sequence[Life]) -> None:
    """Write assets, identities, indicators, decoys and aliases of all tenants."""
    folder.mkdir()
    makers = {"assets": _assets, "identities": _identities, "indicators": _indicators, "decoys": _decoys, "aliases": _aliases}
    for kind, make in makers.items():
        facts = [fact for life in lives for fact in make(life)]
        file = folder / f"{kind}.csv"
        with file.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, list(facts[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(facts)
        import_facts(folder / "versions", kind, file, "", START)


def _moment(seconds: float) -> str:
    return (START + timedelta(seconds=round(seconds))).isoformat()


def _truth(flag: object) -> str:
    return str(bool(flag)).lower()


def _assets(life: Life) -> Iterator[Fact]:
    """A host under its name from the first day, under its second from then on; some become more or less critical."""
    world = life.world
    rng = np.random.default_rng([world.number, world.days])
    reviewed = np.flatnonzero(rng.random(len(world.hosts)) < 0.1)
    for host, name in enumerate(world.hosts):
        level = int(world.criticality[host])
        fact: Fact = {
            "tenant": world.tenant, "uid": name, "criticality": level, "owner": world.users[host] if host < len(world.users) else "",
            "exposed": _truth(world.exposed[host]), "valid_from": "",
        }  # fmt: skip
        if host == world.server("pentest"):
            fact["owner"] = "announced: penetration test"
        yield fact
        if np.isfinite(life.names.renamed[host]):
            yield fact | {"uid": second_name(world, host), "valid_from": _moment(life.names.renamed[host])}
        elif host in reviewed:
            changed = min(max(level + int(rng.choice([-1, 1])), 0), 4)
            yield fact | {"criticality": changed, "valid_from": _moment(float(rng.uniform(0.0, world.days * DAY)))}


def _identities(life: Life) -> Iterator[Fact]:
    world, people = life.world, life.world.people
    for who, name in enumerate(world.users):
        joined = max(float(people.joined[who]), 0.0)
        fact: Fact = {
            "tenant": world.tenant, "uid": name, "department": DEPARTMENTS[people.department[who]].name,
            "privileged": _truth(people.privileged[who]), "valid_from": _moment(joined * DAY) if joined else "",
        }  # fmt: skip
        yield fact
        if joined < people.moved[who] < min(world.days, people.left[who]):
            after = DEPARTMENTS[people.next_department[who]].name
            yield fact | {"department": after, "valid_from": _moment(float(people.moved[who]) * DAY)}


def _indicators(life: Life) -> Iterator[Fact]:
    first = NEW_DOMAINS + 1000 * life.world.number
    for number in (*range(first, first + 1000, _KNOWN_BAD), *_FALSE_INDICATORS):
        yield {"tenant": life.world.tenant, "kind": "domain", "value": f"host{number}.example"}


def _decoys(life: Life) -> Iterator[Fact]:
    yield {"tenant": life.world.tenant, "kind": "host", "uid": life.world.hosts[life.world.server("decoy")]}


def _aliases(life: Life) -> Iterator[Fact]:
    """A lease says which host an address meant, as a host's name and as a source; a second name means the first."""
    world, names = life.world, life.names
    alias: Fact = {"tenant": world.tenant, "kind": "host", "alias": "", "uid": "", "valid_from": "", "valid_to": ""}
    leases = zip(names.host.tolist(), names.start.tolist(), names.end.tolist(), names.address.tolist(), strict=True)
    for host, start, end, address in leases:
        text = f"{address >> 24}.{address >> 16 & 255}.{address >> 8 & 255}.{address & 255}"
        until = _moment(end) if end < world.days * DAY else ""
        for kind in ("host", "address"):
            yield alias | {"kind": kind, "alias": text, "uid": world.hosts[host], "valid_from": _moment(start), "valid_to": until}
    for host in np.flatnonzero(np.isfinite(names.renamed)).tolist():
        yield alias | {"alias": second_name(world, host), "uid": world.hosts[host], "valid_from": _moment(names.renamed[host])}
