"""Movement since a season: told when it is further than the group's, not by who stays, and not learned from by the reference."""

from __future__ import annotations

import numpy as np

from models.behaviour.day import Day
from models.behaviour.drift import FURTHEST, SEASON_DAYS, STILL, Drift, Movement
from models.behaviour.model import BehaviourModel
from models.behaviour.profiles import Profiles

FIELDS = ("directory", "hour")
MODEL = BehaviourModel(fields=FIELDS)
STAFF = 20


def day(who: int, ordinal: int, share: float = 0.0, rng: np.random.Generator | None = None, *, program: bool = False) -> Day:
    """Return a day of a person's own ways, with a ``share`` of those of the next person; a little is everybody's own each day."""
    rng = rng or np.random.default_rng([who, ordinal])
    own, other = float(1 - share), float(share)
    values = {
        "directory": {f"of {who}": own * 0.8, f"of {who} {rng.integers(3)}": own * 0.2},
        "hour": {str(9 + who % 5): own},
    }
    if other:
        values["directory"][f"of {who + 1}"] = other
        values["hour"][str(9 + (who + 1) % 5)] = values["hour"].get(str(9 + (who + 1) % 5), 0.0) + other
    return Day("t", f"p{who:02}", program, ordinal, "all", 3, values)


def walked(last: int, drifting: dict[int, float] | None = None) -> dict[int, list[Movement]]:
    """Let everybody live ``last`` days; who drifts does from day 200 on, by that share a day."""
    profiles, drifting = Profiles(FIELDS), drifting or {}
    drift, out = Drift(profiles, MODEL.weights_of), {who: [] for who in range(STAFF)}
    for ordinal in range(last):
        those = [day(who, ordinal, min(1.0, max(0, ordinal - 200) * drifting.get(who, 0.0))) for who in range(STAFF)]
        for who, one in enumerate(those):
            out[who].append(drift.judge(one))
        for one in those:
            profiles.learn(one)
    return out


def test_a_slow_drift_that_is_learned_each_day_is_seen_and_who_stays_is_not() -> None:
    moved = walked(300, {3: 1 / 60})
    far = {who: sum(one.p_value <= FURTHEST for one in those[220:]) for who, those in moved.items()}
    assert far[3] > 20
    assert sum(far.values()) - far[3] <= 0.01 * 80 * STAFF
    assert moved[3][-1].nats > 1.0 > max(moved[who][-1].nats for who in range(STAFF) if who != 3)


def test_until_a_season_is_known_nothing_is_said_and_nothing_of_programs() -> None:
    moved = walked(2 * SEASON_DAYS)
    assert all(one == STILL for those in moved.values() for one in those[: SEASON_DAYS + 20])
    profiles = Profiles(FIELDS)
    drift = Drift(profiles, MODEL.weights_of)
    for ordinal in range(200):
        one = day(0, ordinal, program=True)
        assert drift.judge(one) == STILL
        profiles.learn(one)


def test_what_a_person_allowed_begins_anew() -> None:
    profiles = Profiles(FIELDS)
    drift = Drift(profiles, MODEL.weights_of)
    for ordinal in range(200):
        for who in range(4):
            one = day(who, ordinal)
            before = drift.judge(one)
            profiles.learn(one)
    assert before.nats < 0
    drift.forgive("t", "p03")
    assert drift.judge(day(3, 200)) == STILL
    drift.forgive("t", "nobody")
