"""What a competent responder starts with, for each sort of campaign and how far it got: the truth for recommended playbooks.

Chosen from what the attacker holds, before any recommender was asked, after NIST SP 800-61 r2 §3.3.1: the first step of
containment stops the damage where it happens, costs little beside it, keeps the evidence, and is one that can work at all.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from training.simulator.campaigns import CAMPAIGNS


class Response(NamedTuple):
    """Once an alert spoke of one of ``steps``, start with one of ``playbooks`` (slugs of the shipped catalogue)."""

    steps: frozenset[str]
    playbooks: frozenset[str]


def _row(steps: str, playbooks: str) -> Response:
    return Response(frozenset(steps.split()), frozenset(playbooks.split()))


# Hands on a host: nothing but cutting the host off stops them; memory and disk stay as they are.
_ON_HOSTS = "execution persistence discovery credential_access lateral_movement exfiltration"
# The attacker holds a live session and a second way in that outlives it (a key, a consent): whichever of the three goes
# first, all go in the first minutes. A new password alone would leave both ways open.
_CLOUD = _row("cloud_persistence", "revoke-sessions rotate-access-keys revoke-consent")

RESPONSES: dict[str, tuple[Response, ...]] = {
    "phishing-ransomware": (
        _row(f"{_ON_HOSTS} impact", "isolate-host"),
        # A message that nobody is known to have followed: take it out of the mailboxes before somebody does.
        _row("phishing", "quarantine-mail"),
    ),
    "insider-theft": (
        # Somebody of the house, perhaps for a reason that the data's owner knows: preserve quietly, ask owner, HR and legal.
        # A locked account or a host gone from the network would warn them, and wrong somebody who is innocent.
        _row("insider_collection insider_staging insider_exfiltration", "insider-case"),
    ),
    "password-spray": (
        _CLOUD,
        # The password is known and somebody is in by it: end the sessions, take the password away.
        _row("account_takeover mail_collection", "revoke-sessions reset-credentials"),
        # Guessing, with no sign that it worked: shut out where it comes from, or take the guessed-at passwords away.
        _row("password_spray", "block-address reset-credentials"),
    ),
    "web-shell": (
        _row(f"web_shell {_ON_HOSTS}", "isolate-host"),
        # Attempts, with no sign that they worked: an exposed server is not taken off the network for being knocked at.
        _row("web_exploit", "block-address"),
    ),
    "supply-chain": (
        _row(_ON_HOSTS, "isolate-host"),
        # The tampered update runs wherever the product does; all of it calls the same domain. Cutting that, or the hosts.
        _row("supply_control", "isolate-host block-domain"),
        _row("supply_chain", "isolate-host"),
    ),
    "stolen-session": (
        _CLOUD,
        # A stolen token needs no password and survives a new one: only revoking it helps.
        _row("session_theft cloud_collection", "revoke-sessions"),
    ),
}
"""For each campaign, the furthest first: the first row that speaks of a step seen decides."""

_ON_ACCOUNTS = frozenset({"revoke-sessions", "reset-credentials"})
_ACTS_ON = {"isolate-host": "host", "block-address": "address", "block-domain": "domain"}
"""What must be named before the playbook can be started; the others act on an account or a mailbox, which always is."""


def called_for(campaign: str, steps: Collection[str], named: Collection[str]) -> frozenset[str]:
    """Return the playbooks that it is right to start with, after alerts that spoke of these ``steps`` of a campaign.

    ``named``: what these alerts name, of ``host``, ``user``, ``address`` (outside) and ``domain``. A host that no alert names
    cannot be isolated, nor an unnamed address blocked: then the responder starts with the account.
    """
    right = next(row.playbooks for row in RESPONSES[campaign] if not row.steps.isdisjoint(steps))
    possible = frozenset(slug for slug in right if slug not in _ACTS_ON or _ACTS_ON[slug] in named)
    return possible or _ON_ACCOUNTS


def unanswered() -> list[tuple[str, str]]:
    """Return the steps of campaigns that no row speaks of, with their campaign; there should be none."""
    return [
        (name, step.kind)
        for name, campaign in CAMPAIGNS.items()
        for step in campaign.steps
        if not any(step.kind in row.steps for row in RESPONSES[name])
    ]
