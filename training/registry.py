"""Promotion: from challenger in MLflow to champion in the bundle store, if the gate says yes."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

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
    store = BundleStore(settings.bundles)
    serving = store.current() or ""
    if serving not in ("", report.champion, tags.get("bundle_digest", "")) and _readable(store.path(serving)):
        report.objections.append("it was compared with another champion than the one that serves; train again")
    return report


def _readable(path: Path) -> bool:
    """Whether this version can read the bundle: one that it cannot is nothing to be held against."""
    try:
        ModelBundle.load(path)
    except BundleError:
        return False
    return True
