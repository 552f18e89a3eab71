"""What accounts do, to what, and in which order: the same for all tenants, weighed by department."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.simulator.people import DEPARTMENTS

PROJECTS = 12
REGIONS = len(DEPARTMENTS) + PROJECTS
"""A pool's things belong to a department or to a project; the rest is everybody's."""


class Pool(NamedTuple):
    """Things of one sort: ``own`` of each region and ``common`` ones. ``explore``: how often one is taken that is no habit.

    ``form`` names one: ``{r}`` is the region, ``{n}`` the number.
    """

    kind: str
    own: int
    common: int
    explore: float
    form: str


POOLS: dict[str, Pool] = {
    "file": Pool("file", 110, 80, 0.10, "/share/{r}/{n:03d}"),
    "contact": Pool("mailbox", 70, 300, 0.12, "contact{n}@{r}.example"),
    "record": Pool("other", 180, 200, 0.60, "crm/{r}/{n}"),
    "channel": Pool("other", 6, 12, 0.04, "chat/{r}-{n}"),
    "repository": Pool("application", 8, 6, 0.03, "git/{r}-{n}"),
    "tool": Pool("process", 10, 40, 0.06, "{r}-tool-{n}.exe"),
    "printer": Pool("host", 1, 4, 0.03, "printer-{r}-{n}"),
    "site": Pool("application", 40, 900, 0.30, "www{n}.{r}.example"),
    "setting": Pool("other", 0, 24, 1.0, "setting/{n}"),
    "job": Pool("other", 6, 12, 0.0, "job/{r}-{n}"),
}


class Doing(NamedTuple):
    """An action: the pool of its targets (``""``: see ``work``), the programs it is done with, and whether a phone can do it."""

    name: str
    pool: str
    programs: tuple[str, ...]
    by_phone: bool = False


DOINGS: tuple[Doing, ...] = (
    Doing("logon", "", ("directory", "sign-on"), True),
    Doing("mail.read", "", ("mail-client", "webmail"), True),
    Doing("mail.send", "contact", ("mail-client", "webmail"), True),
    Doing("file.read", "file", ("office", "explorer", "sync")),
    Doing("file.write", "file", ("office", "sync")),
    Doing("file.download", "file", ("sync", "browser")),
    Doing("file.share", "file", ("sync",)),
    Doing("record.view", "record", ("crm",)),
    Doing("record.edit", "record", ("crm",)),
    Doing("chat.post", "channel", ("chat",), True),
    Doing("code.pull", "repository", ("git",)),
    Doing("code.push", "repository", ("git",)),
    Doing("server.logon", "", ("remote-access", "shell")),
    Doing("server.command", "", ("shell", "console")),
    Doing("print", "printer", ("office",)),
    Doing("web.visit", "site", ("browser",)),
    Doing("process.start", "tool", ("system",)),
    # from here on nobody's daily work
    Doing("mfa.enrol", "setting", ("sign-on",)),
    Doing("password.change", "setting", ("directory",)),
    Doing("mailbox.rule", "setting", ("webmail",)),
    Doing("consent.grant", "setting", ("sign-on",)),
    Doing("token.create", "setting", ("git", "console")),
    Doing("role.assign", "setting", ("console",)),
    Doing("mailbox.export", "setting", ("console",)),
    Doing("archive.create", "setting", ("explorer",)),
    Doing("record.export", "record", ("crm",)),
    Doing("log.disable", "setting", ("console",)),
    Doing("travel.book", "setting", ("browser",)),
    Doing("device.register", "setting", ("directory",)),
    # machines
    Doing("job.run", "job", ("scheduler",)),
    Doing("backup.read", "file", ("backup",)),
    Doing("api.call", "job", ("api",)),
    Doing("connect", "", ("system",)),
)
DO = {doing.name: number for number, doing in enumerate(DOINGS)}
DAILY = DO["process.start"] + 1
PROGRAMS: tuple[str, ...] = tuple(dict.fromkeys(name for doing in DOINGS for name in doing.programs))
RARE: dict[str, tuple[float, float]] = {
    "mfa.enrol": (1.5, 1.0), "password.change": (3.0, 1.0), "mailbox.rule": (1.2, 1.0), "consent.grant": (1.2, 1.5),
    "token.create": (0.3, 20.0), "role.assign": (0.1, 80.0), "mailbox.export": (0.15, 8.0), "archive.create": (3.0, 2.0),
    "record.export": (1.5, 1.0), "log.disable": (0.04, 25.0),
}  # fmt: skip
"""How often a year somebody does it, and how many times as often an administrator does."""
_WEIGHTS: dict[str, dict[str, float]] = {
    "sales": {"mail.read": 8, "mail.send": 7, "record.view": 9, "record.edit": 5, "chat.post": 4, "file.read": 4, "file.write": 2,
              "web.visit": 5, "file.share": 0.6},
    "finance": {"mail.read": 6, "mail.send": 4, "file.read": 10, "file.write": 7, "record.view": 3, "print": 1.5, "chat.post": 2,
                "web.visit": 2},
    "engineering": {"mail.read": 3, "mail.send": 1.5, "chat.post": 6, "code.pull": 6, "code.push": 5, "file.read": 3,
                    "file.write": 2, "web.visit": 6, "server.logon": 1.5, "server.command": 3},
    "support": {"mail.read": 6, "mail.send": 5, "record.view": 12, "record.edit": 8, "chat.post": 6, "file.read": 2,
                "web.visit": 2},
    "management": {"mail.read": 10, "mail.send": 8, "chat.post": 4, "file.read": 5, "file.write": 2, "web.visit": 3,
                   "record.view": 1, "file.share": 0.5, "print": 0.8},
    "administration": {"mail.read": 4, "mail.send": 2, "chat.post": 4, "server.logon": 4, "server.command": 8, "file.read": 2,
                       "file.write": 1, "web.visit": 3, "code.pull": 1, "code.push": 0.5},
}  # fmt: skip
_ELSE: dict[str, float] = {
    "logon": 1.5, "file.read": 2.0, "file.write": 1.0, "file.download": 0.6, "file.share": 0.15, "record.view": 0.2,
    "record.edit": 0.1, "code.pull": 0.02, "code.push": 0.01, "server.logon": 0.03, "server.command": 0.02, "print": 0.3,
    "process.start": 1.0, "web.visit": 1.0, "chat.post": 1.0,
}  # fmt: skip
_FOLLOWS: dict[str, tuple[str, ...]] = {
    "logon": ("mail.read", "chat.post"), "mail.read": ("mail.read", "mail.send", "file.read"), "mail.send": ("mail.read",),
    "file.read": ("file.write", "file.read"), "file.write": ("mail.send", "print", "file.share"), "file.download": ("process.start",),
    "file.share": ("chat.post",), "record.view": ("record.edit", "record.view"), "record.edit": ("mail.send", "record.view"),
    "chat.post": ("web.visit", "chat.post"), "code.pull": ("code.push", "process.start"), "code.push": ("chat.post",),
    "server.logon": ("server.command",), "server.command": ("server.command", "server.logon"), "print": ("file.read",),
    "web.visit": ("web.visit", "file.download"), "process.start": ("file.read", "web.visit"),
}  # fmt: skip
_NATURAL = 9.0
"""How much more often a natural follower comes next than its share."""


def steps() -> NDArray[np.float64]:
    """Return f8[department, before, next]: how often each daily doing follows each other."""
    weight = np.zeros((len(DEPARTMENTS), DAILY))
    for row, department in zip(weight, DEPARTMENTS, strict=True):
        for name, much in (_ELSE | _WEIGHTS[department.name]).items():
            row[DO[name]] = much
    natural = np.ones((DAILY, DAILY))
    for before, names in _FOLLOWS.items():
        natural[DO[before], [DO[name] for name in names]] = _NATURAL
    out: NDArray[np.float64] = weight[:, None, :] * natural
    return out
