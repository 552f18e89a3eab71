"""An entity as OCSF tells it: a Detection Finding of behaviour, with ``anomaly_analyses``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from features.alert import EntityKind, from_epoch
from models.behaviour.judgement import Deviation
from models.incidents.printable import printable
from service.behaviour.records import Anomaly

_DAY_MS = 86_400_000
_TYPES = {EntityKind.USER: "User", EntityKind.HOST: "Device", EntityKind.APPLICATION: "Application"}
_LEVELS = (("Info", 0.0), ("Low", 15.0), ("Medium", 25.0), ("High", 60.0), ("Critical", 85.0))


def anomaly_analyses(kind: EntityKind, name: str, anomaly: Anomaly | None) -> list[dict[str, Any]]:
    """Return what deviates: observed against expected. Nothing where nothing does."""
    told = [_anomaly(one) for one in deviations(anomaly)]
    if anomaly is None or not told:
        return []
    baselines = [one for one in map(_baseline, deviations(anomaly)) if one is not None]
    analysis = {"analysis_targets": [{"name": name, "type": _TYPES.get(kind, "Other")}], "anomalies": told}
    return [{**analysis, "baselines": baselines}] if baselines else [analysis]


def deviations(anomaly: Anomaly | None) -> Sequence[Deviation]:
    """Return what deviates on a day, the strangest event's before it has ended."""
    if anomaly is None:
        return ()
    whole = anomaly.judgement.deviations if anomaly.judgement is not None else ()
    return (
        *whole,
        *(one for one in (anomaly.peak.deviations if anomaly.peak else ()) if one.name not in {d.name for d in whole}),
    )


def finding(kind: EntityKind, name: str, risk: float, now: float, anomaly: Anomaly | None) -> dict[str, Any]:
    """Return a Detection Finding of an entity's risk."""
    level = max(place for place, (_, from_) in enumerate(_LEVELS) if risk >= from_)
    millis = int(now * 1000)
    subject: dict[str, Any] = (
        {"device": {"hostname": name, "type_id": 0}} if kind is EntityKind.HOST else {"actor": {"user": {"name": name}}}
    )
    return {
        "category_uid": 2,
        "class_uid": 2004,
        "type_uid": 200402,
        "activity_id": 2,
        "time": millis,
        "severity_id": 1,
        "status_id": 1,
        "finding_info": {
            "uid": f"risk {kind.value} {name}",
            "title": f"Risk of {kind.value} {printable(name)}",
            "analytic": {"type_id": 2, "name": "Tamis behaviour and alerts"},
            "modified_time": millis,
        },
        "metadata": {"version": "1.5.0", "product": {"name": "Tamis", "vendor_name": "Tamis"}},
        "risk_score": round(risk),
        "risk_level_id": level,
        "risk_level": _LEVELS[level][0],
        "anomaly_analyses": anomaly_analyses(kind, name, anomaly),
        **subject,
    }


def day_start(day: int) -> datetime:
    """Return when a UTC day, counted from 1970, begins."""
    return from_epoch(day * 86_400.0).astimezone(UTC)


def _anomaly(one: Deviation) -> dict[str, Any]:
    value = one.value or ("" if one.observed is None else f"{one.observed:.6g}") or one.text
    return {
        "observation_parameter": one.name,
        "observation_type": "Deviation",
        "observed_pattern": one.text,
        "observations": [{"value": value, "timespan": {"duration": _DAY_MS, "type_id": 5}}],
    }


def _baseline(one: Deviation) -> dict[str, Any] | None:
    if one.expected is None:
        return None
    observed = [{"value": f"{one.expected:.6g}", "timespan": {"duration": _DAY_MS, "type_id": 5}}]
    return {"observation_parameter": one.name, "observation_type": "Baseline", "observations": observed}
