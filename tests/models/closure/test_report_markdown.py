"""The report as Markdown, read by a parser that is not ours."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import example, given
from markdown_it import MarkdownIt
from markdown_it.token import Token

from models.closure import report_markdown
from models.closure.report_markdown import escaped, markdown
from models.closure.sections import sections
from models.incidents.printable import printable
from tests.models.closure.cases import realistic
from tests.models.closure.hostile import HOSTILE, report_of

GOLDEN = Path(__file__).parent / "golden" / "incident.md"
_PLAIN = {"heading", "paragraph", "inline", "bullet_list", "list_item", "table", "thead", "tbody", "tr", "th", "td"}


def _parsed(text: str) -> list[Token]:
    return MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).parse(text)


def _shown(tokens: list[Token]) -> str:
    return "".join(child.content for token in tokens for child in token.children or [])


def test_a_golden_report() -> None:
    if os.environ.get("TAMIS_GOLDEN") == "write":
        GOLDEN.write_text(markdown(realistic()), "utf-8")
    assert markdown(realistic()) == GOLDEN.read_text("utf-8")


@given(HOSTILE)
@example("1. one")
@example("\\|" * 30)
@example("www.evil.example a@evil.example http://evil.example")
def test_text_from_outside_makes_no_markup(text: str) -> None:
    report = report_of(text)
    tokens = _parsed(markdown(report))
    assert {token.type.removesuffix("_open").removesuffix("_close") for token in tokens} <= _PLAIN
    assert {child.type for token in tokens for child in token.children or []} <= {"text", "text_special"}
    assert sum(token.type == "heading_open" for token in tokens) == 1 + len(list(sections(report)))
    assert all(len(token.children or []) == 0 or "\n" not in token.content for token in tokens if token.type == "inline")


@given(HOSTILE)
def test_tables_keep_their_shape(text: str) -> None:
    tokens = _parsed(markdown(report_of(text)))
    widths: list[int] = []
    for token in tokens:
        if token.type == "tr_open":
            widths.append(0)
        elif token.type in {"td_open", "th_open"}:
            widths[-1] += 1
    assert sorted(widths) == sorted([3, 3, 3, 2, 2, 2, 10, 10, 7, 7, 5, 5, 2, 2])


@given(HOSTILE)
def test_a_viewer_finds_nothing_to_make_a_link_of(text: str) -> None:
    shown = _shown(_parsed(escaped(text, 4000))).lower()
    assert "://" not in shown
    assert "www." not in shown
    assert "@" not in shown.replace("[@]", "")


@given(HOSTILE)
def test_what_is_shown_is_what_was_sent(text: str) -> None:
    shown = _shown(_parsed("x " + escaped(text, 5000)))
    restored = shown.replace("[:]//", "://").replace("[@]", "@").replace("[.]", ".").replace("[:]", ":")
    sent = printable(text, 5000).replace("[@]", "@").replace("[.]", ".").replace("[:]", ":")
    assert " ".join(restored.split()) == " ".join(f"x {sent}".split())


def test_a_report_that_is_too_long_leaves_out_whole_sections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_markdown, "MOST_BYTES", 3000)
    short = markdown(realistic())
    assert len(short.encode()) < 3400
    assert short.rstrip().endswith("and what follows it.")
