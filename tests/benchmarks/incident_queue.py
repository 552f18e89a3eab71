"""How long the queue of 10,000 open incidents takes, and how fast the service correlates: ``python -m tests.benchmarks.incident_queue``."""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from service.incidents import feed
from service.keys import Role
from tests.service.client import Service, finding

INCIDENTS, LINES, BATCH, QUESTIONS = 10_000, 5, 2_000, 5


def alerts(incidents: int, lines: int) -> list[dict[str, Any]]:
    """Return alerts of as many incidents, each of a host and a user of its own, over five days."""
    found = []
    for n in range(incidents):
        start = n * 5 * 86_400.0 / incidents
        for i in range(lines):
            more = {"severity_id": 4 + (n + i) % 2, "actor": {"user": {"name": f"user{n}"}}}
            found.append(finding(f"{n}.{i}", f"rule{(7 * n + i) % 300}", f"host{n}", start + 60.0 * i, **more))
    return found


def correlated(service: Service) -> None:
    """Wait until every alert is correlated."""
    while True:
        with service.host.database.engine.connect() as connection:
            if not feed.behind(connection, feed.mark(connection) or 0):
                return
        service.sleep(0.1)


def main() -> None:
    """Print the rate of correlation, the number of incidents, and the time of a question."""
    with tempfile.TemporaryDirectory() as folder, Service(Path(folder)) as service:
        some = alerts(INCIDENTS, LINES)
        start = time.perf_counter()
        for at in range(0, len(some), BATCH):
            assert service.post(some[at : at + BATCH]).status_code == 200
        posted = time.perf_counter() - start
        correlated(service)
        spent = time.perf_counter() - start
        times = []
        for _ in range(QUESTIONS):
            began = time.perf_counter()
            answer = service.send("GET", "/v1/queue?budget=100", service.keys[Role.ANALYST])
            times.append(time.perf_counter() - began)
            assert len(answer.json()["incidents"]) == 100
        open_ones = len(service.host.incidents._tracker.book.held) if service.host.incidents._tracker else 0
    sys.stdout.write(
        f"{len(some):,} alerts taken in {posted:.1f} s, correlated {spent:.1f} s after the first: {len(some) / spent:,.0f}/s; "
        f"{open_ones:,} open incidents; queue of 100: {statistics.median(times):.2f} s median, {max(times):.2f} s at most\n"
    )


if __name__ == "__main__":
    main()
