"""The tables and the page of ``tamis evaluate``."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import numpy as np

from models.certificates.certificate import GRID
from models.policy import Guardrails, effective_score
from training.certification import acts
from training.certified_report import certified_tables
from training.dataset import UNLABELLED
from training.evaluate import IDENTITY, Evaluation, Quality
from training.metrics import group_scores, suppression
from training.report import Cell, Plot, Table, calibration_plot, precision_recall_plot, suppression_plot, write_report


def tables(result: Evaluation) -> list[Table]:
    """Return everything that was measured as tables."""
    names = sorted({name for quality in result.quality.values() for name in quality.group_ap_by})
    left_out = not result.headline.all()
    found = [
        _by_tenant(
            "Average precision over alert groups", result.quality, names, lambda q: (q.group_ap, q.group_ap_worst, q.group_ap_by)
        ),
        _by_tenant(
            "Recall of attack steps at 1 % false positives",
            result.quality,
            names,
            lambda q: (q.step_recall, q.step_recall_worst, q.step_recall_by),
        ),
        Table(
            "Calibration over families (tenant × day × entity × rule)",
            ["scorer", "Brier", "expected error"],
            [[name, q.brier, q.calibration_error] for name, q in result.quality.items()],
        ),
        _suppressions(result),
    ]
    if left_out:
        whole = _by_tenant(
            "With the rules that the headline leaves out: average precision",
            result.quality_all,
            names,
            lambda q: (q.group_ap, q.group_ap_worst, q.group_ap_by),
        )
        found.append(whole)
    if result.certified:
        found += certified_tables(result.certified, result.refused)
    if result.unseen:
        found += _unseen(result)
    return found


def _by_tenant(
    title: str, quality: dict[str, Quality], names: list[str], pick: Callable[[Quality], tuple[float, float, dict[str, float]]]
) -> Table:
    rows: list[list[Cell]] = []
    for name, measured in quality.items():
        pooled, worst, by_tenant = pick(measured)
        rows.append([name, pooled, worst, *(by_tenant.get(tenant, float("nan")) for tenant in names)])
    return Table(title, ["scorer", "pooled", "worst", *names], rows)


def _suppressions(result: Evaluation) -> Table:
    rows: list[list[Cell]] = [
        [name, s.benign_alerts, s.benign_groups, s.attack_alerts, s.attack_groups, f"{s.lost} of {s.incidents}"]
        for name, s in result.suppressions.items()
    ]
    columns = ["rule", "benign alerts", "benign groups", "attack alerts", "attack groups", "steps lost"]
    note = f"The threshold that loses no step is chosen after the fact ({result.zero_miss:.4f}): what could be had, not what is promised."
    return Table("What would be suppressed", columns, rows, note)


def _unseen(result: Evaluation) -> list[Table]:
    rows: list[list[Cell]] = [
        [f"{u.kind} in {u.tenant}", u.recall, _yes(u.lost), _yes(u.lost_by_score), _yes(u.lost_whole)] for u in result.unseen
    ]
    total = len(result.unseen)
    lost = [sum(getattr(u, name) for u in result.unseen) for name in ("lost", "lost_by_score", "lost_whole")]
    recall, hidden = (float(np.mean([getattr(u, name) for u in result.unseen])) for name in ("recall", "benign_groups"))
    rows.append(["all", recall, *(f"{count} of {total}" for count in lost)])
    columns = ["step", "recall at .05", "lost at .05", "lost at the threshold", "lost, whole decision"]
    threshold = "certified on the others' other steps" if result.certified else "that loses none of the others' other steps"
    note = f"Tenant and kind left out of training together; the threshold is the one {threshold}. "
    note += f"Benign groups suppressed by the whole decision: {hidden:.3f} in the mean."
    return [Table("Kinds of attack never seen", columns, rows, note)]


def _yes(lost: bool) -> str:
    return "lost" if lost else ""


def write(folder: Path, result: Evaluation, more: Sequence[Table] = ()) -> Path:
    """Write page and numbers, ``more`` tables after the others; return the page."""
    facts = {
        "data_digest": result.dataset.digest,
        "alerts": len(result.dataset),
        "quality": {name: dataclasses.asdict(quality) for name, quality in result.quality.items()},
        "quality_all_rules": {name: dataclasses.asdict(quality) for name, quality in result.quality_all.items()},
        "suppression": {name: s._asdict() for name, s in result.suppressions.items()},
        "zero_miss_threshold": result.zero_miss,
        "more": [dataclasses.asdict(table) for table in more],
        "unseen_kinds": [dataclasses.asdict(u) for u in result.unseen],
        "certified": [msgspec.to_builtins(one) for one in (*result.certified, *result.refused)],
    }
    return write_report(folder, "Tamis: leave one tenant out", [*tables(result), *more], plots(result), facts)


def plots(result: Evaluation) -> list[Plot]:
    """Return precision–recall, calibration, and suppression against missed steps."""
    dataset = result.dataset
    ranked, calibrated = {}, {}
    for scorer in result.scorers:
        rows = np.flatnonzero(result.headline & (dataset.target != UNLABELLED) & scorer.oof.scored)
        groups = group_scores(scorer.score[rows], dataset.target[rows], dataset.group[rows], dataset.tenant[rows])
        ranked[scorer.name] = (groups.target, groups.score)
        if scorer.name == IDENTITY:
            calibrated[scorer.name] = (groups.target, groups.score)
    return [precision_recall_plot(ranked), calibration_plot(calibrated), suppression_plot(_trade_off(result))]


def _trade_off(result: Evaluation) -> dict[str, tuple[list[float], list[float]]]:
    dataset, curves = result.dataset, {}
    for scorer in result.scorers:
        rows = np.flatnonzero(result.headline & (dataset.target != UNLABELLED) & scorer.oof.scored)
        whole = effective_score(scorer.score, scorer.oof.evidence, Guardrails())[rows]
        act = acts(dataset)[rows]
        hidden, lost = [], []
        for limit in GRID[::8]:
            s = suppression(whole < limit, dataset.target[rows], dataset.group[rows], act)
            hidden.append(s.benign_groups)
            lost.append(s.lost / max(s.incidents, 1))
        curves[f"{scorer.name}, habitual only"] = (hidden, lost)
    return curves
