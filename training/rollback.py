"""The way back, in a moment and without MLflow: the bundle that was champion before serves again."""

from __future__ import annotations

from datetime import UTC, datetime

from models.bundle_store import BundleStore
from training.settings import Settings


def rollback(settings: Settings, by: str) -> str:
    """Make the previous champion of the bundle store champion again and return its digest.

    MLflow's alias stays where it is: the store says what is served. Raises ``BundleStoreError`` when there is none.
    """
    return BundleStore(settings.bundles).rollback(by=by, time=datetime.now(UTC))
