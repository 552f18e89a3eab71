"""A chain in words."""

from __future__ import annotations

from models.incidents.chain import trace
from models.incidents.chain_text import text
from tests.models.incidents.chains_by_hand import PHISHING, by, incident, leased, line, on, source


def test_a_paragraph_and_a_numbered_list() -> None:
    paragraph, empty, *rows = text(trace(incident(*PHISHING), resolve=leased)).split("\n")
    assert paragraph == (
        "It most likely got in by account ann, from 203.0.113.5. Confidence 90%: an alert shows the way in; 100% of the lines follow "
        "from it; 33% of the path is inferred, no alert names it. From there it reached 3 machines and 1 account. Seen from "
        "2026-03-02 08:00 UTC for 3 h: initial-access, execution, command-and-control, credential-access, lateral-movement, impact."
    )
    assert empty == ""
    assert rows[0] == (
        "1. 2026-03-02 08:00 UTC  203.0.113.5 → account ann: initial-access, rule r-initial-access, an alert names both"
    )
    assert rows[-1] == "6. 2026-03-02 11:20 UTC  host files → host db: impact, rule r-impact, inferred, no alert says it"


def test_what_is_missing_is_said() -> None:
    found = text(trace(incident(line(0, "lateral-movement", on("a"), by("ann")))))
    assert (
        "Not seen: initial-access (the first that was seen is lateral-movement: how the attacker got in was not seen)." in found
    )
    assert "Not seen: credential-access (lateral-movement was seen with no credential-access before it)." in found


def test_no_entity_is_said() -> None:
    found = text(trace(incident(line(0, "impact"))))
    assert found.startswith("Where it began cannot be told: no alert names a host, an account or an address of the house.")
    assert "\n" not in found


def test_a_crowd_is_cut() -> None:
    crowd = [line(n, "lateral-movement", on(f"h{n}"), source("10.0.0.7"), uid=f"l{n:03}") for n in range(99)]
    rows = text(trace(incident(*crowd))).split("\n")
    assert len(rows) == 2 + 30 + 1
    assert rows[-1] == "… and 69 more"


def test_hostile_names_stay_on_their_line() -> None:
    found = text(trace(incident(line(0, "execution", on("a\n1. evil\u202e" + "x" * 900), rule="r\nule"))))
    assert "\nevil" not in found
    assert "\u202e" not in found
    assert max(map(len, found.split("\n"))) < 1000
