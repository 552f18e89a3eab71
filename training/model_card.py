"""The model card: what a bundle is, what it proved, and what it is not for."""

from __future__ import annotations

import msgspec

from models.certificates.certificate import EVERY
from models.incidents.model import IncidentModel
from models.policy import ThresholdPolicy
from training.dataset import Dataset
from training.fit import FitParameters


def model_card(dataset: Dataset, policy: ThresholdPolicy, parameters: FitParameters, incidents: IncidentModel) -> str:
    """Return the model card in Markdown."""
    attacks, benign = int((dataset.target == 1).sum()), int((dataset.target == 0).sum())
    start, end = policy.certificates[0].window
    narrow = [one for one in policy.certificates if one.group != EVERY]
    lines = [
        "# Model card: Tamis alert classifier",
        "",
        "Gradient-boosted trees on behaviour features as of then; scores the probability that an alert is a true positive.",
        "",
        f"- Data: {len(dataset)} alerts of {len(dataset.tenants)} tenants, {attacks} labelled attack, {benign} benign; "
        f"{len(dataset.verdicts.incidents)} incidents; {start} to {end}; digest `{dataset.digest[:16]}`",
        *[f"- Certificate `{one.uid}`: {one.sentence()}" for one in policy.certificates if one.group == EVERY],
        f"- Certificates of groups: {sum(one.granted for one in narrow)} granted, {sum(not one.granted for one in narrow)} refused",
        f"- Escalates from: {policy.escalate_from if policy.escalate_from is not None else 'never'}",
        f"- Incidents: links learned from {incidents.links.incidents or 'no'} past incidents, priority from "
        f"{incidents.priority.incidents or 'no'} (none: the defaults); {incidents.links.corrections or 'no'} merges and splits "
        "by analysts changed links",
        f"- Parameters: `{msgspec.json.encode(parameters).decode()}`",
        "",
        "Not for: detecting on raw telemetry; tenants whose incidents differ from those above, before their own audit speaks.",
    ]
    return "\n".join(lines) + "\n"
