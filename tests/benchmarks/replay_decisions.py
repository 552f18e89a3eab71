"""Ten thousand decisions across two bundle changes, reproduced bit for bit: ``python -m tests.benchmarks.replay_decisions``."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from models.audit import Audit
from service.reproducing import read_records, reproduce
from service.store.anchors import read_anchors
from service.store.decision_log import DecisionLog
from service.store.log_check import check, open_snapshot
from tests.service.bundles import publish
from tests.service.client import Service, finding

DECISIONS, BUNDLES, BATCH = 10_000, 3, 100


def main() -> None:
    """Decide, then walk the log and decide again; print how many rows are whole and how many came out the same."""
    with tempfile.TemporaryDirectory() as folder:
        var = Path(folder) / "var"
        settings = None
        each = -(-DECISIONS // BUNDLES // BATCH) * BATCH
        for seed in range(BUNDLES):
            publish(var, Path(folder) / "work", seed, audit=Audit(rate=0.1))
            with Service(var) as service:
                settings = service.settings
                for start in range(seed * each, min((seed + 1) * each, DECISIONS), BATCH):
                    service.post([_alert(i) for i in range(start, min(start + BATCH, DECISIONS))])
        assert settings is not None
        secret = settings.secret.read_bytes()
        started = time.perf_counter()
        with open_snapshot(settings.database) as records:
            found = check(records, DecisionLog(secret), read_anchors(settings.anchors))
        print(f"verify-log: {found.rows} rows, {len(found.faults)} faults, {time.perf_counter() - started:.1f} s")
        started = time.perf_counter()
        with read_records(settings) as connection:
            again = reproduce(connection, settings, secret, None)
        took = time.perf_counter() - started
        for digest, count in again.looked_at.items():
            print(f"bundle {digest[:16]}: {again.same[digest]} of {count} reproduced")
        print(f"{sum(again.same.values())} of {sum(again.looked_at.values())} in {took:.1f} s, {again.draws} of them audit draws")
        for differs in again.differs[:10]:
            print(differs)


def _alert(i: int) -> dict[str, object]:
    return finding(f"a{i}", rule=f"r{1 + (i % 5 == 0) * (i % 3)}", host=f"h{i % 40}", seconds=7 * i, severity_id=1 + i % 5)


if __name__ == "__main__":
    main()
