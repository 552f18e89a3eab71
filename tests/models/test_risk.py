"""Risk: bounded, capped by source, monotone, decaying, whatever the order; lowered by what people said."""

from __future__ import annotations

import copy
import math
from datetime import UTC, datetime

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.risk import (
    BEHAVIOUR,
    CAP_BITS,
    FLAGGED_BITS,
    HALF_LIFE_SECONDS,
    KEPT,
    LEAST_SCORE,
    MOST_SOURCES,
    EntityRisk,
    Fact,
    Peaks,
    Said,
    alert_bits,
    anomaly_bits,
    points,
)

DAY = 86_400.0
NOW = datetime(2026, 5, 20, tzinfo=UTC).timestamp()

sources = st.sampled_from(["wazuh 1", "wazuh 2", BEHAVIOUR])
facts = st.builds(
    Fact, st.text("abc", min_size=1, max_size=2), st.floats(NOW - 50 * DAY, NOW), st.floats(0.01, CAP_BITS)
)  # fmt: skip
added = st.lists(st.tuples(sources, facts), max_size=KEPT)
"""So few that a day holds all of them."""
verdicts = st.lists(
    st.tuples(sources, st.text("abc", min_size=1, max_size=2), st.builds(Said, st.booleans(), st.floats(NOW - 50 * DAY, NOW))),
    max_size=5, unique_by=lambda one: one[:2],
)  # fmt: skip


def made(adding: list[tuple[str, Fact]], judging: list[tuple[str, str, Said]] = []) -> EntityRisk:  # noqa: B006 — not changed
    entity = EntityRisk()
    for source, fact in adding:
        entity.add(source, fact)
    for source, ref, said in judging:
        entity.judge(source, ref, said)
    return entity


@given(added, verdicts)
def test_it_is_bounded_and_no_source_says_more_than_its_cap(
    adding: list[tuple[str, Fact]], judging: list[tuple[str, str, Said]]
) -> None:
    entity = made(adding, judging)
    assert 0.0 <= entity.risk(NOW) < 100.0
    parts = entity.parts(NOW)
    assert all(0.0 < part.bits <= CAP_BITS for part in parts)
    assert sum(part.points for part in parts) == pytest.approx(entity.risk(NOW))
    assert [part.bits for part in parts] == sorted((part.bits for part in parts), reverse=True)


@given(added, sources, facts, verdicts)
def test_a_fact_more_never_lowers_it(
    adding: list[tuple[str, Fact]], source: str, fact: Fact, judging: list[tuple[str, str, Said]]
) -> None:
    entity = made(adding, judging)
    before = entity.risk(NOW)
    entity.add(source, fact)
    assert entity.risk(NOW) >= before - 1e-9


@given(added, verdicts, st.floats(0.0, 30 * DAY), st.floats(0.0, 30 * DAY))
def test_it_only_falls_with_time(
    adding: list[tuple[str, Fact]], judging: list[tuple[str, str, Said]], soon: float, later: float
) -> None:
    entity = made(adding, judging)
    assert entity.risk(NOW + soon + later) <= entity.risk(NOW + soon) + 1e-9


@given(added, verdicts, st.randoms(use_true_random=False))
def test_the_order_does_not_matter(adding: list[tuple[str, Fact]], judging: list[tuple[str, str, Said]], random: object) -> None:
    acts = [("add", *one) for one in adding] + [("judge", *one) for one in judging]
    random.shuffle(acts)  # type: ignore[attr-defined]
    entity = EntityRisk()
    for act, *given_ in acts:
        getattr(entity, act)(*given_)
    assert entity.risk(NOW) == pytest.approx(made(adding, judging).risk(NOW))
    again = copy.deepcopy(entity)
    for source, fact in adding:
        again.add(source, fact)
    assert again.risk(NOW) == pytest.approx(entity.risk(NOW)), "told twice, it counts once"


@given(added, verdicts)
def test_it_is_stored_as_it_is(adding: list[tuple[str, Fact]], judging: list[tuple[str, str, Said]]) -> None:
    entity = made(adding, judging)
    assert msgspec.json.decode(msgspec.json.encode(entity), type=EntityRisk) == entity


