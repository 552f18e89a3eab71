"""Context facts: what is known of assets, people, indicators and decoys, versioned and read as of then.

Each import is one file ``<version>-<kind>.json`` in the context folder, never changed afterwards. A fact holds from its
``valid_from`` (the time of import unless the file says otherwise) until a later fact on the same subject.
"""

from __future__ import annotations

import csv
import io
import os
from bisect import bisect_right
from collections.abc import Collection, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar, cast

import msgspec

from features.aliases import Alias, AliasTable, Moment, normalise_uid
from features.errors import ContextError

Level = Annotated[int, msgspec.Meta(ge=0, le=4)]


class Asset(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A host: criticality 0–4 (4: the business stops without it), owner, and whether the internet can reach it."""

    tenant: str
    uid: str
    criticality: Level
    owner: str = ""
    exposed: bool = False
    valid_from: Moment | None = None


class Identity(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An account: department, role, and whether it has administrative rights."""

    tenant: str
    uid: str
    department: str = ""
    role: str = ""
    privileged: bool = False
    valid_from: Moment | None = None


class Indicator(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An observable known to be bad (STIX indicator): ``kind`` as of observables, ``value``."""

    tenant: str
    kind: str
    value: str
    valid_from: Moment | None = None
    valid_to: Moment | None = None


class Decoy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An entity that nobody has business with: a honeypot host, a canary account."""

    tenant: str
    kind: str
    uid: str
    valid_from: Moment | None = None


KINDS: dict[str, type[msgspec.Struct]] = {
    "assets": Asset,
    "identities": Identity,
    "indicators": Indicator,
    "decoys": Decoy,
    "aliases": Alias,
}

Fact = TypeVar("Fact")


class _Version(msgspec.Struct):
    kind: str
    imported_time: datetime
    facts: list[dict[str, Any]]


class Context:
    """Everything imported so far; immutable. Look-ups give what held at ``time``, ``None`` or ``False`` where nothing did."""

    def __init__(self, facts: Sequence[tuple[msgspec.Struct, datetime]] = ()) -> None:
        self._assets: dict[tuple[str, ...], list[tuple[float, Any]]] = {}
        self._identities: dict[tuple[str, ...], list[tuple[float, Any]]] = {}
        self._indicators: dict[tuple[str, ...], list[tuple[float, Any]]] = {}
        self._decoys: dict[tuple[str, ...], list[tuple[float, Any]]] = {}
        aliases = []
        for fact, imported in facts:
            start = (getattr(fact, "valid_from", None) or imported).timestamp()
            if isinstance(fact, Asset):
                self._assets.setdefault((fact.tenant, normalise_uid(fact.uid)), []).append((start, fact))
            elif isinstance(fact, Identity):
                self._identities.setdefault((fact.tenant, normalise_uid(fact.uid)), []).append((start, fact))
            elif isinstance(fact, Indicator):
                self._indicators.setdefault((fact.tenant, fact.kind, fact.value.casefold()), []).append((start, fact))
            elif isinstance(fact, Decoy):
                self._decoys.setdefault((fact.tenant, fact.kind, normalise_uid(fact.uid)), []).append((start, fact))
            elif isinstance(fact, Alias):
                aliases.append(fact)
        for table in (self._assets, self._identities, self._indicators, self._decoys):
            for spans in table.values():
                spans.sort(key=lambda span: span[0])
        self.aliases = AliasTable(aliases)
        self.is_empty = not (self._assets or self._identities or self._indicators or self._decoys)

    @classmethod
    def empty(cls) -> Context:
        """Return a context that knows nothing."""
        return cls()

    @classmethod
    def load(cls, folder: Path) -> Context:
        """Read every version in ``folder`` (none is no error). Raises ``ContextError`` on a damaged one."""
        facts: list[tuple[msgspec.Struct, datetime]] = []
        for path in sorted(folder.glob("*.json")):
            try:
                version = msgspec.json.decode(path.read_bytes(), type=_Version)
                kind = KINDS[version.kind]
                facts += [(msgspec.convert(fact, kind, strict=False), version.imported_time) for fact in version.facts]
            except (OSError, KeyError, msgspec.MsgspecError) as error:
                raise ContextError(str(path), f"damaged context version: {error}") from error
        return cls(facts)

    def asset(self, tenant: str, uid: str, time: datetime) -> Asset | None:
        """Return what was known of a host."""
        return cast("Asset | None", _as_of(self._assets, (tenant, normalise_uid(uid)), time))

    def identity(self, tenant: str, uid: str, time: datetime) -> Identity | None:
        """Return what was known of an account."""
        return cast("Identity | None", _as_of(self._identities, (tenant, normalise_uid(uid)), time))

    def identity_changes(self, tenant: str, uid: str) -> list[float]:
        """Return the times (epoch seconds) from which something else was known of an account."""
        return [start for start, _ in self._identities.get((tenant, normalise_uid(uid)), [])]

    def indicator(self, tenant: str, kind: str, value: str, time: datetime) -> bool:
        """Whether an observable was a known indicator then."""
        found = _as_of(self._indicators, (tenant, kind, value.casefold()), time)
        return isinstance(found, Indicator) and (found.valid_to is None or time < found.valid_to)

    def decoy(self, tenant: str, kind: str, uid: str, time: datetime) -> bool:
        """Whether an entity was a decoy then."""
        return _as_of(self._decoys, (tenant, kind, normalise_uid(uid)), time) is not None


def _as_of(table: dict[tuple[str, ...], list[tuple[float, Any]]], key: tuple[str, ...], time: datetime) -> object:
    spans = table.get(key)
    if not spans:
        return None
    at = bisect_right(spans, time.timestamp(), key=lambda span: span[0])
    return spans[at - 1][1] if at else None


def import_facts(folder: Path, kind: str, file: Path, tenant: str, time: datetime) -> Path:
    """Check the facts in ``file`` (CSV with a header, or a JSON array of objects) and store them as a new version.

    ``tenant`` is filled in where a fact names none. Raises ``ContextError`` naming file and row; then nothing is stored.
    """
    if kind not in KINDS:
        raise ContextError(str(file), f"unknown kind {kind!r}; known: {', '.join(KINDS)}")
    facts = _read(file)
    if not facts:
        raise ContextError(str(file), "holds no facts")
    for row, fact in enumerate(facts):
        fact.setdefault("tenant", tenant)
        if kind == "aliases":
            fact.setdefault("valid_from", time.isoformat())
        try:
            msgspec.convert(fact, KINDS[kind], strict=False)
        except msgspec.ValidationError as error:
            raise ContextError(str(file), f"row {row}: {error}") from error
    folder.mkdir(parents=True, exist_ok=True)
    number = 1 + max((int(path.name.split("-")[0]) for path in folder.glob("*.json")), default=0)
    target = folder / f"{number:06d}-{kind}.json"
    draft = target.with_suffix(f".{os.getpid()}.part")
    draft.write_bytes(msgspec.json.encode(_Version(kind, time, facts)))
    os.link(draft, target)  # fails rather than overwrite a version that another import has just taken
    draft.unlink()
    return target


def new_indicators(folder: Path, after: int, among: Collection[str]) -> tuple[int, list[Indicator]]:
    """Return the indicators of the versions ``among`` those of a folder that are numbered beyond ``after``, and the highest number.

    One whose file names no ``valid_from`` has none here: what it says holds of the past as well. Raises ``ContextError``.
    """
    newest, found = after, list[Indicator]()
    for path in (folder / name for name in sorted(among) if name.endswith("-indicators.json")):
        number = int(path.name.split("-")[0])
        if number > after:
            try:
                version = msgspec.json.decode(path.read_bytes(), type=_Version)
                found += [msgspec.convert(fact, Indicator, strict=False) for fact in version.facts]
            except (OSError, msgspec.MsgspecError) as error:
                raise ContextError(str(path), f"damaged context version: {error}") from error
            newest = max(newest, number)
    return newest, found


def _read(file: Path) -> list[dict[str, Any]]:
    try:
        text = file.read_text("utf-8-sig")
        if text.lstrip().startswith("["):
            return msgspec.json.decode(text, type=list[dict[str, Any]])
        rows = list(csv.DictReader(io.StringIO(text), strict=True))
    except (OSError, UnicodeDecodeError, msgspec.MsgspecError, csv.Error) as error:
        raise ContextError(str(file), f"unreadable: {error}") from error
    for number, row in enumerate(rows):
        if None in row or None in row.values():
            raise ContextError(str(file), f"row {number}: has another number of fields than the header")
    return [{key: value for key, value in row.items() if value != ""} for row in rows]
