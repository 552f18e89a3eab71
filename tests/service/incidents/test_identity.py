"""Who keeps the name."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from service.incidents.identity import inherit

CLAIMS = st.lists(st.dictionaries(st.sampled_from("abcde"), st.integers(1, 9), max_size=5), max_size=6)


def test_the_larger_absorbs_the_smaller_and_the_older_an_equal() -> None:
    assert inherit([{"a": 2, "b": 3}], lambda uid: (uid,)) == (["b"], {"a": 0})
    assert inherit([{"a": 2, "b": 2}], lambda uid: (uid,)) == (["a"], {"b": 0})


def test_what_comes_apart_goes_on_in_the_larger_part() -> None:
    assert inherit([{"a": 2}, {"a": 5}, {}], lambda uid: (uid,)) == ([None, "a", None], {})


@given(CLAIMS)
def test_every_incident_is_one_thing_or_went_into_one_that_has_a_name(claims: list[dict[str, int]]) -> None:
    heir, absorbed = inherit(claims, lambda uid: (uid,))
    named = [uid for uid in heir if uid is not None]
    assert len(named) == len(set(named))
    assert set(named) | set(absorbed) == {uid for group in claims for uid in group}
    assert not set(named) & set(absorbed)
    for uid, i in absorbed.items():
        assert heir[i] is not None
        assert claims[i][uid] == max(group.get(uid, 0) for group in claims)
    assert all((heir[i] is None) <= (set(group) <= set(named)) for i, group in enumerate(claims))
