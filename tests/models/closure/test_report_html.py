"""The report as a page."""

from __future__ import annotations

import base64
import hashlib
import os
import re
from html.parser import HTMLParser
from pathlib import Path

from hypothesis import given

from models.closure.report_html import POLICY, html
from tests.models.closure.cases import realistic
from tests.models.closure.hostile import HOSTILE, report_of

GOLDEN = Path(__file__).parent / "golden" / "incident.html"


class _Seen(HTMLParser):
    """Which elements and attributes a page has, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in {"meta", "path", "rect"}:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_a_golden_report() -> None:
    if os.environ.get("TAMIS_GOLDEN") == "write":
        GOLDEN.write_text(html(realistic()), "utf-8")
    assert html(realistic()) == GOLDEN.read_text("utf-8")


def test_the_style_is_what_the_policy_allows() -> None:
    style = re.search(r"<style>(.*?)</style>", html(realistic()), re.DOTALL)
    assert style is not None
    assert base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode() in POLICY
    assert "@page{size:A4" in style[1]


_ELEMENTS = {
    "html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "section", "ul", "li", "table", "thead", "tbody", "tr", "th", "td",
    "figure", "svg", "rect", "path", "text", "g",
}  # fmt: skip
_ATTRIBUTES = {
    "lang", "charset", "http-equiv", "content", "name", "class", "scope", "xmlns", "viewbox", "width", "height", "role", "font-family",
    "fill", "x", "y", "rx", "stroke", "stroke-width", "stroke-dasharray", "d", "font-size",
}  # fmt: skip


@given(HOSTILE)
def test_text_from_outside_makes_no_element(text: str) -> None:
    page = html(report_of(text))
    page.encode()
    seen = _Seen(page)
    assert set(seen.elements) <= _ELEMENTS
    assert {name for name, _ in seen.attributes} <= _ATTRIBUTES
    assert not [value for _, value in seen.attributes if "url(" in value or "javascript" in value]
    assert seen.open == []
    assert seen.elements.count("h1") == 1
    assert not re.search("[\x00-\x09\x0b-\x1f\u202a-\u202e\u2066-\u2069]", page)


def test_text_is_shown_as_it_is() -> None:
    assert "<script>alert(1)</script>" in _Seen(html(report_of("<script>alert(1)</script>"))).text
    assert "[U+202E]gpj.exe" in _Seen(html(report_of("\u202egpj.exe"))).text


def test_nothing_is_fetched() -> None:
    page = html(realistic())
    assert not re.search(r" (?:src|href)=|url\(", page)
    assert page.count("http") == page.count("http-equiv") + page.count('xmlns="http://www.w3.org/2000/svg"')
