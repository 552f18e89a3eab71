"""A chain as a picture: the entity graph as inline SVG, without script or anything from outside."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from html import escape
from typing import NamedTuple

from models.incidents.chain import Chain
from models.incidents.chain_text import moment
from models.incidents.path import Edge, Evidence
from models.incidents.printable import printable
from models.incidents.sightings import Node

_MOST_COLUMNS, _MOST_ROWS, _MOST_LINES = 10, 8, 120
"""Columns, entities in each, and edges drawn; what is more is counted under the column."""
_WIDTH, _HEIGHT, _ACROSS, _DOWN, _TOP = 150, 36, 200, 54, 34
_FILL = {"host": "#dbeafe", "user": "#fef3c7", "mailbox": "#fef3c7", "address": "#f3f4f6", "domain": "#f3f4f6"}
_FIRST, _BESIDE = "came from", "also involved"


class _Layout(NamedTuple):
    """Where each entity stands (column, row), the columns' titles, and how many of each are folded."""

    places: dict[Node, tuple[int, int]]
    titles: list[str]
    folded: list[int]


def picture(chain: Chain) -> str:
    """Return the entity graph as one ``<svg>`` element for use within a page, of bounded size.

    An entity stands one column after that from which it was reached first, under the tactics by which; the entry has a bold frame, inferred edges are
    dashed, thin grey lines are contacts beside the path. All text is made printable, cut and escaped.
    """
    layout = _layout(chain)
    width = max(len(layout.titles), 1) * _ACROSS
    height = _TOP + (1 + max((row for _, row in layout.places.values()), default=0)) * _DOWN + 24
    way = _edges(chain.path, layout, thin=False)[:_MOST_LINES]
    contacts = _edges(chain.contacts, layout, thin=True)[: _MOST_LINES - len(way)]
    parts = [*_titles(layout, height), *contacts, *way, *(_box(node, layout, chain.entry) for node in layout.places)]
    if not layout.places:
        parts.append(_text(10, _TOP + 20, "no alert names an entity", 12, most=24))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
        f'font-family="sans-serif"><title>{_safe(f"Attack chain of {chain.incident}", 120)}</title>'
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>{"".join(parts)}</svg>'
    )


def _layout(chain: Chain) -> _Layout:
    column = _columns(chain)
    last = max(column.values(), default=-1)
    for node in (node for edge in chain.contacts for node in (edge.source, edge.target)):
        column.setdefault(node, last + 1)
    titles: list[list[str]] = [[] for _ in range(1 + max(column.values(), default=-1))]
    for edge in chain.path:
        titles[column[edge.target]].append(edge.tactic or "no tactic")
    places: dict[Node, tuple[int, int]] = {}
    rows = [0] * len(titles)
    for node, at in column.items():
        if rows[at] < _MOST_ROWS:
            places[node] = (at, rows[at])
        rows[at] += 1
    names = [", ".join(dict.fromkeys(title)) or (_BESIDE if at > last else _FIRST) for at, title in enumerate(titles)]
    return _Layout(places, names, [max(count - _MOST_ROWS, 0) for count in rows])


def _columns(chain: Chain) -> dict[Node, int]:
    """Return the column of each entity of the path: one after that from which it was reached first."""
    targets = {edge.target for edge in chain.path}
    column = {edge.source: 0 for edge in chain.path if edge.source not in targets}
    if chain.entry is not None and chain.entry not in targets:
        column[chain.entry] = 0
    first: dict[Node, datetime] = {}
    for edge in chain.path:
        after = min(column.setdefault(edge.source, 0) + 1, _MOST_COLUMNS - 1)
        if edge.time == first.setdefault(edge.target, edge.time):
            column[edge.target] = max(column.get(edge.target, 0), after)
    return column


def _titles(layout: _Layout, height: int) -> Iterable[str]:
    for column, title in enumerate(layout.titles):
        yield _text(column * _ACROSS + 10, 20, title, 12, "#6b7280")
        if layout.folded[column]:
            yield _text(column * _ACROSS + 10, height - 8, f"+ {layout.folded[column]} more", 12, "#6b7280")


def _edges(edges: Iterable[Edge], layout: _Layout, *, thin: bool) -> list[str]:
    shown = (edge for edge in edges if edge.source in layout.places and edge.target in layout.places)
    return [_arrow(edge, layout, thin=thin) for edge in shown]


def _arrow(edge: Edge, layout: _Layout, *, thin: bool) -> str:
    """Draw an edge from the right of its source to the left of its target: over columns between, around the right of its own."""
    (a, b), (c, d) = layout.places[edge.source], layout.places[edge.target]
    x1, y1 = a * _ACROSS + 10 + _WIDTH, _TOP + b * _DOWN + _HEIGHT // 2
    x2, y2 = c * _ACROSS + 10 + (_WIDTH if a == c else 0), _TOP + d * _DOWN + _HEIGHT // 2
    tip = 8 if a == c else -8
    bend1, bend2 = x1 + 40, x2 + (40 if a == c else -40)
    over = 30 if c > a + 1 else 0
    colour = "#d1d5db" if thin else "#b91c1c"
    dash = ' stroke-dasharray="5 4"' if edge.evidence is Evidence.INFERRED and not thin else ""
    label = ", ".join(part for part in (edge.tactic, edge.rule, moment(edge.time)) if part)
    return (
        f'<g><title>{_safe(label, 160)}</title><path d="M{x1} {y1}C{bend1} {y1 - over} {bend2} {y2 - over} {x2 + tip} {y2}" fill="none" '
        f'stroke="{colour}" stroke-width="{1 if thin else 2}"{dash}/>'
        f'<path d="M{x2} {y2}l{tip} -4v8z" fill="{colour}"/></g>'
    )


def _box(node: Node, layout: _Layout, entry: Node | None) -> str:
    column, row = layout.places[node]
    x, y = column * _ACROSS + 10, _TOP + row * _DOWN
    frame = 'stroke="#b91c1c" stroke-width="3"' if node == entry else 'stroke="#6b7280" stroke-width="1"'
    kind = "entry: " * (node == entry) + node.kind
    return (
        f"<g><title>{_safe(f'{node.kind} {node.uid}', 200)}</title>"
        f'<rect x="{x}" y="{y}" width="{_WIDTH}" height="{_HEIGHT}" rx="5" fill="{_FILL.get(node.kind, "#f3f4f6")}" {frame}/>'
        f"{_text(x + 6, y + 13, kind, 10, '#6b7280')}{_text(x + 6, y + 28, node.uid, 12)}</g>"
    )


def _text(x: int, y: int, words: str, size: int, colour: str = "#111827", *, most: int = 21) -> str:
    return f'<text x="{x}" y="{y}" font-size="{size}" fill="{colour}">{_safe(words, most)}</text>'


def _safe(words: str, most: int) -> str:
    return escape(printable(words, most))
