"""The gate: may a challenger replace the champion? It says why in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

TOLERANCE = 0.02
"""How much lower a challenger's average precision may be than the champion's on the same window."""

CALIBRATION_LIMIT = 0.1


@dataclass
class GateReport:
    """``passed`` if ``objections`` is empty; ``remarks`` are worth knowing either way."""

    objections: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether the challenger may be promoted."""
        return not self.objections


def judge(challenger: Mapping[str, float], champion: Mapping[str, float] | None) -> GateReport:
    """Compare metrics of both, measured on the same alerts: ``group_ap``, ``group_ap_worst``, ``calibration_error``."""
    report = GateReport()
    error = challenger.get("calibration_error")
    if error is not None and error > CALIBRATION_LIMIT:
        report.objections.append(f"the challenger is badly calibrated: error {error:.3f}, at most {CALIBRATION_LIMIT} is allowed")
    if champion is None:
        report.remarks.append("there is no champion yet")
        return report
    for name, words in (("group_ap", "average precision"), ("group_ap_worst", "average precision of the worst tenant")):
        new, old = challenger.get(name), champion.get(name)
        if old is None:
            continue
        if new is None:
            report.objections.append(f"{words} of the challenger is not known, that of the champion is {old:.3f}")
            continue
        text = f"{words} {new:.3f} against the champion's {old:.3f}"
        (report.objections if new < old - TOLERANCE else report.remarks).append(text)
    return report
