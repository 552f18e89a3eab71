"""How long it takes to find similar incidents among a hundred thousand: ``python -m tests.benchmarks.similar_incidents``."""

from __future__ import annotations

import statistics
import sys
import time
from datetime import UTC, datetime, timedelta

import numpy as np

from models.incidents.similar import PastIncident, Said, SimilarIncidents

INCIDENTS, QUESTIONS = 100_000, 40
_END = datetime(2026, 7, 1, tzinfo=UTC)


def past_incidents(count: int, seed: int = 0) -> list[PastIncident]:
    """Return incidents of 6 to 20 words of 2,000, some words far more usual than others: hardly two alike."""
    rng = np.random.default_rng(seed)
    usual = 1.0 / np.arange(1, 2001)
    drawn = rng.choice(2000, (count, 20), p=usual / usual.sum())
    sizes = rng.integers(6, 21, count)
    days = rng.uniform(0.0, 170.0, count)
    found = []
    for number, (words, size, day) in enumerate(zip(drawn.tolist(), sizes.tolist(), days.tolist(), strict=True)):
        closed = _END - timedelta(days=day)
        bag = tuple(f"rule siem r-{word}" for word in sorted(set(words[:size])))
        verdict = Said("true_positive" if number % 7 == 0 else "benign_positive", closed)
        found.append(PastIncident(uid=f"i{number}", tenant=f"t{number % 20}", closed=closed, bag=bag, verdicts=(verdict,)))
    return found


def main() -> None:
    """Print the time of a question, and the memory of the index."""
    past = past_incidents(INCIDENTS)
    start = time.perf_counter()
    index = SimilarIncidents(past)
    built = time.perf_counter() - start
    spent = []
    for incident in past_incidents(QUESTIONS, 1):
        start = time.perf_counter()
        index.search(incident.bag, _END)
        spent.append(time.perf_counter() - start)
    sys.stdout.write(
        f"similar incidents among {len(index):,}: {statistics.median(spent) * 1e3:.1f} ms median, {max(spent) * 1e3:.1f} ms at most; "
        f"built in {built:.1f} s, {index.size / 2**20:.0f} MiB of arrays\n"
    )


if __name__ == "__main__":
    main()
