"""Merges and splits move what links alerts: by as much as they outvote what is known, and nothing else."""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from features.alert import Alert, Entity, EntityKind, Role
from features.grouping import Correction, Judgement
from models.incidents.link_model import DEFAULT, LinkModel
from tests.conftest import START, build_alert
from training.correct_links import ENOUGH_CORRECTIONS, correct_links, corrected_pairs
from training.correlate import correlate
from training.links import as_lines

TOGETHER, APART = Judgement.TOGETHER, Judgement.APART
DAY = 86_400.0
CASES, EVERYDAY = 30, 150


def _pair(number: int, kind: EntityKind, hours: float) -> list[Alert]:
    """Return two alerts of one day that share a thing of that kind, so many hours apart."""
    who = (Entity(kind, f"{kind}-{number}", Role.ACTOR if kind is EntityKind.USER else Role.DEVICE),)
    return [
        build_alert(at=number * DAY + hours * 3600.0 * i, rule=f"{kind}{i}", entities=who, uid=f"{kind}-{number}-{i}")
        for i in range(2)
    ]


FAR = [alert for i in range(CASES + EVERYDAY) for alert in _pair(i, EntityKind.USER, 20.0)]
"""Pairs that the default does not link: one user, most of a day apart, hardly suspect."""
NEAR = [alert for i in range(CASES + EVERYDAY) for alert in _pair(i, EntityKind.HOST, 0.2)]
"""Pairs that the default links: one host, minutes apart."""
HISTORY = sorted([*FAR[: 2 * CASES], *NEAR[: 2 * CASES], *(a for i in range(2 * CASES, 2 * (CASES + EVERYDAY)) for a in NEAR[i : i + 1])],
                 key=lambda alert: alert.time)  # fmt: skip
SCORE = {"user": 0.2, "host": 0.6}


def _score(alerts: list[Alert]) -> np.ndarray:
    return np.array([SCORE[alert.uid.partition("-")[0]] for alert in alerts])


def _act(number: int, kind: str, judgement: Judgement, *, day: float = 0.0, analyst: str = "ann") -> Correction:
    return Correction(
        uid=f"c{number}-{kind}-{day}", tenant="acme", judgement=judgement, time=START + timedelta(days=500 + number + day),
        analyst=analyst, parts=((f"{kind}-{number}-0",), (f"{kind}-{number}-1",)),
    )  # fmt: skip


def _learned(*acts: Correction, base: LinkModel = DEFAULT) -> LinkModel:
    return correct_links(base, acts, HISTORY, _score(HISTORY))


def _linked(model: LinkModel, alerts: list[Alert]) -> float:
    """Return the share of pairs, of days on which nobody corrected anything, that become one incident."""
    later = [alert for alert in alerts if alert.time >= START + timedelta(days=CASES)]
    found = correlate(later, _score(later), model=model)
    return float(np.mean(found.incident[::2] == found.incident[1::2]) if found.raised.all() else 0.0)


def test_the_default_does_what_the_stories_say() -> None:
    assert (_linked(DEFAULT, FAR), _linked(DEFAULT, NEAR)) == (0.0, 1.0)


def test_what_analysts_merge_again_and_again_is_linked() -> None:
    model = _learned(*(_act(i, "user", TOGETHER) for i in range(CASES)))
    assert (model.corrections, model.incidents) == (CASES, 0)
    assert (_linked(model, FAR), _linked(model, NEAR)) == (1.0, 1.0)


def test_what_analysts_split_again_and_again_is_not_linked() -> None:
    few = sorted([*FAR, *NEAR[: 2 * CASES]], key=lambda alert: alert.time)
    acts = [_act(i, "host", APART) for i in range(CASES)]
    model = correct_links(DEFAULT, acts, few, _score(few))
    assert (_linked(model, NEAR), _linked(model, FAR)) == (0.0, 0.0)


def test_corrections_of_what_is_common_must_outvote_it() -> None:
    model = _learned(*(_act(i, "host", APART) for i in range(ENOUGH_CORRECTIONS)))
    assert model.corrections == ENOUGH_CORRECTIONS
    assert _linked(model, NEAR) == 1.0


def test_few_corrections_teach_nothing() -> None:
    assert _learned(*(_act(i, "user", TOGETHER) for i in range(ENOUGH_CORRECTIONS - 1))) is DEFAULT


def test_without_corrections_the_weights_are_exactly_as_before() -> None:
    assert _learned() is DEFAULT


def test_a_pair_that_nobody_corrected_speaks_for_what_is_known() -> None:
    """The more pairs of a kind were left alone, the less the same corrections of some change."""
    acts = [_act(i, "user", TOGETHER) for i in range(15)]
    few, many = (sorted([*FAR[: 2 * count], *NEAR], key=lambda alert: alert.time) for count in (20, 100))
    less, more = (correct_links(DEFAULT, acts, alerts, _score(alerts)) for alerts in (many, few))
    assert (_linked(less, FAR), _linked(more, FAR)) == (0.0, 1.0)


def test_corrections_of_what_is_not_there_or_has_nothing_in_common_say_nothing() -> None:
    gone = _act(9_999, "user", TOGETHER)
    strangers = Correction(
        uid="c", tenant="acme", judgement=TOGETHER, time=START, analyst="ann", parts=(("user-1-0",), ("user-20-0",))
    )  # fmt: skip
    elsewhere = Correction(
        uid="c", tenant="beta", judgement=TOGETHER, time=START, analyst="ann", parts=(("user-1-0",), ("user-1-1",))
    )  # fmt: skip
    assert _learned(gone, strangers, elsewhere) is DEFAULT


def test_the_last_word_on_a_pair_counts() -> None:
    merges = [_act(i, "user", TOGETHER) for i in range(CASES)]
    undone = [_act(i, "user", APART, day=100.0) for i in range(CASES)]
    assert _learned(*merges, *undone) == _learned(*undone)
    assert _learned(*undone, *merges) == _learned(*undone)  # the time of an act decides, not its place


def test_an_act_is_one_judgement_however_many_lines_it_joined() -> None:
    """Who merges twenty-one pairs at once has spoken once; who merges one after the other has looked at each."""
    one_by_one = [_act(i, "user", TOGETHER) for i in range(CASES)]
    at_once = Correction(
        uid="c", tenant="acme", judgement=TOGETHER, time=START + timedelta(days=500), analyst="ann",
        parts=tuple(tuple(f"user-{i}-{side}" for i in range(9, CASES)) for side in range(2)),
    )  # fmt: skip
    correlator, lines = as_lines(HISTORY, _score(HISTORY))
    line_of = {(alert.tenant, alert.uid): line for alert, line in zip(HISTORY, lines, strict=True)}
    features = corrected_pairs(correlator, one_by_one, line_of).features
    once, each = (_learned(*acts) for acts in ((*one_by_one[:9], at_once), one_by_one))
    assert (once.corrections, each.corrections) == (10, CASES)
    doubt, less = (1.0 - model.probability(features).mean() for model in (once, each))
    assert doubt > 1.5 * less


def test_a_history_of_nothing_else_will_do() -> None:
    alerts = FAR[: 2 * ENOUGH_CORRECTIONS]
    model = correct_links(DEFAULT, [_act(i, "user", TOGETHER) for i in range(ENOUGH_CORRECTIONS)], alerts, _score(alerts))
    assert model.corrections == ENOUGH_CORRECTIONS
    assert np.isfinite([model.intercept, *model.weights]).all()
