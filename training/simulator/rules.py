"""The detectors' rules: noisy ones that fire on everybody, a few precise ones that hardly ever do, some that come and go."""

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
    """A rule. ``noise``: how loud it is of itself, relative to the others, per host and day; ``habit``: share of the hosts
    on which it fires out of habit; ``since``, ``until``: days between which detectors have it, give or take a few.
    """

    uid: str
    product: str
    name: str
    severity: int
    tactic: str
    technique: str
    where: Where
    noise: float
    habit: float
    since: int = 0
    until: int = 10_000


_W, _S, _X, _A = Where.WORKSTATION, Where.SERVER, Where.EXPOSED, Where.ANY

RULES: tuple[SimulatedRule, ...] = tuple(
    SimulatedRule(*row)
    for row in (
        ("e-encoded-command", "edr", "PowerShell with an encoded command", 3, "execution", "T1059.001", _A, 0.006, 0.10),
        ("e-office-child", "edr", "Office application starts a shell", 3, "execution", "T1204.002", _W, 0.005, 0.05),
        ("e-lolbin", "edr", "System binary loads a script", 2, "defense-evasion", "T1218", _A, 0.008, 0.12),
        ("e-scheduled-task", "edr", "Scheduled task created", 2, "persistence", "T1053.005", _A, 0.010, 0.15),
        ("e-new-service", "edr", "Service installed", 2, "persistence", "T1543.003", _A, 0.006, 0.06),
        ("e-discovery", "edr", "Burst of discovery commands", 1, "discovery", "T1033", _A, 0.008, 0.12),
        ("e-net-enumeration", "edr", "Domain accounts enumerated", 2, "discovery", "T1087.002", _A, 0.005, 0.06),
        ("e-lsass-access", "edr", "Process reads LSASS memory", 4, "credential-access", "T1003.001", _A, 0.0003, 0.0),
        ("e-remote-service", "edr", "Remote service execution", 3, "lateral-movement", "T1021.002", _A, 0.003, 0.03),
        ("e-archive-staged", "edr", "Large archive created", 2, "collection", "T1560.001", _A, 0.006, 0.10),
        ("e-credential-tool", "edr", "Known credential theft tool", 5, "credential-access", "T1003", _A, 5e-05, 0.0),
        ("e-command-framework", "edr", "Command framework in memory", 5, "execution", "T1059", _A, 0.0001, 0.0),
        ("e-log-cleared", "edr", "Event log cleared", 4, "defense-evasion", "T1070.001", _A, 0.0001, 0.0),
        ("e-shadow-delete", "edr", "Shadow copies deleted", 5, "impact", "T1490", _A, 5e-05, 0.0),
        ("e-mass-rename", "edr", "Many files renamed", 4, "impact", "T1486", _A, 0.0002, 0.0),
        ("e-web-shell", "edr", "Web server starts a shell", 4, "persistence", "T1505.003", _X, 0.0006, 0.0),
        ("e-usb-copy", "edr", "Many files copied to a removable drive", 2, "exfiltration", "T1052.001", _W, 0.006, 0.06),
        ("e-remote-tool", "edr", "Remote support tool installed", 2, "command-and-control", "T1219", _A, 0.005, 0.06),
        ("e-script-scan", "edr", "Script content flagged", 3, "execution", "T1059.007", _A, 0.008, 0.08, 0, 70),
        ("e-signed-loader", "edr", "Signed binary loads an unsigned library", 3, "defense-evasion", "T1574.002", _A, 0.008, 0.06, 45),
        ("e-update-child", "edr", "Updater starts a shell", 3, "initial-access", "T1195.002", _A, 0.004, 0.05, 80),
        ("e-driver", "edr", "Vulnerable driver loaded", 4, "privilege-escalation", "T1068", _A, 0.001, 0.01, 150),
        ("e-session-hijack", "edr", "Browser session file read", 3, "credential-access", "T1539", _W, 0.005, 0.04, 210),
        ("n-port-scan", "nids", "Port scan", 2, "discovery", "T1046", _A, 0.004, 0.03),
        ("n-smb-sweep", "nids", "SMB sessions to many hosts", 2, "lateral-movement", "T1021.002", _A, 0.004, 0.06),
        ("n-dns-tunnel", "nids", "Long DNS queries", 3, "command-and-control", "T1071.004", _A, 0.005, 0.08),
        ("n-beacon", "nids", "Regular connections to one address", 3, "command-and-control", "T1071.001", _A, 0.008, 0.15),
        ("n-upload", "nids", "Large upload", 3, "exfiltration", "T1048", _A, 0.006, 0.10),
        ("n-web-exploit", "nids", "Web application exploit attempt", 3, "initial-access", "T1190", _X, 0.9, 0.0),
        ("n-sql-injection", "nids", "SQL injection attempt", 3, "initial-access", "T1190", _X, 0.5, 0.0),
        ("n-rare-agent", "nids", "Rare user agent", 1, "command-and-control", "T1071.001", _A, 0.03, 0.20),
        ("n-update", "nids", "Package manager traffic", 1, "", "", _A, 0.02, 0.30),
        ("n-known-c2", "nids", "Traffic to a known command server", 5, "command-and-control", "T1071.001", _A, 5e-05, 0.0),
        ("n-old-protocol", "nids", "Outdated TLS version", 1, "", "", _A, 0.02, 0.20, 0, 95),
        ("n-new-domain", "nids", "Domain registered lately", 2, "command-and-control", "T1583.001", _A, 0.012, 0.06, 35),
        ("n-encrypted-dns", "nids", "Encrypted DNS to outside", 2, "command-and-control", "T1572", _A, 0.010, 0.10, 110),
        ("i-failed-logons", "idp", "Many failed logons", 2, "credential-access", "T1110", _W, 0.03, 0.12),
        ("i-password-spray", "idp", "One password tried on many accounts", 3, "credential-access", "T1110.003", _W, 0.0003, 0.0),
        ("i-new-country", "idp", "Logon from a new country", 3, "initial-access", "T1078", _W, 0.004, 0.0),
        ("i-new-device", "idp", "Logon from a new device", 1, "initial-access", "T1078", _W, 0.010, 0.02),
        ("i-mfa-fatigue", "idp", "Many MFA prompts refused", 3, "credential-access", "T1621", _W, 0.0002, 0.0),
        ("i-privilege", "idp", "Privilege granted", 3, "persistence", "T1098", _W, 0.0012, 0.01),
        ("i-legacy-logon", "idp", "Logon by an outdated protocol", 2, "initial-access", "T1078.004", _W, 0.012, 0.10, 0, 130),
        ("i-token-reuse", "idp", "Token used from two places", 3, "credential-access", "T1550.001", _W, 0.003, 0.01, 100),
        ("m-phish-link", "mail", "Message with a suspicious link", 2, "initial-access", "T1566.002", _W, 0.04, 0.06),
        ("m-phish-attachment", "mail", "Message with a suspicious attachment", 3, "initial-access", "T1566.001", _W, 0.018, 0.04),
        ("m-forward-rule", "mail", "Mailbox forwards outside", 3, "collection", "T1114.003", _W, 0.0002, 0.0),
        ("m-bulk-read", "mail", "Unusually many messages read", 2, "collection", "T1114.002", _W, 0.004, 0.04),
        ("m-picture-code", "mail", "Message with a code to scan", 2, "initial-access", "T1566.002", _W, 0.02, 0.03, 60),
        ("c-key-created", "cloud", "Access key created", 2, "persistence", "T1098.001", _W, 0.006, 0.06),
        ("c-consent", "cloud", "Consent given to an application", 2, "persistence", "T1528", _W, 0.003, 0.01),
        ("c-role-changed", "cloud", "Role assignment changed", 3, "privilege-escalation", "T1098.003", _W, 0.004, 0.04),
        ("c-mass-download", "cloud", "Many files downloaded", 2, "collection", "T1530", _W, 0.007, 0.07),
        ("c-logging-off", "cloud", "Audit logging switched off", 4, "defense-evasion", "T1562.008", _W, 0.0001, 0.0),
        ("d-bulk-copy", "dlp", "Many documents copied", 2, "collection", "T1005", _W, 0.006, 0.08),
        ("d-personal-mail", "dlp", "Documents sent to a private mailbox", 2, "exfiltration", "T1048.003", _W, 0.005, 0.05),
        ("d-marked-document", "dlp", "Confidential document leaves", 3, "exfiltration", "T1567", _W, 0.0003, 0.0),
        ("s-first-process", "siem", "Process seen for the first time", 1, "execution", "T1204", _A, 0.03, 0.08),
        ("s-odd-hours", "siem", "Activity at unusual hours", 1, "", "", _W, 0.020, 0.08),
        ("s-decoy-touched", "siem", "Decoy touched", 5, "discovery", "T1135", _S, 0.0, 0.0),
    )
)  # fmt: skip

INDEX = {rule.uid: number for number, rule in enumerate(RULES)}
PRODUCTS: tuple[str, ...] = tuple(dict.fromkeys(rule.product for rule in RULES))
ABOUT_USERS = frozenset({"idp", "mail", "cloud", "dlp"})
"""Products whose alerts name an account and no host."""
FROM_INSIDE = frozenset({"e-remote-service", "n-smb-sweep", "n-port-scan", "e-net-enumeration", "s-decoy-touched"})
"""Rules that name another host of the tenant as the source."""
FROM_OUTSIDE = frozenset({"nids", "idp", "mail", "cloud"})
"""Products whose other rules name an address outside."""


def numbers(*uids: str) -> list[int]:
    """Return the rules' places in ``RULES``."""
    return [INDEX[uid] for uid in uids]
