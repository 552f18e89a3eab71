"""The anomaly score of one event, and its reasons: the sum of what is unlike its own past and of what counts beyond the expected."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.event import Event
from features.event_encode import FIELDS
from features.event_view import WHAT_VIEW
from models.behaviour.judgement import Deviation
from models.behaviour.signals import KNOWN_EVENTS, NAMES, SIGNALS, Counts, Floats, Shares, reads_of, seen

_EVENTS = WHAT_VIEW.names.index("events_30d")
TOLD_FROM = 1.0
"""A signal below that many nats is no reason."""
MOST = 5
_N = len(FIELDS)
_SCORED = np.array([*range(_N), *range(3 * _N, len(SIGNALS))])
RARE_BESIDE = 3.0
"""From so many nats on a value is also called rare among peers, or in the organisation."""


def anomaly_scores(signals: Floats) -> Floats:
    """Return the score of each event (n × S signals): higher is more abnormal, 0 is nothing unusual."""
    total = np.zeros(len(signals))
    for at in _SCORED.tolist():  # in one order, so that one event and a million add up to the same bits
        total += signals[:, at]
    return total


def told(signals: Floats) -> NDArray[np.intp]:
    """Return in what each event (n × S signals) deviates most: the columns of :data:`MOST` signals, most first, −1 for no more."""
    row = signals[:, _SCORED]
    order = np.argsort(-row, axis=1, kind="stable")[:, :MOST]
    found: NDArray[np.intp] = np.where(row[np.arange(len(row))[:, np.newaxis], order] >= TOLD_FROM, _SCORED[order], -1)
    return found


def reasons(signals: Floats) -> pa.Array:
    """Return the words of each event's deviations, a list of texts for each (n × S signals)."""
    rows = np.flatnonzero((signals[:, _SCORED] >= TOLD_FROM).any(axis=1))
    chosen = told(signals[rows])
    event, place = np.nonzero(chosen >= 0)
    at = chosen[event, place]
    beside = signals[rows[event][:, np.newaxis], np.minimum(at, _N - 1)[:, np.newaxis] + [_N, 2 * _N]] >= RARE_BESIDE
    texts = pa.array(_TEXTS).take(pa.array(at * 4 + np.where(at < _N, beside @ [1, 2], 0)))
    number = np.zeros(len(signals) + 1, np.int64)
    number[rows + 1] = (chosen >= 0).sum(axis=1)
    return pa.ListArray.from_arrays(pa.array(np.cumsum(number).astype(np.int32)), texts)


def deviations(event: Event, signals: Floats, where: Floats, what: Floats, speed: float) -> tuple[Deviation, ...]:
    """Return in what one event deviates most, from its row of signals and of what was read."""
    chosen = [at for at in told(signals[np.newaxis])[0].tolist() if at >= 0]
    if not chosen:
        return ()
    reads = reads_of(where[np.newaxis], what[np.newaxis])
    shares, counts = Shares.of(reads), Counts.of(reads, np.array([speed]))
    return tuple(_of_field(event, at, signals, reads, shares) if at < _N else _of_count(at, signals, counts) for at in chosen)


def _of_field(event: Event, at: int, signals: Floats, reads: Floats, shares: Shares) -> Deviation:
    field = FIELDS[at]
    events = float(shares.events[at, 0])
    return Deviation(
        name=NAMES[at],
        text=_text(at, peers=signals[at + _N] >= RARE_BESIDE, tenant=signals[at + 2 * _N] >= RARE_BESIDE),
        surprise=float(signals[at]),
        value=value_of(event, field),
        observed=float(seen(reads, field)[0]) / events if events else 0.0,
        expected=1.0 / float(shares.values[at, 0]),
    )


def _text(at: int, *, peers: bool, tenant: bool) -> str:
    beside = [*(["among its peers"] if peers else ()), *(["in the organisation"] if tenant else ())]
    return " and ".join([SIGNALS[at].text, *beside])


_TEXTS = [_text(at, peers=also in (1, 3), tenant=also in (2, 3)) for at in range(len(SIGNALS)) for also in range(4)]
"""The words of each signal: by itself, and if its value is rare among peers (1), in the organisation (2), or both (3)."""


def _of_count(at: int, signals: Floats, counts: Counts) -> Deviation:
    row = at - 3 * _N
    return Deviation(
        name=NAMES[at],
        text=SIGNALS[at].text,
        surprise=float(signals[at]),
        observed=float(counts.observed[row, 0]),
        expected=float(counts.expected[row, 0]),
    )


def value_of(event: Event, field: str) -> str:
    """Return the text of the event's value of ``field``."""
    if field == "target":
        return event.target.uid if event.target else ""
    if field == "sequence":
        return event.action
    if field == "hour":
        return f"{event.time:%A} {event.time.hour:02d}:00"
    return event.action if field == "action" else str(getattr(event.source, field))


def is_cold(what: Floats) -> NDArray[np.bool_]:
    """Return of which events too little of the account is known."""
    return np.asarray(what[:, _EVENTS] < KNOWN_EVENTS)
