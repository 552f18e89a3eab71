"""The agenda: which incidents to look at next, so that a short day sees every different thing worth seeing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec
import numpy as np

from features.alert import EntityKind
from models.coverage import Aspects, cover
from models.incidents.incident import Incident, Line

HOUR_SECONDS = 3600.0
MOST_ASPECTS = 32
"""So many different things of a sort are looked at in one incident, the surest of them: naming a thousand is no merit."""
_WORTH = {"subject": 1.0, "techniques": 0.3, "rules": 0.3, "entities": 0.2, "spans": 0.1}
"""What it is worth to see for certain: an attack upon a subject that was not looked at before, and what is new beside it."""
_NAMES = {"subject": "about", "techniques": "technique", "rules": "rule", "entities": "entity", "spans": "time of"}
_SHOWN = ("techniques", "rules", "entities", "spans")
_TOLD = 8


class Item(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """An incident that may be looked at. ``subject`` is the entity that its likeliest alert is about; the others say what it
    shows, and with which probability: ``spans`` (hours, each with the entity), ``entities``, ``techniques``, ``rules``."""

    uid: str
    probability: float
    subject: str
    spans: Mapping[str, float] = {}
    entities: Mapping[str, float] = {}
    techniques: Mapping[str, float] = {}
    rules: Mapping[str, float] = {}


class Chosen(msgspec.Struct, frozen=True, gc=False):
    """An incident of the agenda: its ``rank`` from 1 on, what it ``adds`` that nothing before it shows, and which incidents are
    ``like`` it: about the same subject, without a rule of their own. They have no rank, and wait until it is judged."""

    uid: str
    rank: int
    adds: tuple[str, ...]
    like: tuple[str, ...] = ()


def item_of(incident: Incident, probability: float) -> Item:
    """Return what an incident would show that matters with ``probability``."""
    likeliest = incident.likeliest
    return Item(
        uid=incident.uid,
        probability=probability,
        subject=_subject(likeliest),
        spans=_surest((name, line.score) for line in incident.lines for name in _hours(line)),
        entities=_surest((f"{e.kind.value} {e.uid}", line.score) for line in incident.lines for e in line.entities),
        techniques=_surest((technique, line.score) for line in incident.lines for technique in line.techniques),
        rules=_surest((f"{line.product} {line.rule.uid}", line.score) for line in incident.lines),
    )


def agenda(items: Sequence[Item], budget: int) -> list[Chosen]:
    """Return at most ``budget`` of the incidents, in the order to look at them (see :func:`models.coverage.cover`).

    An incident counts with its probability and with what it shows, each only so far as no earlier one showed it. A flood upon
    one host, however many incidents it makes, has the places of its different rules at most, and takes nothing from what is
    about other things.
    """
    folded = _folded(items)
    picked, _ = cover(np.zeros(len(folded)), _aspects([item for item, _ in folded]), budget)
    seen: set[tuple[str, str]] = set()
    chosen = []
    for rank, i in enumerate(picked.tolist(), 1):
        item, like = folded[i]
        shown = [(sort, name) for sort in _WORTH for name in _shown(item, sort)]
        fresh = [aspect for aspect in shown if aspect not in seen]
        seen.update(fresh)
        chosen.append(Chosen(item.uid, rank, tuple(f"{_NAMES[sort]} {name}" for sort, name in fresh[:_TOLD]), like))
    return chosen


def _aspects(items: Sequence[Item]) -> Aspects:
    """Return what incidents show, as numbers."""
    parts: list[Aspects] = []
    begun = 0
    for sort, worth in _WORTH.items():
        shown = [_shown(item, sort) for item in items]
        names: dict[str, int] = {}
        aspect = np.array([names.setdefault(name, len(names)) for some in shown for name in some], np.int64) + begun
        chance = np.array([chance for some in shown for chance in some.values()], np.float64)
        item = np.repeat(np.arange(len(items)), [len(some) for some in shown])
        parts.append(Aspects(item, aspect, chance, np.full(len(chance), worth)))
        begun += len(names)
    return Aspects(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def _shown(item: Item, sort: str) -> Mapping[str, float]:
    """Return what an incident shows of a sort, and how surely."""
    shown: Mapping[str, float] = {item.subject: item.probability} if sort == "subject" else getattr(item, sort)
    return shown


def _folded(items: Sequence[Item]) -> list[tuple[Item, tuple[str, ...]]]:
    """Return the incidents that differ, each as the likeliest of those like it with what all of them show, and the others' uids.

    What shows most rules comes first; what then shows no rule about its subject that is new is like the first that showed one.
    """
    heads: dict[tuple[str, str], int] = {}
    groups: list[list[Item]] = []
    for item in sorted(items, key=lambda item: (-len(item.rules), -item.probability, item.uid)):
        known = [heads.get((item.subject, rule)) for rule in item.rules]
        if None in known or not known:
            groups.append([])
        at = len(groups) - 1 if None in known or not known else min(group for group in known if group is not None)
        groups[at].append(item)
        for rule in item.rules:
            heads.setdefault((item.subject, rule), at)
    return sorted((_together(group) for group in groups), key=lambda found: found[0].uid)


def _together(group: Sequence[Item]) -> tuple[Item, tuple[str, ...]]:
    if len(group) == 1:
        return group[0], ()
    ordered = sorted(group, key=lambda item: (-item.probability, item.uid))
    head = ordered[0]
    shows = {sort: _surest(pair for item in ordered for pair in getattr(item, sort).items()) for sort in _SHOWN}
    return msgspec.structs.replace(head, **shows), tuple(item.uid for item in ordered[1:])


def _surest(shown: Iterable[tuple[str, float]]) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, chance in shown:
        found[name] = max(found.get(name, 0.0), chance)
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0]))[:MOST_ASPECTS])


def _subject(line: Line) -> str:
    """Return what a line is about: its first host, else user, else address, else its rule."""
    for kind in (EntityKind.HOST, EntityKind.USER, EntityKind.ADDRESS):
        for entity in line.entities:
            if entity.kind is kind:
                return f"{kind.value} {entity.uid}"
    return f"rule {line.product} {line.rule.uid}"


def _hours(line: Line) -> list[str]:
    subject = _subject(line)
    hours = {int(time.timestamp() // HOUR_SECONDS) for time in (line.first, line.last)}
    return [f"{subject} in hour {hour}" for hour in sorted(hours)]
