"""What a label changed: the decisions on later alerts of the same rule and entity, made again as if it had not been given."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from features.encode import COLUMNS, FactBlock
from models.bundle import ModelBundle
from models.decision import Action
from service.again import Case, Judge
from service.counterfactual import without
from service.host import Host
from service.keys import Key, Role
from service.store import database as db
from service.store.erasing import is_pseudonym
from service.store.trace import Trace, later_alerts, other_labels, waiting

LOOKED_AT = 20_000
"""Later alerts of the tenant that are looked through, at most."""
LISTED = 50
_SAME = [COLUMNS.index(column) for column in ("tenant", "rule", "entity")]
_BY_MODEL = (
    "What the bundle published before would have decided on the same row: the effect of the whole retraining, not of one label."
)


class Outcome(NamedTuple):
    """One decision: what it was or would have been."""

    action: Action
    priority: int
    score: float


class Sibling(NamedTuple):
    """A later alert of the same rule and entity: as decided, and without the label."""

    stored: db.Stored
    fact: FactBlock
    before: Outcome | None

    @property
    def changed(self) -> bool:
        """Whether action or priority would have been another."""
        decision = self.stored.decision
        return self.before is not None and self.before[:2] != (decision.action, decision.priority)


def effects(host: Host, connection: Connection, key: Key, trace: Trace) -> dict[str, Any]:
    """Return the siblings, changed ones first, and how far was looked.

    What waits in the queue is kept from an analyst, who is yet to judge it: how a decision came about would tell the audit's
    draws apart.
    """
    facts, seqs = later_alerts(connection, key.tenant, trace.given.seq, LOOKED_AT + 1)
    complete = len(seqs) <= LOOKED_AT
    near = np.flatnonzero((facts.columns[:LOOKED_AT, _SAME] == trace.alert.columns[0, _SAME]).all(axis=1))
    hidden = waiting(connection, key.tenant) if key.role is Role.ANALYST else set()
    shown = near[[int(seqs[i]) not in hidden for i in near.tolist()]] if hidden else near
    siblings = _siblings(host, connection, trace, (facts.take(shown), seqs[shown]))
    digests = [publication.digest for publication in host.ledgers.published()]
    siblings.sort(key=lambda sibling: (not sibling.changed, sibling.stored.seq))
    return {
        "siblings": {
            "count": len(siblings),
            "changed": sum(sibling.changed for sibling in siblings),
            "waiting": len(near) - len(shown),
            "looked_at": min(len(seqs), LOOKED_AT),
            "complete": complete,
            "listed": [_told(host, key, trace, sibling, digests) for sibling in siblings[:LISTED]],
        },
        "by_model": _BY_MODEL,
    }


def _siblings(host: Host, connection: Connection, trace: Trace, alerts: tuple[FactBlock, NDArray[np.int64]]) -> list[Sibling]:
    """Decide again on those that were decided while the label counted, each by the bundle that decided it."""
    facts, seqs = alerts
    stored = db.find_seqs(connection, seqs.tolist())
    until = trace.labels[trace.at + 1].seq if trace.at + 1 < len(trace.labels) else np.inf
    others = other_labels(connection, trace.given.label.tenant, trace.given.seq)
    before: dict[int, Outcome] = {}
    digests = np.array([stored[seq].decision.bundle for seq in seqs.tolist()], object)
    for digest in set(digests.tolist()):
        bundle = host.explainer(digest)
        rows = np.flatnonzero((digests == digest) & (seqs < until))
        if bundle is None or len(rows) == 0 or len(trace.given.facts) == 0:
            continue
        some = [stored[seq] for seq in seqs[rows].tolist()]
        read = without(bundle.view, _rows(some), (facts.take(rows), seqs[rows]), trace.given.facts, others)
        before |= zip(seqs[rows].tolist(), again(host, bundle, some, read, facts.take(rows)), strict=True)
    return [Sibling(stored[seq], facts.take(slice(i, i + 1)), before.get(seq)) for i, seq in enumerate(seqs.tolist())]


def again(host: Host, bundle: ModelBundle, stored: list[db.Stored], rows: NDArray[np.float64], facts: FactBlock) -> list[Outcome]:
    """Return what ``bundle`` decides on ``rows`` f8[n, F], under the live policy of then, the audit's draw falling as it fell."""
    cases = []
    for alert, decision in ((s.alert, s.decision) for s in stored):
        when, erased = decision.time.timestamp(), is_pseudonym(alert.uid)
        cases.append(Case(alert, when, decision.policy, decision.priority, decision.reason_codes, erased))
    judge = Judge(bundle, host.encoder, host.scorer.live.store.find)
    return [Outcome(Action(one.action), one.priority, one.score or 0.0) for one in judge.decide(rows, facts, cases)]


def _told(host: Host, key: Key, trace: Trace, sibling: Sibling, digests: list[str]) -> dict[str, Any]:
    decision = sibling.stored.decision
    after = {"action": decision.action, "priority": decision.priority, "score": decision.score, "bundle": decision.bundle}
    told: dict[str, Any] = {
        "alert_uid": sibling.stored.alert.uid,
        "time": sibling.stored.alert.time,
        "before": sibling.before._asdict() if sibling.before else {name: after[name] for name in Outcome._fields},
        "after": after,
        "changed": sibling.changed,
    }
    earlier = _before_learning(host, trace, sibling, digests)
    if earlier is not None:
        told["by_model"] = earlier
    if key.role is Role.ANALYST:  # an alert without a verdict shows no score
        for side in ("before", "after", "by_model"):
            told.get(side, {}).pop("score", None)
    return told


def _before_learning(host: Host, trace: Trace, sibling: Sibling, digests: list[str]) -> dict[str, Any] | None:
    """Return what the bundle before would have decided, if the one that decided had learned from the label."""
    decided_by = sibling.stored.decision.bundle
    if decided_by not in digests[1:] or not host.ledgers.has_learned(decided_by, trace.given.label):
        return None
    earlier = digests[digests.index(decided_by) - 1]
    bundle, by = None if earlier in host.refused else host.explainer(earlier), host.explainer(decided_by)
    if bundle is None or by is None or bundle.view.fingerprint != by.view.fingerprint:
        return None
    made = again(host, bundle, [sibling.stored], _rows([sibling.stored]), sibling.fact)[0]
    return {"bundle": earlier, **made._asdict()}


def _rows(stored: list[db.Stored]) -> NDArray[np.float64]:
    return np.array([np.frombuffer(s.features, np.float64) for s in stored])
