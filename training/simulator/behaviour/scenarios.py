"""Scenarios that each differ from normal life in one respect, so that one feature of behaviour is needed to see them.

Where the account is used on top of its owner's day, volumes would differ too; so the day is mostly one on which the owner is away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from training.simulator.behaviour.catalogue import DO, POOLS
from training.simulator.behaviour.deeds import Deeds
from training.simulator.behaviour.stage import Stage
from training.simulator.behaviour.town import attackers_device, machine_device
from training.simulator.behaviour.work import placed, work
from training.simulator.people import DEPARTMENTS
from training.simulator.rows import HOUR, NONE

Make = Callable[[Stage], Iterator[Deeds]]


def new_country(stage: Stage) -> Iterator[Deeds]:
    """A session that was stolen is used from a country where its owner never is, in the owner's ways."""
    drawn = stage.days_of(~stage.town.tunnel, present=False)
    if drawn:
        who, day = drawn
        shift = stage.shift(who, day, stage.rng.uniform(6, 14))
        shift = shift._replace(country=np.array([stage.foreign_country(who)]), device=stage.town.laptop(shift.who, shift.start))
        yield work(stage.town, shift, stage.rng, stage.case)


def new_device(stage: Stage) -> Iterator[Deeds]:
    """The account is used by a device that nobody has, from the owner's country, in the owner's ways."""
    drawn = stage.days_of(fit=True, present=False)
    if drawn:
        shift = stage.shift(*drawn, stage.rng.uniform(6, 14), home=True)
        device = attackers_device(stage.town, stage.case)
        yield work(stage.town, shift._replace(device=np.array([device])), stage.rng, stage.case)


def rare_action(stage: Stage) -> Iterator[Deeds]:
    """In the middle of a usual day the account does what next to nobody does."""
    drawn = stage.days_of(~stage.town.world.people.privileged, present=True)
    if drawn:
        names = [["mailbox.rule", "mailbox.export"], ["role.assign", "log.disable"]][int(stage.rng.integers(0, 2))]
        yield stage.scripted(stage.shift(*drawn, 2, after=stage.rng.uniform(2.0, 7.0)), names)


def odd_hours(stage: Stage) -> Iterator[Deeds]:
    """For two nights the account works when its owner never does, from the owner's home and device, in the owner's ways."""
    town = stage.town
    drawn = stage.days_of(~town.owl & ~town.world.people.privileged & ~town.far, present=False)
    if drawn:
        who, day = drawn
        after = stage.rng.uniform(-7.5, -6.0)
        for night in (day, day + 1):
            yield work(
                town, stage.shift(who, night, 0.6 * town.pace[who], after=after, hours=2.0, home=True), stage.rng, stage.case
            )


def own_volume(stage: Stage) -> Iterator[Deeds]:
    """Somebody who does little does five to seven times as much for a day: as much as busy colleagues do."""
    pace = stage.town.pace
    drawn = stage.days_of(pace < np.quantile(pace, 0.25), present=False)
    if drawn:
        yield work(stage.town, stage.shift(*drawn, pace[drawn[0]] * stage.rng.uniform(5.0, 7.0)), stage.rng, stage.case)


def drift(stage: Stage) -> Iterator[Deeds]:
    """Over six weeks somebody does a little more each day than the day before, until it is far more than any peer does."""
    pace = stage.town.pace
    drawn = stage.days_of(pace > np.median(pace), present=True)
    if drawn:
        who, first = drawn
        for done, day in enumerate(stage.following(who, first, 28, present=True).tolist()):
            yield work(stage.town, stage.shift(who, day, 0.15 * done * pace[who]), stage.rng, stage.case)


def guessing(stage: Stage) -> Iterator[Deeds]:
    """The password is guessed: many failed logons within half an hour, one that succeeds, and a look at the mail."""
    drawn = stage.days_of(fit=True, present=False)
    if drawn:
        shift = stage.shift(*drawn, 2, after=stage.rng.uniform(0.0, 8.0), home=True)
        tries = int(stage.rng.integers(18, 45))
        names = ["logon"] * (tries + 1) + ["mail.read"] * int(stage.rng.integers(3, 7))
        yield stage.scripted(shift, names, gap=40.0, failed=np.arange(len(names)) < tries)


def spray(stage: Stage) -> Iterator[Deeds]:
    """One or two passwords are tried at very many accounts from one address; at one account with success.

    The accounts at which it fails are of the case ``spray`` too, but on their failed logons alone (see ``truth``).
    """
    drawn = stage.days_of(fit=True, present=True)
    if drawn:
        who, day = drawn
        staff = stage.town.world.staff(day)
        tried = np.unique(
            np.append(stage.rng.choice(staff, min(len(staff), int(stage.rng.integers(50, 110))), replace=False), who)
        )
        stage.rng.shuffle(tried)
        shift = stage.shift(who, day, 2, after=stage.rng.uniform(0.0, 8.0))
        address, device = stage.outside_address(), NONE
        names = ["logon"] * len(tried)
        attempts = stage.scripted(shift, names, gap=60.0, account=tried, target=tried, address=address, device=device)
        yield attempts.but(failed=tried != who)
        late = shift._replace(start=np.array([float(attempts.time[-1])]))
        yield stage.scripted(late, ["mail.read"] * 3 + ["file.download"] * 2, address=address, device=device)


