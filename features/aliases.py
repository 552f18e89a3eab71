"""The alias table: many names, one entity, as of then."""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated

import msgspec


def normalise_uid(text: str) -> str:
    """Return the form under which a name is compared: NFKC, case-folded, stripped. Idempotent."""
    if text.isascii():  # nearly all are, and then there is nothing to compose
        return text.lower().strip()
    folded = unicodedata.normalize("NFKC", text).casefold()
    return unicodedata.normalize("NFKC", folded).casefold().strip()


Moment = Annotated[datetime, msgspec.Meta(tz=True)]
"""A time with a zone."""


class Alias(msgspec.Struct, frozen=True, kw_only=True):
    """``alias`` meant ``uid`` from ``valid_from`` until ``valid_to`` (open if ``None``): an address lease, an agent id, a UPN."""

    tenant: str
    kind: str
    alias: str
    uid: str
    valid_from: Moment
    valid_to: Moment | None = None


class AliasTable:
    """Resolve names as of a moment. A name that means two things at once stays itself, and is counted in ``ambiguous``."""

    def __init__(self, aliases: Iterable[Alias] = ()) -> None:
        self.ambiguous = 0
        self._spans: dict[tuple[str, str, str], list[tuple[float, float, str]]] = {}
        for alias in aliases:
            end = float("inf") if alias.valid_to is None else alias.valid_to.timestamp()
            key = (alias.tenant, alias.kind, normalise_uid(alias.alias))
            self._spans.setdefault(key, []).append((alias.valid_from.timestamp(), end, normalise_uid(alias.uid)))
        for spans in self._spans.values():
            spans.sort()

    @classmethod
    def empty(cls) -> AliasTable:
        """Return a table that resolves every name to itself."""
        return cls()

    @property
    def is_empty(self) -> bool:
        """Whether no alias is known."""
        return not self._spans

    def resolve(self, tenant: str, kind: str, alias: str, time: datetime) -> str:
        """Return the entity that ``alias`` named at ``time``; itself when unknown or ambiguous."""
        spans = self._spans.get((tenant, kind, normalise_uid(alias)))
        if spans is None:
            return alias
        at = time.timestamp()
        until = bisect_right(spans, at, key=lambda span: span[0])
        meant = {uid for _, end, uid in spans[:until] if at < end}
        if len(meant) == 1:
            return meant.pop()
        self.ambiguous += len(meant) > 1
        return alias

    def changes(self, tenant: str, kind: str, alias: str) -> list[float]:
        """Return the times (epoch seconds) at which what ``alias`` names may change."""
        spans = self._spans.get((tenant, kind, normalise_uid(alias)), [])
        return sorted({at for start, end, _ in spans for at in (start, end) if at != float("inf")})
