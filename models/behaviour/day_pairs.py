"""What many events tell, as columns of (event, field, value): of each the pairs that one event by itself yields, in their order."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features import tally
from features.event import Outcome
from features.event_columns import EventColumns, FacetColumns, Texts

TARGETS = ""
"""The field of what each event was done to, also where that is nothing."""
_TOLD = ("action", "target_uid", "address", "country", "device", "application", "outcome")
_CLOCK = {"hour": [str(hour) for hour in range(24)], "weekday": [str(day) for day in range(7)]}
_FIELDS = ("action", "target", *_TOLD[2:], *_CLOCK, TARGETS)

Codes = NDArray[np.int64]


class Pairs(NamedTuple):
    """Pairs in the order of their events: a field is a place in ``names``, a value one in that field's ``texts``, all different.

    ``share``: 1 ÷ how many values of that name the event tells.
    """

    event: Codes
    field: Codes
    value: Codes
    share: NDArray[np.float64]
    names: list[str]
    texts: list[list[str]]

    @classmethod
    def of(cls, columns: EventColumns) -> Pairs:
        """Return what events tell."""
        told, facets = [columns.texts[name] for name in _TOLD], columns.facets
        ordinal = columns.time // 86400.0
        clock = [(columns.time - ordinal * 86400.0) // 3600.0, (ordinal + 3) % 7]
        codes = np.column_stack([*(one.codes for one in told), *clock, columns.texts["target_uid"].codes]).astype(np.int64)
        event, field = np.nonzero(_there(codes, told, facets))
        names, texts = [*_FIELDS], [*(one.values for one in told), *_CLOCK.values(), columns.texts["target_uid"].values]
        pairs = cls(event, field, codes[event, field], np.ones(len(event)), names, texts)
        return pairs if not len(facets.at) else pairs._with(facets)

    def _with(self, facets: FacetColumns) -> Pairs:
        """Return the pairs with each event's facets after its own, and their shares."""
        places = {name: at for at, name in enumerate(self.names)}
        named, name = tally.distinct(facets.names.codes.astype(np.int64))
        of_name = [places.setdefault(facets.names.values[one], len(places)) for one in named.tolist()]
        texts = [*self.texts, *[facets.values.values] * (len(places) - len(self.names))]
        field, value = np.array(of_name, np.int64)[name], facets.values.codes.astype(np.int64)
        for at in {one for one in of_name if one < len(self.names)}:
            told, of = tally.distinct(value[field == at])
            texts[at], joined = _joined(texts[at], [facets.values.values[one] for one in told.tolist()])
            value[field == at] = joined[of]
        event = np.concatenate([self.event, facets.at])
        order = np.argsort(event, kind="stable")
        field, value, event = np.concatenate([self.field, field])[order], np.concatenate([self.value, value])[order], event[order]
        _, of = tally.distinct(event * len(places) + field)
        return Pairs(event, field, value, 1.0 / np.bincount(of)[of], list(places), texts)


def _joined(texts: list[str], others: list[str]) -> tuple[list[str], Codes]:
    """Return texts with those of others that are not among them behind them, and where each of these is."""
    out, places, found = [*texts], {text: at for at, text in enumerate(texts)}, list[int]()
    for text in others:
        found.append(places.setdefault(text, len(out)))
        out += [text] if found[-1] == len(out) else []
    return out, np.array(found, np.int64)


def _there(codes: Codes, told: list[Texts], facets: FacetColumns) -> NDArray[np.bool_]:
    """Return which of the fields each event tells; an hour or weekday that a facet tells is not that of UTC."""
    there = np.ones(codes.shape, bool)
    for at, one in enumerate(told):
        there[:, at] = codes[:, at] != len(one.values) - 1
        if _FIELDS[at] == "outcome" and Outcome.UNKNOWN.value in one.values:
            there[:, at] &= codes[:, at] != one.values.index(Outcome.UNKNOWN.value)
    for name in _CLOCK:
        if name in facets.names.values:
            there[facets.at[facets.names.codes == facets.names.values.index(name)], _FIELDS.index(name)] = False
    return there
