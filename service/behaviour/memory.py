"""What the observer keeps in memory, and how it comes back after a start: the newest snapshot that fits, then what came after it."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection

from features.accounts import Accounts
from features.context import Context
from models.behaviour.engine import BehaviourEngine
from models.behaviour.model import BehaviourModel
from service.behaviour.clock import Closing
from service.behaviour.feed import ANOMALIES, CLOSED, WORDS
from service.behaviour.folding import Resolve
from service.behaviour.snapshots import Snapshots
from service.behaviour.underway import Underway
from service.behaviour.watching import Watching
from service.behaviour.words import Place, upcoming
from service.settings import ServiceSettings
from service.store.timing import mark_of

_FOLDED = 5_000


class Memory:
    """``watching`` is ``None`` until all that was observed before is known again; ``closing`` is what is being closed. One thread at a
    time may use it.
    """

    def __init__(self, settings: ServiceSettings, secret: bytes, context: Callable[[], Context], resolve: Resolve) -> None:
        self._settings, self._secret, self._context, self._resolve = settings, secret, context, resolve
        self._accounts = Accounts(context())
        self._plain = self._model = BehaviourModel()
        self._snapshots = Snapshots(settings, secret, self._model)
        self._folding: tuple[Watching, Place, int] | None = None
        self.watching: Watching | None = None
        self.closing: Underway | None = None

    def renew(self, model: BehaviourModel | None) -> None:
        """Take up what is known of accounts, and the model by which behaviour is judged from now on; without one, the textbook's."""
        self._accounts.renew(self._context())
        model = model or self._plain
        if model is not self._model:
            self._model, self._snapshots = model, Snapshots(self._settings, self._secret, model)
            self.forget()

    def restore(self, connection: Connection, now: float) -> None:
        """Take up the newest snapshot, or a part of what was observed after it."""
        if self._folding is None:
            event, word, closed = (mark_of(connection, name) or 0 for name in (ANOMALIES, WORDS, CLOSED))
            until = Place(event, word)
            self._folding = self._snapshots.newest(until, lambda: self._fresh(now), now), until, closed
        watching, until, closed = self._folding
        part = upcoming(connection, watching.place, _FOLDED, until)
        if part.events or part.word:
            watching.again(part)
            return
        if closed > watching.closed:
            watching.close(Closing(closed))
        watching.seq, watching.word = max(watching.seq, until.event), max(watching.word, until.word)
        self.watching, self._folding = watching, None

    def forget(self) -> None:
        """Begin anew: with the newest snapshot, if there is one."""
        self.watching = self._folding = self.closing = None

    def forget_snapshots(self) -> None:
        """Delete them: they know what must not be known any more."""
        self._snapshots.forget()

    @property
    def due(self) -> bool:
        """Whether it is time for a snapshot."""
        return self.watching is not None and self.closing is None and self._snapshots.due(self.watching)

    def save(self) -> None:
        """Write a snapshot, if there is anything to write; nothing while days are being closed."""
        if self.watching is not None and self.closing is None:
            self._snapshots.save(self.watching)

    def _fresh(self, now: float) -> Watching:
        rate, late = self._settings.false_discovery, self._settings.late_seconds
        engine = BehaviourEngine(self._model, false_discovery=rate, secret=self._secret, accounts=self._accounts)
        return Watching(engine, self._resolve, late, now)
