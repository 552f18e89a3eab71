"""Incident priority: what an incident shows as numbers, and the probability that follows."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import numpy as np
import pytest

from features.alert import Entity, EntityKind, Role, Rule
from features.context import Asset, Context
from models.incidents.incident import Incident, Line, Link
from models.incidents.links import logit
from models.incidents.priority import DEFAULT, FEATURES, PriorityModel, known_criticality, priority_features
from tests.conftest import START


def _line(number: int, **fields: Any) -> Line:
    time = START + timedelta(minutes=number)
    return Line(**{"uid": f"l{number}", "first": time, "last": time, "product": "edr", "rule": Rule(f"r{number}"), **fields})


def _incident(*lines: Line, links: tuple[Link, ...] = ()) -> Incident:
    return Incident(uid="i", tenant="acme", lines=lines, links=links)


def _shown(incident: Incident, **more: Any) -> dict[str, float]:
    return dict(zip(FEATURES, priority_features(incident, **more).tolist(), strict=True))


def test_what_an_incident_shows() -> None:
    hosts = tuple(Entity(EntityKind.HOST, name, Role.DEVICE) for name in ("a", "b"))
    first = _line(0, score=0.9, tactics=("initial-access",), entities=hosts[:1], anomaly=7.0)
    second = _line(1, score=0.4, tactics=("impact",), entities=hosts, product="nids")
    again = _line(2, score=0.8, rule=Rule("r0"), tactics=("impact",))
    shown = _shown(_incident(first, second, again, links=(Link("l0", "l1", 0.8, ("why",)),)))
    assert shown["highest"] == pytest.approx(logit(0.9))
    assert shown["second"] == pytest.approx(logit(0.4)), "of another rule, not of a repeat"
    assert shown["rules"] == pytest.approx(np.log(3))
    assert shown["products"] == pytest.approx(np.log(3))
    assert shown["entities"] == pytest.approx(np.log(3))
    assert shown["tactics"] == 2.0
    assert shown["progress"] == pytest.approx(11 / 13)
    assert shown["cohesion"] == pytest.approx(logit(0.8))
    assert shown["novelty"] == pytest.approx(np.log(8) / 3)


def test_criticality_is_of_the_most_critical_host_as_of_then() -> None:
    early = Asset(tenant="acme", uid="a", criticality=4, valid_from=START + timedelta(days=9))
    context = Context([(Asset(tenant="acme", uid="b", criticality=2), START), (early, START)])
    known = known_criticality(lambda: context)
    hosts = tuple(Entity(EntityKind.HOST, name, Role.DEVICE) for name in ("a", "b"))
    assert _shown(_incident(_line(0, entities=hosts)), criticality=known)["criticality"] == 0.5
    assert _shown(_incident(_line(0)), criticality=known)["criticality"] == 0.0


def test_a_higher_score_never_lowers_the_default_priority() -> None:
    said = [DEFAULT.probability(_incident(_line(0, score=score))) for score in (0.05, 0.2, 0.5, 0.9, 0.99)]
    assert said == sorted(said)
    assert 0.0 < said[0] < said[-1] < 1.0


def test_what_is_more_unusual_is_never_less_urgent_by_default() -> None:
    said = [DEFAULT.probability(_incident(_line(0, score=0.4, anomaly=bits))) for bits in (0.0, 1.0, 4.0, 12.0)]
    assert said == sorted(said)
    assert said[0] < said[-1]


def test_a_model_from_before_a_feature_gives_it_no_weight() -> None:
    body = msgspec.json.encode({"intercept": -1.0, "weights": DEFAULT.weights[: FEATURES.index("novelty")]})
    older = msgspec.json.decode(body, type=PriorityModel)
    usual, unusual = (older.probability(_incident(_line(0, score=0.4, anomaly=bits))) for bits in (0.0, 12.0))
    assert usual == unusual
    assert older.probability(_incident(_line(0, score=0.9))) > usual


def test_a_model_is_read_as_it_was_written() -> None:
    assert msgspec.json.decode(msgspec.json.encode(DEFAULT), type=PriorityModel) == DEFAULT


def test_a_model_of_features_that_are_not_known_is_refused() -> None:
    body = msgspec.json.encode({"intercept": 0.0, "weights": [1.0] * (len(FEATURES) + 1)})
    with pytest.raises(msgspec.ValidationError, match=f"{len(FEATURES) + 1} weights"):
        msgspec.json.decode(body, type=PriorityModel)
