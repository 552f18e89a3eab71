"""Normalisers of events: one product's record in, one event out. The registry is the dictionary below; a new product is one entry."""

from __future__ import annotations

from features.errors import UnknownFormatError
from features.normalisers.events.base import EventNormaliser
from features.normalisers.events.cloudtrail import CloudTrail
from features.normalisers.events.github import GitHub
from features.normalisers.events.linux_auth import LinuxAuth
from features.normalisers.events.m365 import Microsoft365
from features.normalisers.events.native import Native
from features.normalisers.events.ocsf import OcsfActivity
from features.normalisers.events.okta import Okta

EVENT_NORMALISERS: dict[str, EventNormaliser] = {
    "cloudtrail": CloudTrail(),
    "github": GitHub(),
    "linux-auth": LinuxAuth(),
    "m365": Microsoft365(),
    "native": Native(),
    "ocsf": OcsfActivity(),
    "okta": Okta(),
}


def get_event_normaliser(name: str) -> EventNormaliser:
    """Return the normaliser of that format of events. Raises ``UnknownFormatError``."""
    if name not in EVENT_NORMALISERS:
        raise UnknownFormatError(name, sorted(EVENT_NORMALISERS))
    return EVENT_NORMALISERS[name]


__all__ = ["EVENT_NORMALISERS", "EventNormaliser", "get_event_normaliser"]
