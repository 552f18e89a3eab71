"""The truth of what to start with speaks of every step of every campaign, in playbooks that are shipped."""

from __future__ import annotations

import itertools

import pytest

from models.playbooks.loading import load_catalogue
from training.simulator.campaigns import CAMPAIGNS
from training.simulator.responses import RESPONSES, called_for, unanswered

EVERYTHING = frozenset({"host", "user", "address", "domain"})


def test_every_step_has_its_answer_and_every_answer_its_step() -> None:
    assert unanswered() == []
    assert RESPONSES.keys() == CAMPAIGNS.keys()
    for name, rows in RESPONSES.items():
        told = frozenset[str]().union(*(row.steps for row in rows))
        assert {step.kind for step in CAMPAIGNS[name].steps} <= told


def test_every_playbook_is_shipped_and_may_come_first() -> None:
    catalogue = load_catalogue()
    for slug in {slug for rows in RESPONSES.values() for row in rows for slug in row.playbooks}:
        playbook = catalogue.by_slug(slug)
        assert playbook is not None
        assert playbook.own.reversible
        assert not playbook.own.requires


@pytest.mark.parametrize("name", CAMPAIGNS)
def test_however_far_it_got_and_whatever_is_named_there_is_something_to_do(name: str) -> None:
    steps = [step.kind for step in CAMPAIGNS[name].steps]
    for first, last in itertools.combinations(range(len(steps) + 1), 2):
        for named in (EVERYTHING, frozenset({"user"})):
            assert called_for(name, steps[first:last], named)


def test_what_is_not_named_is_not_acted_on() -> None:
    assert called_for("web-shell", ["web_exploit"], EVERYTHING) == {"block-address"}
    assert called_for("web-shell", ["web_exploit", "web_shell"], EVERYTHING) == {"isolate-host"}
    assert called_for("web-shell", ["exfiltration"], {"user"}) == {"revoke-sessions", "reset-credentials"}
    assert called_for("supply-chain", ["supply_control"], {"host", "user"}) == {"isolate-host"}
