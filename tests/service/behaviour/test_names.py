"""Pseudonyms, and what is hidden with a name."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from features.alert import EntityKind
from features.aliases import normalise_uid
from models.behaviour.judgement import Deviation
from models.risk import EntityRisk
from service.behaviour.names import Shown, Veil
from service.behaviour.records import Entity
from service.keys import Role

VEIL = Veil(b"s" * 32, "acme")


def known(name: str) -> Entity:
    uid = normalise_uid(name) or name
    pseudonym = VEIL.pseudonym(EntityKind.USER, uid)
    return Entity(tenant="acme", kind=EntityKind.USER, uid=uid, name=name, pseudonym=pseudonym, state=EntityRisk())


def test_a_pseudonym_follows_from_secret_tenant_kind_and_name_only() -> None:
    name = VEIL.pseudonym(EntityKind.USER, "Anna")
    assert name == Veil(b"s" * 32, "acme").pseudonym(EntityKind.USER, " anna ")
    others = (Veil(b"t" * 32, "acme"), Veil(b"s" * 32, "other"))
    assert len({name, VEIL.pseudonym(EntityKind.HOST, "anna"), *(one.pseudonym(EntityKind.USER, "anna") for one in others)}) == 4
    assert name.startswith("user-")
    assert len(name) == 21


@given(
    st.text(min_size=4, max_size=30).filter(lambda name: len(normalise_uid(name)) > 3), st.text(max_size=20), st.text(max_size=20)
)
def test_no_text_tells_the_name(name: str, before: str, after: str) -> None:
    shown = Shown.to(Role.ANALYST, known(name), VEIL)
    uid = normalise_uid(name)
    if uid in shown.name:
        return
    for text in (name, name.upper(), f"{before}{name}{after}", f"{before}{uid}{after}"):
        assert uid not in normalise_uid(shown.text(text))


def test_what_deviates_is_told_without_what_it_quotes() -> None:
    shown = Shown.to(Role.SCIENTIST, known("anna"), VEIL)
    one = Deviation(
        name="device", text="first seen on ANNA-LAPTOP by bob", surprise=1.0, value="ANNA-LAPTOP", observed=1.0, expected=0.1
    )
    hidden = shown.deviation(one)
    assert "laptop" not in hidden.text.casefold()
    assert "bob" not in hidden.text
    assert hidden.value.startswith("value-")
    assert (hidden.observed, hidden.expected) == (1.0, 0.1)
    assert hidden.value == shown.deviation(Deviation(name="device", text="", surprise=0.0, value="anna-laptop")).value
    assert shown.value("country", "DE") == "DE"
    assert shown.value("country", "Anna lives here").startswith("value-")
    assert Shown.to(Role.ADMIN, known("anna"), VEIL).deviation(one) is one
