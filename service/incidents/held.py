"""An incident as correlation holds it while it has lines in the window."""

from __future__ import annotations

from models.incidents.agenda import Item, item_of
from models.incidents.incident import Incident
from service.incidents.records import Record, Status


class Held:
    """An incident in memory; ``score``: how likely it matters; ``left_out`` counts alerts of lines that it does not list: past
    ones, and those ``piled`` upon it."""

    __slots__ = (
        "created", "incident", "item", "last", "left_out", "piled", "revision", "score", "status", "tenant", "uid", "updated",
    )  # fmt: skip

    def __init__(self, uid: str, tenant: str, created: float) -> None:
        self.uid, self.tenant, self.created, self.updated = uid, tenant, created, created
        self.status, self.revision, self.left_out = Status.OPEN, 0, 0
        self.incident = Incident(uid=uid, tenant=tenant, lines=())
        self.item: Item | None = None
        self.last = self.score = 0.0
        self.piled: set[str] = set()

    @classmethod
    def of(cls, record: Record) -> Held:
        """Hold what is stored."""
        one = cls(record.uid, record.tenant, record.created)
        one.status, one.revision, one.updated = record.status, record.revision, record.updated
        one.left_out, one.last = record.alerts - record.incident.alerts, record.last
        one.hold(record.incident, record.score)
        return one

    def hold(self, incident: Incident, score: float) -> None:
        """Take new content, or a new score."""
        self.incident, self.score, self.item = incident, score, item_of(incident, score)
        self.last = max(self.last, incident.last.timestamp())

    def record(self, merged_into: str | None = None) -> Record:
        """Return the incident as it is to be stored."""
        return Record(
            uid=self.uid,
            tenant=self.tenant,
            status=self.status,
            revision=self.revision,
            created=self.created,
            updated=self.updated,
            last=self.last,
            score=self.score,
            alerts=self.incident.alerts + self.left_out,
            incident=self.incident,
            merged_into=merged_into,
        )

    @property
    def lines(self) -> list[str]:
        """The uids of its lines, in the order of time."""
        return [line.uid for line in self.incident.lines]
