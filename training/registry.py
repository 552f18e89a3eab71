"""Promotion: from a registered model version to the bundle that the service picks up."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion

from models.bundle import ModelBundle
from models.bundle_store import BundleStore
from models.errors import BundleError, BundleStoreError
from training.errors import GateRefusedError
from training.gate import GateReport, judge
from training.settings import Settings
from training.tracking import (
    BUNDLE_TAG,
    CHALLENGER,
    CHAMPION,
    CHAMPION_PREFIX,
    MODEL,
    connected,
    download_bundle,
    metrics_of,
    version_of,
)

Gate = Callable[[Mapping[str, float], Mapping[str, float] | None], GateReport]


def promote(settings: Settings, version: str | None = None, *, by: str, gate: Gate = judge) -> str:
    """Make a version (the challenger if none is named) champion, publish its bundle, and return the bundle's digest.

    The gate compares what was logged of it with what was logged of the present champion on the same data. Raises
    ``GateRefusedError`` (the words stay as a tag on the version), ``TrackingError`` and ``BundleStoreError``; then nothing
    has changed.
    """
    store = BundleStore(settings.bundles)
    with connected(settings) as client, tempfile.TemporaryDirectory() as folder:
        chosen = version_of(client, version or CHALLENGER)
        bundle = download_bundle(chosen, Path(folder))
        report = _judged(client, chosen, _served(client, store), gate)
        try:
            ModelBundle.load(bundle)
        except BundleError as error:
            report = report.with_reason(str(error))
        client.set_model_version_tag(MODEL, chosen.version, "gate", report.words)
        if not report.passed:
            raise GateRefusedError(report.reasons)
        return _publish(client, chosen, store, bundle, by)


def _publish(client: MlflowClient, chosen: ModelVersion, store: BundleStore, bundle: Path, by: str) -> str:
    before = client.get_registered_model(MODEL).aliases.get(CHAMPION)
    client.set_registered_model_alias(MODEL, CHAMPION, chosen.version)
    try:
        digest = store.publish(bundle, by=by, time=datetime.now(UTC))
    except (BundleStoreError, OSError):
        if before is None:
            client.delete_registered_model_alias(MODEL, CHAMPION)
        else:
            client.set_registered_model_alias(MODEL, CHAMPION, before)
        raise
    client.set_model_version_tag(MODEL, chosen.version, "promoted_by", by)
    return digest


def _served(client: MlflowClient, store: BundleStore) -> ModelVersion | None:
    """Return the version whose bundle is served now: after a rollback that is not the one under the alias."""
    current = store.current()
    if current is None:
        return None
    found = [v for v in client.search_model_versions(f"name='{MODEL}'") if v.tags.get(BUNDLE_TAG) == current]
    return found[0] if found else None


def _judged(client: MlflowClient, chosen: ModelVersion, served: ModelVersion | None, gate: Gate) -> GateReport:
    metrics = metrics_of(client, chosen)
    own = {name: value for name, value in metrics.items() if not name.startswith(CHAMPION_PREFIX)}
    same_data = {name.removeprefix(CHAMPION_PREFIX): metrics[name] for name in metrics.keys() - own.keys()}
    if served is None or served.version == chosen.version:
        return gate(own, None)
    if same_data:
        return gate(own, same_data)
    report = gate(own, metrics_of(client, served))
    return report._replace(notes=(*report.notes, "the champion's figures are from its own training data"))
