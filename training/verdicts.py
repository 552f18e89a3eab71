"""Which verdict is in force on each alert, what it weighs, and why the others are not learned from."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from features.label import Label, Provenance
from models.ledger import LeftOut

UNLABELLED = -1
CONFIRMED = 2
"""So many more people must say so than say the contrary that what they say is agreed on."""


class Judged(NamedTuple):
    """What is known of n alerts from L labels.

    ``target`` i1[n]: 1 attack, 0 benign, −1 unlabelled (never a negative). ``incident`` i4[n] and ``kind`` i4[n]: index into
    ``incidents`` and ``kinds``, −1 for none. ``named`` b[n]: the label in force names the incident; else it is the one in which
    correlation holds the alert, or the alert alone, which is good for counting and says nothing of what belongs together.
    ``weight`` f8[n]: what the label in force counts by its provenance. ``shown``
    f8[n]: the probability with which the alert came before a person. ``principal`` i4[n]: index into ``principals`` of who
    said it, −1 where nobody answers for it alone (imports). ``voices`` i1[n]: how many more people say so than say the
    contrary; 0 where no person did. ``label`` i8[n]: the label in force, −1 for none. ``left_out``: label → why it
    is not in force.
    """

    target: NDArray[np.int8]
    incident: NDArray[np.int32]
    incidents: list[str]
    named: NDArray[np.bool_]
    kind: NDArray[np.int32]
    kinds: list[str]
    weight: NDArray[np.float64]
    shown: NDArray[np.float64]
    principal: NDArray[np.int32]
    principals: list[str]
    voices: NDArray[np.int8]
    label: NDArray[np.int64]
    left_out: dict[int, LeftOut]

    @property
    def confirmed(self) -> NDArray[np.bool_]:
        """Which labels are agreed on: two more people say so than say the contrary."""
        return self.voices >= CONFIRMED

    def take(self, rows: NDArray[np.int64]) -> Judged:
        """Return what is known of some alerts; codes and names stay the same."""
        per_alert = ("target", "incident", "named", "kind", "weight", "shown", "principal", "voices", "label")
        return self._replace(**{name: getattr(self, name)[rows] for name in per_alert})


def judged(
    count: int,
    labels: Sequence[tuple[int, Label]],
    row_of: Mapping[tuple[str, str], int],
    placed: Mapping[tuple[str, str], str] | None = None,
) -> Judged:
    """Return what ``labels`` (with their order of receipt) say of ``count`` alerts; ``row_of`` finds an alert by (tenant, uid).

    ``placed``: by (tenant, uid) the incident in which correlation holds an alert; it counts where a label names none.
    """
    left_out: dict[int, LeftOut] = {}
    current, earlier = _current(labels, row_of, left_out)
    found = Judged(
        np.full(count, UNLABELLED, np.int8), np.full(count, -1, np.int32), [], np.zeros(count, np.bool_),
        np.full(count, -1, np.int32), [], np.zeros(count), np.ones(count), np.full(count, -1, np.int32), [], np.zeros(count, np.int8),
        np.full(count, -1, np.int64), left_out,
    )  # fmt: skip
    incidents, kinds, principals = Codes(), Codes(), Codes()
    for row, number in current.items():
        label = labels[number][1]
        if label.target < 0:
            continue
        if label.weight == 0.0:
            left_out[number] = LeftOut.AUTOMATION
            continue
        found.target[row], found.label[row] = label.target, number
        found.weight[row], found.shown[row] = label.weight, label.shown
        if label.provenance is not Provenance.IMPORT:
            found.principal[row] = principals(f"{label.tenant}\x1f{label.analyst}")
            found.voices[row] = _voices(label, [labels[i][1] for i in earlier.get(row, ())])
        if label.target == 1:
            held = (placed or {}).get((label.tenant, label.alert_uid), label.alert_uid)
            found.incident[row] = incidents(f"{label.tenant}\x1f{label.incident_uid or held}")
            found.named[row] = bool(label.incident_uid)
            found.kind[row] = kinds(label.reason) if label.reason else -1
    for names, codes in ((found.incidents, incidents), (found.kinds, kinds), (found.principals, principals)):
        names += [str(name) for name in codes.of]
    return found


def _current(
    labels: Sequence[tuple[int, Label]], row_of: Mapping[tuple[str, str], int], left_out: dict[int, LeftOut]
) -> tuple[dict[int, int], dict[int, list[int]]]:
    """Return the last label on each alert that was judged, and those before it in order of receipt.

    What a machine said never takes the place of what a person did.
    """
    current: dict[int, int] = {}
    earlier: dict[int, list[int]] = {}
    for number in sorted(range(len(labels)), key=lambda i: (labels[i][1].received_time, labels[i][0])):
        label = labels[number][1]
        row = row_of.get((label.tenant, label.alert_uid))
        if row is None:
            left_out[number] = LeftOut.UNKNOWN_ALERT
        elif row in current and label.provenance is Provenance.AUTOMATION:
            left_out[number] = LeftOut.AUTOMATION
        else:
            if row in current:
                left_out[current[row]] = LeftOut.SUPERSEDED
                earlier.setdefault(row, []).append(current[row])
            current[row] = number
    for row, number in current.items():
        if labels[number][1].target < 0:  # what became of the last one became of all before it
            why = LeftOut.CONTESTED if labels[number][1].contests else LeftOut.TAKEN_BACK
            left_out |= dict.fromkeys([*earlier.get(row, ()), number], why)
    return current, earlier


def _voices(label: Label, earlier: Sequence[Label]) -> int:
    """Return how many more people say of the alert what ``label`` says than say the contrary.

    The last word of each counts. Who takes back what they said before may be another at the same account: then one who agrees
    with them is not a second voice.
    """
    said = [(before.analyst, before.verdict.target) for before in earlier if before.provenance is Provenance.HUMAN]
    others = list({who: target for who, target in said if who != label.analyst}.values())
    agree, contrary = others.count(label.target), others.count(1 - label.target)
    turned = agree > 0 and (label.analyst, 1 - label.target) in said
    return max(-100, min(1 + agree - contrary - turned, 100))


def both_classes(target: NDArray[np.int8]) -> bool:
    """Return whether there is an attack and something benign among ``target``."""
    return bool((target == 1).any() and (target == 0).any())


def part_principals(
    labels: Sequence[tuple[int, Label]], excluded: Collection[str]
) -> tuple[list[tuple[int, Label]], list[Label]]:
    """Return the labels as if the analysts ``excluded`` had never spoken, and what they said.

    What they superseded is in force again, and a verdict that contested one of theirs stands uncontested.
    """
    gone = {(label.tenant, label.uid) for _, label in labels if label.analyst in excluded}
    kept = [
        (seq, msgspec.structs.replace(label, contests="") if (label.tenant, label.contests) in gone else label)
        for seq, label in labels
        if label.analyst not in excluded
    ]
    return kept, [label for _, label in labels if label.analyst in excluded]


class Codes:
    """Gives each distinct value a small number."""

    def __init__(self) -> None:
        self.of: dict[object, int] = {}

    def __call__(self, value: object) -> int:
        return self.of.setdefault(value, len(self.of))
