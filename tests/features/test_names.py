"""Who is meant, as of then."""

from __future__ import annotations

from datetime import UTC, datetime

from features.alert import Entity, EntityKind, Role
from features.aliases import Alias, AliasTable
from features.event import Event, user
from features.names import resolved

MARCH, MAY = datetime(2024, 3, 1, tzinfo=UTC), datetime(2024, 5, 1, tzinfo=UTC)


def made(time: datetime, actor: str, target: str = "") -> Event:
    to = Entity(EntityKind.USER, target, Role.TARGET) if target else None
    return Event(uid="e", tenant="acme", time=time, actor=user(actor), action="mail", target=to)


def test_a_renamed_account_is_one_and_its_old_name_given_to_another_is_not() -> None:
    aliases = AliasTable(
        [
            Alias(tenant="acme", kind="user", alias="ada.b@example.org", uid="ada", valid_from=MARCH),
            Alias(tenant="acme", kind="user", alias="ada.a@example.org", uid="ada", valid_from=MARCH, valid_to=MAY),
            Alias(tenant="acme", kind="user", alias="ada.a@example.org", uid="eve", valid_from=MAY),
        ]
    )
    assert resolved(made(MARCH, "Ada.A@example.org", "ADA.B@example.org"), aliases) == made(MARCH, "ada", "ada")
    assert resolved(made(MAY, "ada.a@example.org"), aliases).actor.uid == "eve"


def test_spellings_of_one_name_are_one_and_another_tenants_table_is_not_looked_at() -> None:
    aliases = AliasTable([Alias(tenant="other", kind="user", alias="ada", uid="eve", valid_from=MARCH)])
    assert resolved(made(MAY, " ADA "), aliases).actor.uid == "ada"
    plain = made(MAY, "ada")
    assert resolved(plain, aliases) is plain


def test_a_name_of_which_nothing_would_be_left_stays() -> None:
    assert resolved(made(MAY, " "), AliasTable.empty()).actor.uid == " "
