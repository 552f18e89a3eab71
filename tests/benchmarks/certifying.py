"""Certifying a million scored alerts with a thousand groups: seconds. ``python -m tests.benchmarks.certifying``."""

from __future__ import annotations

import statistics
import time

import numpy as np

from models.certificates.certifier import certify
from models.certificates.objective import parse_objectives
from models.certificates.units import Calibration, Units, speakers

ALERTS, INCIDENTS, RULES, PRODUCTS, TENANTS, KINDS = 1_000_000, 400_000, 900, 20, 80, 30
REPEATS = 3


def certifying() -> None:
    """Go from alerts to certificates of every aim and group, and print how long it takes."""
    spent, made = [], 0
    for seed in range(REPEATS):
        random = np.random.default_rng(seed)
        incident, score = random.integers(0, INCIDENTS, ALERTS), random.beta(3.0, 1.0, ALERTS)
        product, rule = random.integers(0, PRODUCTS, ALERTS), random.integers(0, RULES // PRODUCTS, ALERTS)
        tenant, kind, severity = (random.integers(0, most, ALERTS) for most in (TENANTS, KINDS, 6))
        start = time.perf_counter()
        rows = speakers(incident, score)
        units = Units(
            score=score[rows].tolist(), tenant=[f"t{t}" for t in tenant[rows]], product=[f"p{p}" for p in product[rows]],
            severity=[str(s) for s in severity[rows]],
            rule=[f"p{p}/{r}" for p, r in zip(product[rows].tolist(), rule[rows].tolist(), strict=True)],
            kind=[f"k{k}" for k in kind[rows]], attack=(score[rows] > 0.2).tolist(),
        )  # fmt: skip
        known = Calibration(unit="incident", assumption="own", window=("", ""), incidents=units, responses=units)
        made = len(certify(known, parse_objectives(())))
        spent.append(time.perf_counter() - start)
    print(f"certifying {ALERTS:,} alerts: {made} certificates, median {statistics.median(spent):.2f} s of {REPEATS}")


if __name__ == "__main__":
    certifying()
