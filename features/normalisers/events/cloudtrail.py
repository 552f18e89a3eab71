"""AWS CloudTrail: records, alone or in a trail's file ``{"Records": […]}``.

=============  ====================================================================
event          field
=============  ====================================================================
uid            ``eventID``
time           ``eventTime`` (UTC)
actor          ``userIdentity``, by its ``type``: see below
action         ``eventSource`` without ``.amazonaws.com``, and ``eventName``: ``iam:CreateUser``
target         ``resources[0].ARN``, else what ``requestParameters`` names first of: user, role, bucket and key, function, …
address        ``sourceIPAddress``, where it is an address and not a service of AWS
device         ``userAgent``
application    ``userIdentity.invokedBy``, else ``eventSource``
outcome        failure with an ``errorCode``, or where a console sign-in says so; else success
facets         ``awsRegion``, ``readOnly``, ``errorCode``, ``userIdentity.accessKeyId``, ``…mfaAuthenticated``,
               ``additionalEventData.MFAUsed``, session of a role
=============  ====================================================================

``IAMUser``, ``Root``, ``FederatedUser``: a user, by ``arn``. ``IdentityCenterUser``: a user, by ``onBehalfOf.userId``.
``AssumedRole``: the role, a program, by the issuer's ``arn``; but a user where the session is named after a person (it holds an ``@``,
or the role is one of IAM Identity Center). ``SAMLUser``, ``WebIdentityUser``: a user, by ``userName``. ``AWSService``: a program, by
``invokedBy``. ``AWSAccount``: a program, by ``accountId``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from features.alert import Entity, EntityKind
from features.event import Event, Outcome, Source
from features.normalisers.base import Place
from features.normalisers.events.base import Shape, facets, make_event, person, program, read_record, target, utc_time
from features.normalisers.events.fields import address_of, first, object_of, text_at, text_of


class _Record(msgspec.Struct, frozen=True, rename="camel"):
    event_time: str
    event_name: str
    event_source: str = ""
    event_id: str | None = msgspec.field(default=None, name="eventID")
    user_identity: dict[str, Any] | None = None
    source_ip: str | None = msgspec.field(default=None, name="sourceIPAddress")
    user_agent: str | None = None
    aws_region: str | None = None
    error_code: str | None = None
    read_only: bool | str | None = None
    recipient_account_id: str | None = None
    request_parameters: Any = None
    response_elements: Any = None
    additional_event_data: Any = None
    resources: Any = None


_SINGLE_SIGN_ON = ":role/aws-reserved/sso.amazonaws.com/"
_PARAMETERS = (
    ("roleArn", EntityKind.APPLICATION), ("roleName", EntityKind.APPLICATION), ("functionName", EntityKind.APPLICATION),
    ("secretId", EntityKind.OTHER), ("keyId", EntityKind.OTHER), ("instanceId", EntityKind.HOST),
    ("dBInstanceIdentifier", EntityKind.OTHER), ("dBSnapshotIdentifier", EntityKind.OTHER), ("snapshotId", EntityKind.OTHER),
    ("imageId", EntityKind.OTHER), ("groupId", EntityKind.OTHER), ("groupName", EntityKind.OTHER),
    ("policyArn", EntityKind.OTHER), ("resourceArn", EntityKind.OTHER), ("repositoryName", EntityKind.OTHER),
    ("tableName", EntityKind.OTHER), ("name", EntityKind.OTHER),
)  # fmt: skip


class CloudTrail:
    """A record of a trail."""

    shape = Shape(envelope="Records")
    _decoder = msgspec.json.Decoder(_Record)

    def decode(self, raw: bytes, place: Place) -> Event:
        """Return the event of one record."""
        record = read_record(self._decoder, raw, place)
        identity = record.user_identity or {}
        service = record.event_source.removesuffix(".amazonaws.com")
        return make_event(
            raw,
            place,
            uid=record.event_id,
            time=utc_time(record.event_time, "eventTime", place),
            time_field="eventTime",
            actor=_actor(identity, place),
            action=f"{service}:{record.event_name}" if service and record.event_name else record.event_name,
            action_field="eventName",
            target=_target(record),
            source=Source(
                address=address_of(record.source_ip),
                device=record.user_agent or "",
                application=first(text_at(identity, "invokedBy"), record.event_source),
            ),
            outcome=_outcome(record),
            facets=facets(
                [
                    ("region", record.aws_region),
                    ("read_only", text_of(record.read_only).casefold()),
                    ("error", record.error_code),
                    ("access_key", text_at(identity, "accessKeyId")),
                    ("mfa", text_at(identity, "sessionContext", "attributes", "mfaAuthenticated")),
                    ("mfa", text_at(record.additional_event_data, "MFAUsed")),
                    ("session", _session(identity)),
                ]
            ),
        )


def _actor(identity: Mapping[str, Any], place: Place) -> Entity:
    kind, arn = text_at(identity, "type"), text_at(identity, "arn")
    if kind == "AssumedRole":
        issuer = first(text_at(identity, "sessionContext", "sessionIssuer", "arn"), _role(arn))
        session = _session(identity)
        if session and ("@" in session or _SINGLE_SIGN_ON in issuer):
            return person(session.casefold(), "userIdentity", place)
        return program(first(issuer, text_at(identity, "principalId")), "userIdentity", place)
    if kind in {"AWSService", "AWSAccount"}:
        return program(first(text_at(identity, "invokedBy"), text_at(identity, "accountId")), "userIdentity", place)
    if kind == "IdentityCenterUser":
        return person(text_at(identity, "onBehalfOf", "userId"), "userIdentity.onBehalfOf.userId", place)
    name = first(arn, text_at(identity, "userName"), text_at(identity, "principalId"))
    if not name and text_at(identity, "invokedBy"):
        return program(text_at(identity, "invokedBy"), "userIdentity", place)
    return person(name, "userIdentity", place)


def _role(arn: str) -> str:
    """Return the role of a session ``arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION``: sessions are many, the role is one."""
    head, slash, rest = arn.partition(":assumed-role/")
    return f"{head.replace(':sts:', ':iam:', 1)}:role/{rest.split('/', 1)[0]}" if slash else arn


def _session(identity: Mapping[str, Any]) -> str:
    """Return the name of a role's session: what follows the colon of the principal."""
    if text_at(identity, "type") != "AssumedRole":
        return ""
    return text_at(identity, "principalId").partition(":")[2]


def _target(record: _Record) -> Entity | None:
    named = record.resources[0] if isinstance(record.resources, list) and record.resources else None
    arn = first(text_at(named, "ARN"), text_at(named, "arn"))
    if arn:
        return target(EntityKind.FILE if ":s3:" in arn else EntityKind.OTHER, arn)
    asked = object_of(record.request_parameters)
    if user := text_at(asked, "userName"):
        account = record.recipient_account_id
        return target(EntityKind.USER, f"arn:aws:iam::{account}:user/{user}" if account else user)
    if bucket := text_at(asked, "bucketName"):
        key = text_at(asked, "key")
        return target(EntityKind.FILE, f"{bucket}/{key}" if key else bucket)
    found = ((kind, text_at(asked, name)) for name, kind in _PARAMETERS)
    return next((target(kind, name) for kind, name in found if name), None)


def _outcome(record: _Record) -> Outcome:
    if record.error_code or text_at(record.response_elements, "ConsoleLogin") == "Failure":
        return Outcome.FAILURE
    return Outcome.SUCCESS
