"""Whose an account is, as of then: its present name, and the peers it is compared with."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from typing import NamedTuple

from features.alert import EntityKind, from_epoch
from features.aliases import normalise_uid
from features.context import Context

_REMEMBERED = 1_000_000
_WITH_PEERS = (EntityKind.USER, EntityKind.APPLICATION)


class Account(NamedTuple):
    """An account or host under the name that aliases resolve to. ``group`` names its peers; empty: none are known."""

    tenant: str
    kind: str
    uid: str
    group: str = ""


Groups = Mapping[tuple[str, str], str]
"""Learned peer groups: (tenant, uid) → group."""


class Accounts:
    """Resolve names to accounts as of a moment.

    Peers are those of the same department and role in the identity directory, as of then; an account of which the directory says
    nothing is in its learned group, and without one a program is among its tenant's programs and a person has no peers.
    """

    def __init__(self, context: Context | None = None, groups: Groups | None = None) -> None:
        self._context = context if context is not None else Context.empty()
        self._groups = groups if groups is not None else {}
        self._known: dict[tuple[str, str, str], tuple[list[float], list[Account]]] = {}

    def renew(self, context: Context) -> None:
        """Take up what was imported meanwhile."""
        if context is not self._context:
            self._context = context
            self._known.clear()

    def spans(self, tenant: str, kind: str, uid: str) -> tuple[list[float], list[Account]]:
        """Return from when on the name means which account: one account more than there are times of change."""
        found = self._known.get((tenant, kind, uid))
        if found is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            found = self._known[tenant, kind, uid] = self._look_up(tenant, kind, uid)
        return found

    def at(self, tenant: str, kind: str, uid: str, time: float) -> Account:
        """Return the account that the name meant at ``time`` (epoch seconds)."""
        changes, accounts = self.spans(tenant, kind, uid)
        return accounts[bisect_right(changes, time)] if changes else accounts[0]

    def _look_up(self, tenant: str, kind: str, uid: str) -> tuple[list[float], list[Account]]:
        aliases, has_peers = self._context.aliases, kind in _WITH_PEERS
        if aliases.is_empty and (not has_peers or self._context.is_empty):
            group = self._learned(tenant, kind, uid) if has_peers else ""
            return [], [Account(tenant, kind, uid, group)]
        changes = set(aliases.changes(tenant, kind, uid))
        if has_peers:
            names = {aliases.resolve(tenant, kind, uid, from_epoch(at)) for at in changes} | {uid}
            changes.update(at for name in names for at in self._context.identity_changes(tenant, name))
        times = sorted(changes)
        before = times[0] - 1.0 if times else 0.0
        return times, [self._account(tenant, kind, uid, at) for at in (before, *times)]

    def _account(self, tenant: str, kind: str, uid: str, at: float) -> Account:
        time = from_epoch(at)
        uid = self._context.aliases.resolve(tenant, kind, uid, time)
        if kind not in _WITH_PEERS:
            return Account(tenant, kind, uid)
        identity = self._context.identity(tenant, uid, time)
        told = "" if identity is None else " / ".join(part for part in (identity.department, identity.role) if part)
        return Account(tenant, kind, uid, told or self._learned(tenant, kind, uid))

    def _learned(self, tenant: str, kind: str, uid: str) -> str:
        found = self._groups.get((tenant, uid)) or self._groups.get((tenant, normalise_uid(uid)), "")
        return found or ("programs" if kind == EntityKind.APPLICATION else "")
