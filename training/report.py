"""A report: one page that opens anywhere, prints well, and shows hostile text as text; the numbers beside it as JSON."""

from __future__ import annotations

import html
import io
import warnings
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.text import Text as DrawnText
from numpy.typing import NDArray
from rich.table import Table as RichTable
from rich.text import Text
from sklearn.metrics import precision_recall_curve

_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;color:#1c2430;background:#fff;max-width:62rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.7rem}h2{font-size:1.15rem;margin-top:2.2rem}table{border-collapse:collapse;font-variant-numeric:tabular-nums}
th,td{padding:.25rem .7rem;border-bottom:1px solid #dde2e8;text-align:right}th:first-child,td:first-child,.text{text-align:left}
th{font-weight:600;color:#47525f}p.note{color:#5b6673;max-width:50rem}figure{margin:1rem 0}svg{max-width:100%;height:auto}
@media print{body{margin:0}h2{break-after:avoid}figure,table{break-inside:avoid}}
"""

Cell = str | int | float

MOST_BARS = 180
"""Bars that a plot over days has at most."""


@dataclass(frozen=True)
class Table:
    """A table: the first column names the row, the others are right-aligned, but for those in ``texts`` (their numbers), which
    hold sentences. Floats are shown with three decimals."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    note: str = ""
    texts: Collection[int] = ()

    def rich(self) -> RichTable:
        """Return the table for a terminal."""
        shown = RichTable(title=self.title, caption=self.note or None, title_justify="left", caption_justify="left")
        for number, column in enumerate(self.columns):
            shown.add_column(column, justify="right" if number and number not in self.texts else "left")
        for row in self.rows:
            shown.add_row(*(Text(_printable(shown_cell(cell))) for cell in row))
        return shown

    def html(self) -> str:
        """Return the table for a page."""
        kinds = dict.fromkeys(self.texts, ' class="text"')
        head = "".join(f"<th{kinds.get(at, '')}>{html.escape(column)}</th>" for at, column in enumerate(self.columns))
        body = "".join(
            "<tr>"
            + "".join(f"<td{kinds.get(at, '')}>{html.escape(shown_cell(cell))}</td>" for at, cell in enumerate(row))
            + "</tr>"
            for row in self.rows
        )
        note = f'<p class="note">{html.escape(self.note)}</p>' if self.note else ""
        return f"<h2>{html.escape(self.title)}</h2><table><tr>{head}</tr>{body}</table>{note}"


def _printable(text: str) -> str:
    """Return text that tells a terminal nothing but what to show."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def shown_cell(cell: Cell) -> str:
    """Return a cell as text."""
    if isinstance(cell, float):
        return "–" if np.isnan(cell) else f"{cell:.3f}"
    return f"{cell:,}" if isinstance(cell, int) else cell


@dataclass(frozen=True)
class Plot:
    """A plot as SVG."""

    name: str
    title: str
    svg: str


def write_report(folder: Path, title: str, tables: Sequence[Table], plots: Sequence[Plot], facts: Mapping[str, Any]) -> Path:
    """Write ``report.html`` and ``report.json`` into ``folder``; return the page."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = [table.html() for table in tables]
    parts += [f"<h2>{html.escape(plot.title)}</h2><figure>{plot.svg}</figure>" for plot in plots]
    page = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{html.escape(title)}</h1>{''.join(parts)}</body></html>"
    )
    (folder / "report.html").write_text(page, "utf-8", errors="replace")
    numbers = {
        "title": title,
        "facts": dict(facts),
        "tables": [{"title": t.title, "columns": t.columns, "rows": t.rows} for t in tables],
    }
    (folder / "report.json").write_bytes(msgspec.json.format(msgspec.json.encode(numbers, enc_hook=_plain), indent=1))
    return folder / "report.html"


def _plain(value: object) -> object:
    """Return a number of numpy's as one of Python's."""
    if isinstance(value, np.generic):
        return value.item()
    raise NotImplementedError(f"a {type(value).__name__} is no number")


def precision_recall_plot(curves: Mapping[str, tuple[NDArray[np.int8], NDArray[np.float64]]]) -> Plot:
    """Draw precision against recall of each (target, score)."""
    figure, axes = _axes("recall", "precision")
    for name, (target, score) in curves.items():
        if target.any():
            precision, recall, _ = precision_recall_curve(target, score)
            axes.step(recall, precision, where="post", label=name)
    return _plot("precision_recall", "Precision and recall over alert groups", figure, axes)


def calibration_plot(curves: Mapping[str, tuple[NDArray[np.int8], NDArray[np.float64]]], bins: int = 15) -> Plot:
    """Draw the share of attacks against the mean score in bins of equal mass."""
    figure, axes = _axes("mean score", "share of attacks")
    axes.plot([0, 1], [0, 1], color="#b8c0ca", linewidth=1)
    for name, (target, score) in curves.items():
        parts = [part for part in np.array_split(np.argsort(score, kind="stable"), bins) if len(part)]
        axes.plot([score[p].mean() for p in parts], [target[p].mean() for p in parts], marker="o", markersize=3, label=name)
    return _plot("calibration", "Calibration", figure, axes)


def suppression_plot(curves: Mapping[str, tuple[Sequence[float], Sequence[float]]]) -> Plot:
    """Draw the share of incidents lost whole against the share of benign groups suppressed."""
    figure, axes = _axes("benign groups suppressed", "attack steps lost")
    for name, (hidden, lost) in curves.items():
        axes.plot(hidden, lost, label=name)
    return _plot("suppression", "What suppression costs", figure, axes)


def line_plot(
    name: str, title: str, axis: tuple[str, str], curves: Mapping[str, tuple[Sequence[float], Sequence[float]]]
) -> Plot:
    """Draw a line with points for each (x, y)."""
    figure, axes = _axes(*axis)
    for label, (x, y) in curves.items():
        axes.plot(x, y, marker="o", markersize=3, label=label)
    return _plot(name, title, figure, axes)


def days_plot(name: str, title: str, y: str, counts: Mapping[str, tuple[NDArray[np.int64], NDArray[np.int64]]]) -> Plot:
    """Draw bars over days, one stacked on another, for each (days since 1970, their counts); many days share a bar."""
    figure, axes = _axes("", y)
    days = np.concatenate([np.empty(0, np.int64), *(day for day, _ in counts.values())])
    if len(days):
        first = int(days.min())
        width = 1 + (int(days.max()) - first) // MOST_BARS
        base = np.zeros((int(days.max()) - first) // width + 1)
        at = np.datetime64("1970-01-01") + np.timedelta64(1, "D") * (first + width * np.arange(len(base)))
        for label, (day, count) in counts.items():
            heights = np.bincount((day - first) // width, count / width, len(base))
            axes.bar(at, heights, width * 0.9, base, label=_short(label), align="edge")
            base += heights
        axes.tick_params("x", rotation=30)
        figure.legend(loc="outside upper center", ncols=5, frameon=False)
        axes.set(xlabel=f"mean of {width} days" if width > 1 else "")
    return _plot(name, title, figure, axes)


def bar_plot(name: str, title: str, x: str, bars: Sequence[tuple[str, float]]) -> Plot:
    """Draw a bar for each (label, value), the first on top."""
    figure, axes = _axes(x, "", height=1.0 + 0.3 * max(len(bars), 4))
    place = np.arange(len(bars))[::-1]
    axes.barh(place, [value for _, value in bars])
    axes.set_yticks(place, [_short(label) for label, _ in bars])
    return _plot(name, title, figure, axes)


def _short(label: str, most: int = 48) -> str:
    """Return a label that leaves room for the plot."""
    shown = _printable(label)
    return shown if len(shown) <= most else shown[: most - 1] + "…"


def _axes(x: str, y: str, height: float = 4.2) -> tuple[Figure, Any]:
    figure = Figure(figsize=(7, height), layout="constrained")
    axes = figure.subplots()
    axes.set(xlabel=x, ylabel=y)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _plot(name: str, title: str, figure: Figure, axes: Any) -> Plot:
    if axes.get_legend_handles_labels()[0] and not figure.legends:
        axes.legend(frameon=False)
    for text in figure.findobj(DrawnText):  # made already, before the context below
        text.set_parse_math(False)
    out = io.StringIO()
    with rc_context({"svg.hashsalt": f"tamis {name}", "text.parse_math": False}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # names in any script: the font shows a box
        figure.savefig(out, format="svg", metadata={"Date": None})
    svg = out.getvalue()
    return Plot(name, title, svg[svg.index("<svg") :])
