"""Facts in the order of receipt: alerts and labels merged, a superseded label taken out when its successor arrives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.encode import FactBlock, FactEncoder, label_facts
from features.history import read_alerts, read_labels
from features.label import Label, Provenance


class Timeline(NamedTuple):
    """``block``: all facts in the order of receipt; ``alert_at`` i8[n]: the place of each alert in it."""

    block: FactBlock
    alert_at: NDArray[np.int64]


def merge(
    alerts: FactBlock,
    received: NDArray[np.float64],
    seq: NDArray[np.int64],
    labels: Sequence[tuple[int, Label]],
    row_of: Mapping[tuple[str, str], int],
) -> Timeline:
    """Merge alerts (with receipt time and number) and labels by (receipt, number); labels on unknown alerts are left out.

    A label dated after its receipt is known only from its own time on.

    ``row_of`` gives the row of an alert by (tenant, uid). A label of equal receipt and number comes after the alert.
    """
    known = [(number, label) for number, label in labels if (label.tenant, label.alert_uid) in row_of]
    known.sort(key=lambda item: (max(item[1].received_time, item[1].time), item[0]))
    blocks, times, numbers = [alerts], [received], [seq]
    current: dict[int, Label] = {}
    added: list[tuple[int, Label, float, float, int]] = []  # row, label, sign, received, number
    for number, label in known:
        row, arrival = row_of[label.tenant, label.alert_uid], max(label.received_time, label.time).timestamp()
        if row in current:
            if label.provenance is Provenance.AUTOMATION:
                continue  # what a machine said never takes the place of what was said before
            added.append((row, current[row], -1.0, arrival, number))
        current[row] = label
        added.append((row, label, 1.0, arrival, number))
    for sign in (-1.0, 1.0):
        some = [item for item in added if item[2] == sign and item[1].weight > 0.0]
        rows = np.array([item[0] for item in some], np.int64)
        blocks.append(label_facts(alerts.take(rows), [item[1] for item in some], sign))
        times.append(np.array([item[3] for item in some], np.float64))
        numbers.append(np.array([item[4] for item in some], np.int64))
    whole = FactBlock.concat(blocks)
    order = np.lexsort((np.arange(len(whole)), np.concatenate(numbers), np.concatenate(times)))
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    return Timeline(whole.take(order), place[: len(alerts)])


def history_facts(path: Path, encoder: FactEncoder, size: int = 50_000) -> Iterator[FactBlock]:
    """Yield the facts of a history in the order of receipt, ``size`` at a time."""
    blocks, received, seqs = [FactBlock.empty()], [], []
    row_of: dict[tuple[str, str], int] = {}
    for batch in read_alerts(path):
        for number, alert in batch:
            row_of[alert.tenant, alert.uid] = len(row_of)
            received.append(alert.received_time.timestamp())
            seqs.append(number)
        blocks.append(encoder.alerts([alert for _, alert in batch]))
    block = merge(FactBlock.concat(blocks), np.array(received), np.array(seqs, np.int64), read_labels(path), row_of).block
    for start in range(0, len(block), size):
        yield block.take(slice(start, start + size))
