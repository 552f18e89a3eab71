"""Promotion: from challenger in MLflow to champion in the bundle store, if the gate says yes."""

from __future__ import annotations

from datetime import UTC, datetime

from mlflow.tracking import MlflowClient

from models.bundle import ModelBundle
from models.bundle_store import BundleStore
from training.errors import GateRefusedError
from training.gate import GateReport, judge
from training.settings import Settings
from training.tracking import CHALLENGER, CHAMPION, MODEL, connect, downloaded, resolve


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
    """Judge the run of a challenger by what it logged."""
    run = client.get_run(run_id)
    metrics, tags = run.data.metrics, run.data.tags
    serving = BundleStore(settings.bundles).current() or ""
    challenger = {
        "calibration_error": metrics.get("calibration_error", 0.0),
        "group_ap": metrics.get("later_group_ap"),
        "group_ap_worst": metrics.get("later_group_ap_worst"),
    }
    champion = {
        "group_ap": metrics.get("later_champion_group_ap"),
        "group_ap_worst": metrics.get("later_champion_group_ap_worst"),
    }
    report = judge(_known(challenger), _known(champion) if serving else None)
    if serving not in ("", tags.get("champion_digest", ""), tags.get("bundle_digest", "")):
        report.objections.append("it was compared with another champion than the one that serves; train again")
    if serving and "later_group_ap" not in metrics:
        report.remarks.append("too few labels after the champion's window to compare the two on")
    return report


def _known(metrics: dict[str, float | None]) -> dict[str, float]:
    return {name: value for name, value in metrics.items() if value is not None}
