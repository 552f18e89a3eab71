"""Linux authentication: lines of syslog (RFC 3164, RFC 5424, or with a time in ISO 8601) and journald's JSON (``journalctl -o json``).

=============  ====================================================================
event          where
=============  ====================================================================
uid            journald's ``__CURSOR``; of a line a digest of it with its time
time           the line's; journald's ``_SOURCE_REALTIME_TIMESTAMP``, else ``__REALTIME_TIMESTAMP`` (microseconds)
actor, target  by the message: see ``linux_messages.py``. The target is the host, or the account that was become or changed
action         ``ssh logon``, ``sudo``, ``su``, ``logon``, ``logoff``, ``password change``, ``account create`` …
address        the message's ``from`` or ``rhost``
device         the host that the line is of
application    the program that wrote it: ``sshd``, ``sudo``, ``su`` …
outcome        by the message
facets         ``method`` (password, publickey …), ``command``, ``terminal``, ``directory``, ``unknown_user``, ``repeated``
=============  ====================================================================

RFC 3164 gives neither year nor zone: the time is taken as UTC, in the year that makes it the latest before its receipt; of a file
that is when it was last changed. A clock that shows another zone's time is a fault that is seen where it runs ahead: such a line is put
aside. So is one that tells of nobody's act; what other programs say is not looked at.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import msgspec

from features.alert import EntityKind
from features.event import Event, Source
from features.normalisers.base import Place, digest_uid, from_seconds
from features.normalisers.events.base import (
    Shape,
    facets,
    make_event,
    person,
    program,
    read_record,
    refusal,
    refuse_large,
    utc_time,
)
from features.normalisers.events.base import target as to
from features.normalisers.events.fields import address_of
from features.normalisers.events.linux_messages import Act, act_of

_HEAD = re.compile(
    r"(?:<\d{1,3}>)?(?:1 )?"
    r"(?P<time>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[0-9.,]*(?:Z|[+-]\d\d:?\d\d)?) "
    r"(?P<host>\S{1,255}) (?P<rest>.*)",
    re.DOTALL,
)
_TAG = re.compile(r"(?P<program>[^\s\[:]{1,64})(?:\[\d+\])?: ?(?P<message>.*)", re.DOTALL)
_DAY = timedelta(days=1)
_RFC_5424 = re.compile(r"(?P<program>\S{1,48}) \S{1,128} \S{1,32} (?:-|\[.*?\]) ?(?:\ufeff)?(?P<message>.*)", re.DOTALL)


class _Line(NamedTuple):
    time: datetime
    host: str
    program: str
    message: str
    uid: str = ""


class _Journal(msgspec.Struct, frozen=True):
    realtime: str | int = msgspec.field(name="__REALTIME_TIMESTAMP")
    message: Any = msgspec.field(default=None, name="MESSAGE")
    source_realtime: str | int | None = msgspec.field(default=None, name="_SOURCE_REALTIME_TIMESTAMP")
    cursor: str | None = msgspec.field(default=None, name="__CURSOR")
    host: str | None = msgspec.field(default=None, name="_HOSTNAME")
    identifier: str | None = msgspec.field(default=None, name="SYSLOG_IDENTIFIER")
    command: str | None = msgspec.field(default=None, name="_COMM")


class LinuxAuth:
    """A line of ``auth.log``, ``secure``, or journald's JSON of it."""

    shape = Shape(lines=True)
    _decoder = msgspec.json.Decoder(_Journal)

    def decode(self, raw: bytes, place: Place) -> Event:
        """Return the event of one line."""
        refuse_large(raw, place)
        line = self._journal(raw, place) if raw.lstrip()[:1] == b"{" else _syslog(raw, place)
        act = act_of(line.program, line.message)
        if act is None:
            raise refusal(f"tells of nobody's act: {line.program[:40]}", "message", place)
        return _event(raw, place, line, act)

    def _journal(self, raw: bytes, place: Place) -> _Line:
        entry = read_record(self._decoder, raw, place)
        field = "__REALTIME_TIMESTAMP" if entry.source_realtime is None else "_SOURCE_REALTIME_TIMESTAMP"
        told = str(entry.realtime if entry.source_realtime is None else entry.source_realtime)
        if not (told.isascii() and told.isdigit() and len(told) < 20):
            raise refusal("not a time", field, place)
        message = entry.message if isinstance(entry.message, str) else _bytes(entry.message)
        program = entry.identifier or entry.command or ""
        return _Line(from_seconds(int(told), field, place, 1e6), entry.host or "", program, message, entry.cursor or "")


def _bytes(message: object) -> str:
    """Return the text of a message that journald writes as numbers, since it is no plain text."""
    if not isinstance(message, list) or not all(isinstance(byte, int) and 0 <= byte < 256 for byte in message):
        return ""
    return bytes(message).decode("utf-8", "replace")


def _syslog(raw: bytes, place: Place) -> _Line:
    head = _HEAD.match(raw.decode("utf-8", "replace"))
    if head is None:
        raise refusal("no line of syslog", "", place)
    rest = head["rest"]
    tag = _TAG.match(rest) or _RFC_5424.match(rest)
    if tag is None:
        raise refusal("names no program", "program", place)
    told = head["time"]
    when = utc_time(told.replace(",", "."), "time", place) if told[0].isdigit() else _without_year(told, place)
    return _Line(when, head["host"], tag["program"].rpartition("/")[2], tag["message"])


def _without_year(told: str, place: Place) -> datetime:
    received = place.received_time
    if received is None:
        raise refusal("has no year: say when it was received", "time", place)
    for year in (received.year + 1, received.year, received.year - 1):
        try:
            found = datetime.strptime(f"{year} {told}", "%Y %b %d %H:%M:%S").replace(tzinfo=received.tzinfo)
        except ValueError:  # 29 February is in some years only
            continue
        if found <= received + _DAY:  # within a day ahead it is of this year, and refused if its clock or zone is that wrong
            return found
    raise refusal(f"not a time: {told}", "time", place)


def _event(raw: bytes, place: Place, line: _Line, act: Act) -> Event:
    of_program = act.by_program
    return make_event(
        raw,
        place,
        uid=line.uid or digest_uid(raw + line.time.isoformat().encode()),  # next year the same line is another event
        time=line.time,
        actor=program(act.actor, "message", place) if of_program else person(act.actor, "message", place),
        action=act.action,
        action_field="message",
        target=to(EntityKind.USER, act.target) if act.target else to(EntityKind.HOST, line.host),
        source=Source(address=address_of(act.address), device=line.host, application=line.program),
        outcome=act.outcome,
        facets=facets(act.facets),
    )
