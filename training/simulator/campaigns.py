"""How attackers go about it: campaigns step by step along tactics, which rules may speak of each, and how that changes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.simulator.rules import INDEX, RULES, Where


class Step(NamedTuple):
    """A step of a campaign: what the attacker does, how often each rule speaks of it, and where to.

    ``mean``: alerts expected. ``moves``: to another host first. ``hours``: mean pause after it. ``spread``: hosts on which
    it is done at once. ``inside``: done from the host that the attacker held before.
    """

    kind: str
    rules: dict[str, float]
    mean: float
    moves: Where | None = None
    hours: float = 3.0
    spread: int = 1
    inside: bool = False


class Campaign(NamedTuple):
    """A sort of attack. ``weight``: how usual it is on day 0 and on day 365; not before day ``since``.

    ``insider``: done by somebody of the house, from their own address.
    """

    steps: tuple[Step, ...]
    weight: tuple[float, float]
    since: int = 0
    insider: bool = False


_EXECUTION = Step(
    "execution",
    {"e-encoded-command": 4, "e-office-child": 4, "e-lolbin": 2, "e-script-scan": 2, "e-signed-loader": 1,
     "s-first-process": 2, "e-command-framework": 16},
    4.2, None, 0.5,
)  # fmt: skip
_FOOTHOLD = Step(
    "persistence",
    {"e-scheduled-task": 3, "e-new-service": 2, "n-beacon": 4, "n-rare-agent": 2, "n-new-domain": 2, "e-remote-tool": 1,
     "n-encrypted-dns": 1, "n-known-c2": 16},
    4.5,
)  # fmt: skip
_DISCOVERY = Step(
    "discovery",
    {"e-discovery": 4, "e-net-enumeration": 3, "n-port-scan": 2, "n-smb-sweep": 1, "e-command-framework": 10},
    4.2, None, 6.0, inside=True,
)  # fmt: skip
_CREDENTIALS = Step(
    "credential_access",
    {"e-lsass-access": 4, "i-failed-logons": 2, "e-lolbin": 2, "e-session-hijack": 1, "e-driver": 1, "e-credential-tool": 13},
    3.6, None, 5.0, inside=True,
)  # fmt: skip
_LATERAL = Step(
    "lateral_movement",
    {"e-remote-service": 4, "n-smb-sweep": 2, "e-new-service": 2, "e-encoded-command": 1, "i-privilege": 1,
     "e-command-framework": 14},
    5.0, Where.SERVER, 8.0, inside=True,
)  # fmt: skip
_EXFILTRATION = Step(
    "exfiltration",
    {"e-archive-staged": 3, "n-upload": 3, "n-dns-tunnel": 2, "n-encrypted-dns": 1, "d-marked-document": 2, "e-log-cleared": 8},
    4.5, None, 12.0,
)  # fmt: skip
_TAKEOVER = Step(
    "account_takeover",
    {"i-new-country": 4, "i-new-device": 3, "i-mfa-fatigue": 10, "i-token-reuse": 1, "i-legacy-logon": 2},
    3.1, None, 5.0,
)  # fmt: skip
_CLOUD_FOOTHOLD = Step(
    "cloud_persistence", {"c-key-created": 3, "c-consent": 3, "c-role-changed": 2, "c-logging-off": 5, "i-new-device": 1}, 3.4
)

CAMPAIGNS: dict[str, Campaign] = {
    "phishing-ransomware": Campaign(
        (
            Step("phishing", {"m-phish-link": 3, "m-phish-attachment": 2, "m-picture-code": 1}, 1.8, Where.WORKSTATION, 1.0),
            _EXECUTION, _FOOTHOLD, _DISCOVERY, _CREDENTIALS, _LATERAL,
            Step(
                "impact",
                {"e-shadow-delete": 8, "e-mass-rename": 8, "e-new-service": 2, "e-scheduled-task": 2, "e-log-cleared": 2},
                4.0, Where.SERVER, 1.0, 3, inside=True,
            ),
        ),
        (3.0, 1.5),
    ),
    "insider-theft": Campaign(
        (
            Step("insider_collection", {"c-mass-download": 4, "d-bulk-copy": 4, "s-odd-hours": 2, "m-bulk-read": 2, "d-marked-document": 4}, 5.6,
                 Where.WORKSTATION, 16.0),
            Step("insider_staging", {"e-archive-staged": 4, "d-bulk-copy": 2, "s-odd-hours": 1}, 4.2, None, 10.0),
            Step("insider_exfiltration", {"e-usb-copy": 3, "d-personal-mail": 3, "d-marked-document": 11, "n-upload": 2}, 3.0),
        ),
        (1.3, 1.3), insider=True,
    ),
    "password-spray": Campaign(
        (
            Step("password_spray", {"i-failed-logons": 4, "i-password-spray": 7, "i-legacy-logon": 1}, 6.0, Where.WORKSTATION,
                 4.0, 6),
            _TAKEOVER,
            Step("mail_collection", {"m-forward-rule": 10, "m-bulk-read": 3, "i-new-device": 1}, 3.1, None, 12.0),
            _CLOUD_FOOTHOLD,
        ),
        (2.0, 1.5),
    ),
    "web-shell": Campaign(
        (
            Step("web_exploit", {"n-web-exploit": 4, "n-sql-injection": 2}, 3.4, Where.EXPOSED),
            Step("web_shell", {"e-web-shell": 13, "s-first-process": 2, "e-lolbin": 2, "e-encoded-command": 1}, 3.4, None, 2.0),
            _DISCOVERY, _LATERAL, _CREDENTIALS, _EXFILTRATION,
        ),
        (1.8, 1.2),
    ),
    "supply-chain": Campaign(
        (
            Step("supply_chain", {"e-update-child": 4, "e-signed-loader": 3, "s-first-process": 2, "n-new-domain": 2, "e-command-framework": 8}, 6.5,
                 Where.ANY, 6.0, 2),
            Step("supply_control", {"n-new-domain": 2, "n-encrypted-dns": 3, "n-beacon": 2, "e-remote-tool": 2, "n-known-c2": 6}, 5.6, None, 10.0),
            _DISCOVERY, _CREDENTIALS, _LATERAL, _EXFILTRATION,
        ),
        (2.0, 3.5), 85,
    ),
    "stolen-session": Campaign(
        (
            Step("session_theft", {"i-token-reuse": 4, "e-session-hijack": 2, "i-new-device": 2, "c-consent": 1}, 3.4,
                 Where.WORKSTATION),
            _CLOUD_FOOTHOLD,
            Step("cloud_collection", {"c-mass-download": 4, "m-bulk-read": 2, "m-forward-rule": 3, "d-bulk-copy": 1}, 4.2, None, 8.0),
        ),
        (1.0, 4.0), 140,
    ),
}  # fmt: skip
NAMES = tuple(CAMPAIGNS)
KINDS: tuple[str, ...] = tuple(dict.fromkeys(step.kind for campaign in CAMPAIGNS.values() for step in campaign.steps))


class Fashion(NamedTuple):
    """From ``day`` on attackers set off these rules more or less often, by these factors, than before."""

    day: int
    factors: dict[str, float]


FASHIONS: tuple[Fashion, ...] = (
    Fashion(
        50, {"e-encoded-command": 0.3, "e-office-child": 0.3, "e-signed-loader": 4.0, "m-picture-code": 4.0, "e-lolbin": 1.5}
    ),
    Fashion(100, {"e-command-framework": 0.4, "n-beacon": 0.4, "e-remote-tool": 4.0, "n-encrypted-dns": 4.0, "n-known-c2": 0.5}),
    Fashion(170, {"e-lsass-access": 0.3, "e-driver": 4.0, "i-token-reuse": 4.0, "i-mfa-fatigue": 0.3, "e-scheduled-task": 0.4}),
    Fashion(240, {"e-session-hijack": 5.0, "m-phish-link": 0.4, "e-remote-service": 0.5, "n-smb-sweep": 2.0, "c-consent": 2.0}),
)


def weights(step: Step, day: float) -> NDArray[np.float64]:
    """Return how often attackers set off each rule in a step on a day, f8[rules]."""
    found = np.zeros(len(RULES))
    for uid, weight in step.rules.items():
        found[INDEX[uid]] = weight
    for fashion in FASHIONS:
        if day >= fashion.day:
            for uid, factor in fashion.factors.items():
                found[INDEX[uid]] *= factor
    return found


def mix(day: float) -> NDArray[np.float64]:
    """Return the chance of each campaign that begins on a day; sums to one."""
    found: NDArray[np.float64] = np.array(
        [0.0 if day < c.since else c.weight[0] + (c.weight[1] - c.weight[0]) * min(day / 365.0, 1.0) for c in CAMPAIGNS.values()]
    )
    found /= found.sum()
    return found
