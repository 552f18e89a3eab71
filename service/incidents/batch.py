"""What a round of correlation, or an analyst's hand, changed: written in one transaction."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import Connection

from service.incidents import feed, records
from service.incidents.held import Held
from service.incidents.records import Event, Record


@dataclass
class Batch:
    """Changes made at ``now``, ``by`` an analyst (empty: by correlation)."""

    now: float
    by: str = ""
    records: dict[str, Record] = field(default_factory=dict)
    lines: dict[str, str | None] = field(default_factory=dict)
    """In which incident lines are now; ``None``: in none any more."""
    alerts: list[tuple[int, str]] = field(default_factory=list)
    """Alerts, and the line in which they are."""
    events: list[Event] = field(default_factory=list)
    mark: int | None = None
    raised: int = 0

    def say(self, incident: str, kind: str, **body: object) -> None:
        """Note what happened to an incident."""
        self.events.append(Event(incident=incident, time=self.now, kind=kind, by=self.by, body=body))

    def keep(self, one: Held, merged_into: str | None = None) -> None:
        """Have an incident written as it is; however much it changes in one batch, that is one revision."""
        if one.uid not in self.records:
            one.revision += 1
        one.updated = self.now
        self.records[one.uid] = one.record(merged_into)

    def write(self, connection: Connection) -> None:
        """Write all of it."""
        records.save(connection, self.records.values())
        records.place(connection, self.lines, self.alerts)
        records.append(connection, self.events)
        if self.mark is not None:
            feed.set_mark(connection, self.mark)
