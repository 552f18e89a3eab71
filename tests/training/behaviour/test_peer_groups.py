"""Peer groups are found where people work on different things, and not made up where they do not."""

from __future__ import annotations

import numpy as np

from models.behaviour.day import Day
from models.behaviour.peers import Memberships
from training.behaviour.peer_groups import fit_peer_groups

FIELDS = ("target",)


def people(teams: int, members: int = 8, count: int = 12, seed: int = 0, own: int = 6) -> list[Day]:
    """Return days on which each member works on some of the team's things, and on something of nobody else's."""
    rng = np.random.default_rng(seed)
    out = []
    for ordinal in range(20000, 20000 + count):
        for team in range(teams):
            for member in range(members):
                told = [f"{team}/{int(one)}" for one in rng.integers(0, own, 3)] + [f"{team}/{member}/own", "mail"]
                values = {"target": {value: 1 / len(set(told)) for value in told}}
                out.append(Day("t", f"{team}.{member}", False, ordinal, "", 5, values))
    return out


def test_teams_are_found_and_an_unseen_account_joins_the_nearest_or_none() -> None:
    history = people(4)
    groups = fit_peer_groups(history, fields=FIELDS)
    assert groups is not None
    assert len(groups.centroids) == 4
    members = Memberships(groups)
    for day in people(4, members=1, seed=1):
        members.learn(day)
    assert {members.group("t", f"{team}.0") for team in range(4)} == {0, 1, 2, 3}
    for ordinal in range(20):
        members.learn(Day("t", "stranger", False, 20000 + ordinal, "", 1, {"target": {"elsewhere": 1.0}}))
        members.learn(Day("t", "guest", False, 20000 + ordinal, "", 1, {"target": {"2/1": 0.5, "2/3": 0.5}}))
    assert members.group("t", "stranger") is None
    assert members.group("t", "guest") == members.group("t", "2.0")


def test_the_same_history_teaches_the_same_groups() -> None:
    first, again = (fit_peer_groups(people(3), fields=FIELDS) for _ in range(2))
    assert first is not None
    assert again is not None
    assert first.to_bytes() == again.to_bytes()


def test_too_few_people_or_nothing_in_common_teach_nothing() -> None:
    assert fit_peer_groups(people(1, members=4), fields=FIELDS) is None
    assert fit_peer_groups(people(3), fields=("country",)) is None
