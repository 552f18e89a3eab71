"""A tracker without a service: what it says is kept in memory, so that days pass at once."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import count

from features.alert import Alert, Entity, EntityKind, Role, Rule, from_epoch
from models.incidents import priority
from models.incidents.link_model import DEFAULT, FEATURES, LinkModel
from service.incidents.batch import Batch
from service.incidents.feed import Heard
from service.incidents.keeper import FOLDED_SECONDS
from service.incidents.records import Event, Record, Status
from service.incidents.tracker import Appraise, Tracker

DAY = 86_400.0
START = 1_700_006_400.0
ANYTHING = LinkModel(10.0, tuple(0.0 for _ in FEATURES))
"""Links whatever shares anything, so that tests say what is linked."""


def alert(uid: str, days: float, *hosts: str, rule: str = "r", tenant: str = "t", late: float = 0.0) -> Alert:
    """Return an alert of a moment, in days from the start, received ``late`` days after it."""
    time: datetime = from_epoch(START + days * DAY)
    entities = tuple(Entity(EntityKind.HOST, host, Role.DEVICE) for host in hosts)
    received = time + timedelta(days=late)
    return Alert(uid=uid, tenant=tenant, time=time, received_time=received, product="p", rule=Rule(rule), entities=entities)


class World:
    """A tracker, and what it said so far: ``records`` and ``lines`` (of which incident each is) as the store would hold them."""

    def __init__(self, links: LinkModel = DEFAULT) -> None:
        self.links = links
        self.appraise: Appraise = priority.DEFAULT.probability
        self.heard: list[Heard] = []
        self.records: dict[str, Record] = {}
        self.lines: dict[str, str] = {}
        self.alerts: dict[int, str] = {}
        self.events: list[Event] = []
        self._names = count(1)
        self.tracker = Tracker(links, self.appraise, new_uid=self._name)

    def _name(self) -> str:
        return f"{next(self._names):016x}"

    def take(self, alerts: Iterable[Alert], score: float = 0.5) -> None:
        """Take alerts as one round."""
        some = [Heard(len(self.heard) + 1 + i, one, score) for i, one in enumerate(alerts)]
        self.heard += some
        self.keep(self.tracker.take(some, some[-1].alert.received_time.timestamp()))

    def keep(self, batch: Batch) -> None:
        """Keep what a batch says."""
        self.records |= batch.records
        for line, incident in batch.lines.items():
            if incident is None:
                self.lines.pop(line, None)
            else:
                self.lines[line] = incident
        for seq, line in batch.alerts:
            assert (
                self.alerts.get(seq, line) == line
            )  # of a line that was of an incident before it may be said again after a restart
            self.alerts[seq] = line
        self.events += batch.events

    def restart(self) -> None:
        """Go on with a tracker that knows only what was kept."""
        self.tracker = Tracker(self.links, self.appraise, new_uid=self._name)
        since = self.heard[-1].alert.received_time - timedelta(seconds=FOLDED_SECONDS)
        self.tracker.fold([one for one in self.heard if one.alert.received_time >= since])
        oldest = self.tracker.book.oldest()
        there = [one for one in self.records.values() if one.status is not Status.MERGED and one.last >= oldest]
        placed = {line: uid for line, uid in self.lines.items() if uid in {one.uid for one in there}}
        self.tracker.restore(there, placed, [event for event in self.events if event.by])

    def incident(self, uid: str) -> Record:
        """Return the incident that an alert is in, by the alert's uid."""
        seq = next(one.seq for one in self.heard if one.alert.uid == uid)
        return self.records[self.lines[self.alerts[seq]]]

    def groups(self) -> set[frozenset[str]]:
        """Return which alerts are together in incidents."""
        found: dict[str, set[str]] = {}
        for one in self.heard:
            if one.seq in self.alerts and self.alerts[one.seq] in self.lines:
                found.setdefault(self.lines[self.alerts[one.seq]], set()).add(one.alert.uid)
        return {frozenset(some) for some in found.values()}
