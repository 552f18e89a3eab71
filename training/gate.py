"""The gate: may a challenger replace the champion? It says why in words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Self

import msgspec

from models.bundle import ModelBundle
from training.fit import FitParameters, Told, TrainingRows
from training.later import Comparison, compare_later
from training.probes import belief_before, lone_voices, recent, sinking
from training.trust import Trust

TOLERANCE = 0.02
"""How much lower a challenger's average precision may be than the champion's on the same alerts, before chance is asked."""

CALIBRATION_LIMIT = 0.1
_SENTENCES, _LONGEST = 12, 200
_TAG = 4900
"""What is kept with the run must fit a tag of 8,000 characters, however long the names are."""


class GateReport(msgspec.Struct):
    """``passed`` if ``objections`` is empty; ``remarks`` are worth knowing either way. ``champion``: whom it was held against."""

    objections: list[str] = []
    remarks: list[str] = []
    champion: str = ""

    @property
    def passed(self) -> bool:
        """Whether the challenger may be promoted."""
        return not self.objections

    def encode(self) -> str:
        """Return the report as it is kept with the run, cut to what a tag of MLflow holds; a refusal stays one."""
        objections, remarks = list(self.objections), list(self.remarks)
        while len(text := msgspec.json.encode(GateReport(objections, remarks, self.champion)).decode()) > _TAG:
            if remarks or len(objections) > 1:
                (remarks or objections).pop()
            else:
                objections = ["refused, for reasons too long to keep"]
        return text

    @classmethod
    def decode(cls, text: str) -> Self:
        """Inverse of :meth:`encode`. Raises ``msgspec.MsgspecError``."""
        return msgspec.json.decode(text, type=cls)


def examine(
    rows: TrainingRows,
    trusted: Trust,
    challenger: ModelBundle,
    champion: ModelBundle | None,
    parameters: FitParameters,
    *,
    calibration_error: float | None,
    told: Told = lambda text: None,
) -> tuple[GateReport, list[Comparison]]:
    """Hold a challenger, as it was trained on ``rows``, against the champion: later window, calibration, poisoning probes."""
    compared: list[Comparison] = []
    findings: list[str] = []
    if champion is not None:
        compared = compare_later(rows, trusted, champion, parameters, tolerance=TOLERANCE, told=told)
        told("probing for poison")
        fresh = recent(rows.dataset, champion)
        findings = lone_voices(rows.dataset, belief_before(rows.dataset, champion, fresh), fresh)
        if champion.view.fingerprint == rows.view.fingerprint:
            findings += sinking(rows, trusted, challenger, champion, fresh)
    return judge(calibration_error, compared, findings, champion.digest if champion else ""), compared


def judge(calibration_error: float | None, compared: Sequence[Comparison], findings: Sequence[str], champion: str) -> GateReport:
    """Weigh everything; ``findings`` of the probes are objections. At most a dozen sentences of each are kept."""
    report = GateReport([], [], champion)
    if calibration_error is None or math.isnan(calibration_error):
        unmeasured = "nothing could be measured out of fold: were all labels given after the last alert?"
        (report.objections if champion else report.remarks).append(unmeasured)
    elif calibration_error > CALIBRATION_LIMIT:
        report.objections.append(
            f"the challenger is badly calibrated: error {calibration_error:.3f}, at most {CALIBRATION_LIMIT} is allowed"
        )
    report.objections += _cut([str(comparison) for comparison in compared if comparison.worse]) + _cut(findings)
    report.remarks += [str(comparison) for comparison in compared if not comparison.worse]
    if not champion:
        report.remarks.append("there is no champion yet")
    elif not compared:
        report.remarks.append("too few labels after the champion's window to compare the two on")
    report.remarks = _cut(report.remarks)
    return report


def _cut(sentences: Sequence[str]) -> list[str]:
    more = len(sentences) - _SENTENCES
    kept = ["".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text) for text in sentences[:_SENTENCES]]
    kept = [text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…" for text in kept]
    return [*kept, *([f"and {more} more like these"] if more > 0 else [])]
