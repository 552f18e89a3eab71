"""Names of people: who sees them, and the pseudonyms that the others see.

A pseudonym is a keyed digest of tenant, kind and name, so it is always the same, means nothing elsewhere, and can be made from
a name only by who has the installation's secret. What else might tell a person (a device, an address, a target) is masked alike.
"""

from __future__ import annotations

import hashlib
import re
from typing import TypeVar

import msgspec

from features.alert import EntityKind
from features.aliases import normalise_uid
from models.behaviour.judgement import DayJudgement, Deviation, EventJudgement
from service.behaviour.records import Anomaly, Entity
from service.keys import Role

NAMED = frozenset({Role.PIPELINE, Role.ADMIN})
"""Those who need names: what acts, and who answers for the data. The others see pseudonyms, and unmask one by one."""
_TELLING_NOTHING = frozenset({"country", "hour", "weekday", "outcome"})
"""Fields of few values, which are no names."""
Judged = TypeVar("Judged", DayJudgement, EventJudgement)
_PLAIN = re.compile(r"[A-Za-z0-9_]{1,16}")


class Veil:
    """Makes the pseudonyms of one tenant."""

    def __init__(self, secret: bytes, tenant: str) -> None:
        text = tenant.encode("utf-8", "surrogatepass")
        self._key = hashlib.blake2b(text, digest_size=32, key=secret, person=b"tamis names").digest()

    def pseudonym(self, kind: EntityKind, uid: str) -> str:
        """Return what an entity is called where its name is not needed."""
        return f"{kind.value}-{self._digest(f'{kind.value} {normalise_uid(uid)}')}"

    def value(self, field: str, value: str) -> str:
        """Return the value of a field, or a pseudonym of it where it might tell who somebody is."""
        if not value or (field.rpartition(":")[2] in _TELLING_NOTHING and _PLAIN.fullmatch(value)):
            return value
        return f"value-{self._digest(f'value {normalise_uid(value)}')}"

    def _digest(self, text: str) -> str:
        return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8, key=self._key).hexdigest()


class Shown:
    """What somebody may see of one entity: as it is, or where ``veil`` is given without whatever tells a name."""

    def __init__(self, entity: Entity, veil: Veil | None) -> None:
        self._entity, self._veil = entity, veil
        names = sorted({entity.name, entity.uid}, key=len, reverse=True)
        self._names = re.compile("|".join(re.escape(name) for name in names if name), re.IGNORECASE)

    @classmethod
    def to(cls, role: Role, entity: Entity, veil: Veil) -> Shown:
        """Return what a role may see."""
        return cls(entity, None if role in NAMED else veil)

    @property
    def masked(self) -> bool:
        """Whether names are hidden."""
        return self._veil is not None

    @property
    def name(self) -> str:
        """What the entity is called."""
        return self._entity.pseudonym if self.masked else self._entity.name

    def text(self, text: str) -> str:
        """Return free text, with the entity's name replaced wherever it stands and however it is written."""
        if not self.masked:
            return text
        folded = normalise_uid(text)
        hidden = self._names.sub(self._entity.pseudonym, text)
        return (
            hidden if self._entity.uid not in folded or self._entity.uid not in normalise_uid(hidden) else self._entity.pseudonym
        )

    def value(self, field: str, value: str) -> str:
        """Return a value of a field of behaviour."""
        return value if self._veil is None else self._veil.value(field, value)

    def deviation(self, one: Deviation) -> Deviation:
        """Return what deviates; where names are hidden, without a sentence that may quote anything."""
        if not self.masked:
            return one
        name = self.text(one.name)
        told = f"{name.replace('_', ' ')} is unusual for the account"
        return msgspec.structs.replace(one, name=name, text=told, value=self.value(one.name, one.value))

    def anomaly(self, one: Anomaly | None) -> Anomaly | None:
        """Return what was judged of a day."""
        if one is None or not self.masked:
            return one
        day, peak = one.judgement, one.peak
        return Anomaly(day=one.day, judgement=day and self._judgement(day), peak=peak and self._judgement(peak))

    def _judgement(self, one: Judged) -> Judged:
        hidden = msgspec.structs.replace(one, entity=self.name, deviations=tuple(map(self.deviation, one.deviations)))
        return msgspec.structs.replace(hidden, uid="") if isinstance(hidden, EventJudgement) else hidden