def test_of_independent_alerts_it_is_the_probability_that_one_is_an_attack() -> None:
    entity = made([("a", Fact("1", NOW, alert_bits(0.5))), ("b", Fact("2", NOW, alert_bits(0.2)))])
    assert entity.risk(NOW) == pytest.approx(100 * (1 - 0.5 * 0.8))
    assert entity.risk(NOW + HALF_LIFE_SECONDS) == pytest.approx(points((1 - math.log2(0.8)) / 2))


def test_a_rule_however_noisy_cannot_dominate() -> None:
    noisy = made([("a", Fact(str(i), NOW - i, CAP_BITS)) for i in range(1000)])
    assert noisy.risk(NOW) == pytest.approx(75.0)
    assert noisy.risk(NOW + 2 * HALF_LIFE_SECONDS) < 45.0, "a flood of a day is forgotten as fast as one alert"
    assert made([("a", Fact("1", NOW, CAP_BITS)), ("b", Fact("2", NOW, 1.0))]).risk(NOW) > 85.0
    long = made([("a", Fact(str(i), NOW - i * DAY, 0.2)) for i in range(40)])
    assert long.risk(NOW) < points(0.4), "a repeat says less each day"


def test_what_people_called_harmless_counts_no_more_and_its_like_counts_less() -> None:
    entity = made([("a", Fact("1", NOW, 1.0))])
    entity.judge("a", "1", Said(attack=False, time=NOW))
    assert entity.risk(NOW) == 0.0
    entity.add("a", Fact("2", NOW, 1.0))
    assert entity.risk(NOW) == pytest.approx(points(0.5), rel=0.05)
    entity.add("b", Fact("3", NOW, 1.0))
    assert entity.parts(NOW)[0].bits == 1.0, "of another source it says nothing"
    entity.judge("a", "1", None)
    assert entity.parts(NOW)[0].bits == pytest.approx(1.0)
    entity.judge("a", "2", Said(attack=True, time=NOW))
    assert entity.parts(NOW)[0].bits == CAP_BITS


def test_what_is_old_or_too_much_is_forgotten() -> None:
    entity = made([("a", Fact("1", NOW, 1.0))], [("a", "1", Said(attack=False, time=NOW))])
    entity.forget(NOW + 100 * DAY)
    assert entity.sources == {}
    for i in range(2 * MOST_SOURCES):
        entity.add(f"r{i}", Fact("x", NOW, 0.1 + i / 1000))
    assert len(entity.sources) == MOST_SOURCES
    assert f"r{2 * MOST_SOURCES - 1}" in entity.sources


def test_the_trend_ends_where_the_risk_is() -> None:
    entity = made([("a", Fact("1", NOW - DAY / 2, 1.0))])
    day = int(NOW // DAY)
    told = entity.trend(range(day - 2, day + 1))
    assert [one for one, _ in told] == [day - 2, day - 1, day]
    assert told[0][1] == 0.0 < told[2][1] < told[1][1]


def test_weights() -> None:
    assert alert_bits(None) == alert_bits(LEAST_SCORE - 0.01) == alert_bits(math.nan) == 0.0
    assert alert_bits(0.5) == pytest.approx(1.0)
    assert alert_bits(1.0) == alert_bits(0.9999) == CAP_BITS
    assert anomaly_bits(1.0) == anomaly_bits(0.05) == 0.0
    assert anomaly_bits(1.0, flagged=True) == FLAGGED_BITS
    several = [anomaly_bits(p) for p in (0.02, 0.004, 0.001, 0.0001, 0.0)]
    assert several == sorted(several)
    assert 0.0 < several[0] < 0.2
    assert several[-1] == CAP_BITS
    everyday = np.mean([anomaly_bits(p) for p in np.random.default_rng(0).random(20_000)])
    assert everyday < 0.02, "of days on which nothing is wrong hardly anything remains"


def test_a_peak_is_compared_with_what_is_usual_for_the_account() -> None:
    peaks = Peaks()
    assert peaks.p_value("t", "user", "a", 99.0) == 1.0
    random = np.random.default_rng(1)
    for _ in range(60):
        for uid in "abcdefgh":
            peaks.close("t", "user", uid, (10.0 if uid == "a" else 1.0) + float(random.normal()))
    assert peaks.p_value("t", "user", "a", 11.0) > 0.1
    assert peaks.p_value("t", "user", "b", 11.0) < 0.005
    assert peaks.p_value("t", "user", "new", 11.0) == 1.0
    assert peaks.p_value("other", "user", "b", 11.0) == 1.0
