"""Events in, judgement out: the one path of scoring behaviour, live and over files.

An event is judged by what was known before it and then folded, in the order of receipt. A day is judged when it is closed: the
impersonation stream asks whom an account's day looks like, rare days how rare its vector of features is, and the model's forest, if it
has one, how easily that is isolated. Then it is learned, unless it is doubted (:mod:`models.behaviour.day_engine`).

=========================  ============================================================================================
input                      behaviour
=========================  ============================================================================================
a time that cannot be      outside 1970–2100, ahead of the receipt by more than an hour, or more than 400 days old: counted in
                           ``unbelievable``, neither judged nor folded: it would make all real times look old
a late event               of a day on which its account was judged already: judged and folded (counts do not depend on order),
                           counted in ``late``; its day is not judged again
a history that comes late  days on which the account was not judged yet, whatever was: judged when days are next closed
an account that is away    not seen for 400 days, it is somebody new for rare days and habits; its profile is kept
a new account              an event is judged in proportion to what is known; ``cold`` is said of it and of its days
a service account          an actor of kind application: its peers are the tenant's other programs
a shared account           several devices or addresses at once are its habit: held against that habit, and said in the reason
a million distinct values  an account's values count under a bounded number of cells (:mod:`features.event_encode`)
=========================  ============================================================================================
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from datetime import date, datetime, timedelta
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from features.accounts import Accounts
from features.alert import Entity
from features.event import Event
from features.event_columns import EventColumns
from features.event_encode import AT_ONCE, FIELDS, EventBlock, EventEncoder
from features.label import Verdict
from models.behaviour.day import END, FIRST, OLDEST_DAYS, Gatherer, date_of, ordinal_of
from models.behaviour.day_engine import DayEngine
from models.behaviour.day_gather import NOTHING, DayGatherer, Gathered, Seen
from models.behaviour.ended import Ended
from models.behaviour.event_scores import deviations, is_cold, value_of
from models.behaviour.held import Account
from models.behaviour.judgement import DayJudgement, Deviation, EventJudgement
from models.behaviour.model import BehaviourModel
from models.behaviour.walk import EventWalk, Walked
from models.behaviour.watch import Judged

FALSE_DISCOVERY = 0.1
"""Of a day's users that are flagged, at most this share by chance, unless the user says otherwise."""
AHEAD, OLDEST = timedelta(hours=1), timedelta(days=OLDEST_DAYS)
SHARED = " (a shared account, held against its own habit)"
_MAXIMA = {f"{field}_own_max": at for at, field in enumerate(FIELDS)}
_SAID = 10_000


class Observed(NamedTuple):
    """Some of many events: their ``rows`` in the table, and what was read of them."""

    rows: NDArray[np.int64]
    block: EventBlock
    walked: Walked


