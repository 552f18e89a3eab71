"""Similar incidents: as an oracle would find them, a few of a template, and never what was not known then."""

from __future__ import annotations

import math
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.incidents.similar import WINDOW, Done, PastIncident, Said, Similar, SimilarIncidents, bag
from tests.models.incidents.chains_by_hand import PHISHING, incident

NOW = datetime(2026, 6, 1, tzinfo=UTC)
WORDS = st.lists(st.sampled_from("abcdefgh"), max_size=5, unique=True).map(tuple)


def _past(uid: str, *words: str, days: float = 1.0, tenant: str = "t", **more: object) -> PastIncident:
    return PastIncident(uid=uid, tenant=tenant, closed=NOW - timedelta(days=days), bag=words, **more)  # type: ignore[arg-type]


def _uids(found: list[Similar]) -> list[str]:
    return [similar.past.uid for similar in found]


def _cosine(words: tuple[str, ...], other: tuple[str, ...], all_bags: list[tuple[str, ...]]) -> float:
    """The cosine by its definition."""
    often = Counter(word for some in all_bags for word in some)
    weight = {word: math.log1p(len(all_bags) / max(often[word], 1)) for word in {*words, *often}}
    norms = math.prod(math.sqrt(sum(weight[word] ** 2 for word in some)) for some in (words, other))
    return sum(weight[word] ** 2 for word in set(words) & set(other)) / norms if norms else 0.0


@given(st.lists(WORDS, min_size=1, max_size=12), WORDS)
def test_likeness_is_the_cosine_weighted_by_rarity(bags: list[tuple[str, ...]], words: tuple[str, ...]) -> None:
    index = SimilarIncidents(_past(str(n), *some, days=n + 1) for n, some in enumerate(bags))
    found = index.search(words, NOW, most=99, per_template=99)
    filled = [some or ("",) for some in bags]
    expected = {str(n): _cosine(words, some, filled) for n, some in enumerate(bags)}
    assert {s.past.uid: s.likeness for s in found} == pytest.approx({uid: like for uid, like in expected.items() if like > 0.0})
    assert [s.likeness for s in found] == sorted((s.likeness for s in found), reverse=True)


@given(st.lists(WORDS, min_size=1, max_size=12), st.integers(0, 12), WORDS)
def test_added_one_by_one_is_the_same_as_at_once(bags: list[tuple[str, ...]], later: int, words: tuple[str, ...]) -> None:
    past = [_past(str(n), *some, days=n + 1) for n, some in enumerate(bags)]
    grown = SimilarIncidents(past[:later])
    grown.search(words, NOW)
    for one in past[later:]:
        grown.add(one)
    assert grown.search(words, NOW) == SimilarIncidents(past).search(words, NOW)


@given(st.lists(st.tuples(WORDS, st.integers(-30, 250)), max_size=12), WORDS)
def test_what_comes_later_changes_no_answer_about_then(bags: list[tuple[tuple[str, ...], int]], words: tuple[str, ...]) -> None:
    past = [_past(str(n), *some, days=days) for n, (some, days) in enumerate(bags)]
    known = [one for one in past if one.closed <= NOW]
    found, expected = (SimilarIncidents(some).search(words, NOW, most=99) for some in (past, known))
    assert _uids(found) == _uids(expected)
    assert [similar.likeness for similar in found] == pytest.approx([similar.likeness for similar in expected])


def test_only_the_180_days_before_are_searched() -> None:
    edge = WINDOW.total_seconds() / 86_400
    index = SimilarIncidents([_past("now", "a", days=0), _past("old", "a", days=edge), _past("next", "a", days=-0.001)])
    assert _uids(index.search(["a"], NOW)) == ["now"]
    assert _uids(index.search(["a"], NOW - timedelta(days=1))) == ["old"]


def test_a_verdict_and_an_outcome_count_from_their_own_time_on() -> None:
    hour = timedelta(hours=1)
    said = (Said("true_positive", NOW - 2 * hour), Said("false_positive", NOW))
    done = (Done("isolate-host", "succeeded", NOW - hour),)
    index = SimilarIncidents([_past("i", "a", verdicts=said, responses=done)])

    def known(before: timedelta) -> tuple[int, int]:
        found = index.search(["a"], NOW - before)[0].past
        return len(found.verdicts), len(found.responses)

    assert [known(hours * hour) for hours in (0, 0.5, 1.5, 3)] == [(2, 1), (1, 1), (1, 0), (0, 0)]


def test_a_recurring_nuisance_does_not_fill_the_list() -> None:
    nuisance = [_past(f"n{n}", "a", "b", days=n + 1) for n in range(50)]
    index = SimilarIncidents([*nuisance, _past("rare", "a", "c"), _past("other", "z")])
    assert _uids(index.search(["a", "b"], NOW)) == ["n0", "n1", "rare"]
    assert _uids(index.search(["a", "b"], NOW, per_template=1)) == ["n0", "rare"]
    assert _uids(index.search(["a", "b"], NOW, most=1)) == ["n0"]
    assert _uids(index.search(["a", "b", "c"], NOW, per_template=1)) == ["rare", "n0"], "a rare word weighs more"


def test_what_is_learned_later_takes_the_place_of_what_was_known() -> None:
    index = SimilarIncidents([_past("i", "a"), _past("j", "a", days=2)])
    index.add(_past("i", "b", verdicts=(Said("true_positive", NOW),)))
    assert len(index) == 2
    assert _uids(index.search(["a"], NOW)) == ["j"]
    assert index.search(["b"], NOW)[0].past.verdicts[0].verdict == "true_positive"


def test_tenants_are_kept_apart_if_wished_and_never_mixed_up() -> None:
    index = SimilarIncidents([_past("i", "a", tenant="t"), _past("i", "a", tenant="u", days=2)])
    assert len(index) == 2
    assert [s.past.tenant for s in index.search(["a"], NOW)] == ["t", "u"]
    assert [s.past.tenant for s in index.search(["a"], NOW, tenant="u")] == ["u"]
    assert index.search(["a"], NOW, tenant="v") == []


def test_nothing_is_like_nothing() -> None:
    assert SimilarIncidents().search(["a"], NOW) == []
    index = SimilarIncidents([_past("empty"), _past("i", "a")])
    assert index.search([], NOW) == []
    assert index.search(["unknown"], NOW) == []


def test_what_is_too_old_to_be_found_is_dropped() -> None:
    index = SimilarIncidents([_past("old", "a", days=300), _past("i", "a")])
    kept = index.since(NOW - WINDOW)
    assert len(kept) == 1
    assert kept.size < index.size
    assert kept.search(["a"], NOW) == index.search(["a"], NOW)


def test_a_bag_names_rules_and_parts_and_nobody() -> None:
    words = bag(incident(*PHISHING))
    assert "rule edr r-initial-access" in words
    assert {"technique T1486", "tactic impact", "host as device", "user as actor", "address as actor"} <= set(words)
    assert not [word for word in words for name in ("ann", "root", "files", "203.0.113.5", "bad.example") if name in word]
    assert list(words) == sorted(set(words))
