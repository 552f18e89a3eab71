"""Microsoft 365 unified audit log: records of the Management Activity API, a CSV export of it, and a flattened table.

=============  ====================================================================
event          field
=============  ====================================================================
uid            ``Id``
time           ``CreationTime`` (UTC by definition, without a zone)
actor          ``UserId``: a person, or, by ``UserType`` (system, service principal, policy …) and by form, a program
action         ``Operation``
target         ``MailboxOwnerUPN``, else ``TargetUserOrGroupName``, else ``ObjectId``
address        ``ClientIP``, ``ActorIpAddress``, ``ClientIPAddress``, without port
device         ``DeviceProperties[Id]``, else ``UserAgent``, ``ExtendedProperties[UserAgent]``, ``ClientInfoString``
application    ``ApplicationDisplayName``, ``ApplicationId``, ``ClientAppId``, ``AppId``, else ``Workload``
outcome        ``ResultStatus``; ``UserLoginFailed`` is a failure whatever that says
facets         ``Workload``, ``ItemType``, ``SourceFileExtension``, ``LogonError``, ``OperationProperties[MailAccessType]``,
               ``DeviceProperties[OS]``, ``[BrowserType]``
=============  ====================================================================

In a CSV export the record is the column ``AuditData``. A flattened table has ``t, user, op, ip, wl, res`` for ``CreationTime, UserId,
Operation, ClientIP, Workload, ResultStatus``; without ``Id`` rows that say the same are duplicates.
"""

from __future__ import annotations

from typing import Any

import msgspec

from features.alert import Entity, EntityKind
from features.event import Event, Outcome, Source
from features.normalisers.base import Place
from features.normalisers.events.base import (
    Shape,
    facets,
    make_event,
    person,
    program,
    read_record,
    refusal,
    required,
    target,
    utc_time,
)  # fmt: skip
from features.normalisers.events.fields import address_of, first, named_values, text_of


class _Record(msgspec.Struct, frozen=True, rename="pascal"):
    creation_time: str
    operation: str
    user_id: str | None = None
    id: str | None = None
    user_type: int | str | None = None
    workload: str | None = None
    result_status: str | None = None
    object_id: str | None = None
    mailbox_owner: str | None = msgspec.field(default=None, name="MailboxOwnerUPN")
    target_user_or_group_name: str | None = None
    client_ip: str | None = msgspec.field(default=None, name="ClientIP")
    actor_ip_address: str | None = None
    client_ip_address: str | None = msgspec.field(default=None, name="ClientIPAddress")
    user_agent: str | None = None
    client_info_string: str | None = None
    application_display_name: str | None = None
    application_id: str | None = None
    client_app_id: str | None = None
    app_id: str | None = None
    item_type: str | None = None
    source_file_extension: str | None = None
    logon_error: str | None = None
    device_properties: Any = None
    extended_properties: Any = None
    operation_properties: Any = None


_PROGRAMS = {"3", "4", "6", "7", "8", "DcAdmin", "System", "ServicePrincipal", "CustomPolicy", "SystemPolicy"}
_PERHAPS = {"5", "Application", ""}
"""A program that may act for a person: then the name is an address. So where a table does not say."""
_PROGRAM_NAMES = ("serviceprincipal_", "nt authority\\", "s-1-5-", "sharepoint\\", "microsoft\\", "app@sharepoint")
_NOBODY = {"not-found", "not available", "unknown"}
_SUCCESS, _FAILURE = {"success", "succeeded", "true", "partiallysucceeded"}, {"failed", "failure", "false"}
_FILES = {"SharePoint", "OneDrive"}


class Microsoft365:
    """A record of the unified audit log."""

    shape = Shape(
        cell="AuditData",
        columns={
            "t": "CreationTime", "user": "UserId", "op": "Operation", "ip": "ClientIP", "wl": "Workload", "res": "ResultStatus",
        },
    )  # fmt: skip
    _decoder = msgspec.json.Decoder(_Record)

    def decode(self, raw: bytes, place: Place) -> Event:
        """Return the event of one record."""
        record = read_record(self._decoder, raw, place)
        device, extended = named_values(record.device_properties), named_values(record.extended_properties)
        return make_event(
            raw,
            place,
            uid=record.id,
            time=utc_time(record.creation_time, "CreationTime", place),
            time_field="CreationTime",
            actor=_actor(record, place),
            action=record.operation,
            action_field="Operation",
            target=_target(record),
            source=Source(
                address=address_of(record.client_ip, record.actor_ip_address, record.client_ip_address),
                device=first(device.get("Id"), record.user_agent, extended.get("UserAgent"), record.client_info_string),
                application=first(
                    record.application_display_name, record.application_id, record.client_app_id, record.app_id, record.workload
                ),
            ),
            outcome=_outcome(record),
            facets=facets(
                [
                    ("workload", record.workload),
                    ("item_type", record.item_type),
                    ("extension", record.source_file_extension),
                    ("error", record.logon_error),
                    ("mail_access", named_values(record.operation_properties).get("MailAccessType")),
                    ("os", device.get("OS")),
                    ("browser", device.get("BrowserType")),
                ]
            ),
        )


def _actor(record: _Record, place: Place) -> Entity:
    name = required(record.user_id, "UserId", place).casefold()  # the directory does not tell upper case from lower
    if name in _NOBODY:
        raise refusal(f"names nobody: {record.user_id}", "UserId", place)
    kind = text_of(record.user_type)
    by_program = kind in _PROGRAMS or name.startswith(_PROGRAM_NAMES) or (kind in _PERHAPS and "@" not in name)
    return program(name, "UserId", place) if by_program else person(name, "UserId", place)


def _target(record: _Record) -> Entity | None:
    if record.mailbox_owner:
        return target(EntityKind.MAILBOX, record.mailbox_owner.casefold())
    if record.target_user_or_group_name:
        return target(EntityKind.USER, record.target_user_or_group_name.casefold())
    name = record.object_id or ""
    if record.workload in _FILES:
        return target(EntityKind.FILE, name)
    if record.workload == "AzureActiveDirectory":
        return target(EntityKind.USER, name.casefold()) if "@" in name else target(EntityKind.APPLICATION, name)
    return target(EntityKind.OTHER, name)


def _outcome(record: _Record) -> Outcome:
    told = (record.result_status or "").casefold()
    if record.operation == "UserLoginFailed" or told in _FAILURE:
        return Outcome.FAILURE
    return Outcome.SUCCESS if told in _SUCCESS else Outcome.UNKNOWN
