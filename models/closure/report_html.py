"""A report as one page to read or to print: no script, nothing from outside, everything escaped."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from html import escape

from models.closure.report import Report
from models.closure.sections import Items, Part, Picture, Section, Table, Words, moment, sections
from models.incidents.chain_picture import picture
from models.incidents.printable import printable

_MOST_WORDS, _MOST_CELL = 4000, 600
_STYLE = """
body{font:14px/1.5 system-ui,sans-serif;color:#1c2430;background:#fff;max-width:64rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.6rem;overflow-wrap:anywhere}h2{font-size:1.15rem;margin-top:2rem;border-bottom:1px solid #dde2e8}
p,li,td{overflow-wrap:anywhere}p.note{color:#5b6673}figure{margin:1rem 0;overflow-x:auto}svg{max-width:100%;height:auto}
table{border-collapse:collapse;width:100%;font-size:12px;font-variant-numeric:tabular-nums;margin:.6rem 0}
th,td{padding:.25rem .5rem;border-bottom:1px solid #dde2e8;text-align:left;vertical-align:top}th{font-weight:600;color:#47525f}
@page{size:A4;margin:16mm 14mm}
@media print{body{margin:0;padding:0;max-width:none;font-size:10pt}table{font-size:7.5pt}h2{break-after:avoid}
thead{display:table-header-group}tr,figure,li{break-inside:avoid}figure{overflow:visible}}
"""
POLICY = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; style-src 'sha256-"
    + base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    + "'"
)
"""The content security policy under which the page can be served; it carries it itself, too."""


def html(report: Report) -> str:
    """Return a report as a page of its own, in A4 when printed."""
    title = _safe(f"Incident {report.incident.uid}", 200)
    body = "".join(_section(section) for section in sections(report))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(POLICY)}">'
        '<meta name="referrer" content="no-referrer"><meta name="viewport" content="width=device-width">'
        f"<title>{title}</title><style>{_STYLE}</style></head><body><h1>{title}</h1>"
        f'<p class="note">As of {moment(report.made)}.</p>{body}</body></html>\n'
    )


def _section(section: Section) -> str:
    return f"<section><h2>{_safe(section.title, 100)}</h2>{''.join(map(_part, section.parts))}</section>"


def _part(part: Part) -> str:
    match part:
        case Words(text):
            return f"<p>{_safe(text, _MOST_WORDS)}</p>"
        case Items(items):
            return "<ul>" + "".join(f"<li>{_safe(item, _MOST_WORDS)}</li>" for item in items) + "</ul>"
        case Table():
            return "".join(_table(part))
        case Picture(chain):
            return f"<figure>{picture(chain)}</figure>"


def _table(table: Table) -> Iterator[str]:
    yield "<table><thead><tr>"
    yield from (f'<th scope="col">{_safe(column, 100)}</th>' for column in table.columns)
    yield "</tr></thead><tbody>"
    for row in table.rows:
        yield "<tr>" + "".join(f"<td>{_safe(cell, _MOST_CELL)}</td>" for cell in row) + "</tr>"
    yield "</tbody></table>"
    if table.more:
        yield f'<p class="note">+ {table.more:,} more</p>'


def _safe(text: str, most: int) -> str:
    return escape(printable(text, most))
