"""The closer: takes outcomes, lets the rules look at each incident on which something was said, and closes or escalates it.

The rules look when an outcome comes, when the incident changes, when one of its alerts is judged, and when a time is up. What
they say is worked out beside the scorer and written in one transaction: the status, the report, what comes back to the
queue, and the message to the outside. If anything was said meanwhile, it is worked out again.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from functools import partial
from typing import NamedTuple, TypeVar

import msgspec
from sqlalchemy import Connection

from features.alert import from_epoch
from models.closure.outcome import Outcome, Runs
from models.closure.outcome import Status as Ended
from models.closure.report import Report
from models.closure.resolution import Resolution, State
from service.closure import records
from service.closure.ended import ended_as
from service.closure.gathering import Counsel, Known, gather
from service.closure.messages import message_of
from service.closure.returning import MOST_AT_ONCE, take_back
from service.errors import ConflictError, OverloadedError
from service.incidents import feed
from service.incidents import records as incidents
from service.incidents.keeper import Keeper, current
from service.incidents.records import Event, Record, Status
from service.looking import Looking
from service.metrics import INCIDENTS_ENDED, RETURNED
from service.outbox.delivery import Write
from service.outbox.message import Message
from service.outbox.records import enqueue
from service.store.database import Database

log = logging.getLogger(__name__)

T = TypeVar("T")

MOST_OUTCOMES = 5_000
"""Outcomes that one incident takes."""
_AT_ONCE = 100
_TRIES = 5
_LATER_SECONDS = 60.0


class Taken(NamedTuple):
    """An outcome as stored; ``fresh``: it was not sent before; ``status``: of its incident when it came."""

    outcome: Outcome
    fresh: bool
    status: Status


class _Plan(NamedTuple):
    """What is to become of an incident, from what was ``known``. ``status``: ``None`` if it stays what it is."""

    known: Known
    status: Status | None
    due: float
    report: Report | None = None
    message: Message | None = None


class Closer(Looking):
    """Closes and escalates the incidents of all tenants. ``start`` and ``stop`` it once."""

    def __init__(
        self,
        database: Database,
        write: Write,
        keeper: Keeper,
        counsel: Counsel,
        *,
        poll_seconds: float,
        now: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(poll_seconds)
        self._engine, self._log, self._write, self._keeper = database.engine, database.log, write, keeper
        self.counsel = counsel
        self._now = now
        self._put_off: dict[str, float] = {}
        """Incidents that could not be settled, and until when they are left alone (epoch seconds)."""

    async def look(self) -> bool:
        """Once: settle every incident that is due, or on which something was said; all of them, so that there is no more."""
        judged = await asyncio.to_thread(self._read, lambda c: records.newly_judged(c, feed.mark(c) or 0))
        if judged is not None:
            await self._write(partial(records.set_judged, judged=judged))
        now = self._now()
        self._put_off = {uid: until for uid, until in self._put_off.items() if until > now}
        most = _AT_ONCE + len(self._put_off)
        due = await asyncio.to_thread(self._read, lambda c: records.to_look_at(c, now, most))
        for tenant, uid in due:
            if uid in self._put_off:
                continue
            try:
                await self.settle(tenant, uid)
            except OverloadedError as error:
                log.warning("incidents cannot be settled at present: %s", error)
                return False
            except Exception:  # one that cannot be settled must not keep the others from it
                log.exception("incident %s could not be settled; it is tried again later", uid)
                self._put_off[uid] = now + _LATER_SECONDS
        return False

    async def take(self, tenant: str, outcome: Outcome) -> Taken:
        """Store an outcome, then settle its incident.

        Sent again it is answered as it was. Raises ``NotFoundError`` for an incident that the tenant does not have, and
        ``ConflictError`` if the uid is taken by other content.
        """

        def stored(connection: Connection, record: Record) -> Taken:
            before = records.find_outcome(connection, tenant, outcome.uid)
            named = msgspec.structs.replace(outcome, incident=before.incident if before else record.uid)
            if before is not None:
                if before != named or not _is_of(connection, before, record):
                    raise ConflictError(f"outcome {outcome.uid} was reported before with other content")
                return Taken(before, False, record.status)
            if records.count_outcomes(connection, record.uid) >= MOST_OUTCOMES:
                raise ConflictError(f"incident {record.uid} has {MOST_OUTCOMES} outcomes and takes no more")
            now = self._now()
            records.add_outcome(connection, tenant, named, now)
            records.watch(connection, tenant, record.uid, 0, 0.0)
            incidents.append(connection, [_event(named, now)])
            return Taken(named, True, record.status)

        taken = await self._keeper.change(tenant, outcome.incident, None, stored)
        if taken.fresh:
            await self.settle(tenant, taken.outcome.incident)
        return taken

    async def settle(self, tenant: str, uid: str) -> None:
        """Let the rules look at an incident and make what they say hold."""
        for _ in range(_TRIES):
            plan = await asyncio.to_thread(self._read, lambda connection: self._plan(connection, tenant, uid))
            if plan is None:
                return
            record = plan.known.record
            try:
                returned = await self._keeper.change(
                    tenant, record.uid, record.revision, partial(self._apply, plan=plan, named=uid)
                )
            except ConflictError:  # something was said meanwhile
                continue
            RETURNED.inc(returned)
            if plan.status is not None:
                INCIDENTS_ENDED.labels(plan.status.value).inc()
            return
        log.info("incident %s changes faster than it can be settled; it is left for later", uid)

    # -- working it out ----------------------------------------------------------------------------------------------

    def _plan(self, connection: Connection, tenant: str, uid: str) -> _Plan | None:
        """Say what is to be written; ``None`` if nothing is."""
        known = gather(connection, current(connection, tenant, uid, None))
        now = self._now()
        resolution = self.counsel.resolution(known, from_epoch(now))
        status, resolution = self._verdict(connection, known, resolution)
        due = resolution.until.timestamp() if resolution.until else records.NEVER
        if status is None:
            seen = records.watched(connection, known.record.uid)
            stays = uid == known.record.uid and seen == (known.record.revision, due)
            return None if stays else _Plan(known, None, due)
        report = self.counsel.report(connection, known, resolution, status.value, from_epoch(now))
        return _Plan(known, status, due, report, message_of(report, known.record.priority, known.judged))

    def _verdict(self, connection: Connection, known: Known, said: Resolution) -> tuple[Status | None, Resolution]:
        """Return the status that the incident is to have, ``None`` if it has it, and why."""
        status = known.record.status
        if status is Status.CLOSED:
            doubt = self._doubt(connection, known, said)
            return (Status.ESCALATED, doubt) if doubt else (None, Resolution(State.MITIGATED, ()))
        if said.state is State.MITIGATED:
            return Status.CLOSED, said
        if said.state is State.NOT_MITIGATED and status is Status.OPEN:
            return Status.ESCALATED, said
        return None, said

    def _doubt(self, connection: Connection, known: Known, said: Resolution) -> Resolution | None:
        """Say what speaks against the closing of an incident: a later outcome that is no success, or a later verdict."""
        told = [one.outcome for one in records.outcomes_of(connection, known.names) if one.received > known.record.updated]
        standing = {run.last.uid for _, run in Runs(known.told, self.counsel.catalogue).standing()}
        why = [
            f"“{one.slug}” was reported as {one.status.value} after the incident had been closed."
            for one in told
            if one.status is not Ended.SUCCEEDED and one.uid in standing
        ]
        ending = records.last_ending(connection, known.record.uid)
        closed = ending.report.resolution if ending is not None else None
        if closed is not None and closed.false_positive and not said.false_positive:
            why.append("It was closed as a false positive, and a later verdict says otherwise.")
        return Resolution(State.NOT_MITIGATED, tuple(why)) if why else None

    # -- writing it down ---------------------------------------------------------------------------------------------

    def _apply(self, connection: Connection, record: Record, *, plan: _Plan, named: str) -> int:
        """Write a plan; return how many alerts came back. Raises ``ConflictError`` if it is out of date, before it writes."""
        if records.last_outcome(connection, plan.known.names) != plan.known.last:
            raise ConflictError("an outcome came meanwhile")
        now = self._now()
        if plan.status is not None and plan.report is not None and plan.message is not None:
            why = plan.report.resolution.reasons if plan.report.resolution else ()
            event = Event(incident=record.uid, time=now, kind=plan.status.value, body={"why": why, "message": plan.message.uid})
            record = incidents.set_status(connection, record, plan.status, event)
            ended = ended_as(plan.report, self.counsel.catalogue, is_closed=plan.status is Status.CLOSED)
            records.end(connection, plan.status, ended, plan.report)
            enqueue(connection, plan.message)
        returned = take_back(connection, self._log, record.uid, now) if record.status is Status.ESCALATED else 0
        if named != record.uid:
            records.unwatch(connection, named)
        due = plan.due if returned < MOST_AT_ONCE else now
        records.watch(connection, record.tenant, record.uid, record.revision, due)
        return returned

    def _read(self, ask: Callable[[Connection], T]) -> T:
        with self._engine.connect() as connection:
            return ask(connection)


def _is_of(connection: Connection, outcome: Outcome, record: Record) -> bool:
    return outcome.incident in {record.uid, *incidents.merged_uids(connection, record.uid)}


def _event(outcome: Outcome, now: float) -> Event:
    body = {"outcome": outcome.uid, "playbook": outcome.slug, "status": outcome.status.value, "targets": outcome.targets[:10]}
    return Event(incident=outcome.incident, time=now, kind="outcome", by=outcome.by, body=body)
