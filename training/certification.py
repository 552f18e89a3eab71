"""Calibration units of a data set: one for each incident or attack step, scored by models that had not seen it."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from features.encode import COLUMNS, VALUES
from models.certificates.certificate import Certificate
from models.certificates.certifier import RESPONSE_GRID
from models.certificates.units import Calibration, Units, speakers
from models.limits import UNKNOWN_SEVERITY, LimitTable
from models.policy import Guardrails, Limits, effective_score, response_score
from models.rule_encoder import tenant_key
from training.dataset import UNLABELLED, Dataset, families
from training.fit import OutOfFold
from training.verdicts import Judged

_DAY_SECONDS = 86400.0
UNIT = "incident"
DEFAULT_GUARDRAILS = Guardrails()
CEILING = 0.02
"""No alert is hidden that is itself as likely as this to be an attack, whatever its incident would allow."""


def calibrate(
    dataset: Dataset,
    oof: OutOfFold,
    score: NDArray[np.float64],
    *,
    assumption: str,
    guardrails: Guardrails = DEFAULT_GUARDRAILS,
    model: str = "",
) -> Calibration:
    """Return what certificates count, from calibrated out-of-fold scores f8[n].

    An incident is hidden when every alert of it is, so its highest alert speaks for it, as the whole decision sees it. What
    would be responded to counts once for each incident, and of other labelled alerts once for each entity and UTC day.
    """
    effective = effective_score(score, oof.evidence, guardrails)
    incident = np.where(oof.scored & (dataset.target == 1), acts(dataset), -1)
    claim = np.where(oof.scored, response_score(score, oof.evidence, guardrails), -np.inf)
    due = _responses(dataset, incident, claim)
    claimed = speakers(due, claim)
    claimed = claimed[claim[claimed] >= RESPONSE_GRID[0]]
    return Calibration(
        unit=UNIT,
        assumption=assumption,
        window=window(dataset),
        incidents=_units(dataset, speakers(incident, effective), effective),
        responses=_units(dataset, claimed, claim),
        model=model,
        ceiling=CEILING,
        doubt=lone_voice(dataset.verdicts, np.flatnonzero(incident >= 0)),
    )


def acts(dataset: Dataset) -> NDArray[np.int64]:
    """Return what each attack counts as, −1 for what is none: its incident, or, where neither a label nor correlation says one, all of
    its family, by the name of the first alert of that.

    Each alert of a scan by itself would be thousands of proofs that one scan is seen.
    """
    unit = dataset.incident.astype(np.int64)
    unnamed = np.flatnonzero((dataset.target == 1) & ~dataset.verdicts.named)
    held = [(dataset.tenants[dataset.tenant[row]], dataset.uids[row]) in dataset.placed for row in unnamed.tolist()]
    alone = unnamed[~np.array(held, np.bool_)]
    _, first, of = np.unique(families(dataset, alone), return_index=True, return_inverse=True)
    unit[alone] = unit[alone[first]][of]
    return unit


def lone_voice(verdicts: Judged, rows: NDArray[np.int64]) -> str:
    """Return why nothing may be proven from the attacks in ``rows``: one person alone calls all of them so. Else nothing.

    A bound would then hold for what that account calls an attack. Another person's word on any of them, or an import, is a voice.
    """
    who = np.unique(verdicts.principal[rows])
    if len(who) != 1 or who[0] < 0 or (verdicts.voices[rows] > 1).any():
        return ""
    tenant, _, analyst = verdicts.principals[int(who[0])].partition("\x1f")
    named = f"analyst {analyst!r} of tenant {tenant!r}" if analyst else f"nobody named, of tenant {tenant!r}"
    return f"all {len(rows)} alerts called attacks are called so by one account alone ({named}): a second voice is needed"


def window(dataset: Dataset) -> tuple[str, str]:
    """Return from when to when the data set reaches."""
    first, last = float(dataset.block.time.min()), float(min(dataset.block.time.max(), dataset.received.max()))
    return datetime.fromtimestamp(first, UTC).isoformat(), datetime.fromtimestamp(last, UTC).isoformat()


def limits_of(dataset: Dataset, certificates: tuple[Certificate, ...]) -> Limits:
    """Return the limits of each alert of the data set."""
    return LimitTable(certificates, dataset.encoder.rules, dataset.encoder.tenants).read(dataset.block)


def _responses(dataset: Dataset, incident: NDArray[np.int64], claim: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the number of what each alert would have been responded to as, −1 for none."""
    unit = incident.copy()
    rows = np.flatnonzero((incident < 0) & (dataset.target != UNLABELLED) & (claim >= RESPONSE_GRID[0]))
    day = np.floor(dataset.block.time[rows] / _DAY_SECONDS).astype(np.int64)
    entity = dataset.block.columns[rows, COLUMNS.index("entity")].astype(np.int64)
    keys = np.stack([dataset.tenant[rows].astype(np.int64), day, entity, dataset.target[rows].astype(np.int64)], axis=1)
    unit[rows] = np.unique(keys, axis=0, return_inverse=True)[1].reshape(-1) + incident.max(initial=-1) + 1
    return unit


def _units(dataset: Dataset, rows: NDArray[np.int64], score: NDArray[np.float64]) -> Units:
    rules = [dataset.rules[r] for r in dataset.rule[rows].tolist()]
    severity = np.nan_to_num(dataset.block.values[rows, VALUES.index("severity")], nan=UNKNOWN_SEVERITY).astype(int)
    kinds = dataset.verdicts.kinds
    return Units(
        score=score[rows].tolist(),
        tenant=[tenant_key(dataset.tenants[t]) for t in dataset.tenant[rows].tolist()],
        product=[rule.product for rule in rules],
        severity=[str(s) for s in severity.tolist()],
        rule=[f"{rule.product}/{rule.uid}" for rule in rules],
        kind=[kinds[k] if k >= 0 else "" for k in dataset.kind[rows].tolist()],
        attack=(dataset.target[rows] == 1).tolist(),
    )
