"""One country has one name."""

from __future__ import annotations

import pytest

from features.normalisers.events.countries import CODES, country_code


def test_all_codes_are_two_letters_and_stand_for_themselves() -> None:
    assert len(CODES) == 250
    assert all(len(code) == 2 and code.isascii() and code.isupper() for code in CODES)
    assert {country_code(code.lower()) for code in CODES} == CODES


@pytest.mark.parametrize(
    ("told", "code"),
    [
        ("Germany", "DE"), ("germany", "DE"), ("DE", "DE"), ("United States", "US"), ("USA", "US"), ("Korea, Republic of", "KR"),
        ("Türkiye", "TR"), ("Bonaire, Sint Eustatius, and Saba", "BQ"), ("Atlantis", "Atlantis"), ("", ""), ("\x00", "\x00"), ("XX", "XX"),
    ],
)  # fmt: skip
def test_names(told: str, code: str) -> None:
    assert country_code(told) == code