def impossible_travel(stage: Stage) -> Iterator[Deeds]:
    """Somebody who goes to and fro between two countries is, within an hour, in both: the session was copied."""
    town = stage.town
    drawn = stage.days_of((town.elsewhere > 0) & ~town.far, present=True)
    if drawn:
        who, day = drawn
        week = 7 if day + 7 < town.world.days else -7
        there = stage.shift(who, day + week, stage.rng.uniform(5, 9), after=stage.rng.uniform(2.0, 5.0), hours=1.5)
        here = there._replace(start=there.start - week * 24 * HOUR, device=town.laptop(there.who, there.start))
        yield work(town, here, stage.rng, stage.case)


def many_targets(stage: Stage) -> Iterator[Deeds]:
    """A clerk opens as many files as on a busy day, all of the own department, but each of them another one."""
    town, clerks = stage.town, [department.name for department in DEPARTMENTS].index("finance")
    drawn = stage.days_of((town.world.people.department == clerks) & (town.world.people.moved > town.world.days), present=False)
    if drawn:
        who, day = drawn
        shift, own = stage.shift(who, day, 2), POOLS["file"].own
        count = min(max(round(1.5 * town.pace[who]), 30), own)
        files = town.first["file"] + clerks * own + stage.rng.permutation(own)[:count]
        yield stage.scripted(shift, ["logon", "mail.read"], gap=60.0)
        names = [str(name) for name in stage.rng.choice(["file.read", "file.write"], count, p=[0.7, 0.3])]
        yield stage.scripted(shift, names, gap=8 * HOUR / count, target=files)


def odd_sequence(stage: Stage) -> Iterator[Deeds]:
    """A usual day's doings in an order that nobody works in: a program goes through them."""
    town = stage.town
    drawn = stage.days_of(town.pace > np.median(town.pace), present=False)
    if drawn:
        shift = stage.shift(*drawn, 1.3 * town.pace[drawn[0]])
        done = work(town, shift, stage.rng, stage.case)
        yield done.take(stage.rng.permutation(len(done.time)))._replace(time=done.time)


def foreign_resource(stage: Stage) -> Iterator[Deeds]:
    """On a usual day some of what another department reads all the time, and none of one's own does."""
    town = stage.town
    drawn = stage.days_of(town.pace > np.quantile(town.pace, 0.3), present=True)
    if drawn:
        who, day = drawn
        shift = stage.shift(who, day, 2, after=stage.rng.uniform(1.0, 5.0))
        own = town.world.people.department_on(shift.who, np.array([day]))[0]
        other = stage.rng.choice(np.setdiff1d(np.arange(len(DEPARTMENTS)), [own]))
        count = int(stage.rng.integers(8, 14))
        files = placed(town, "file", np.full(count, other), stage.rng.random(count))
        yield stage.scripted(shift, ["file.read"] * count, gap=400.0, target=files)


def machine_scan(stage: Stage) -> Iterator[Deeds]:
    """A machine tries half of the hosts within an hour: something on it looks around."""
    town = stage.town
    number = int(stage.rng.integers(0, len(town.machines)))
    hosts = stage.rng.permutation(len(town.world.hosts))[: len(town.world.hosts) // 2]
    shift = stage.shift(0, stage.day, 2, after=stage.rng.uniform(0.0, 9.0))
    source = (10 << 24) + int(town.machine_hosts[number])
    yield stage.scripted(
        shift, ["connect"] * len(hosts), gap=25.0, target=hosts, account=town.machines[number], address=source, country=NONE,
        device=int(machine_device(town, np.array(number))), failed=stage.rng.random(len(hosts)) < 0.6,
    )  # fmt: skip


def service_misuse(stage: Stage) -> Iterator[Deeds]:
    """Somebody works by hand under a service account, from a workstation, on servers that it never needed."""
    town = stage.town
    account = int(stage.rng.choice(town.services))
    drawn = stage.days_of(fit=True, present=True)
    if drawn:
        shift = stage.shift(*drawn, 2, after=stage.rng.uniform(1.0, 8.0))
        names = ["logon", *["server.logon", "server.command", "server.command"] * 4, "file.read", "token.create", "file.download"]
        servers = stage.rng.integers(town.total, len(town.world.hosts), len(names))
        is_server = np.isin([DO[name] for name in names], [DO["server.logon"], DO["server.command"]])
        made = stage.scripted(shift, names, account=account)
        yield made.but(target=np.where(is_server, servers, made.target))


SINGLE: dict[str, Make] = {
    "new_country": new_country, "new_device": new_device, "rare_action": rare_action, "odd_hours": odd_hours,
    "own_volume": own_volume, "drift": drift, "guessing": guessing, "spray": spray, "impossible_travel": impossible_travel,
    "many_targets": many_targets, "odd_sequence": odd_sequence, "foreign_resource": foreign_resource,
    "machine_scan": machine_scan, "service_misuse": service_misuse,
}  # fmt: skip
"""Each scenario by name. What each is aimed at: see ``training/behaviour/insiders.py``."""
