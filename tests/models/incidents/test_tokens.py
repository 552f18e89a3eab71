"""Tokens: what an alert names, by sort, normalised, resolved as of its time."""

from __future__ import annotations

from datetime import datetime

from features.alert import Entity, EntityKind, Observable, Role
from models.incidents.tokens import ACTOR, MOST_TOKENS, PLACE, Sort, Token, tokens
from tests.models.incidents.alerts_by_hand import ACTOR as AS_ACTOR
from tests.models.incidents.alerts_by_hand import START, address, alert, host, mailbox, user


def test_names_are_sorted_and_normalised() -> None:
    named = [host(" WS1 "), user("Alice"), mailbox("a@b"), address("10.0.0.1", AS_ACTOR), Entity(EntityKind.FILE, "X.exe")]
    seen = [Observable("ip", "10.0.0.2"), Observable("user", "bob"), Observable("url", "http://e/")]
    assert tokens(alert("a", "r", *named, *seen)) == (
        Token(Sort.NODE, "ws1", PLACE),
        Token(Sort.USER, "alice", ACTOR),
        Token(Sort.USER, "a@b", 0),
        Token(Sort.NODE, "10.0.0.1", ACTOR),
        Token(Sort.OUTSIDE, "x.exe", 0),
        Token(Sort.NODE, "10.0.0.2", 0),
        Token(Sort.USER, "bob", 0),
        Token(Sort.OUTSIDE, "http://e/", 0),
    )


def test_what_is_named_twice_is_one_token_with_both_parts() -> None:
    named = [host("h", Role.TARGET), address("h", AS_ACTOR), Observable("hostname", "H")]
    assert tokens(alert("a", "r", *named)) == (Token(Sort.NODE, "h", ACTOR | PLACE),)


def test_names_are_resolved_as_of_the_time_of_the_alert() -> None:
    asked = []

    def resolve(tenant: str, kind: str, uid: str, time: datetime) -> str:
        asked.append((tenant, kind, uid, time))
        return "ws1"

    found = tokens(alert("a", "r", address("10.0.0.1"), tenant="s"), resolve)
    assert (found, asked) == ((Token(Sort.NODE, "ws1", 0),), [("s", "address", "10.0.0.1", START)])


def test_no_name_is_no_token_and_a_thousand_are_the_first_few() -> None:
    assert tokens(alert("a", "r", host("  "), Observable("x", ""), Entity(EntityKind.FILE, " "))) == ()
    many = [host(f"h{n}") for n in range(1_000)]
    assert [token.uid for token in tokens(alert("a", "r", *many, Observable("x", "x")))] == [f"h{n}" for n in range(MOST_TOKENS)]
