"""What cannot be undone is major and asks a person, whatever a playbook says of itself."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.decision import Action, BlastRadius
from models.playbooks.incident_type import IncidentType
from models.playbooks.playbook import Trigger
from tests.models.playbooks.documents import NOON, playbook


@given(st.sampled_from(BlastRadius), st.booleans(), st.sampled_from(Action))
def test_tier_and_most_follow_from_what_can_be_undone(radius: BlastRadius, reversible: bool, action: Action) -> None:
    made = playbook(blast_radius=radius, reversible=reversible, action=action)
    assert made.tier is (radius if reversible else BlastRadius.MAJOR)
    assert made.most in {Action.APPROVE, Action.RESPOND}
    if made.most is Action.RESPOND:
        assert reversible
        assert made.tier is not BlastRadius.MAJOR
        assert action is Action.RESPOND


@pytest.mark.parametrize(
    ("since", "until", "revoked", "valid"),
    [(None, None, False, True), (0, 1, False, True), (1, 2, False, False), (-2, 0, False, False), (None, None, True, False)],
)
def test_valid_within_its_time_and_unless_revoked(since: int | None, until: int | None, revoked: bool, valid: bool) -> None:
    begin, end = (None if hours is None else NOON + timedelta(hours=hours) for hours in (since, until))
    made = msgspec.structs.replace(playbook(), valid_from=begin, valid_until=end, revoked=revoked)
    assert made.valid(NOON) is valid


def test_any_type_is_neither_the_unknown_nor_an_insider() -> None:
    trigger = Trigger(types={"any": 6, "malware": 2})
    places = {kind: trigger.place(kind) for kind in IncidentType}
    assert places.pop(IncidentType.MALWARE) == 2
    assert places.pop(IncidentType.UNKNOWN) == 0
    assert places.pop(IncidentType.INSIDER) == 0
    assert set(places.values()) == {6}
    assert Trigger(types={"insider": 1}).place(IncidentType.INSIDER) == 1
    assert Trigger().place(IncidentType.MALWARE) == 0
