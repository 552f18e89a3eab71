"""A report as Markdown (CommonMark with GitHub's tables). Text from outside stays text, whatever it is made of."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape

from models.closure.report import Report
from models.closure.sections import Items, Part, Picture, Section, Table, Words, moment, sections
from models.incidents.printable import printable

MOST_BYTES = 500_000
"""About; whole sections are left out from the end where it would be longer."""
_MOST_WORDS, _MOST_CELL = 4000, 400
_SPECIAL = re.compile(r"[\\`*_\[\]#|~$^]")
_STARTS = re.compile(r"[-+=:]|\d{1,9}(?=[.)](?:\s|$))")
"""What means something at the beginning of a line only."""
_LINKS = re.compile(r"://|@|(?:www|ftp)\.|mailto:|xmpp:", re.IGNORECASE)


def markdown(report: Report) -> str:
    """Return a report as Markdown: no HTML, no link, no picture, and no heading but its own.

    What cannot be seen is shown by its number. Links that a viewer would make by itself are broken visibly, as ``[:]//``.
    """
    parts = [f"# Incident {_inline(report.incident.uid, 200)}", f"As of {moment(report.made)}."]
    size = 0
    for section in sections(report):
        written = _section(section)
        size += len(written.encode())
        if size > MOST_BYTES:
            parts.append("Left out here, as the report would be too long: " + section.title + " and what follows it.")
            break
        parts.append(written)
    return "\n\n".join(parts) + "\n"


def escaped(text: str, most: int = _MOST_CELL) -> str:
    """Return text so that Markdown shows it as it is, in one line.

    >>> print(escaped("[pay](http://a.example) <b>"))
    \\[pay\\](http\\[:\\]//a.example) &lt;b&gt;
    """
    return _inline(text, most)


def _inline(text: str, most: int) -> str:
    plain = _LINKS.sub(_broken, printable(text, most).strip())
    found = escape(_SPECIAL.sub(r"\\\g<0>", plain), quote=False)  # not all know that a backslash takes the meaning from "<"
    start = _STARTS.match(found)
    if start is None:
        return found
    at = start.end() if found[0].isdigit() else 0
    return f"{found[:at]}\\{found[at:]}"


def _broken(found: re.Match[str]) -> str:
    link = found[0]
    return "[:]//" if link == "://" else "[@]" if link == "@" else f"{link[:-1]}[{link[-1]}]"


def _section(section: Section) -> str:
    return "\n\n".join([f"## {section.title}", *(written for part in section.parts if (written := _part(part)))])


def _part(part: Part) -> str:
    match part:
        case Words(text):
            return _inline(text, _MOST_WORDS)
        case Items(items):
            return "\n".join(f"- {_inline(item, _MOST_WORDS)}" for item in items)
        case Table():
            return "\n".join(_table(part))
        case Picture():
            return ""


def _table(table: Table) -> Iterator[str]:
    yield _row(table.columns)
    yield _row(["---"] * len(table.columns), raw=True)
    for row in table.rows:
        yield _row(row)
    if table.more:
        yield ""
        yield f"\\+ {table.more:,} more"


def _row(cells: tuple[str, ...] | list[str], *, raw: bool = False) -> str:
    return "| " + " | ".join(cell if raw else _inline(cell, _MOST_CELL) or " " for cell in cells) + " |"
