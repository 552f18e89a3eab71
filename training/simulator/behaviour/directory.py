"""The tenant's directory as a context: who is in which department, as of then."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import numpy as np

from features.context import Context, Identity
from training.simulator.behaviour.town import Town
from training.simulator.people import DEPARTMENTS
from training.simulator.rows import DAY, START


def directory(town: Town) -> Context:
    """Return the departments of all people's accounts, before and after a change of job, and under a second name.

    Shared accounts, programs and machines are in no department.
    """
    return Context(list(_identities(town)))


def _identities(town: Town) -> Iterator[tuple[Identity, datetime]]:
    people, total = town.world.people, len(town.world.users)
    second = np.flatnonzero(town.second >= 0)
    who = np.concatenate([np.arange(total), second, np.arange(total)])
    account = np.concatenate([np.arange(total), town.second[second], np.arange(total)])
    since = np.concatenate([np.maximum(people.joined, 0.0), town.renamed[second] / DAY, people.moved])
    department = people.department_on(who, since.astype(np.int64))
    for at in np.flatnonzero(since < town.world.days).tolist():
        yield (
            Identity(
                tenant=town.world.tenant,
                uid=town.accounts[account[at]],
                department=DEPARTMENTS[department[at]].name,
                privileged=bool(people.privileged[who[at]]),
            ),
            START + timedelta(days=float(since[at])),
        )
