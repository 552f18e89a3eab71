"""What ATT&CK techniques are signs of: the general knowledge behind the type of an incident (attack.mitre.org, Enterprise)."""

from __future__ import annotations

import re
from enum import StrEnum

_TECHNIQUE = re.compile(r"T\d{4}(\.\d{3})?")


class Sign(StrEnum):
    """What a line shows the attacker to do or to hold."""

    DESTRUCTION = "destruction"
    TAMPERED = "tampered"
    WEB_SHELL = "web_shell"
    EXPLOIT = "exploit"
    DUMPING = "dumping"
    """Credentials read from a host."""
    MOVEMENT = "movement"
    CONTROL = "control"
    """A host calls home."""
    FOOTHOLD = "foothold"
    """Something runs on a host, stays there, hides there or rises there."""
    LOOKING = "looking"
    """Looking around from inside."""
    TOKEN = "token"  # noqa: S105 (a sign, not a secret)
    CONSENT = "consent"
    ACCOUNT_CHANGED = "account_changed"
    """An account has new keys, roles or trust, or what would have logged it is off."""
    PROMPTING = "prompting"
    """Prompts for the second factor: the first is known."""
    GUESSING = "guessing"
    LOGON = "logon"
    """A logon as somebody else."""
    MAIL_RULE = "mail_rule"
    LURE = "lure"
    GATHERING = "gathering"
    LEAVING = "leaving"
    REMOVABLE = "removable"
    """Taken out by hand: only somebody in the house can."""
    FLOOD = "flood"
    SCANNING = "scanning"
    PERSON = "person"
    """An account is named."""


_TABLE: dict[Sign, str] = {
    Sign.DESTRUCTION: "T1485 T1486 T1490 T1561 T1495",
    Sign.TAMPERED: "T1195",
    Sign.WEB_SHELL: "T1505",
    Sign.EXPLOIT: "T1190",
    Sign.DUMPING: "T1003 T1555 T1552 T1558 T1056 T1557 T1040 T1187 T1212 T1649",
    Sign.MOVEMENT: "T1021 T1210 T1570 T1563 T1080 T1072 T1091 T1550.002 T1550.003",
    Sign.CONTROL: "T1071 T1572 T1219 T1568 T1573 T1090 T1095 T1102 T1104 T1105 T1132 T1001 T1008 T1571 T1205 T1583 T1584",
    Sign.FOOTHOLD: (
        "T1059 T1204 T1053 T1543 T1547 T1546 T1218 T1055 T1068 T1070 T1027 T1562 T1112 T1036 T1574 T1569 T1203 T1548 T1047 "
        "T1106 T1129 T1197 T1037 T1014 T1140 T1127 T1202 T1216 T1220 T1134 T1611 T1189 T1200 T1542 T1564 T1620 T1496"
    ),
    Sign.LOOKING: (
        "T1087 T1033 T1018 T1046 T1049 T1057 T1069 T1082 T1083 T1135 T1016 T1482 T1007 T1012 T1518 T1124 T1201 T1217 T1615 T1120"
    ),
    Sign.TOKEN: "T1539 T1550 T1606",
    Sign.CONSENT: "T1528",
    Sign.ACCOUNT_CHANGED: "T1098 T1136.003 T1556 T1562.008 T1578 T1535 T1484 T1552.005 T1552.007 T1525",
    Sign.PROMPTING: "T1621",
    Sign.GUESSING: "T1110",
    Sign.LOGON: "T1078 T1133",
    Sign.MAIL_RULE: "T1114.003 T1564.008 T1137.005",
    Sign.LURE: "T1566 T1598 T1534",
    Sign.GATHERING: "T1005 T1039 T1025 T1074 T1119 T1560 T1530 T1213 T1114 T1602",
    Sign.LEAVING: "T1048 T1567 T1041 T1020 T1030 T1029 T1011 T1537",
    Sign.REMOVABLE: "T1052",
    Sign.FLOOD: "T1498 T1499",
    Sign.SCANNING: "T1595 T1592 T1589 T1590 T1591 T1593 T1594 T1596 T1597",
}

SIGNS_OF_TECHNIQUES: dict[str, frozenset[Sign]] = {
    technique: frozenset({sign}) for sign, techniques in _TABLE.items() for technique in techniques.split()
}
"""What each technique is a sign of; a sub-technique that is not named is a sign of what its parent is."""


def bare(technique: str) -> str:
    """Return a technique as ATT&CK spells it; ``""`` if it is none.

    >>> bare(" t1003.001"), bare("Valid Accounts")
    ('T1003.001', '')
    """
    name = technique.strip().upper()
    return name if _TECHNIQUE.fullmatch(name) else ""


def covers(named: str, technique: str) -> bool:
    """Return whether ``named`` is the technique or its parent.

    >>> covers("T1098", "T1098.001"), covers("T1098.001", "T1098"), covers("T1098", "T1098")
    (True, False, True)
    """
    return bare(technique).partition(".")[0] == named or bare(technique) == named
