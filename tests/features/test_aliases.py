"""Names: their normal form, and whom they meant at a moment."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import example, given, settings
from hypothesis import strategies as st

from features.aliases import Alias, AliasTable, normalise_uid
from tests.conftest import START


def _alias(alias: str, uid: str, start: float = 0.0, end: float | None = None) -> Alias:
    until = None if end is None else START + timedelta(hours=end)
    return Alias(tenant="acme", kind="host", alias=alias, uid=uid, valid_from=START + timedelta(hours=start), valid_to=until)


@settings(max_examples=300, deadline=None)
@given(st.text())
@example("\u0345\u03b1\u0301")
@example("\u1fb4\u0345")
@example("\u2003\uff21\u0130\u1e9e ")
def test_the_normal_form_of_a_name_is_its_own_normal_form(text: str) -> None:
    once = normalise_uid(text)
    assert normalise_uid(once) == once


@given(st.text(alphabet=st.characters(max_codepoint=127)))
def test_case_and_outer_blanks_do_not_matter(text: str) -> None:
    assert normalise_uid(f" {text.upper()}\t") == normalise_uid(text.lower())


def test_an_alias_holds_from_its_start_until_before_its_end() -> None:
    table = AliasTable([_alias("10.0.0.1", "Laptop-A", 0, 2), _alias("10.0.0.1", "laptop-b", 2)])
    meant = [table.resolve("acme", "host", "10.0.0.1", START + timedelta(hours=h)) for h in (-1, 0, 1.99, 2, 500)]
    assert meant == ["10.0.0.1", "laptop-a", "laptop-a", "laptop-b", "laptop-b"]
    assert table.ambiguous == 0


def test_a_name_that_means_two_things_stays_itself_and_is_counted() -> None:
    table = AliasTable([_alias("x", "a"), _alias("x", "b", 1)])
    assert table.resolve("acme", "host", "x", START) == "a"
    assert table.resolve("acme", "host", "X", START + timedelta(hours=2)) == "X"
    assert table.ambiguous == 1


def test_a_name_told_twice_the_same_is_not_ambiguous() -> None:
    table = AliasTable([_alias("x", "a"), _alias("X", "A ", 1)])
    assert table.resolve("acme", "host", "x", START + timedelta(hours=2)) == "a"


def test_tenants_and_kinds_do_not_share_names() -> None:
    table = AliasTable([_alias("x", "a")])
    assert table.resolve("other", "host", "x", START) == "x"
    assert table.resolve("acme", "user", "x", START) == "x"
    assert AliasTable.empty().is_empty
    assert not table.is_empty
