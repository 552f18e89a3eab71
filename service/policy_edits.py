"""What people change in the live policy: each edit makes of one version the next."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

import msgspec

from models.bundle import ModelBundle
from models.bundle_store import BundleStore
from models.errors import PolicyError
from models.live_policy import EVERYWHERE, Cap, Live, LivePolicy, Mode, NeverSuppress, NeverTouch, Setting, Stop, Withdrawal
from models.mandate import NOTHING, Mandate, given, mandate

Edit = Callable[[LivePolicy], LivePolicy]
Proven = Callable[[str, str], Mandate]
"""What the bundle that serves proves of a tenant's alerts in a group."""

L = TypeVar("L", bound=Live)


def proven_by(bundle: ModelBundle | None) -> Proven:
    """Return what a bundle proves."""

    def proven(tenant: str, group: str) -> Mandate:
        return NOTHING if bundle is None else mandate(bundle.policy, bundle.calibration, tenant, group)

    return proven


def champion(store: BundleStore) -> ModelBundle | None:
    """Return the bundle that is to serve, checked. Raises ``BundleError`` for a damaged one."""
    digest = store.current()
    return None if digest is None else ModelBundle.load(store.path(digest))


def key_of(entry: Live) -> tuple[str, ...]:
    """Return what an entry is about: of two that are about the same the later one holds."""
    match entry:
        case NeverSuppress():
            return entry.tenant, entry.by.value, entry.value
        case NeverTouch():
            return entry.tenant, entry.kind.value, entry.uid
        case Cap():
            return entry.tenant, entry.tier.value
        case Setting():
            return entry.tenant, entry.group
        case Withdrawal():
            return entry.tenant, entry.certificate, entry.group
    return (entry.tenant,)


def merged(before: Sequence[L], new: Sequence[L]) -> tuple[L, ...]:
    """Return the entries with ``new`` ones, which take the place of those about the same."""
    return tuple({key_of(entry): entry for entry in (*before, *new)}.values())


def without(before: Sequence[L], gone: set[tuple[str, ...]], what: str) -> tuple[L, ...]:
    """Return the entries without those about ``gone``. Raises ``PolicyError`` where there is no such entry."""
    missing = gone - {key_of(entry) for entry in before}
    if missing:
        raise PolicyError(what, f"there is none of {' '.join(filter(None, min(missing))) or 'everywhere'}")
    return tuple(entry for entry in before if key_of(entry) not in gone)


def settled(settings: Sequence[Setting], before: LivePolicy, proven: Proven, now: datetime) -> tuple[Setting, ...]:
    """Return modes as they are written down, each with the certificate on which it rests; one that stands as it is, is left so.

    Raises ``PolicyError`` for one above ``shadow`` without a certificate, or with one of another bundle.
    """
    found = []
    for setting in settings:
        if setting in before.modes and (setting.certificate or setting.mode is Mode.SHADOW):
            found.append(setting)
            continue
        one = given(setting, proven(setting.tenant, setting.group), before, now.timestamp())
        if setting.certificate not in ("", one.certificate):
            raise PolicyError(
                f"certificate {setting.certificate}", f"is not the one of the bundle that serves, {one.certificate}"
            )
        found.append(one)
    return tuple(found)


def stop(tenant: str, by: str, now: datetime, note: str = "") -> Edit:
    """Return the edit that stops all automation of a tenant, or everywhere."""
    one = Stop(tenant=tenant, by=by, time=now, note=note)
    return lambda policy: msgspec.structs.replace(policy, stops=merged(policy.stops, [one]))


def resume(tenant: str) -> Edit:
    """Return the edit that lifts the stop of a tenant, or the one that holds everywhere."""
    return lambda policy: msgspec.structs.replace(policy, stops=without(policy.stops, {(tenant,)}, "stop"))


def restore(tenant: str, certificate: str, group: str | None) -> Edit:
    """Return the edit that lifts the withdrawals of a certificate for a tenant, in all groups if none is named."""

    def edit(policy: LivePolicy) -> LivePolicy:
        gone = {
            key_of(w)
            for w in policy.withdrawals
            if (w.tenant, w.certificate) == (tenant, certificate) and group in (None, w.group)
        }
        if not gone:
            raise PolicyError("withdrawal", f"certificate {certificate} was not withdrawn for {tenant or 'everywhere'}")
        return msgspec.structs.replace(policy, withdrawals=without(policy.withdrawals, gone, "withdrawal"))

    return edit


def replaced(new: LivePolicy, proven: Proven, now: datetime) -> Edit:
    """Return the edit that puts a whole policy in place of another. Withdrawals and stops stay: they have commands of their own."""

    def edit(before: LivePolicy) -> LivePolicy:
        return msgspec.structs.replace(
            new,
            modes=settled(new.modes, before, proven, now),
            withdrawals=merged(new.withdrawals, before.withdrawals),
            stops=merged(new.stops, before.stops),
        )

    return edit


def seen_by(policy: LivePolicy, tenant: str) -> LivePolicy:
    """Return what a policy says of a tenant and everywhere, and not who made the version: it may be somebody of another tenant."""
    entries = {
        field: tuple(entry for entry in getattr(policy, field) if entry.tenant in (EVERYWHERE, tenant))
        for field in ("never_suppress", "never_touch", "caps", "modes", "withdrawals", "stops")
    }
    return msgspec.structs.replace(policy, by="", note="", time=None, version=0, **entries)
