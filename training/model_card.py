"""The model card: what a bundle is, what it proved, and what it is not for."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from models.certificates.certificate import EVERY, Certificate
from models.incidents.model import IncidentModel
from models.policy import ThresholdPolicy
from training.dataset import Dataset
from training.fit import FitParameters

MOST_GROUPS = 200
"""Certificates of groups that the card lists."""
_MARKUP = re.compile(r"([\\`*_\[\]<>|#])")
_ASSUMED = {
    "own": "incidents to come are like those of the same tenants, scored by models that had not seen their tenant or time",
    "transferred": "incidents of the tenant are like those of the other tenants; its own audit must speak before it is more than that",
}


def model_card(
    dataset: Dataset,
    policy: ThresholdPolicy,
    parameters: FitParameters,
    incidents: IncidentModel,
    behaviour: Sequence[str] = (),
) -> str:
    """Return the model card in Markdown; ``behaviour`` are the lines about what was learned of events."""
    attacks, benign = int((dataset.target == 1).sum()), int((dataset.target == 0).sum())
    start, end = policy.certificates[0].window
    whole = [one for one in policy.certificates if one.group == EVERY]
    narrow = [one for one in policy.certificates if one.group != EVERY]
    lines = [
        "# Model card: Tamis alert classifier",
        "",
        "Gradient-boosted trees on behaviour features as of then; scores the probability that an alert is a true positive.",
        "",
        f"- Data: {len(dataset)} alerts of {len(dataset.tenants)} tenants, {attacks} labelled attack, {benign} benign; "
        f"{len(dataset.verdicts.incidents)} incidents; {start} to {end}; digest `{dataset.digest[:16]}`",
        f"- Certificates over all alerts: {_count(whole)}; of groups: {_count(narrow)}",
        f"- Escalates from: {policy.escalate_from if policy.escalate_from is not None else 'never'}",
        f"- Incidents: links learned from {incidents.links.incidents or 'no'} past incidents, priority from "
        f"{incidents.priority.incidents or 'no'} (none: the defaults); {incidents.links.corrections or 'no'} merges and splits "
        "by analysts changed links",
        *behaviour,
        f"- Parameters: `{msgspec.json.encode(parameters).decode()}`",
        "",
        "## Certificates",
        "",
        f"Units from {start} to {end}, assumption `{whole[0].assumption}` ({_ASSUMED[whole[0].assumption]}).",
        "",
        *[_line(one) for one in [*whole, *narrow[:MOST_GROUPS]]],
        *([f"- … {len(narrow) - MOST_GROUPS:,} more groups, in `policy.json`"] if len(narrow) > MOST_GROUPS else []),
        "",
        "Not for: detecting on raw telemetry; tenants whose incidents differ from those above, before their own audit speaks.",
    ]
    return "\n".join(lines) + "\n"


def _count(certificates: Sequence[Certificate]) -> str:
    granted = sum(one.granted for one in certificates)
    return f"{granted} granted, {len(certificates) - granted} refused"


def _line(one: Certificate) -> str:
    """Return a certificate as an item of a list; names in it come from outside, so nothing of them is markup or a new line."""
    text = " ".join(_MARKUP.sub(r"\\\1", "".join(c if c.isprintable() else " " for c in one.sentence())).split())
    return f"- `{one.uid}` {one.tier or one.aim} ({one.status}, {one.assumption}): {text}"
