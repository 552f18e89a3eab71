"""Text that an attacker may put anywhere, and a report that is full of it."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import strategies as st

from features.alert import Entity, EntityKind, Observable, Role, Rule
from models.closure.outcome import Outcome, Status
from models.closure.report import Act, Report, Version
from models.closure.resolution import Resolution, State
from models.incidents.chain import trace
from models.incidents.incident import Incident, Line
from tests.models.closure.cases import NOON

_TRICKS = (
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "</td></table><h1>", "</svg><script>", "]]>", "<!--", "&lt;b&gt;",
    "[click](http://evil.example)", "![x](http://evil.example/x.png)", "http://evil.example", "www.evil.example", "<http://evil.example>",
    "a@evil.example", "mailto:a@evil.example", "# big", "1. one", "- item", "> quote", "---", "===", "```", "~~~", "    code", "\tcode",
    "| a | b |\n|---|---|", "\n\n# heading\n", "**bold**", "__b__", "`", "``x`", "\\", "\\|", "|", "\u202egpj.exe", "\x1b[31m", "\u2028# x",
    "\r# x", "[a]: http://evil.example", "[a]", "&#35;", "&copy;", "$x$", "a" * 3000, "e" + "\u0301" * 50, "\ud800", "\x00",
)  # fmt: skip
HOSTILE = st.lists(st.one_of(st.sampled_from(_TRICKS), st.text(max_size=20)), min_size=1, max_size=3).map("".join)


def report_of(text: str) -> Report:
    """A report in which everything that comes from outside is ``text``."""
    name = text[:1000] or "x"
    line = Line(
        uid=name, first=NOON, last=NOON + timedelta(hours=1), product=name, rule=Rule(name, text), tactics=(text,), techniques=(text,),
        entities=(Entity(EntityKind.HOST, name, Role.DEVICE), Entity(EntityKind.USER, name, Role.ACTOR)),
        observables=(Observable("domain", text), Observable(text, text)), alert_uids=(name,),
    )  # fmt: skip
    case = Incident(uid=name, tenant=name, lines=(line,))
    told = Outcome(
        uid="o", incident=name, playbook="p", slug=text[:200] or "x", targets=(name,), status=Status.FAILED, time=NOON, by=text[:200],
        detail=text[:500], evidence=(text[:500] or "x",),
    )  # fmt: skip
    return Report(
        incident=case, made=NOON, status="escalated", title=text, facts=(text,), chain=trace(case), outcomes=(told,),
        resolution=Resolution(State.NOT_MITIGATED, (text,)), acts=(Act(NOON, text, text, text, text),), versions=(Version(text, text),),
    )  # fmt: skip
