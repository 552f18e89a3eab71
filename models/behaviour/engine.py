"""Events in, judgement out: the one path of scoring behaviour, live and over files.

An event is judged by what was known before it and then folded, in the order of receipt. A day is judged when it is closed, by two
judges: the impersonation stream asks whom an account's day looks like, the day's judge how rare its vector of features is.

=========================  ============================================================================================
input                      behaviour
=========================  ============================================================================================
a time that cannot be      outside 1970–2100, ahead of the receipt by more than an hour, or more than 400 days old: counted in
                           ``unbelievable``, neither judged nor folded: it would make all real times look old
a late event               of a day that is closed already: judged and folded (counts do not depend on order), counted in
                           ``late``; its day is not judged again
a new account              an event is judged in proportion to what is known; ``cold`` is said of it and of its days
a service account          an actor of kind application: its peers are the tenant's other programs
a shared account           several devices or addresses at once are its habit: held against that habit, and said in the reason
a million distinct values  an account's values count under a bounded number of cells (:mod:`features.event_encode`)
=========================  ============================================================================================
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

import msgspec
import numpy as np

from features.accounts import Accounts
from features.alert import Entity, EntityKind
from features.event import Event
from features.event_encode import FIELDS, EventBlock, EventEncoder
from models.behaviour.day import END, FIRST, Gatherer
from models.behaviour.day_gather import NOTHING, DayGatherer, Gathered, Seen
from models.behaviour.day_judges import DayJudge, JudgedDays, combined
from models.behaviour.day_vector import DayKey
from models.behaviour.conformal import discoveries
from models.behaviour.event_scores import anomaly_scores, deviations, is_cold, value_of
from models.behaviour.judgement import DayJudgement, Deviation, EventJudgement
from models.behaviour.model import BehaviourModel
from models.behaviour.stream import Stream
from models.behaviour.walk import EventWalk
from models.behaviour.watch import Judged

FALSE_DISCOVERY = 0.1
"""Of a day's users that are flagged, at most this share by chance, unless the user says otherwise."""
AHEAD, OLDEST = timedelta(hours=1), timedelta(days=400)


class BehaviourEngine:
    """The state of all accounts.

    ``judge`` judges the vectors of days; without one only the impersonation stream speaks, and hosts are not judged. ``secret`` keys
    the hashes under which values are counted: a service passes its own, so that nobody can choose names that collide.
    """

    def __init__(
        self,
        model: BehaviourModel,
        *,
        false_discovery: float = FALSE_DISCOVERY,
        secret: bytes = bytes(32),
        accounts: Accounts | None = None,
        judge: DayJudge | None = None,
    ) -> None:
        self.model = model
        self.late = self.unbelievable = 0
        self._false_discovery = false_discovery
        self._encoder, self._walk = EventEncoder(secret, accounts), EventWalk(secret)
        self._judge = judge
        self._stream = Stream(model.fields, model.weights_of)
        self._gathered, self._vectors, self._closed = Gatherer(), DayGatherer(hosts=judge is not None), 0
        self._said: list[tuple[str, ...]] = []

    def observe(self, events: Sequence[Event], now: datetime | None = None) -> list[EventJudgement]:
        """Judge events, then take them up. ``now`` is the time of receipt; without it no time is too new or too old."""
        taken = [event for event in events if _believable(event.time, now)]
        self.unbelievable += len(events) - len(taken)
        if not taken:
            return []
        block = self._encoder.events(taken)
        where, what, signals = self._walk.read(block)
        seen = Seen(block, where, what, signals, len(self._said) + np.arange(len(taken)))
        ordinal = (block.time // 86400.0).astype(np.int64)
        in_time = ordinal >= self._closed
        self.late += int(np.count_nonzero(~in_time))
        self._vectors.add(seen, in_time)
        self._gather(taken, block, in_time.tolist())
        scores, cold = anomaly_scores(signals), is_cold(what)
        return [
            EventJudgement(
                uid=event.uid,
                tenant=event.tenant,
                kind=event.actor.kind,
                entity=block.accounts[whose].uid,
                time=event.time,
                anomaly_score=score,
                deviations=deviations(event, signals[at], where[at], what[at], float(block.speed[at])),
                cold=new,
            )
            for at, (event, whose, score, new) in enumerate(
                zip(taken, block.who.tolist(), scores.tolist(), cold.tolist(), strict=True)
            )
        ]

    def _gather(self, events: list[Event], block: EventBlock, in_time: list[bool]) -> None:
        """Add events to the impersonation stream's days under their accounts' present names, and remember what they said."""
        for event, whose, fit in zip(events, block.who.tolist(), in_time, strict=True):
            self._said.append(tuple(value_of(event, field) for field in FIELDS))
            if fit:
                name = block.accounts[whose].uid
                actor = event.actor
                renamed = event if name == actor.uid else msgspec.structs.replace(event, actor=Entity(actor.kind, name, actor.role))
                self._gathered.add(renamed)
