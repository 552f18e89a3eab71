"""What Linux says of logons, and what an attacker's own text in it cannot do."""

from __future__ import annotations

import time

import pytest

from features.event import Outcome
from features.normalisers.events.linux_messages import act_of

DONE, FAILED = Outcome.SUCCESS, Outcome.FAILURE


@pytest.mark.parametrize(
    ("program", "message", "told"),
    [
        ("sshd", "Accepted password for ada from 203.0.113.5 port 4 ssh2", ("ssh logon", "ada", DONE, "", "203.0.113.5")),
        ("sshd", "Failed none for invalid user  from 203.0.113.5 port 4 ssh2", None),
        ("sshd-session", "Invalid user bob from 203.0.113.5 port 4", ("ssh logon", "bob", FAILED, "", "203.0.113.5")),
        ("sshd", "Connection closed by authenticating user ada 203.0.113.5 port 4 [preauth]", ("ssh logon", "ada", FAILED, "", "203.0.113.5")),
        ("sshd", "Disconnected from user ada 203.0.113.5 port 4", ("ssh logoff", "ada", DONE, "", "203.0.113.5")),
        ("sshd", "User root from 203.0.113.5 not allowed because not listed in AllowUsers", ("ssh logon", "root", FAILED, "", "203.0.113.5")),
        ("sshd", "pam_unix(sshd:session): session opened for user ada(uid=1000) by (uid=0)", ("logon", "ada", DONE, "", "")),
        ("sshd", "pam_unix(sshd:session): session closed for user ada", ("logoff", "ada", DONE, "", "")),
        ("sudo", "     ada : command not allowed ; TTY=pts/1 ; PWD=/ ; USER=root ; COMMAND=/bin/sh", ("sudo", "ada", FAILED, "root", "")),
        ("sudo", "ada : 3 incorrect password attempts ; TTY=pts/1 ; PWD=/ ; USER=root ; COMMAND=/bin/sh", ("sudo", "ada", FAILED, "root", "")),
        ("sudo", "pam_unix(sudo:session): session opened for user root(uid=0) by ada(uid=1000)", ("sudo session opened", "ada", DONE, "root", "")),
        ("sudo", "pam_unix(sudo:session): session closed for user root", None),
        ("sudo", "pam_unix(sudo:auth): authentication failure; logname=ada uid=1000 ruser=ada rhost=  user=ada", ("logon", "ada", FAILED, "", "")),
        ("su", "(to root) ada on pts/0", ("su", "ada", DONE, "root", "")),
        ("su", "FAILED su for root by ada", ("su", "ada", FAILED, "root", "")),
        ("su", "Successful su for root by ada", ("su", "ada", DONE, "root", "")),
        ("cron", "pam_unix(cron:session): session opened for user root(uid=0) by (uid=0)", ("cron session opened", "root", DONE, "", "")),
        ("passwd", "pam_unix(passwd:chauthtok): password changed for ada", ("password change", "ada", DONE, "ada", "")),
        ("systemd-logind", "New session 12 of user ada.", ("logon", "ada", DONE, "", "")),
        ("useradd", "new user: name=eve, UID=1003, GID=1003", ("account create", "useradd", DONE, "eve", "")),
        ("userdel", "delete user 'eve'", ("account delete", "userdel", DONE, "eve", "")),
        ("usermod", "add 'eve' to group 'wheel'", ("group add", "usermod", DONE, "eve", "")),
        ("kernel", "Accepted password for ada from 203.0.113.5 port 4 ssh2", None),
        ("sshd", "Server listening on 0.0.0.0 port 22.", None),
    ],
)  # fmt: skip
def test_messages(program: str, message: str, told: tuple[str, str, Outcome, str, str] | None) -> None:
    act = act_of(program, message)
    assert (act and act[:5]) == told


def test_a_users_name_that_looks_like_the_message_blames_nobody_else() -> None:
    name = "root from 6.6.6.6 port 1 ssh2"
    act = act_of("sshd", f"Failed password for invalid user {name} from 203.0.113.5 port 40022 ssh2")
    assert act is not None
    assert (act.actor, act.address) == (name, "203.0.113.5")
    act = act_of("sshd", f"Invalid user {name} from 203.0.113.5 port 40022")
    assert act is not None
    assert (act.actor, act.address) == (name, "203.0.113.5")


def test_what_sudo_is_asked_for_cannot_change_who_or_whom() -> None:
    act = act_of("sudo", "ada : TTY=pts/0 ; PWD=/tmp/ ; USER=bob ; USER=root ; COMMAND=/bin/sh -c x ; USER=eve ; TTY=none")
    assert act is not None
    assert (act.actor, act.target, act.outcome) == ("ada", "root", DONE)
    assert dict(act.facets)["command"] == "/bin/sh"
    assert dict(act.facets)["terminal"] == "pts/0"


def test_a_failed_users_name_cannot_change_from_where() -> None:
    said = "authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=203.0.113.5  user=x rhost=6.6.6.6"
    act = act_of("sshd", f"pam_unix(sshd:auth): {said}")
    assert act is not None
    assert (act.actor, act.address) == ("x rhost=6.6.6.6", "203.0.113.5")


def test_a_repeated_message_says_how_often() -> None:
    act = act_of("sshd", "message repeated 5 times: [ Failed password for ada from 203.0.113.5 port 4 ssh2]")
    assert act is not None
    assert (act.actor, dict(act.facets)["repeated"]) == ("ada", "5")
    assert act_of("sshd", "message repeated 5 times: [ Server listening]") is None


@pytest.mark.parametrize(
    "message",
    [
        "Failed password for " + " from 1.1.1.1 port 1" * 20_000,
        "Invalid user " + "a from " * 50_000,
        "Disconnected from invalid user " + "1.1.1.1 " * 50_000,
        "pam_unix(" * 50_000,
        "message repeated 1 times: [ " * 20_000,
    ],
)
def test_no_message_takes_long(message: str) -> None:
    """CPU seconds, a hundred times above what is needed: only a pattern that explodes is found."""
    before = time.process_time()
    for program in ("sshd", "sudo", "su"):
        act_of(program, message)
    assert time.process_time() - before < 5.0
