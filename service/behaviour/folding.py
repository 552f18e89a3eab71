"""One look's work on entities: facts and verdicts go in, the entities that changed come out, with whatever is to be told of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from typing import NamedTuple

from sqlalchemy import Connection

from features.alert import Entity as Named
from features.alert import EntityKind
from features.aliases import normalise_uid
from models.behaviour.day import ordinal_of
from models.behaviour.judgement import DayJudgement, EventJudgement
from models.controls import Control, Whom, let_out
from models.risk import BEHAVIOUR, EntityRisk, Fact, Said, anomaly_bits
from service.behaviour import records
from service.behaviour.feed import KINDS, MOST_NAMED, Heard
from service.behaviour.messages import messages_of
from service.behaviour.names import Veil
from service.behaviour.records import Anomaly, Entity
from service.behaviour.words import Word
from service.outbox.message import Message
from service.outbox.records import enqueue

DAY_SECONDS = 86_400.0
LEAST_BITS = 0.01
"""What an alert or a day weighs that by itself said nothing and was called an attack: for the verdict to have something to stand on."""

Resolve = Callable[[str, str, str, datetime], str]
"""An alias table: tenant, kind, name and time → name."""


class Surroundings(NamedTuple):
    """What the folding needs to know: whom a name means, pseudonyms by tenant, why a control is not let out, and who issues it."""

    resolve: Resolve
    veil: Callable[[str], Veil]
    withheld: Callable[[Whom, Control], str]
    issuer: str


def canonical(resolve: Resolve, tenant: str, kind: str, name: str, time: datetime) -> str:
    """Return the uid of whoever is named so."""
    return normalise_uid(resolve(tenant, kind, name, time)) or name


class Folding:
    """The entities that one look touches. Nothing is written before :meth:`write`."""

    def __init__(self, connection: Connection, around: Surroundings, now: float) -> None:
        self._connection, self._around, self._now = connection, around, now
        self._touched: dict[Whom, Entity] = {}
        self._anomalies: dict[tuple[Whom, int], Anomaly] = {}
        self._changes: list[Entity] = []
        self._messages: list[Message] = []
        self._ended: list[tuple[Entity, int]] = []

    # -- taking up ---------------------------------------------------------------------------------------------------

    def take(self, heard: Heard) -> None:
        """Take up an alert, or a verdict on one."""
        alert, ref = heard.alert, str(heard.alert_seq)
        if not heard.judged and heard.bits <= 0.0:
            return
        for named in whom_it_is_about(alert.entities):
            uid = canonical(self._around.resolve, alert.tenant, named.kind.value, named.uid, alert.time)
            state = self._touch(Whom(alert.tenant, named.kind, uid), named.uid).state
            name = alert.rule.name or alert.rule.uid
            if heard.judged:
                self._judge(state, heard, ref, name)
            else:
                state.add(heard.source, Fact(ref, heard.time, heard.bits), name)

    @staticmethod
    def _judge(state: EntityRisk, heard: Heard, ref: str, name: str) -> None:
        if heard.said is not None and heard.said.attack:
            state.add(heard.source, Fact(ref, heard.time, max(heard.bits, LEAST_BITS)), name)
        state.judge(heard.source, ref, heard.said, name)

    def peak(self, judged: EventJudgement, p_value: float, name: str) -> None:
        """Take up the strangest event of a day so far."""
        whom = Whom(judged.tenant, judged.kind, judged.entity)
        bits = anomaly_bits(p_value)
        if bits > 0.0:
            day = records.day_of(judged.time.timestamp())
            self._touch(whom, name).state.add(BEHAVIOUR, Fact(_ref(day), judged.time.timestamp(), bits))
            known = records.anomaly_of(self._connection, whom, day)
            self._note(whom, Anomaly(day=day, judgement=known.judgement if known else None, peak=judged))

    def day(self, judged: DayJudgement, peak: EventJudgement | None, name: str) -> None:
        """Take up the judgement of a day that has ended, with its strangest event."""
        whom = Whom(judged.tenant, judged.kind, judged.entity)
        day = ordinal_of(judged.day)
        entity = self._touch(whom, name)
        if not judged.cold:
            entity.state.add(BEHAVIOUR, self._fact(day, anomaly_bits(judged.p_value, flagged=judged.flagged)))
        self._note(whom, Anomaly(day=day, judgement=judged, peak=peak))
        self._ended.append((entity, day))

    def word(self, word: Word) -> None:
        """Take up what a person said of a day; a word that is none takes back what was said before."""
        state, target = self._touch(word.whom, word.whom.uid).state, word.verdict.target
        if target == 1:
            state.add(BEHAVIOUR, self._fact(word.day, LEAST_BITS))
        state.judge(BEHAVIOUR, _ref(word.day), Said(target == 1, word.time) if target >= 0 else None)

    def _fact(self, day: int, bits: float) -> Fact:
        return Fact(_ref(day), min((day + 1) * DAY_SECONDS - 1.0, self._now), bits)

    def again(self, some: Iterable[Entity]) -> None:
        """Look at entities again: their risk has decayed, or what holds their controls back has changed."""
        for entity in some:
            self._touched.setdefault(entity.whom, entity)

    def _touch(self, whom: Whom, name: str) -> Entity:
        found = self._touched.get(whom)
        if found is None:
            found = records.find(self._connection, whom) or self._new(whom, name)
            self._touched[whom] = found
        return found

    def _new(self, whom: Whom, name: str) -> Entity:
        pseudonym = self._around.veil(whom.tenant).pseudonym(whom.kind, whom.uid)
        return Entity(tenant=whom.tenant, kind=whom.kind, uid=whom.uid, name=name, pseudonym=pseudonym, state=EntityRisk())

    def _note(self, whom: Whom, anomaly: Anomaly) -> None:
        self._anomalies[whom, anomaly.day] = anomaly

    # -- what follows ------------------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Work out risks and controls of what was touched."""
        for entity in self._touched.values():
            entity.state.forget(self._now)
            entity.risk, entity.updated = entity.state.risk(self._now), self._now
            before = entity.standing.level, entity.control, entity.why
            entity.standing = entity.standing.next(entity.risk, self._now)
            entity.control, entity.why = let_out(entity.standing.level, partial(self._around.withheld, entity.whom))
            if (entity.standing.level, entity.control, entity.why) != before:
                self._changes.append(entity)
                self._messages += messages_of(entity, before[0], before[1], self._anomaly_of(entity), self._around.issuer)

    def _anomaly_of(self, entity: Entity) -> Anomaly | None:
        """Return what was last found abnormal of an entity."""
        mine = [one for (whom, _), one in self._anomalies.items() if whom == entity.whom]
        return (
            max(mine, key=lambda one: one.day)
            if mine
            else next(iter(records.anomalies_of(self._connection, entity.whom, 1)), None)
        )

    def write(self, connection: Connection) -> None:
        """Write all of it, in one transaction with whatever else the caller writes."""
        records.save(connection, self._touched.values())
        records.save_days(
            connection, [(one.whom, day, one.state.risk((day + 1) * DAY_SECONDS - 1.0)) for one, day in self._ended]
        )
        records.save_anomalies(connection, ((whom, one) for (whom, _), one in self._anomalies.items()))
        for entity in self._changes:
            records.add_change(connection, entity)
        for message in self._messages:
            enqueue(connection, message)


def whom_it_is_about(named: Iterable[Named]) -> list[Named]:
    """Return the entities of an alert to whose risk it speaks, each once."""
    found: dict[tuple[EntityKind, str], Named] = {}
    for one in named:
        if one.kind in KINDS:
            found.setdefault((one.kind, normalise_uid(one.uid)), one)
    return [] if len(found) > MOST_NAMED else list(found.values())


def _ref(day: int) -> str:
    return f"day {day}"
