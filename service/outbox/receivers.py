"""Who is told: receivers in a file of their own, like API keys, so that the command line never writes to the database."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

import msgspec

from features.alert import MAX_NAME
from service.errors import InvalidError, NotFoundError
from service.outbox.message import KIND, Message
from service.outbox.signing import new_secret
from service.outbox.targets import Target, check_allowance, parse
from service.private_file import PrivateFile

PAGERDUTY_URL = "https://events.pagerduty.com/v2/enqueue"
PAGERDUTY_ACTIONS = {
    "incident.escalated": "trigger",
    "incident.acknowledged": "acknowledge",
    "incident.closed": "resolve",
    "certificate.withdrawn": "trigger",
}
"""What a message of a kind does to the incident in PagerDuty. It is told of nothing else: whatever it hears may wake a person."""
CAEP_KIND = "risk.level_changed"
"""The one kind of message of which access control is told."""
_KEY_LENGTH = 32


class Template(StrEnum):
    """The form of the body."""

    STANDARD = "standard"
    PAGERDUTY = "pagerduty"
    CAEP = "caep"
    """A security event token (RFC 8417) of CAEP's, pushed as RFC 8935 says."""


class Secret(msgspec.Struct, frozen=True):
    """A signing secret, and until when (UTC) it signs; ``None`` is for good."""

    text: str
    until: datetime | None = None


class Receiver(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who is told. The secrets stand here as they are, since signing needs them."""

    uid: str
    name: str
    target: Target
    created: datetime
    keys: tuple[Secret, ...] = ()
    template: Template = Template.STANDARD
    routing_key: str = ""
    """PagerDuty's integration key."""
    tenant: str = ""
    """Whose messages it gets; empty for those of all tenants."""
    kinds: tuple[str, ...] = ()
    """Which it gets: ``incident.escalated``, or ``incident.*``; empty for all."""
    epoch: int = 1
    """Raised by ``tamis outbox retry``: what did not arrive in an earlier epoch starts anew in this one."""
    removed: datetime | None = None

    def wants(self, message: Message) -> bool:
        """Whether the message is for this receiver."""
        if self.removed is not None or self.tenant not in {"", message.tenant}:
            return False
        if self.template is Template.PAGERDUTY and message.kind not in PAGERDUTY_ACTIONS:
            return False
        if self.template is Template.CAEP and message.kind != CAEP_KIND:
            return False
        return not self.kinds or any(_covers(kind, message.kind) for kind in self.kinds)

    def signing_keys(self, now: datetime) -> list[str]:
        """Return the secrets that sign at ``now``, the newest first."""
        return [key.text for key in self.keys if key.until is None or now < key.until]


class ReceiverStore:
    """All receivers, in one file of mode 0600; a running service sees a change within a second."""

    def __init__(self, path: Path) -> None:
        self._file = PrivateFile(path, Receiver)

    def read(self) -> tuple[Receiver, ...]:
        """Return all receivers, removed ones too. Raises ``StartError`` when the file is damaged."""
        return self._file.read()

    def add(
        self,
        name: str,
        target: Target,
        now: datetime,
        *,
        template: Template = Template.STANDARD,
        routing_key: str = "",
        tenant: str = "",
        kinds: tuple[str, ...] = (),
    ) -> tuple[Receiver, str]:
        """Add a receiver; return it with its secret. Raises ``InvalidError`` or ``RefusedTargetError`` for what cannot be.

        Names are not resolved here but at each attempt, when it counts.
        """
        if not 0 < len(name) <= MAX_NAME or not name.isprintable():
            raise InvalidError(f"the name must have 1 to {MAX_NAME} printable characters")
        for kind in kinds:
            if not KIND.fullmatch(kind.removesuffix("*") + ("any" if kind.endswith(".*") else "")):
                raise InvalidError(f"kind: {kind!r} is not of the form incident.escalated or incident.*")
        for text in target.allow_private:
            check_allowance(text)
        parse(target)
        if (template is Template.PAGERDUTY) != bool(routing_key):
            raise InvalidError("PagerDuty, and nobody else, needs a routing key")
        if template is Template.CAEP and not tenant:
            raise InvalidError("a receiver of security event tokens hears of the people of one tenant; name it")
        if routing_key and not (len(routing_key) == _KEY_LENGTH and routing_key.isascii() and routing_key.isalnum()):
            raise InvalidError(f"the routing key must have {_KEY_LENGTH} letters and digits")
        secret = new_secret()
        made = Receiver(
            uid=f"rcv_{secrets.token_hex(6)}",
            name=name,
            target=target,
            created=now,
            keys=(Secret(secret),),
            template=template,
            routing_key=routing_key,
            tenant=tenant,
            kinds=kinds,
        )
        with self._file.change() as receivers:
            receivers.append(made)
        return made, secret

    def rotate(self, uid: str, now: datetime, overlap: timedelta) -> str:
        """Give a receiver a new secret and return it; the ones before sign beside it until ``overlap`` is over."""
        secret, end = new_secret(), now + overlap

        def change(receiver: Receiver) -> Receiver:
            kept = [key for key in receiver.keys if key.until is None or now < key.until]
            ending = (Secret(key.text, min(key.until or end, end)) for key in kept)
            return msgspec.structs.replace(receiver, keys=(Secret(secret), *ending))

        self._change(uid, change)
        return secret

    def retry(self, uid: str) -> None:
        """Begin a new epoch. Raises ``NotFoundError``."""
        self._change(uid, lambda receiver: msgspec.structs.replace(receiver, epoch=receiver.epoch + 1))

    def remove(self, uid: str, now: datetime) -> None:
        """Tell it nothing more and forget its secrets; that it was there is remembered. Raises ``NotFoundError``."""
        self._change(uid, lambda receiver: msgspec.structs.replace(receiver, removed=now, keys=(), routing_key=""))

    def _change(self, uid: str, change: Callable[[Receiver], Receiver]) -> None:
        with self._file.change() as receivers:
            at = next((i for i, receiver in enumerate(receivers) if receiver.uid == uid and receiver.removed is None), None)
            if at is None:
                raise NotFoundError(f"no receiver {uid}")
            receivers[at] = change(receivers[at])


def _covers(wanted: str, kind: str) -> bool:
    return kind.startswith(wanted[:-1]) if wanted.endswith(".*") else wanted == kind
