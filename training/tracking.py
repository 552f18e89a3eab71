"""MLflow: where runs go, and what a training leaves there."""

from __future__ import annotations

import logging
import math
import os
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")  # a server that is down is told within seconds

import mlflow
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature
from mlflow.tracking import MlflowClient
from mlflow.types import ColSpec, Schema
from mlflow.utils.logging_utils import disable_logging

from training.errors import TrackingError
from training.settings import Settings

MODEL, BEHAVIOUR_MODEL = "tamis", "tamis-behaviour"
EXPERIMENT = "tamis"
CHALLENGER, CHAMPION = "challenger", "champion"
GATE = "gate_report"
"""The tag that keeps what the gate found when the model was trained."""
_CODE = Path(__file__).with_name("pyfunc_model.py")
_REQUIREMENTS = ["tamis"]


@dataclass
class TrainingRun:
    """Everything that a training logs."""

    params: Mapping[str, Any]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    bundle: Path
    features: list[str]
    files: list[Path] = field(default_factory=list)


def connect(settings: Settings) -> MlflowClient:
    """Point MLflow at its server, or at SQLite under ``TAMIS_VAR``; make the experiment if it is not there."""
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    disable_logging()
    logging.getLogger("alembic").setLevel(logging.ERROR)
    folder = (settings.var / "mlflow").absolute()
    uri = settings.tracking_uri
    if not uri:
        folder.mkdir(parents=True, exist_ok=True)
        uri = f"sqlite:///{folder / 'mlflow.db'}"
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    client = MlflowClient()
    with _told():
        if client.get_experiment_by_name(EXPERIMENT) is None:
            location = None if settings.tracking_uri else (folder / "artifacts").as_uri()
            client.create_experiment(EXPERIMENT, artifact_location=location)
    return client


def where(settings: Settings) -> str:
    """Return where the runs are, for a person to find."""
    return settings.tracking_uri or f"sqlite:///{(settings.var / 'mlflow' / 'mlflow.db').absolute()}"


@contextmanager
def running(settings: Settings, name: str) -> Iterator[str]:
    """Open a run; yield its id. The run is marked failed when the block raises."""
    connect(settings)
    with _told(), mlflow.start_run(experiment_id=mlflow.get_experiment_by_name(EXPERIMENT).experiment_id, run_name=name) as run:
        yield run.info.run_id


def log_training(settings: Settings, run: TrainingRun) -> str:
    """Log into the open run, register the bundle as a new version of ``tamis``, alias it ``challenger``; return the version."""
    with _told(), warnings.catch_warnings():
        mlflow.log_params(dict(run.params))
        mlflow.log_metrics({_metric_name(name): value for name, value in run.metrics.items() if not math.isnan(value)})
        mlflow.set_tags(dict(run.tags))
        for file in run.files:
            mlflow.log_artifact(str(file), "report")
        columns = Schema([ColSpec("double", name, required=False) for name in run.features])
        outputs = Schema([ColSpec("double", "score"), ColSpec("long", "priority")])
        warnings.filterwarnings("ignore", "(?s).*input example was not provided")  # the signature is given
        info = mlflow.pyfunc.log_model(
            name="bundle",
            python_model=str(_CODE),
            artifacts={"bundle": str(run.bundle)},
            registered_model_name=MODEL,
            pip_requirements=_REQUIREMENTS,
            signature=ModelSignature(inputs=columns, outputs=outputs),
        )
        version = str(info.registered_model_version)
        MlflowClient().set_registered_model_alias(MODEL, CHALLENGER, version)
    return version


def log_behaviour(settings: Settings, run: TrainingRun, run_id: str) -> str:
    """Log into the open run, and register the bundle as a new version of ``tamis-behaviour``; return the version.

    It judges no alerts, so it is never ``challenger`` of ``tamis``.
    """
    client = connect(settings)
    with _told():
        mlflow.log_params(dict(run.params))
        mlflow.log_metrics({_metric_name(name): value for name, value in run.metrics.items()})
        mlflow.set_tags(dict(run.tags))
        for file in run.files:
            mlflow.log_artifact(str(file), "report")
        mlflow.log_artifacts(str(run.bundle), "bundle")
        with suppress(MlflowException):  # it is there
            client.create_registered_model(BEHAVIOUR_MODEL)
        made = client.create_model_version(BEHAVIOUR_MODEL, f"{mlflow.get_artifact_uri()}/bundle", run_id)
    return str(made.version)


def resolve(client: MlflowClient, name: str) -> Any:
    """Return the model version of an alias or a number. Raises ``TrackingError``."""
    with _told():
        if name.isdecimal():
            return client.get_model_version(MODEL, name)
        return client.get_model_version_by_alias(MODEL, name)


@contextmanager
def downloaded(version: Any) -> Iterator[Path]:
    """Yield the bundle directory of a model version, downloaded to a place that is gone afterwards."""
    with tempfile.TemporaryDirectory() as folder, _told():
        root = Path(mlflow.artifacts.download_artifacts(f"models:/{MODEL}/{version.version}", dst_path=folder))
        found = [path.parent for path in root.rglob("classifier.txt")]
        if len(found) != 1:
            raise TrackingError(f"version {version.version} holds {len(found)} bundles")
        yield found[0]


def _metric_name(name: str) -> str:
    return "".join(c if c.isalnum() or c in "_-. /" else "_" for c in name)


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except MlflowException as error:
        raise TrackingError(str(error.message)) from error
