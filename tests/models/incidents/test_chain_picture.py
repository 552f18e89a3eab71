"""The picture: well-formed, bounded, and nothing of what an attacker wrote gets out of its text."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.alert import Entity, EntityKind, Role
from models.incidents.chain import trace
from models.incidents.chain_picture import picture
from models.incidents.incident import Line
from tests.models.incidents.chains_by_hand import PHISHING, incident, leased, line, on, source

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "]]></svg><svg onload=x>",
    "&lt;b&gt;",
    "a\u202eb\x00\ud800",
]
ELEMENTS = {"svg", "title", "rect", "g", "path", "text"}


def _parsed(some: str) -> ElementTree.Element:
    return ElementTree.fromstring(some)  # noqa: S314 - it reads what we have drawn


def _texts(some: str) -> list[str]:
    return [element.text or "" for element in _parsed(some).iter(f"{SVG}text")]


def _tame(some: str) -> None:
    """Check that only known elements are there, with no handler, no link, nothing from outside."""
    for element in _parsed(some).iter():
        assert element.tag.removeprefix(SVG) in ELEMENTS
        assert not [name for name in element.attrib if name.startswith("on") or "href" in name or name == "style"]
        assert not [value for value in element.attrib.values() if "url(" in value or "javascript" in value]


def test_entities_stand_in_the_order_in_which_they_were_reached() -> None:
    drawn = picture(trace(incident(*PHISHING), resolve=leased))
    _tame(drawn)
    at = {
        text: float(re.findall(r'<text x="(\d+)"[^>]*>' + re.escape(text) + "<", drawn)[0])
        for text in ("203.0.113.5", "ann", "ws-ann", "root", "files", "db", "bad.example")
    }
    assert list(at) == sorted(at, key=at.__getitem__)
    assert len(set(at.values())) == len(at)
    assert _texts(drawn).count("entry: user") == 1
    assert drawn.count("stroke-dasharray") == 2, "two edges are inferred"


@given(st.lists(st.one_of(st.sampled_from(HOSTILE), st.text(st.characters(), min_size=1, max_size=40)), min_size=1, max_size=6))
def test_hostile_text_stays_text(names: list[str]) -> None:
    lines = [
        line(n, name[:20], Entity(EntityKind.HOST, name, Role.DEVICE), Entity(EntityKind.USER, name[::-1], Role.ACTOR),
             Entity(EntityKind.ADDRESS, name, Role.ACTOR), rule=name, domain=name, uid=f"l{n}")
        for n, name in enumerate(names)
    ]  # fmt: skip
    drawn = picture(trace(incident(*lines)))
    _tame(drawn)
    assert "<script" not in drawn
    assert "<img" not in drawn
    assert not {"\u202e", "\x00", "\ud800"} & set(drawn)
    drawn.encode()


@pytest.mark.parametrize("count", [1, 8, 9, 1000])
def test_many_entities_are_folded(count: int) -> None:
    crowd = [line(n, "lateral-movement", on(f"h{n}"), source("10.0.0.7"), uid=f"l{n:04}") for n in range(count)]
    drawn = picture(trace(incident(*crowd)))
    _tame(drawn)
    shown = [text for text in _texts(drawn) if re.fullmatch(r"h\d+", text)]
    assert len(shown) == min(count, 8)
    assert [text for text in _texts(drawn) if text.startswith("+")] == ([f"+ {min(count, 500) - 8} more"] if count > 8 else [])
    assert len(drawn) < 100_000


def test_a_long_chain_ends_in_the_last_column() -> None:
    hops: list[Line] = [
        line(30 * n, "lateral-movement", on(f"h{n + 1}"), Entity(EntityKind.HOST, f"h{n}", Role.ACTOR), uid=f"l{n:03}")
        for n in range(30)
    ]
    drawn = picture(trace(incident(*hops)))
    _tame(drawn)
    assert float(_parsed(drawn).attrib["width"]) <= 11 * 200
    assert "+ 14 more" in _texts(drawn)


def test_nothing_is_said_where_nothing_is() -> None:
    drawn = picture(trace(incident(line(0, "impact"))))
    _tame(drawn)
    assert _texts(drawn) == ["no alert names an entity"]
