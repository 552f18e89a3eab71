"""Retraining, the one command: data in, a registered challenger out."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from features.hashing import load_or_create_secret
from models.certificates.certificate import EVERY, Certificate
from models.certificates.costs import Costs
from models.certificates.objective import parse_objectives
from models.policy import ThresholdPolicy
from training.assemble import Assembled, assemble
from training.behaviour.entities import learned_entities
from training.behaviour.fitting import Learned, Source
from training.correlate import read_alerts
from training.dataset import UNLABELLED, Dataset, load_dataset
from training.errors import DataError
from training.figures import training_figures
from training.fit import FitParameters
from training.gate import GateReport, examine
from training.metrics import (
    average_precision,
    average_precision_by_tenant,
    brier,
    expected_calibration_error,
    group_scores,
    step_recall,
)
from training.registry import serving_bundle
from training.sample import floods
from training.settings import Settings
from training.tracking import GATE, TrainingRun, log_training, running
from training.trust import second_looks

Told = Callable[[str], None]


@dataclass(frozen=True)
class TrainResult:
    """What a training produced. ``rejects`` counts the records that were put aside; ``behaviour`` is what was learned of events."""

    version: str
    bundle_digest: str
    metrics: dict[str, float]
    certificate: Certificate
    policy: ThresholdPolicy
    gate: GateReport
    alerts: int
    rejects: int
    behaviour: Learned | None = None


def train(
    settings: Settings,
    data: Path,
    fmt: str,
    *,
    objectives: Sequence[str] = (),
    costs: Costs | None = None,
    out: Path | None = None,
    parameters: FitParameters | None = None,
    also: Path | None = None,
    without_labels_of: Collection[str] = (),
    events: Source | None = None,
    told: Told = lambda text: None,
) -> TrainResult:
    """Read, walk, fit, calibrate, certify, and log to MLflow as the new challenger.

    ``objectives`` are sentences, for what none speaks of the default holds; ``costs`` choose within what is proven.
    ``also`` is a history to train on together with ``data``; ``without_labels_of`` names analysts whose labels are taken as
    never given; ``events`` are learned first, and alerts know how unusual their entities were as of then; ``out`` is a directory to
    write the bundle to as well. Raises ``ObjectiveError``, ``SourceError``, ``HistoryError``, ``NotEnoughLabelsError`` and
    ``TrackingError``; then nothing is registered.
    """
    aims = parse_objectives(objectives)
    parameters = parameters or FitParameters()
    secret = load_or_create_secret(settings.secret)
    learned, anomalies = learned_entities(events, told, without_labels_of)
    told("reading")
    dataset = load_dataset(
        data, fmt, secret, labels=True, also=also, without_labels_of=without_labels_of, anomalies=anomalies,
        progress=lambda n: told(f"reading: {n:,} alerts"),
    )  # fmt: skip
    if (dataset.target != UNLABELLED).sum() == 0:
        raise DataError(str(data), "none of its alerts has a label (Wazuh and Suricata write none)")
    champion = serving_bundle(settings)
    with running(settings, "train") as run_id, tempfile.TemporaryDirectory() as folder:
        made = assemble(
            dataset, aims, parameters, Path(folder) / "bundle", run=run_id, costs=costs, told=told, behaviour=learned,
            alerts=lambda: [alert for some, form in ((data, fmt), (also, "history")) if some for alert in read_alerts(some, form)],
        )  # fmt: skip
        metrics = measure(dataset, made.oof.raw, made.trusted.said(made.score))
        report, compared = examine(
            made.rows, made.trusted, made.bundle, champion, parameters,
            calibration_error=metrics.get("calibration_error"), told=told,
        )  # fmt: skip
        for comparison in compared:
            metrics |= {
                f"later/{comparison.group.replace('/', '_')}": comparison.challenger,
                f"later_champion/{comparison.group.replace('/', '_')}": comparison.champion,
            }
        told("logging to MLflow")
        files = [*training_figures(Path(folder), dataset, made.score), _second_looks(Path(folder), made)]
        metrics |= {f"behaviour/{name}": value for name, value in learned.metrics.items()} if learned else {}
        run = _run(dataset, made, parameters, metrics, report=report, files=files)
        version = log_training(settings, run)
        if out is not None:
            copy_bundle(made.path, out)
    return TrainResult(
        version,
        made.bundle.digest,
        metrics,
        made.certificate,
        made.bundle.policy,
        report,
        len(dataset),
        len(dataset.rejects),
        learned,
    )


def measure(dataset: Dataset, raw: NDArray[np.float64], score: NDArray[np.float64]) -> dict[str, float]:
    """Return the metrics of out-of-fold scores over labelled alerts, pooled, per tenant and worst; calibration without floods.

    ``raw`` f8[n] orders; ``score`` f8[n] is the probability that the label says attack.
    """
    rows = np.flatnonzero(~np.isnan(raw) & (dataset.target != UNLABELLED))
    if not len(rows):
        return {}
    groups = group_scores(raw[rows], dataset.target[rows], dataset.group[rows], dataset.tenant[rows])
    by_tenant = average_precision_by_tenant(groups)
    usual = rows[~floods(dataset)[rows]]
    calibrated = group_scores(score[usual], dataset.target[usual], dataset.group[usual], dataset.tenant[usual])
    steps = list(step_recall(raw[rows], dataset.target[rows], dataset.incident[rows], dataset.tenant[rows]).values())
    found = {
        "group_ap": average_precision(groups),
        "group_ap_worst": min(by_tenant.values(), default=float("nan")),
        "step_recall": float(np.mean(steps)) if steps else float("nan"),
        "brier": brier(calibrated.score, calibrated.target),
        "calibration_error": expected_calibration_error(calibrated.score, calibrated.target),
    }
    return found | {f"group_ap/{dataset.tenants[tenant]}": value for tenant, value in by_tenant.items()}


def _second_looks(folder: Path, made: Assembled) -> Path:
    """Write down which labels are likely wrong."""
    path = folder / "likely_wrong_labels.json"
    second_looks(made.rows.dataset, made.trusted, made.score).to_json(path, orient="records", indent=1, date_format="iso")
    return path


def _run(
    dataset: Dataset,
    made: Assembled,
    parameters: FitParameters,
    metrics: dict[str, float],
    *,
    report: GateReport,
    files: list[Path],
) -> TrainingRun:
    certificate = made.certificate
    params = {**msgspec.structs.asdict(parameters), "objective": certificate.objective, "alerts": len(dataset)}
    tags = {
        "data_digest": dataset.digest,
        "bundle_digest": made.bundle.digest,
        "certificate": certificate.status.value,
        **_thresholds(made.bundle.policy),
        GATE: report.encode(),
    }
    proof = {"certificate/n": certificate.n, "certificate/k": certificate.k, "certificate/bound": certificate.bound}
    return TrainingRun(
        params, {**metrics, **proof}, tags, made.path, made.bundle.view.names, [*files, made.path / "MODEL_CARD.md"]
    )


def _thresholds(policy: ThresholdPolicy) -> dict[str, str]:
    """Return the thresholds over all alerts as tags, each with what its certificate says, and how many groups have their own."""
    tags: dict[str, str] = {}
    for one in policy.certificates:
        aim = f"{one.aim}{f'/{one.tier}' if one.tier else ''}"
        if one.group != EVERY:
            name = f"certificate/{aim}/groups_{one.status}"
            tags[name] = str(int(tags.get(name, "0")) + 1)
            continue
        tags[f"threshold/{aim}"] = f"{one.threshold if one.granted else 'none'} ({one.sentence()})"
        said = {"uid": one.uid, "status": one.status, "threshold": "none" if one.threshold is None else one.threshold}
        said |= {"bound": one.bound, "n": one.n, "k": one.k, "missing": one.missing, "because": one.because}
        tags |= {f"certificate/{aim}/{name}": str(value) for name, value in said.items() if value != ""}
    return tags


def copy_bundle(source: Path, out: Path) -> None:
    """Copy the bundle to ``out``, whole or not at all."""
    draft = out.with_name(out.name + ".part")
    shutil.rmtree(draft, ignore_errors=True)
    out.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(source, draft)
    shutil.rmtree(out, ignore_errors=True)
    draft.rename(out)
