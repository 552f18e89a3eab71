"""Promotion: from challenger in MLflow to champion in the bundle store, if the gate says yes."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
from mlflow.tracking import MlflowClient

from models.bundle import ModelBundle
from models.bundle_store import BundleStore
from models.errors import BundleError
from training.errors import GateRefusedError
from training.gate import GateReport
from training.settings import Settings
from training.tracking import CHALLENGER, CHAMPION, GATE, MODEL, connect, downloaded, resolve


def promote(settings: Settings, version: str = "", *, by: str) -> tuple[str, GateReport]:
    """Make ``version`` (the challenger if empty) champion and publish its bundle; return its digest and what the gate said.

    Raises ``GateRefusedError``; the refusal is a tag of the model version. Raises ``TrackingError`` when there is no such version.
    """
    client = connect(settings)
    found = resolve(client, version or CHALLENGER)
    report = gate(settings, client, found.run_id)
    if not report.passed:
        client.set_model_version_tag(MODEL, found.version, "gate", "refused: " + "; ".join(report.objections))
        raise GateRefusedError(report.objections)
    with downloaded(found) as folder:
        ModelBundle.load(folder)
        client.set_registered_model_alias(MODEL, CHAMPION, found.version)
        digest = BundleStore(settings.bundles).publish(folder, by=by, time=datetime.now(UTC))
    client.set_model_version_tag(MODEL, found.version, "gate", "passed: " + "; ".join(report.remarks))
    return digest, report


def gate(settings: Settings, client: MlflowClient, run_id: str) -> GateReport:
    """Return what the gate found when the challenger was trained, and whether it was held against the champion that serves."""
    tags = client.get_run(run_id).data.tags
    try:
        report = GateReport.decode(tags.get(GATE, ""))
    except msgspec.MsgspecError:
        return GateReport(["what the gate found was not kept with the run; train again"])
    serving = BundleStore(settings.bundles).current()
    if serving not in (None, report.champion, tags.get("bundle_digest")) and serving_bundle(settings) is not None:
        report.objections.append("it was compared with another champion than the one that serves; train again")
    return report


def serving_bundle(settings: Settings) -> ModelBundle | None:
    """Return the bundle that serves, if this version can read it: one that it cannot is nothing to be held against."""
    store = BundleStore(settings.bundles)
    digest = store.current()
    try:
        return ModelBundle.load(store.path(digest)) if digest else None
    except BundleError:
        return None
