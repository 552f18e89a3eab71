"""Runs: lines in order, whatever order they come in."""

from __future__ import annotations

from array import array

from hypothesis import given, settings
from hypothesis import strategies as st

from models.incidents.runs import PART_BITS, Run, run_of

PLACES = st.lists(st.integers(-(2**40), 2**200), unique=True, max_size=20)


@settings(deadline=None)
@given(PLACES, st.data())
def test_lines_stand_by_place_with_their_number_and_part(places: list[int], data: st.DataObject) -> None:
    run = Run([], array("q"))
    for number, place in enumerate(places):
        run.add(place, number, number % 4)
    gone = set(data.draw(st.lists(st.sampled_from(places)))) if places else set()
    for place in [*gone, 2**201]:
        run.drop(place)
    limit = data.draw(st.integers(-(2**41), 2**200))
    run.drop_before(limit)
    left = sorted((place, number) for number, place in enumerate(places) if place >= limit and place not in gone)
    assert run.places == [place for place, _ in left]
    assert [(entry >> PART_BITS, entry % 4) for entry in run.entries] == [(number, number % 4) for _, number in left]


@settings(deadline=None)
@given(PLACES.filter(len), st.integers(-(2**41), 2**200))
def test_how_many_come_before_is_counted(places: list[int], limit: int) -> None:
    run = run_of(places[0], 0, 1)
    for number, place in enumerate(places[1:], 1):
        run.add(place, number, 0)
    for place in [limit, *places]:
        assert run.before(place) == sum(other < place for other in places)
