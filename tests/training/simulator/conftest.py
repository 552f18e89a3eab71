"""Simulated worlds, made once."""

from __future__ import annotations

import pandas as pd
import pytest

from training.simulator import Simulated, simulate

DAYS = 14


@pytest.fixture(scope="session")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Simulated:
    """Three tenants over two weeks."""
    return simulate(3, DAYS, 7, tmp_path_factory.mktemp("simulated") / "out")


@pytest.fixture(scope="session")
def long(tmp_path_factory: pytest.TempPathFactory) -> Simulated:
    """Two tenants over most of a year."""
    return simulate(2, 300, 4, tmp_path_factory.mktemp("long") / "out")


@pytest.fixture(scope="session")
def long_alerts(long: Simulated) -> pd.DataFrame:
    """The long world's alerts with the truth, and ``day`` since the start."""
    alerts = pd.concat(pd.read_parquet(path) for path in sorted(long.history.glob("alerts-*.parquet")))
    alerts["day"] = (alerts["time"] - pd.Timestamp("2026-01-05", tz="UTC")).dt.total_seconds() // 86_400
    return alerts.merge(pd.read_parquet(long.truth), left_on=["tenant", "uid"], right_on=["tenant", "alert_uid"])
