"""What a bundle knows of incidents: what links alerts, and which incidents matter."""

from __future__ import annotations

import msgspec

from models.incidents import link_model, priority
from models.incidents.link_model import LinkModel
from models.incidents.priority import PriorityModel


class IncidentModel(msgspec.Struct, frozen=True):
    """The learned part of correlation and of incident priority; without past incidents the defaults."""

    links: LinkModel = link_model.DEFAULT
    priority: PriorityModel = priority.DEFAULT
