"""Printable text: nothing hidden, nothing long."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from models.incidents.printable import printable


def test_what_reverses_or_hides_is_shown_by_its_number() -> None:
    assert printable("a\u202eb\x00c\nd\u200be") == "a[U+202E]b[U+0000]c[U+000A]d[U+200B]e"


def test_a_tower_of_marks_is_shown_by_numbers() -> None:
    assert printable("a\u0301\u0302") == "a\u0301[U+0302]"


def test_ordinary_text_of_any_language_stays() -> None:
    for text in ("ws-1234", "müller", "пользователь", "用户", "משתמש"):
        assert printable(text) == text


@given(st.text(st.characters(), max_size=300), st.integers(1, 100))
def test_result_is_bounded_and_shows_nothing_hidden(text: str, most: int) -> None:
    found = printable(text, most)
    assert len(found) <= most
    assert not {unicodedata.category(character) for character in found} & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
