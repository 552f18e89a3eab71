"""Who is meant: an event's names resolved through the alias table, as of its time."""

from __future__ import annotations

import msgspec

from features.alert import Entity
from features.aliases import AliasTable, normalise_uid
from features.event import Event


def resolved(event: Event, aliases: AliasTable) -> Event:
    """Return the event under the names that its actor and target are known by: aliases resolved as of its time, in the form in which
    names are compared, so that ``Ada@Example.org`` and ``ada@example.org``, and an account before and after it was renamed, are one.
    """
    actor = _resolved(event.actor, event, aliases)
    target = _resolved(event.target, event, aliases) if event.target else None
    if actor is event.actor and target is event.target:
        return event
    return msgspec.structs.replace(event, actor=actor, target=target)


def _resolved(entity: Entity, event: Event, aliases: AliasTable) -> Entity:
    named = normalise_uid(aliases.resolve(event.tenant, entity.kind.value, entity.uid, event.time))
    return entity if named in {entity.uid, ""} else Entity(entity.kind, named, entity.role)