class BehaviourEngine:
    """The state of all accounts.

    Without ``vectors`` only the impersonation stream speaks, and hosts are not judged; without ``days`` events only are. ``secret``
    keys the hashes under which values are counted: a service passes its own, so that nobody can choose names that collide.
    ``pool``: threads that many events at once are read in.
    """

    def __init__(
        self,
        model: BehaviourModel,
        *,
        false_discovery: float = FALSE_DISCOVERY,
        secret: bytes = bytes(32),
        accounts: Accounts | None = None,
        vectors: bool = True,
        days: bool = True,
        pool: Executor | None = None,
    ) -> None:
        self.model = model
        self._with_days = days
        self.late = self.unbelievable = 0
        self._encoder, self._walk = EventEncoder(secret, accounts), EventWalk(secret, pool)
        self._days = DayEngine(model, false_discovery, vectors=vectors)
        self._gathered, self._vectors, self._closed = Gatherer(), DayGatherer(hosts=vectors), 0
        self._ended = Ended()
        self._said = _Said()

    def observe(self, events: Sequence[Event], now: datetime | None = None) -> list[EventJudgement]:
        """Judge events, then take them up. ``now`` is the time of receipt; without it no time is too new or too old."""
        taken = [event for event in events if believable(event.time, now)]
        self.unbelievable += len(events) - len(taken)
        if not taken:
            return []
        block = self._encoder.events(taken)
        walked, fit = self._take(block, self._said.add([tuple(value_of(event, field) for field in FIELDS) for event in taken]))
        if self._said.full:
            self._said.keep(self._vectors.tokens)
        self._gather(taken, block, fit.tolist())
        where, what, signals, scores = walked
        cold = is_cold(what)
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

    def observe_columns(self, columns: EventColumns, size: int = AT_ONCE) -> Iterator[Observed]:
        """Judge many events and take them up, ``size`` at a time: the numbers of :meth:`observe`, but of a day no value is told.

        Between two parts days may be closed.
        """
        fit = (columns.time >= FIRST.timestamp()) & (columns.time < END.timestamp())
        self.unbelievable += int(np.count_nonzero(~fit))
        for part, block in self._encoder.columns(columns.where(fit), size):
            if self._with_days:
                walked, in_time = self._take(block, np.full(len(block.who), NOTHING))
                self._gathered.add_block(part, block, in_time)
            else:
                walked = self._walk.read(block)
            yield Observed(part.row, block, walked)

    def _take(self, block: EventBlock, tokens: NDArray[np.int64]) -> tuple[Walked, NDArray[np.bool_]]:
        """Read events, fold them and add them to their days' vectors; return also whose account's day is still to be judged."""
        walked, ordinal = self._walk.read(block), (block.time // 86400.0).astype(np.int64)
        fit = self._open(block, ordinal)
        self.late += int(np.count_nonzero(~fit[:, 0]))
        self._vectors.add(Seen(block, walked, tokens), fit)
        return walked, fit[:, 0]

    def _open(self, block: EventBlock, ordinal: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return of which events the day is still to be judged: the account's, and those of both hosts, b[n, 3]."""
        whose, past = np.column_stack([block.who, block.hosts]), np.flatnonzero(ordinal < self._closed)
        fit = np.ones(whose.shape, bool)
        for column, of_whom in enumerate(whose[past].T):
            fit[past, column] = ~self._ended.late(block.accounts, of_whom, ordinal[past])
        return fit

    def _gather(self, events: list[Event], block: EventBlock, in_time: list[bool]) -> None:
        """Add events to the impersonation stream's days under their accounts' present names."""
        for event, whose, fit in zip(events, block.who.tolist(), in_time, strict=True):
            if fit:
                name, actor = block.accounts[whose].uid, event.actor
                renamed = (
                    event if name == actor.uid else msgspec.structs.replace(event, actor=Entity(actor.kind, name, actor.role))
                )
                self._gathered.add(renamed)

    def close(self, before: date, tenant: str | None = None) -> list[DayJudgement]:
        """Judge and learn the days before that one, in order of time; what a tenant's day flags is decided together.

        ``tenant``: the one whose days are closed, if not all tenants' are.
        """
        ordinal = ordinal_of(before)
        self._closed = max(self._closed, ordinal)
        gathered = self._vectors.take(ordinal, tenant)
        self._ended.add(gathered.vectors.keys)
        self._ended.forget(self._closed - OLDEST_DAYS)
        settled = self._days.close(self._gathered.take(ordinal, tenant), gathered.vectors)
        out = [self._judgement(gathered, at, its.judged, its.flagged) for at, its in enumerate(settled)]
        self._said.keep(self._vectors.tokens)
        return out

    def open_days(self, tenant: str | None = None) -> list[int]:
        """Return the days (since 1970) of which something is to be judged yet, of one tenant or of all."""
        return self._vectors.open_days(tenant)

    def verdict(self, account: Account, first: date, last: date, verdict: Verdict) -> int:
        """Take up what a person said of an account's days; return how many that waited were learned by that.

        A day that was called out, or is doubted otherwise, is not learned as normal until somebody calls it legitimate or a
        quarantine has passed; a true positive drops it (:mod:`models.behaviour.held`).
        """
        return self._days.verdict(account, ordinal_of(first), ordinal_of(last), verdict)

    def _judgement(self, gathered: Gathered, at: int, judged: Judged, flagged: bool) -> DayJudgement:
        key, shared = gathered.vectors.keys[at], bool(gathered.shared[at])
        return DayJudgement(
            tenant=key.tenant,
            kind=key.kind,
            entity=key.entity,
            day=date_of(key.ordinal),
            anomaly_score=judged.score,
            p_value=judged.p_value,
            flagged=flagged,
            cold=judged.cold,
            events=int(gathered.vectors.events[at]),
            deviations=tuple(self._in_words(one, gathered.tokens[at], shared) for one in judged.deviations),
        )

    def _in_words(self, one: Deviation, tokens: NDArray[np.int64], shared: bool) -> Deviation:
        """Return the deviation with the value that surprised, and of a shared account that it is one."""
        token = int(tokens[_MAXIMA[one.name]]) if one.name in _MAXIMA else NOTHING
        value = one.value or (self._said.of(token)[_MAXIMA[one.name]] if token != NOTHING else "")
        text = f"{one.text}{SHARED}" if shared else one.text
        return msgspec.structs.replace(one, value=value, text=text)


class _Said:
    """What events that surprised said, by field, until their days are closed."""

    def __init__(self) -> None:
        self._next, self._limit = 0, _SAID
        self._texts: dict[int, tuple[str, ...]] = {}

    def add(self, texts: Sequence[tuple[str, ...]]) -> NDArray[np.int64]:
        """Remember what each event said; return the tokens by which it is found again."""
        tokens = self._next + np.arange(len(texts))
        self._texts.update(zip(tokens.tolist(), texts, strict=True))
        self._next += len(texts)
        return tokens

    def of(self, token: int) -> tuple[str, ...]:
        """Return what that event said."""
        return self._texts[token]

    def keep(self, tokens: NDArray[np.int64]) -> None:
        """Forget all but ``tokens``."""
        kept = set(tokens.ravel().tolist()) - {NOTHING}
        self._texts = {token: self._texts[token] for token in sorted(kept)}
        self._limit = 2 * len(self._texts) + _SAID

    @property
    def full(self) -> bool:
        """Whether so much has been said since that it is time to forget what no day holds."""
        return len(self._texts) > self._limit


def believable(time: datetime, now: datetime | None) -> bool:
    """Return whether something can have happened at ``time``, if it is known ``now``."""
    return FIRST <= time < END and (now is None or now - OLDEST <= time <= now + AHEAD)
