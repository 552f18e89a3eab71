"""The directory: everybody's department as of then, second names too, and nobody else's."""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from training.simulator.behaviour.directory import directory
from training.simulator.behaviour.living import Lived
from training.simulator.people import DEPARTMENTS
from training.simulator.rows import DAY, START


def test_departments_are_as_of_then(small: Lived) -> None:
    town, people = small.town, small.town.world.people
    context = directory(town)
    for who, name in enumerate(town.world.users):
        day = max(float(people.joined[who]), 0.0) + 0.5
        found = context.identity(town.world.tenant, name, START + timedelta(days=day))
        department = people.next_department[who] if people.moved[who] <= day else people.department[who]
        assert found is not None
        assert found.department == DEPARTMENTS[department].name


def test_second_names_are_known_from_then_on_and_programs_are_in_no_department(small: Lived) -> None:
    town = small.town
    context, end = directory(town), START + timedelta(days=town.world.days)
    for who in np.flatnonzero(town.second >= 0).tolist():
        name, renamed = town.accounts[town.second[who]], START + timedelta(days=float(town.renamed[who]) / DAY)
        assert context.identity(town.world.tenant, name, renamed - timedelta(hours=1)) is None
        assert context.identity(town.world.tenant, name, end) is not None
    assert context.identity(town.world.tenant, "svc-backup", end) is None
