"""What messages of sshd, sudo, su, PAM and the account tools say: who did what to whom, and how it ended.

==========================================================================  =================  ==========  ==================
message                                                                     action             actor       target
==========================================================================  =================  ==========  ==================
``Accepted METHOD for U from A`` / ``Failed METHOD for [invalid user] U``   ssh logon          U           the host
``Invalid user U from A``, ``… by [invalid] user U A port P [preauth]``     ssh logon, failed  U           the host
``Disconnected from user U A``                                              ssh logoff         U           the host
sudo ``U : TTY=… ; PWD=… ; USER=V ; COMMAND=C``                             sudo               U           V
sudo ``U : command not allowed ; …``, ``N incorrect password attempts …``   sudo, failed       U           V
su ``(to V) U on T``, ``FAILED SU (to V) U on T``, ``Successful su for V``  su                 U           V
PAM ``session opened for user V by U``, ``session closed for user V``       logon, logoff      V           the host
PAM ``authentication failure; … ruser=U rhost=A user=V``                    logon, failed      V, else U   the host
PAM ``password changed for V``                                              password change    V           V
``new user: name=V``, ``delete user 'V'``, ``add 'V' to group 'G'`` …       account …          the tool    V
logind ``New session N of user U``                                          logon              U           the host
==========================================================================  =================  ==========  ==================

A session that ``cron`` or ``atd`` opens is a program's. The message's own text may be an attacker's (a user's name, a
command): patterns are anchored, of bounded length, and without nested repetition.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from features.event import Outcome


class Act(NamedTuple):
    """What a message says was done."""

    action: str
    actor: str
    outcome: Outcome
    target: str = ""
    address: str = ""
    by_program: bool = False
    facets: tuple[tuple[str, str], ...] = ()


Match = re.Match[str]
Made = Callable[[Match], Act | None]
_DONE, _FAILED = Outcome.SUCCESS, Outcome.FAILURE
_LONGEST = 8192
_PROGRAMS = {"cron", "crond", "atd", "anacron"}
_BECOMING = {"sudo", "sudo-i", "su", "su-l", "runuser", "runuser-l", "systemd-user"}
_REPEATED = re.compile(r"message repeated (?P<times>\d{1,9}) times: \[ ?(?P<message>.*)\]$", re.DOTALL)
_ADDRESS = r"(?P<address>[0-9A-Fa-f:.%]{2,64}|[\w.-]{1,255})"


def _ssh(found: Match) -> Act:
    failed = found["result"] != "Accepted"
    method = found["method"].split("/", maxsplit=1)[0]
    unknown = (("unknown_user", "true"),) if found["unknown"] else ()
    return Act(
        "ssh logon", found["user"], _FAILED if failed else _DONE, address=found["address"], facets=(("method", method), *unknown)
    )


def _ssh_failed(found: Match) -> Act:
    unknown = (("unknown_user", "true"),) if found["unknown"] in {"Invalid", "invalid"} else ()
    return Act("ssh logon", found["user"], _FAILED, address=found["address"], facets=unknown)


def _ssh_off(found: Match) -> Act:
    return Act("ssh logoff", found["user"], _DONE, address=found["address"])


def _sudo(found: Match) -> Act:
    told, _, command = found["fields"].partition("COMMAND=")
    fields = dict(
        part.strip().partition("=")[::2] for part in told.split(" ; ") if "=" in part
    )  # of equal names sudo's own is last
    how = (("command", command.split(" ", 1)[0]), ("terminal", fields.get("TTY", "")), ("directory", fields.get("PWD", "")))
    failed = not told.startswith(("TTY=", "PWD=", "HOST="))
    return Act("sudo", found["user"], _FAILED if failed else _DONE, target=fields.get("USER", ""), facets=how)


def _su(found: Match) -> Act:
    failed = found["failed"] is not None
    return Act(
        "su", found["user"], _FAILED if failed else _DONE, target=found["to"], facets=(("terminal", found["terminal"] or ""),)
    )


def _su_by(found: Match) -> Act:
    return Act("su", found["user"], _FAILED if found["result"].startswith("FAILED") else _DONE, target=found["to"])


def _session(found: Match) -> Act | None:
    service, what = found["service"].partition(":")[0], found["what"]
    opened, by = what == "opened", (found["by"] or "").strip()
    if service in _PROGRAMS:
        return Act(f"{service.lower()} session {what}", found["user"], _DONE, by_program=True)
    if service in _BECOMING:  # who leaves such a session is not said
        return Act(f"{service} session {what}", by, _DONE, target=found["user"]) if opened and by else None
    return Act("logon" if opened else "logoff", found["user"], _DONE, facets=(("service", service),))


def _pam_failure(found: Match) -> Act | None:
    told, _, user = found["fields"].partition(" user=")
    fields: dict[str, str] = {}
    for part in told.split(" "):
        name, _, value = part.partition("=")
        fields.setdefault(name, value)
    user = user.strip() or fields.get("ruser") or fields.get("logname") or ""
    service = found["service"].partition(":")[0]
    return Act("logon", user, _FAILED, address=fields.get("rhost", ""), facets=(("service", service),)) if user else None


def _password(found: Match) -> Act:
    return Act("password change", found["user"], _DONE, target=found["user"])


def _account(action: str) -> Callable[[Match], Act]:
    def made(found: Match) -> Act:
        groups = found.groupdict()
        return Act(
            action, found["tool"], _DONE, target=found["user"], by_program=True, facets=(("group", groups.get("group") or ""),)
        )

    return made


def _login(found: Match) -> Act:
    return Act("logon", found["user"], _DONE, facets=(("service", "logind"),))


_USER = r"(?P<user>.{0,4096})"
"""A name may hold anything, also what looks like the rest of the message: the last that fits is the daemon's own."""
_SSH: tuple[tuple[str, Made], ...] = (
    (
        rf"(?P<result>Accepted|Failed) (?P<method>\S{{1,64}}) for (?P<unknown>invalid user )?{_USER} from {_ADDRESS} port \d+"
        r"(?: ssh2(?:: .*)?)?$",
        _ssh,
    ),
    (rf"(?P<unknown>Invalid) user {_USER} from {_ADDRESS}(?: port \d+)?$", _ssh_failed),
    (
        rf"(?:Connection (?:closed|reset) by|Disconnected from|Disconnecting) (?P<unknown>invalid|authenticating) user {_USER} "
        rf"{_ADDRESS} port \d+(?: \[preauth\]|: .*)?$",
        _ssh_failed,
    ),
    (rf"Disconnected from user {_USER} {_ADDRESS} port \d+$", _ssh_off),
    (rf"(?P<unknown>User) {_USER} from {_ADDRESS} not allowed because .*", _ssh_failed),
)
_PAM: tuple[tuple[str, Made], ...] = (
    (
        r"pam_\w{1,32}\((?P<service>[^)]{1,64}):session\): session (?P<what>opened|closed) for user (?P<user>[^\s(]{1,256})"
        r"(?:\(uid=\d+\))?(?: by (?P<by>[^\s(]{0,256})(?:\(uid=\d+\))?)?",
        _session,
    ),
    (r"pam_\w{1,32}\((?P<service>[^)]{1,64}):auth\): authentication failure; (?P<fields>.*)", _pam_failure),
    (r"pam_\w{1,32}\((?P<service>[^)]{1,64}):chauthtok\): password changed for (?P<user>\S{1,256})", _password),
)
_MESSAGES: dict[str, tuple[tuple[str, Made], ...]] = {
    "sshd": _SSH,
    "sshd-session": _SSH,
    "sudo": ((rf"\s*{_USER} : (?P<fields>.*)", _sudo),),
    "su": (
        (r"(?P<failed>FAILED SU )?\(to (?P<to>[^)]{1,256})\) (?P<user>\S{1,256}) on (?P<terminal>\S{1,64})", _su),
        (r"(?P<result>Successful su|FAILED su) for (?P<to>\S{1,256}) by (?P<user>\S{1,256})", _su_by),
    ),
    "systemd-logind": ((r"New session \S{1,64} of user (?P<user>[^.\s]{1,256})", _login),),
    "useradd": ((r"(?P<tool>)new user: name=(?P<user>[^,]{1,256})", _account("account create")),),
    "userdel": ((r"(?P<tool>)delete user '(?P<user>[^']{1,256})'", _account("account delete")),),
    "usermod": (
        (r"(?P<tool>)add '(?P<user>[^']{1,256})' to (?:shadow )?group '(?P<group>[^']{1,256})'", _account("group add")),
        (r"(?P<tool>)(?:lock|unlock|change) user '(?P<user>[^']{1,256})'", _account("account change")),
    ),
    "gpasswd": ((r"(?P<tool>)user (?P<user>\S{1,256}) added by \S{1,256} to group (?P<group>\S{1,256})", _account("group add")),),
}
_Compiled = list[tuple[re.Pattern[str], Made]]


def _compiled(patterns: tuple[tuple[str, Made], ...]) -> _Compiled:
    return [(re.compile(pattern, re.DOTALL), made) for pattern, made in patterns]


_COMPILED = {name: _compiled(patterns) for name, patterns in _MESSAGES.items()}
_ANY = _compiled(_PAM)


def act_of(program: str, message: str) -> Act | None:
    """Return what a message says was done; nothing where it tells of nobody's act."""
    text = message[:_LONGEST].strip()
    if repeated := _REPEATED.match(text):
        act = _act_of(program, repeated["message"])
        return act._replace(facets=(*act.facets, ("repeated", repeated["times"]))) if act else None
    return _act_of(program, text)


def _act_of(program: str, text: str) -> Act | None:
    for pattern, made in (*_COMPILED.get(program, []), *_ANY):
        if found := pattern.match(text):
            act = made(found)
            if act is not None and act.by_program and not act.actor:
                act = act._replace(actor=program)
            return act if act is not None and act.actor else None
    return None
