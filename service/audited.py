"""What the audit says: how much suppression misses, overall and by group, and how each certificate's anytime test stands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np
from sqlalchemy import Connection

from features.alert import Alert
from features.label import Label, Provenance
from models.certificates.groups import groups_of
from models.decision import ReasonCode
from models.live_policy import EVERYWHERE, LivePolicy, withdrawn
from models.misses import CERTAIN, Interval, misses_by_group, verdict_error
from service.store.timing import last_received
from service.voices import attackers, is_attack, labels_on, needed
from service.watch.observations import trials

LEAST_PAIRS = 30
"""Alerts that two people judged, from which on it is estimated how often one verdict is wrong; before, three are taken at their word."""
_BY_LOT = (
    "SELECT t.seq, t.tenant, t.payload, d.reason_codes, d.shown FROM alerts t CROSS JOIN decisions d ON d.alert_seq = t.seq "
    "WHERE t.seq > ? AND (? = '' OR t.tenant = ?) AND d.revision = 1 AND ((d.action = 'suppress' AND d.published_action <> 'suppress') "
    "OR ' ' || d.reason_codes || ' ' LIKE '% audit %') ORDER BY t.seq"
)
_DECODER = msgspec.json.Decoder(Alert)


class Share(msgspec.Struct, frozen=True):
    """Of so many ``judged``, ``confirmed`` are misses; the true ``share`` lies between ``low`` and ``high`` at 95 % each."""

    judged: int
    confirmed: int
    share: float
    low: float
    high: float


class Standing(msgspec.Struct, frozen=True):
    """An anytime test: of a certificate, over all tenants (``""``) or in one. It fires when ``evidence`` reaches ``threshold``."""

    certificate: str
    tenant: str
    group: str
    alpha: float
    delta: float
    evidence: float
    threshold: float
    observed: int
    suppressed: int
    withdrawn: bool


class Audited(msgspec.Struct, frozen=True):
    """The estimates over ``days``. Of what would be suppressed, ``drawn`` alerts came before people by lot (all of it, where a
    tenant's mode suppresses nothing); ``judged`` are settled, ``pending`` were called attacks by fewer people than must agree.

    ``misses``: by inverse propensity, self-normalised, of those that are settled, as if these were any of those drawn.
    ``verdict_error``: how often one verdict is wrong, if enough alerts were judged twice; the shares are corrected for it.
    """

    days: int
    drawn: int
    judged: int
    pending: int
    verdict_error: Interval | None
    misses: dict[str, Share]
    tests: list[Standing]


class _Draw(NamedTuple):
    shown: float
    groups: tuple[str, ...]
    missed: bool | None
    pending: bool
    differ: bool | None
    """Whether the first two people who judged it said otherwise; ``None``: no two did."""


def audited(connection: Connection, policy: LivePolicy, tenant: str, days: int, now: float) -> Audited:
    """Return what the audit says of a tenant, of all if ``EVERYWHERE``, over what was received in the last ``days``."""
    after = last_received(connection, now - days * 86_400.0)
    rows = connection.exec_driver_sql(_BY_LOT, (after, tenant, tenant)).all()
    told = labels_on(connection, [row.seq for row in rows])
    enough = {name: needed(connection, name) for name in {row.tenant for row in rows}}
    draws = [_draw(row, told.get(row.seq, []), enough[row.tenant]) for row in rows]
    known = [draw for draw in draws if draw.missed is not None]
    pairs = [draw.differ for draw in draws if draw.differ is not None]
    error = verdict_error(sum(pairs), len(pairs), 0.025) if len(pairs) >= LEAST_PAIRS else None
    return Audited(
        days,
        len(draws),
        len(known),
        sum(draw.pending for draw in draws),
        error,
        _misses(known, error),
        list(_standing(connection, policy, tenant, now)),
    )


def _draw(row: Any, told: Sequence[Label], enough: int) -> _Draw:
    alert = _DECODER.decode(row.payload)
    groups = groups_of(row.tenant, alert.product, alert.severity, alert.rule.uid)
    agreed = len(attackers(told)) >= enough
    benign = bool(told) and told[-1].target == 0 and told[-1].provenance is not Provenance.AUTOMATION
    first: dict[str, int] = {}
    for label in told:
        if label.provenance is Provenance.HUMAN and label.verdict.target >= 0:
            first.setdefault(label.analyst, label.verdict.target)
    said = list(first.values())
    shown = row.shown if ReasonCode.AUDIT in row.reason_codes.split() else 1.0
    return _Draw(
        shown,
        groups,
        True if agreed else False if benign else None,
        is_attack(told) and not agreed,
        said[0] != said[1] if len(said) > 1 else None,
    )


def _misses(known: Sequence[_Draw], error: Interval | None) -> dict[str, Share]:
    missed = np.array([bool(draw.missed) for draw in known], np.bool_)
    shown = np.array([draw.shown for draw in known], np.float64)
    found = misses_by_group(missed, shown, [draw.groups for draw in known], error or CERTAIN)
    return {key: Share(one.drawn, one.missed, *one.share) for key, one in found.items()}


def _standing(connection: Connection, policy: LivePolicy, tenant: str, now: float) -> Iterable[Standing]:
    going_on = trials(connection)
    for scope, ended in sorted(trials(connection, ended=True).items(), key=lambda one: one[0]):
        if tenant not in {EVERYWHERE, scope.tenant} and scope.tenant != EVERYWHERE:
            continue
        gone = withdrawn(policy, scope.tenant or tenant, scope.certificate, now)
        trial = ended if gone else going_on.get(scope)
        if trial is not None:
            about, state = (scope.certificate, scope.tenant, trial.group), trial.state
            yield Standing(
                *about, state.alpha, state.delta, state.evidence, 1.0 / state.delta, state.observed, state.suppressed, gone
            )  # fmt: skip
