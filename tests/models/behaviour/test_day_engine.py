"""Days from judges to a last word: said by whoever knows enough, held when doubted, and learned in the end or never."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from features.alert import Entity, EntityKind, Role
from features.event import Event, Source, user
from features.label import Verdict
from models.behaviour.day_vector import NAMES
from models.behaviour.engine import BehaviourEngine
from models.behaviour.forest import Forest
from models.behaviour.held import Account
from models.behaviour.judgement import DayJudgement
from models.behaviour.model import BehaviourModel
from models.errors import BundleError

START = datetime(2026, 1, 5, 9, tzinfo=UTC)
STAFF = 12
ANN = Account("acme", EntityKind.USER, "p03")


def forest() -> Forest:
    """One tree that isolates days with new countries."""
    return Forest(
        names=NAMES,
        fill=np.zeros(len(NAMES)),
        roots=np.array([0], np.int32),
        feature=np.array([NAMES.index("country_own_max"), -1, -1], np.int32),
        threshold=np.array([3.0, 0.0, 0.0]),
        left=np.array([1, 1, 2], np.int32),
        right=np.array([2, 1, 2], np.int32),
        length=np.array([0.0, 8.0, 1.0]),
        usual_length=6.0,
        depth=1,
    )


def event(who: int, day: int, number: int, *, abroad: bool = False) -> Event:
    rng = np.random.default_rng([who, day, number])
    return Event(
        uid=f"{who}/{day}/{number}",
        tenant="acme",
        time=START + timedelta(days=day, minutes=int(rng.integers(480))),
        actor=user(f"p{who:02}"),
        action=("open", "edit", "mail")[int(rng.integers(3))],
        target=Entity(EntityKind.FILE, f"{who % 4}/{rng.integers(6)}", Role.TARGET),
        source=Source(
            address="203.0.113.9" if abroad else f"10.0.0.{who}",
            country="BR" if abroad else "AT",
            device="unknown" if abroad else f"pc{who}",
            application="mail",
        ),
    )


class Live:
    """An engine that is fed and closed day by day."""

    def __init__(self, model: BehaviourModel | None = None, *, vectors: bool = True) -> None:
        self.engine = BehaviourEngine(model or BehaviourModel(), vectors=vectors)

    def day(self, number: int, abroad: int = -1) -> dict[str, DayJudgement]:
        self.engine.observe([event(who, number, at, abroad=who == abroad) for who in range(STAFF) for at in range(8)])
        closed = self.engine.close((START + timedelta(days=number + 1)).date())
        return {one.entity: one for one in closed if one.kind is EntityKind.USER}


def lived(days: int = 70, model: BehaviourModel | None = None, *, vectors: bool = True) -> Live:
    live = Live(model, vectors=vectors)
    for number in range(days):
        live.day(number)
    return live


def on(number: int) -> date:
    return (START + timedelta(days=number)).date()


@pytest.mark.parametrize("model", [BehaviourModel(), BehaviourModel(forest=forest())], ids=["untrained", "with a forest"])
def test_a_day_from_elsewhere_is_flagged_and_held_until_a_person_says_that_it_is_legitimate(model: BehaviourModel) -> None:
    live = lived(model=model)
    told = live.day(70, abroad=3)
    assert told["p03"].flagged
    assert told["p03"].anomaly_score == max(one.anomaly_score for one in told.values())
    assert {"address", "country", "device"} & {one.name.split("_")[0] for one in told["p03"].deviations}
    again = live.day(71, abroad=3)
    assert again["p03"].anomaly_score > sorted(one.anomaly_score for one in again.values())[-2]
    assert live.engine.verdict(ANN, on(70), on(71), Verdict.BENIGN_POSITIVE) >= 1
    assert live.engine.verdict(ANN, on(70), on(71), Verdict.BENIGN_POSITIVE) == 0


def test_what_a_true_positive_says_is_never_learned() -> None:
    live = lived()
    live.day(70, abroad=3)
    assert live.engine.verdict(ANN, on(70), on(70), Verdict.TRUE_POSITIVE) == 0
    assert live.engine.verdict(ANN, on(70), on(70), Verdict.BENIGN_POSITIVE) == 0


def test_without_vectors_hosts_are_not_judged_and_the_stream_speaks_alone() -> None:
    live = Live(vectors=False)
    live.engine.observe([event(who, 0, at) for who in range(STAFF) for at in range(4)])
    closed = live.engine.close(on(1))
    assert {one.kind for one in closed} == {EntityKind.USER}
    assert all(one.cold for one in closed)


def test_a_model_with_a_forest_is_files_without_pickle_and_damage_is_refused() -> None:
    model = BehaviourModel(forest=forest())
    files = model.to_files()
    assert sorted(files) == ["behaviour-forest.npz", "behaviour.json"]
    again = BehaviourModel.from_files(files, "here")
    assert again.forest is not None
    assert again.to_files() == files
    with pytest.raises(BundleError, match="forest"):
        BehaviourModel.from_files({**files, "behaviour-forest.npz": b"PK"}, "here")
    other = Forest.from_bytes(files["behaviour-forest.npz"], "here")
    renamed = type(other)(**{name: getattr(other, name) for name in other.__struct_fields__} | {"names": NAMES[::-1]})
    with pytest.raises(BundleError, match="other features"):
        BehaviourModel.from_files({**files, "behaviour-forest.npz": renamed.to_bytes()}, "here")
