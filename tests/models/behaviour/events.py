"""Days of made-up people with habits of their own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from features.alert import Entity, EntityKind, Role
from features.event import Event, Facet, service_account, user
from models.behaviour.day import Day, days

START = datetime(2026, 1, 5, tzinfo=UTC)
HABITS = {"ann": ("docs", "9"), "bob": ("core", "15"), "cem": ("web", "20")}


def event(who: str, day: int, habits: str = "", *, program: bool = False, number: int = 0, tenant: str = "t") -> Event:
    """Return what ``who`` does that day, by the habits of another if named."""
    directory, hour = HABITS[habits or who]
    return Event(
        uid=f"{who}/{day}/{number}",
        tenant=tenant,
        time=START + timedelta(days=day, minutes=number % 1000),
        actor=service_account(who) if program else user(who),
        action="commit",
        target=Entity(EntityKind.APPLICATION, "project", Role.TARGET),
        facets=(Facet("directory", directory), Facet("hour", hour)),
    )


def history(count: int, who: tuple[str, ...] = tuple(HABITS)) -> list[Day]:
    """Return ``count`` days on which everyone does the usual."""
    return days([event(name, day) for day in range(count) for name in who])
