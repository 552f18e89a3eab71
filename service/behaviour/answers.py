"""What is told of entities: their risk and what it is made of, what deviates, what is usual for them, and how others are."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from features.alert import from_epoch
from features.event import Event
from models.behaviour.day import days
from models.behaviour.judgement import Deviation
from models.controls import Bound, Control
from models.risk import BEHAVIOUR, Part, anomaly_bits
from service.behaviour import records
from service.behaviour.names import Shown
from service.behaviour.ocsf import day_start, deviations
from service.behaviour.records import Anomaly, Change, Entity
from service.behaviour.words import Word, words_of
from service.store import database as db
from service.store.events import events_lately

_TREND_DAYS, _EVENTS, _FACTS, _USUAL = 30, 2000, 10, 5


def summary(entity: Entity, shown: Shown) -> dict[str, Any]:
    """Return what a list says of an entity."""
    return {
        "kind": entity.kind.value,
        "uid": shown.name,
        "risk": round(entity.risk, 1),
        "as_of": from_epoch(entity.updated),
        "control": entity.control.value,
        "decided": entity.standing.level.value,
        "why": entity.why,
    }


def detail(connection: Connection, entity: Entity, shown: Shown, now: float, proven: Mapping[Control, Bound]) -> dict[str, Any]:
    """Return all that is known of an entity."""
    found = records.anomalies_of(connection, entity.whom, _TREND_DAYS)
    words = {word.day: word for word in words_of(connection, entity.whom)}
    return {
        **summary(entity, shown),
        "pseudonym": entity.pseudonym,
        "risk": round(entity.state.risk(now), 1),
        "as_of": from_epoch(now),
        "since": from_epoch(entity.standing.since) if entity.standing.since else None,
        "bounds": told_bounds(proven),
        "trend": _trend(connection, entity, now),
        "sources": [_part(connection, entity, part, shown) for part in entity.state.parts(now)],
        "deviates": _deviates(found, shown, words),
        "baseline": _baseline(connection, entity, found, shown),
        "peers": _peers(connection, entity, found),
        "anomalies": [_judged(one, shown, words.get(one.day)) for one in found if one.day in words or _is_told(one)],
        "controls": [_changed(one) for one in records.changes_of(connection, entity.whom, _TREND_DAYS)],
        "unmaskings": [
            {"time": from_epoch(one.time), "by": one.by, "role": one.role, "reason": shown.text(one.reason)}
            for one in records.unmasked(connection, entity.tenant, entity.pseudonym)
        ],
    }


def told_bounds(proven: Mapping[Control, Bound]) -> list[dict[str, Any]]:
    """Return what is proven of the controls that touch access."""
    return [
        {"level": level.value, "uid": one.uid, "granted": one.granted, "sentence": one.sentence()}
        for level, one in proven.items()
    ]


def _changed(one: Change) -> dict[str, Any]:
    return {**one._asdict(), "time": from_epoch(one.time), "risk": round(one.risk, 1)}


def _trend(connection: Connection, entity: Entity, now: float) -> list[dict[str, Any]]:
    """Return the highest risk of each of the last days, as it was then."""
    since = records.day_of(now) - _TREND_DAYS + 1
    return [
        {"day": day_start(day).date(), "risk": round(risk, 1), "decided": list(Control)[level].value}
        for day, risk, level in records.risk_days_of(connection, entity.whom, since)
    ]


def _part(connection: Connection, entity: Entity, part: Part, shown: Shown) -> dict[str, Any]:
    told: dict[str, Any] = {"bits": round(part.bits, 3), "points": round(part.points, 1)}
    if part.source == BEHAVIOUR:
        facts = [{"day": day_start(one.day).date(), "bits": round(one.weight, 3)} for one in part.facts[:_FACTS]]
        return {"detector": BEHAVIOUR, **told, "days": facts}
    product, _, rule = part.source.partition("\x1f")
    said = entity.state.sources[part.source].said
    seqs = [int(one.ref) for one in part.facts[:_FACTS]]
    stored = {} if shown.masked else db.find_seqs(connection, seqs)
    alerts = []
    for one in part.facts[:_FACTS]:
        found = stored.get(int(one.ref))
        verdict = said.get(one.ref)
        alerts.append(
            {
                "time": from_epoch(one.time),
                "bits": round(one.weight, 3),
                "verdict": None if verdict is None else records.ATTACK if verdict.attack else records.HARMLESS,
                **({} if found is None else {"uid": found.alert.uid}),
            }
        )
    named = {"uid": shown.text(rule), "name": shown.text(part.name)}
    return {"detector": shown.text(product), "rule": named, **told, "alerts": alerts}


def _deviates(found: Sequence[Anomaly], shown: Shown, words: Mapping[int, Word]) -> list[dict[str, Any]]:
    """Return what deviated on the latest day on which anything did."""
    for anomaly in found:
        verdict = _word(words.get(anomaly.day), shown)
        told = [{**_deviation(anomaly.day, shown.deviation(one)), "verdict": verdict} for one in deviations(anomaly)]
        if told:
            return told
    return []


def _deviation(day: int, one: Deviation) -> dict[str, Any]:
    return {
        "day": day_start(day).date(),
        "name": one.name,
        "text": one.text,
        "value": one.value,
        "observed": one.observed,
        "expected": one.expected,
        "surprise": round(one.surprise, 3),
    }


def _word(word: Word | None, shown: Shown) -> dict[str, Any] | None:
    """Return what a person said last of a day."""
    return None if word is None else {**word.told(), "reason": shown.text(word.reason)}


def _is_told(one: Anomaly) -> bool:
    return one.judgement is None or one.judgement.flagged or anomaly_bits(one.judgement.p_value) > 0.0


def _judged(one: Anomaly, shown: Shown, word: Word | None) -> dict[str, Any]:
    day, peak = one.judgement, one.peak
    return {
        "day": day_start(one.day).date(),
        "anomaly_score": None if day is None else round(day.anomaly_score, 3),
        "p_value": None if day is None else day.p_value,
        "flagged": day is not None and day.flagged,
        "strangest_event": None if peak is None else {"time": peak.time, "anomaly_score": round(peak.anomaly_score, 3)},
        "reasons": [shown.deviation(each).text for each in deviations(one)],
        "verdict": _word(word, shown),
    }


def _baseline(connection: Connection, entity: Entity, found: Sequence[Anomaly], shown: Shown) -> dict[str, Any]:
    """Return what is usual for an account: how much it does a day, how strange its days are, and the values of its fields."""
    judged = [one.judgement for one in found if one.judgement is not None and not one.judgement.cold]
    events = [one.event for one in events_lately(connection, entity.tenant, entity.uid, _EVENTS)]
    return {
        "events_a_day": _spread([one.judgement.events for one in found if one.judgement is not None]),
        "anomaly_score": _spread([one.anomaly_score for one in judged]),
        "usual": _usual(events, shown),
    }


def _usual(events: Sequence[Event], shown: Shown) -> dict[str, list[dict[str, Any]]]:
    """Return the commonest values of each field with their share of a usual day, and of the last one."""
    made = days(events)
    if not made:
        return {}
    shares: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for day in made:
        for field, values in day.values.items():
            for value, weight in values.items():
                shares[field][value] += weight / len(made)
    last = made[-1].values
    return {
        shown.text(field): [
            {
                "value": shown.value(field, value),
                "share": round(share, 3),
                "last_day": round(last.get(field, {}).get(value, 0.0), 3),
            }
            for value, share in sorted(values.items(), key=lambda one: (-one[1], one[0]))[:_USUAL]
        ]
        for field, values in sorted(shares.items())
    }


def _peers(connection: Connection, entity: Entity, found: Sequence[Anomaly]) -> dict[str, Any] | None:
    """Return how others of the tenant were on the last day that was judged."""
    last = next((one.day for one in found if one.judgement is not None), None)
    if last is None:
        return None
    others = records.peers_on(connection, entity.whom, last)
    scores = [score for _, score in others if score is not None]
    told = {"events": _spread([events for events, _ in others]), "anomaly_score": _spread(scores)}
    return {"day": day_start(last).date(), "count": len(others), **told}


def _spread(values: Sequence[float]) -> dict[str, float] | None:
    if not values:
        return None
    ordered = sorted(values)
    high = ordered[min(int(0.9 * len(ordered)), len(ordered) - 1)]
    return {"median": round(statistics.median(ordered), 3), "nine_in_ten_below": round(high, 3)}
