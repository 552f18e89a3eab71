"""The report: hostile names stay text, nothing is fetched from elsewhere, the same content gives the same bytes."""

from __future__ import annotations

import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from training.report import (
    MOST_BARS,
    Cell,
    Plot,
    Table,
    bar_plot,
    calibration_plot,
    days_plot,
    precision_recall_plot,
    suppression_plot,
    write_report,
)

HOSTILE = "<script>alert(1)</script>\"'&<img src=x onerror=alert(1)>"
FORMULA = "$\\frac{$ $\\bad$"
"""What a plotting library may take for a formula, and fail on."""
RNG = np.random.default_rng(0)
TARGET = (RNG.random(400) < 0.2).astype(np.int8)
SCORE = np.clip(RNG.random(400) * 0.6 + 0.3 * TARGET, 0.0, 1.0)


class Tags(HTMLParser):
    """Collects the tags of a page with their attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def plots(name: str = "model") -> list[Plot]:
    return [
        precision_recall_plot({name: (TARGET, SCORE), "no attack": (np.zeros(3, np.int8), np.ones(3))}),
        calibration_plot({name: (TARGET, SCORE)}),
        suppression_plot({name: ([0.1, 0.5, 0.9], [0.0, 0.0, 0.2])}),
        days_plot(
            "days", name, name, {name: (np.array([19000, 19003]), np.array([4, 7])), "other": (np.array([19001]), np.array([2]))}
        ),
        bar_plot("bars", name, name, [(name, 3.0), ("other", 1.0)]),
    ]


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    table = Table(HOSTILE, [HOSTILE, "n"], [[HOSTILE, 1]], HOSTILE)
    page = write_report(tmp_path, HOSTILE, [table], plots(HOSTILE), {HOSTILE: HOSTILE}).read_text("utf-8")
    seen = Tags(page)
    assert not {"script", "img", "iframe", "link", "object"} & {tag for tag, _ in seen.tags}
    assert not [name for _, attributes in seen.tags for name in attributes if name.startswith("on")]
    assert seen.text.count(HOSTILE) >= 5


def test_page_asks_nothing_of_the_network(tmp_path: Path) -> None:
    page = write_report(tmp_path, "t", [], plots(), {}).read_text("utf-8")
    for _, attributes in Tags(page).tags:
        for name in ("src", "href", "xlink:href", "data", "action"):
            assert (attributes.get(name) or "#").startswith("#")
    assert not re.search(r"@import|url\((?!#)", page)
    assert "<!DOCTYPE svg" not in page


def test_same_content_gives_the_same_bytes(tmp_path: Path) -> None:
    table = Table("t", ["a", "b"], [["x", 0.5]])
    for name in ("one", "two"):
        write_report(tmp_path / name, "t", [table], plots(), {"n": 1})
    for file in ("report.html", "report.json"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_numbers_are_the_same_in_page_and_json(tmp_path: Path) -> None:
    rows: list[list[Cell]] = [["ours", 12345, 0.98765], ["theirs", 0, float("nan")]]
    page = write_report(tmp_path, "Quality", [Table("AP", ["scorer", "alerts", "ap"], rows, "A note.")], [], {"digest": "ab"})
    text = page.read_text("utf-8")
    assert "12,345" in text
    assert "0.988" in text
    assert "<td>–</td>" in text
    assert "A note." in text
    found = json.loads((tmp_path / "report.json").read_text("utf-8"))
    assert found["facts"] == {"digest": "ab"}
    assert found["tables"][0]["rows"] == [["ours", 12345, 0.98765], ["theirs", 0, None]]


def test_table_for_the_terminal_has_all_rows() -> None:
    shown = Table("AP", ["scorer", "ap"], [["ours", 0.5], ["theirs", 0.25]]).rich()
    assert shown.row_count == 2
    assert [column.justify for column in shown.columns] == ["left", "right"]


@pytest.mark.parametrize("number", range(5))
def test_each_plot_is_one_svg_without_a_date(number: int) -> None:
    plot = plots()[number]
    assert plot.svg.startswith("<svg")
    assert plot.svg.count("</svg>") == 1
    assert "dc:date" not in plot.svg


def test_plots_take_no_curves_at_all() -> None:
    empty = (
        precision_recall_plot({}),
        calibration_plot({}),
        suppression_plot({}),
        days_plot("d", "d", "y", {}),
        bar_plot("b", "b", "x", []),
    )
    for plot in empty:
        assert plot.svg.startswith("<svg")


def test_a_column_of_sentences_reads_from_the_left() -> None:
    table = Table("T", ["a", "n", "why"], [["x", 1, "because"]], texts=[2])
    assert [column.justify for column in table.rich().columns] == ["left", "right", "left"]
    assert '<th class="text">why</th>' in table.html()
    assert '<td>1</td><td class="text">because</td>' in table.html()


def test_a_plot_over_years_has_few_bars() -> None:
    day = np.arange(0, 40_000, 7)
    svg = days_plot("years", "Years", "alerts", {"edr": (day, np.ones(len(day), np.int64))}).svg
    assert svg.count("<path") < MOST_BARS + 100
    assert len(svg) < 200_000
    assert "mean of" in svg


@pytest.mark.parametrize("number", range(5))
def test_a_name_is_no_formula(number: int) -> None:
    assert plots(FORMULA)[number].svg.startswith("<svg")


def test_names_in_any_script_are_drawn_without_a_warning(recwarn: pytest.WarningsRecorder) -> None:
    assert "<svg" in bar_plot("b", "規則", "x", [("規則 " * 30, 1.0)]).svg
    assert not list(recwarn)


def test_hostile_text_stays_text_in_a_terminal() -> None:
    hostile = ["[/] [bold]x[/bold] [link=file:///etc/passwd]y[/link]", "\x1b]0;title\x07\x1b[2J", "two\nlines"]
    console = Console(width=200, file=io.StringIO(), force_terminal=True, color_system=None)
    console.print(Table("t", ["a", "b"], [[text, 1] for text in hostile]).rich())
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert hostile[0] in shown
    assert "\x1b]0" not in shown
    assert "\x1b[2J" not in shown
    assert "\x07" not in shown
    assert "two�lines" in shown


def test_numbers_of_numpy_are_numbers(tmp_path: Path) -> None:
    table = Table("n", ["a", "b"], [[np.float64(0.25), 3]])
    write_report(tmp_path, "t", [table], [], {"share": np.float64("nan"), "yes": np.bool_(True)})
    told = json.loads((tmp_path / "report.json").read_text())
    assert told["tables"][0]["rows"] == [[0.25, 3]]
    assert told["facts"] == {"share": None, "yes": True}
