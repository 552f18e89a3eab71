"""MITRE ATT&CK tactics in the order in which attacks go through them."""

from __future__ import annotations

TACTICS: dict[str, str] = {
    "reconnaissance": "TA0043",
    "resource-development": "TA0042",
    "initial-access": "TA0001",
    "execution": "TA0002",
    "persistence": "TA0003",
    "privilege-escalation": "TA0004",
    "defense-evasion": "TA0005",
    "credential-access": "TA0006",
    "discovery": "TA0007",
    "lateral-movement": "TA0008",
    "collection": "TA0009",
    "command-and-control": "TA0011",
    "exfiltration": "TA0010",
    "impact": "TA0040",
}
"""Enterprise tactics, short name → ATT&CK id, in the order of the matrix (attack.mitre.org)."""

_PLACE = {name: place for place, name in enumerate(TACTICS)} | {uid.lower(): place for place, uid in enumerate(TACTICS.values())}


def tactic_place(tactic: str) -> int | None:
    """Return the place of a tactic in the matrix, 0 for the first; ``None`` if it is none of the tactics.

    Products spell them differently: short name, title or id.

    >>> tactic_place("Initial Access"), tactic_place("initial-access"), tactic_place("TA0001"), tactic_place("phishing")
    (2, 2, 2, None)
    """
    return _PLACE.get(tactic.strip().lower().replace(" ", "-").replace("_", "-"))
