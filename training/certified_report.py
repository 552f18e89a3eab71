"""The tables of certificates made on some tenants and applied to another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from training.certified import CURVE, LeftOut
from training.metrics import Suppression
from training.report import Cell, Table

_SHARES = ["benign alerts", "benign groups", "attack alerts", "attack groups", "steps lost"]


def certified_tables(certified: Sequence[LeftOut], refused: Sequence[LeftOut]) -> list[Table]:
    """Return what each tenant left out would see: under the objective, under the default one, and along the trade-off."""
    return [_by_tenant(certified), _refusal(refused), _curve(certified)]


def _by_tenant(found: Sequence[LeftOut]) -> Table:
    rows: list[list[Cell]] = [[one.tenant, *_threshold(one.certificates[0].threshold), *_shares(one.hidden)] for one in found]
    rows.append(["worst", "", *_worst([one.hidden for one in found])])
    rows += [
        [f"{one.tenant}, pooled over alert groups", *_threshold(one.pooled.threshold), *_shares(one.pooled_hidden)]
        for one in found
    ]
    rows.append(["worst, pooled", "", *_worst([one.pooled_hidden for one in found])])
    said = found[0].certificates[0]
    note = (
        f"{said.objective}: from nested out-of-fold units of the other tenants, then applied to this one by the whole decision. "
        f"{found[0].tenant}: {said.sentence()}. "
        "Pooled: the same with every alert group of an attack a unit, by the score alone, which proves nothing about steps."
    )
    return Table(
        "What a certificate over the other tenants does to the one left out", ["tenant left out", "below", *_SHARES], rows, note
    )


def _refusal(found: Sequence[LeftOut]) -> Table:
    rows: list[list[Cell]] = [[one.tenant, *_shares(one.hidden), one.certificates[0].sentence()] for one in found]
    title = f"The same for {found[0].certificates[0].objective!r}"
    return Table(title, ["tenant left out", *_SHARES, "certificate"], rows, texts=(len(_SHARES) + 1,))


def _curve(found: Sequence[LeftOut]) -> Table:
    rows: list[list[Cell]] = []
    for at, threshold in enumerate(CURVE.tolist()):
        here = [one.curve[at] for one in found]
        mean = [float(np.mean([s[i] for s in here])) for i in range(4)]
        rows.append([f"{threshold:.5f}", *mean, _lost(here), *(_worst(here)[:4])])
    columns = ["below", *_SHARES, *(f"worst: {name}" for name in _SHARES[:4])]
    return Table(
        "The trade-off on tenants left out, whole decision", columns, rows, "Means over the tenants, and the worst of them."
    )


def _threshold(value: float | None) -> list[Cell]:
    return ["refused" if value is None else f"{value:.5f}"]


def _shares(hidden: Suppression) -> list[Cell]:
    return [*hidden[:4], f"{hidden.lost} of {hidden.incidents}"]


def _worst(hidden: Sequence[Suppression]) -> list[Cell]:
    low = [min(s[i] for s in hidden) for i in (0, 1)]
    return [*low, *(max(s[i] for s in hidden) for i in (2, 3)), _lost(hidden)]


def _lost(hidden: Sequence[Suppression]) -> str:
    return f"{sum(s.lost for s in hidden)} of {sum(s.incidents for s in hidden)}"
