"""Which of the alerts that wait a person should judge so that the model learns most."""

from __future__ import annotations

import hashlib
from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, select

from features.encode import COLUMNS, FactBlock
from models.calibration import odds_shown
from models.teaching import Candidates, Why, teach
from service.store.tables import alerts, decisions, queue
from service.store.trace import other_labels

LOOKED_AT = 20_000
"""Alerts that wait, the latest of them, among which is chosen."""
_LATELY_SECONDS = 30.0 * 86400.0
"""Half-life of what was judged."""
_CELL = [COLUMNS.index(column) for column in ("rule", "entity")]

BECAUSE = {
    Why.CONTESTED: "two analysts are at odds about it; a verdict that names the last one in `supersedes` decides",
    Why.UNCERTAIN: "of what waits, this is where a verdict would settle most for the model",
    Why.NOVEL: "nobody has judged this rule on this entity lately",
    Why.RANDOM: "drawn by lot, whatever the model thinks of it",
}


def choose(connection: Connection, tenant: str, budget: int, at_odds: Collection[int]) -> list[tuple[int, Why]]:
    """Return the numbers of at most ``budget`` alerts of the tenant that wait, in the order to ask, each with why.

    ``at_odds``: those about which two analysts are at odds (see :func:`service.store.database.contests`).
    What is known of an alert is what its place in the queue tells, the audit's draws among them: the list must not give them away.
    The same records give the same answer: the lots are drawn from the numbers of those that wait.
    """
    statement = (
        select(queue.c.alert_seq, alerts.c.fact, decisions.c.priority)
        .join(alerts, alerts.c.seq == queue.c.alert_seq)
        .join(decisions, decisions.c.alert_seq == queue.c.alert_seq)
        .where(queue.c.tenant == tenant)
        .order_by(queue.c.alert_seq.desc(), decisions.c.revision)
        .limit(LOOKED_AT)
    )
    rows = list({row.alert_seq: row for row in connection.execute(statement)}.values())[::-1]
    seqs = np.array([row.alert_seq for row in rows], np.int64)
    facts = FactBlock.unpack([row.fact for row in rows])
    among = Candidates(
        score=odds_shown(np.array([row.priority for row in rows], np.int64)),
        rule=_codes(facts, _CELL[0]),
        entity=_codes(facts, _CELL[1]),
        known=_known(facts, other_labels(connection, tenant)[0]),
        contested=np.array([row.alert_seq in at_odds for row in rows], np.bool_),
        time=facts.time,
    )
    seed = int.from_bytes(hashlib.blake2b(seqs.tobytes(), digest_size=8).digest(), "little")
    index, why = teach(among, budget, np.random.default_rng(seed))
    return list(zip(seqs[index].tolist(), why, strict=True))


def _codes(facts: FactBlock, column: int) -> NDArray[np.int64]:
    return np.unique(facts.columns[:, column], return_inverse=True)[1].astype(np.int64)


def _known(facts: FactBlock, labels: FactBlock) -> NDArray[np.float64]:
    """Return how many verdicts in force there are on the rule and entity of each fact, as of the latest; f8[n]."""
    now = max(facts.time.max(initial=0.0), labels.time.max(initial=0.0))
    weight = labels.weight * np.exp2((labels.time - now) / _LATELY_SECONDS)
    counts: dict[tuple[int, int], float] = {}
    for cell, some in zip(map(tuple, labels.columns[:, _CELL].tolist()), weight.tolist(), strict=True):
        counts[cell] = counts.get(cell, 0.0) + some
    return np.array([max(counts.get(tuple(cell), 0.0), 0.0) for cell in facts.columns[:, _CELL].tolist()], np.float64)
