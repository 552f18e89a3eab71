"""The anytime tests at work: units are taken up when people have had their time, and what fires withdraws a certificate.

A unit is taken up once, ``settle_seconds`` after its last alert was received, in the order of those alerts; what people say of it
by then counts. So verdicts cannot reorder what the test sees. A miss that is judged later is no observation: the test withdraws
later for it, not oftener. Each certificate is tested over all tenants and in each tenant, at its own δ each: of t tenants in
which all is well at most δ·(t + 1) withdraw it in vain, ever. When a person lets it hold again, its test begins anew.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import NamedTuple, TypeVar

import msgspec
from sqlalchemy import Connection, Engine, select

from features.alert import from_epoch
from features.encode import FactEncoder
from models.certificates.certificate import EVERY
from models.live_policy import EVERYWHERE, LivePolicy, Withdrawal, withdrawn
from models.policy_store import PolicyStore
from models.withdrawal import observe
from service.metrics import WITHDRAWALS
from service.outbox.delivery import Write
from service.outbox.records import enqueue
from service.store.tables import names
from service.store.timing import last_received, mark_of, received_at
from service.watch.messages import message_of
from service.watch.observations import TAKEN_UP, Entry, Scope, Trial, Trials, add, has_fired, is_taken, set_fired, trials
from service.watch.units import Certificates, Members, called_attacks, first_attack, judged_alerts, tenant_of, unit_at

log = logging.getLogger(__name__)

T = TypeVar("T")

BY = "watch"
"""Who changes the live policy."""
_AT_ONCE = 100_000
"""Numbers of alerts by which a look goes on at most."""
_GROWS_SECONDS = 14 * 86_400.0
"""So much older than what is taken up next an alert of the same unit may be, when a start looks for it."""


class _Plan(NamedTuple):
    entries: list[Entry]
    mark: int
    more: bool


class Testing:
    """Runs the tests of all certificates; ``look`` again and again."""

    def __init__(
        self,
        engine: Engine,
        write: Write,
        policies: PolicyStore,
        *,
        certificates: Certificates,
        encoder: FactEncoder,
        settle_seconds: float,
    ) -> None:
        self._engine, self._write, self._policies = engine, write, policies
        self._certificates, self._encoder, self._settle = certificates, encoder, settle_seconds
        self.trials: Trials | None = None
        """``None`` until they are made again from what was observed."""
        self._last = self._heard = 0
        self._attacks: dict[int, int] = {}
        """Alerts that somebody called attacks, and up to which alert must have settled before their units can be taken up."""

    async def look(self, now: float) -> bool:
        """Once: take up what has settled, withdraw what fires; say if there is more to take up."""
        if self.trials is None:
            await asyncio.to_thread(self._read, lambda connection: self._restore(connection, now))
        plan = await asyncio.to_thread(self._read, lambda connection: self._plan(connection, now))
        if plan is not None:
            await self._write(partial(add, entries=plan.entries, mark=plan.mark))
            await asyncio.to_thread(self._read, self._advance)
        while fired := {scope: trial for scope, trial in (self.trials or {}).items() if trial.state.fired}:
            await self._fire(min(fired), fired, now)  # those over all tenants first
        return plan is not None and plan.more

    # -- taking up ---------------------------------------------------------------------------------------------------

    def _restore(self, connection: Connection, now: float) -> None:
        taken = received_at(connection, mark_of(connection, TAKEN_UP) or 0)
        self._heard = last_received(connection, min(now - self._settle, taken) - _GROWS_SECONDS)
        self._attacks.clear()
        self._last = 0
        self.trials = {}
        self._advance(connection)

    def _advance(self, connection: Connection) -> None:
        self.trials = trials(connection, self._last, self.trials)
        self._last = max((trial.last for trial in self.trials.values()), default=self._last)

    def _plan(self, connection: Connection, now: float) -> _Plan | None:
        while (heard := called_attacks(connection, self._heard))[1]:
            self._heard = heard[0]
            self._attacks.update((seq, seq) for seq in heard[1])
        settled, mark = last_received(connection, now - self._settle), mark_of(connection, TAKEN_UP) or 0
        horizon = min(settled, mark + _AT_ONCE)
        if horizon <= mark:
            return None
        found: list[tuple[int, list[Entry]]] = []
        seen: set[int] = set()
        for seq in sorted(seq for seq, last in self._attacks.items() if last <= horizon):
            if seq in seen:
                continue
            members = unit_at(connection, tenant_of(connection, seq), seq)
            seen.update(members.seqs)
            last, called = members.seqs[-1], [one for one in members.seqs if one in self._attacks]
            if last > horizon:
                self._attacks.update((one, last) for one in called)
                continue
            for one in called:
                del self._attacks[one]
            if last > mark:
                found.append((last, self._entries(connection, members)))
        entries = [entry for _, some in sorted(found, key=lambda one: one[0]) for entry in some]
        return _Plan(entries, horizon, horizon < settled)

    def _entries(self, connection: Connection, members: Members) -> list[Entry]:
        attack = first_attack(connection, members.seqs)
        if attack is None:
            return []
        under, tenant, out = judged_alerts(connection, members, self._certificates, self._encoder.rules), members.unit.tenant, []
        for uid, (certificate, alerts) in under.items():
            seen = observe(alerts).get(members.unit)
            if seen is not None and not is_taken(connection, uid, members.seqs):
                out.append(Entry(uid, tenant, attack, seen, certificate.group, certificate.alpha, certificate.delta))
        return out

    # -- withdrawing -------------------------------------------------------------------------------------------------

    async def _fire(self, scope: Scope, fired: Trials, now: float) -> None:
        """Withdraw a certificate: first in the live policy, which holds at once, then in the records, with the alarm.

        Broken off in between it is done again, and the alarm is raised all the same. What fired in single tenants ends with what
        fired over all of them: whoever lets the certificate hold again in the next moment has answered both.
        """
        trial = fired[scope]
        ends = [one for one in fired if one == scope or (one.certificate == scope.certificate and scope.tenant == EVERYWHERE)]
        policy = (await asyncio.to_thread(self._policies.last_good))[0] or LivePolicy()
        covered = withdrawn(policy, scope.tenant, scope.certificate, now)
        stands = covered and any(w.certificate == scope.certificate and w.tenant == scope.tenant for w in policy.withdrawals)
        withdrawal = _withdrawal(scope, trial, now)
        if not covered:
            await asyncio.to_thread(partial(self._change, withdrawal))
        told = stands and await asyncio.to_thread(self._read, partial(has_fired, scope=scope))

        def done(connection: Connection) -> None:
            if not told and (stands or not covered):
                for tenant in _tenants(connection) if scope.tenant == EVERYWHERE else [scope.tenant]:
                    enqueue(connection, message_of(tenant, withdrawal, trial.state))
            for one in ends:
                set_fired(connection, one, fired[one].last)

        await self._write(done)
        self.trials = {one: trial for one, trial in (self.trials or {}).items() if one not in ends}
        if not told and (stands or not covered):
            WITHDRAWALS.inc()
            log.error("certificate %s withdrawn for %s: %s", scope.certificate, scope.tenant or "all tenants", withdrawal.note)

    def _change(self, withdrawal: Withdrawal) -> None:
        def edit(policy: LivePolicy) -> LivePolicy:
            return msgspec.structs.replace(policy, withdrawals=(*policy.withdrawals, withdrawal))

        self._policies.change(edit, by=BY, time=withdrawal.time, note=withdrawal.note, whatever=True)

    def _read(self, ask: Callable[[Connection], T]) -> T:
        with self._engine.connect() as connection:
            return ask(connection)


def _withdrawal(scope: Scope, trial: Trial, now: float) -> Withdrawal:
    state = trial.state
    note = (
        f"{state.suppressed} of {state.observed} attacks that people found would be hidden, at most {state.alpha:g} were promised; "
        f"evidence {state.evidence:.3g}, threshold {1.0 / state.delta:g}"
    )
    group = "" if trial.group == EVERY else trial.group
    time = from_epoch(now)
    return Withdrawal(
        certificate=scope.certificate, tenant=scope.tenant, group=group, evidence=state.evidence, time=time, note=note
    )


def _tenants(connection: Connection) -> list[str]:
    return sorted(set(connection.execute(select(names.c.tenant).where(names.c.tenant != "")).scalars()))
