"""A small tenant that acted for ten weeks."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from training.simulator.behaviour.living import Lived, lived
from training.simulator.behaviour.written import event_table, truth_table
from training.simulator.world import build_world


@pytest.fixture(scope="session")
def small() -> Lived:
    """Sixty people over 90 days, each scenario once."""
    return lived(build_world(0, 90, np.random.default_rng(5), 60), 5)


@pytest.fixture(scope="session")
def events(small: Lived) -> pd.DataFrame:
    """Its events, with the number of the ``case`` (−1: normal life) and the ``date``."""
    table = event_table(small).to_pandas()
    return table.assign(case=small.deeds.case, date=table["time"].dt.date)


@pytest.fixture(scope="session")
def truths(small: Lived) -> pd.DataFrame:
    """Its truth."""
    return truth_table(small).to_pandas()
