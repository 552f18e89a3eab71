"""The detectors: noisy rules that fire on everybody, and a few precise ones that hardly ever do."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class Where(Enum):
    """On which hosts a rule fires of itself."""

    WORKSTATION = "workstation"
    SERVER = "server"
    EXPOSED = "exposed"
    ANY = "any"


class SimulatedRule(NamedTuple):
    """A rule. ``noise``: false alarms per host and day; ``habit``: share of hosts on which it fires out of habit."""

    uid: str
    product: str
    name: str
    severity: int
    tactic: str
    technique: str
    where: Where
    noise: float
    habit: float


_W, _S, _X, _A = Where.WORKSTATION, Where.SERVER, Where.EXPOSED, Where.ANY

_TABLE: tuple[tuple[str, str, str, int, str, str, Where, float, float], ...] = (
    ("e-encoded-command", "edr", "PowerShell with an encoded command", 3, "execution", "T1059.001", _A, 0.004, 0.10),
    ("e-office-child", "edr", "Office application starts a shell", 3, "execution", "T1204.002", _W, 0.003, 0.05),
    ("e-lolbin", "edr", "System binary loads a script", 2, "defense-evasion", "T1218", _A, 0.008, 0.12),
    ("e-scheduled-task", "edr", "Scheduled task created", 2, "persistence", "T1053.005", _A, 0.010, 0.15),
    ("e-new-service", "edr", "Service installed", 2, "persistence", "T1543.003", _A, 0.006, 0.06),
    ("e-discovery", "edr", "Burst of discovery commands", 1, "discovery", "T1033", _A, 0.006, 0.12),
    ("e-net-enumeration", "edr", "Domain accounts enumerated", 2, "discovery", "T1087.002", _A, 0.003, 0.06),
    ("e-lsass-access", "edr", "Process reads LSASS memory", 4, "credential-access", "T1003.001", _A, 0.0006, 0.0),
    ("e-remote-service", "edr", "Remote service execution", 3, "lateral-movement", "T1021.002", _A, 0.002, 0.03),
    ("e-archive-staged", "edr", "Large archive created", 2, "collection", "T1560.001", _A, 0.006, 0.10),
    ("e-credential-tool", "edr", "Known credential theft tool", 5, "credential-access", "T1003", _A, 0.0002, 0.0),
    ("e-command-framework", "edr", "Command framework in memory", 5, "execution", "T1059", _A, 0.0003, 0.0),
    ("e-log-cleared", "edr", "Event log cleared", 4, "defense-evasion", "T1070.001", _A, 0.0002, 0.0),
    ("e-shadow-delete", "edr", "Shadow copies deleted", 5, "impact", "T1490", _S, 0.0002, 0.0),
    ("e-web-shell", "edr", "Web server starts a shell", 4, "persistence", "T1505.003", _X, 0.003, 0.0),
    ("n-port-scan", "nids", "Port scan", 2, "discovery", "T1046", _A, 0.003, 0.03),
    ("n-smb-sweep", "nids", "SMB sessions to many hosts", 2, "lateral-movement", "T1021.002", _A, 0.003, 0.06),
    ("n-dns-tunnel", "nids", "Long DNS queries", 3, "command-and-control", "T1071.004", _A, 0.004, 0.08),
    ("n-beacon", "nids", "Regular connections to one address", 3, "command-and-control", "T1071.001", _A, 0.008, 0.15),
    ("n-upload", "nids", "Large upload", 3, "exfiltration", "T1048", _A, 0.006, 0.10),
    ("n-web-exploit", "nids", "Web application exploit attempt", 3, "initial-access", "T1190", _X, 2.0, 0.0),
    ("n-sql-injection", "nids", "SQL injection attempt", 3, "initial-access", "T1190", _X, 1.0, 0.0),
    ("n-rare-agent", "nids", "Rare user agent", 1, "command-and-control", "T1071.001", _A, 0.03, 0.25),
    ("n-update", "nids", "Package manager traffic", 1, "", "", _A, 0.02, 0.5),
    ("n-known-c2", "nids", "Traffic to a known command server", 5, "command-and-control", "T1071.001", _A, 0.0003, 0.0),
    ("i-failed-logons", "idp", "Many failed logons", 2, "credential-access", "T1110", _W, 0.03, 0.15),
    ("i-password-spray", "idp", "One password tried on many accounts", 3, "credential-access", "T1110.003", _W, 0.001, 0.0),
    ("i-new-country", "idp", "Logon from a new country", 3, "initial-access", "T1078", _W, 0.002, 0.0),
    ("i-new-device", "idp", "Logon from a new device", 1, "initial-access", "T1078", _W, 0.008, 0.02),
    ("i-mfa-fatigue", "idp", "Many MFA prompts refused", 3, "credential-access", "T1621", _W, 0.0008, 0.0),
    ("i-privilege", "idp", "Privilege granted", 3, "persistence", "T1098", _S, 0.004, 0.06),
    ("m-phish-link", "mail", "Message with a suspicious link", 2, "initial-access", "T1566.002", _W, 0.04, 0.10),
    ("m-phish-attachment", "mail", "Message with a suspicious attachment", 3, "initial-access", "T1566.001", _W, 0.015, 0.05),
    ("m-forward-rule", "mail", "Mailbox forwards outside", 3, "collection", "T1114.003", _W, 0.0008, 0.0),
    ("s-first-process", "siem", "Process seen for the first time", 1, "execution", "T1204", _A, 0.04, 0.10),
    ("s-decoy-touched", "siem", "Decoy touched", 5, "discovery", "T1135", _S, 0.0, 0.0),
)  # fmt: skip

RULES = tuple(SimulatedRule(*row) for row in _TABLE)
INDEX = {rule.uid: number for number, rule in enumerate(RULES)}


class Step(NamedTuple):
    """A step of a campaign: what the attacker does, how often each rule speaks of it, and where to.

    ``mean``: alerts expected. ``moves``: to another host first. ``hours``: mean pause before.
    """

    kind: str
    rules: dict[str, float]
    mean: float
    moves: Where | None = None
    hours: float = 2.0


_EXECUTION = Step(
    "execution",
    {"e-encoded-command": 3, "e-office-child": 3, "e-lolbin": 2, "s-first-process": 2, "e-command-framework": 6},
    3.0,
    None,
    0.5,
)
_FOOTHOLD = Step(
    "persistence", {"e-scheduled-task": 3, "e-new-service": 2, "n-beacon": 4, "n-rare-agent": 2, "n-known-c2": 6}, 4.0
)
_DISCOVERY = Step(
    "discovery",
    {"e-discovery": 4, "e-net-enumeration": 3, "n-port-scan": 2, "n-smb-sweep": 1, "e-command-framework": 2},
    3.0,
    None,
    6.0,
)
_CREDENTIALS = Step(
    "credential_access", {"e-lsass-access": 5, "i-failed-logons": 2, "e-lolbin": 1, "e-credential-tool": 2}, 2.0, None, 4.0
)
_LATERAL = Step(
    "lateral_movement",
    {"e-remote-service": 4, "n-smb-sweep": 2, "e-new-service": 2, "e-command-framework": 6},
    4.0,
    Where.SERVER,
    8.0,
)
_EXFILTRATION = Step(
    "exfiltration", {"e-archive-staged": 2, "n-upload": 3, "n-dns-tunnel": 2, "e-log-cleared": 3}, 4.0, None, 12.0
)
_TAKEOVER = Step(
    "account_takeover", {"i-new-country": 4, "i-new-device": 2, "i-mfa-fatigue": 2, "i-failed-logons": 1}, 3.0, Where.WORKSTATION
)

CAMPAIGNS: dict[str, tuple[Step, ...]] = {
    "phishing": (
        Step("phishing", {"m-phish-link": 3, "m-phish-attachment": 2}, 1.5, Where.WORKSTATION),
        _EXECUTION, _FOOTHOLD, _DISCOVERY, _CREDENTIALS, _LATERAL, _EXFILTRATION,
    ),
    "web_shell": (
        Step("web_exploit", {"n-web-exploit": 4, "n-sql-injection": 2}, 4.0, Where.EXPOSED),
        Step("web_shell", {"e-web-shell": 5, "s-first-process": 2, "e-lolbin": 1}, 3.0, None, 1.0),
        _DISCOVERY, _LATERAL, _EXFILTRATION,
    ),
    "password_spray": (
        Step("password_spray", {"i-failed-logons": 3, "i-password-spray": 3}, 8.0, Where.WORKSTATION),
        _TAKEOVER,
        Step("mail_collection", {"m-forward-rule": 3, "i-new-device": 1}, 2.0, None, 12.0),
    ),
    "ransomware": (
        _TAKEOVER, _DISCOVERY, _LATERAL,
        Step("impact", {"e-shadow-delete": 4, "e-new-service": 2, "e-scheduled-task": 2, "e-log-cleared": 1}, 5.0, Where.SERVER),
    ),
}  # fmt: skip

KINDS: tuple[str, ...] = tuple(dict.fromkeys(step.kind for steps in CAMPAIGNS.values() for step in steps))
