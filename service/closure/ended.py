"""What later incidents learn from one that ended: how alike they are, what was done, and whether it helped."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from datetime import datetime

import msgspec

from models.closure.outcome import Runs
from models.closure.report import Report
from models.incidents.signature import Move
from models.incidents.similar import Done, PastIncident, Said, Similar, SimilarIncidents, bag
from models.playbooks.experience import PastResponse
from models.playbooks.incident_type import IncidentType, type_of
from models.playbooks.loading import Catalogue
from service.closure.blinding import PEOPLE_SAID


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """An incident that closed or escalated; ``helped``: of each playbook that says something, whether it mitigated."""

    past: PastIncident
    is_closed: bool
    kind: IncidentType
    techniques: tuple[str, ...]
    helped: dict[str, bool]
    moves: tuple[Move, ...] = ()

    def responses(self) -> Iterable[PastResponse]:
        """Go through what it says of playbooks."""
        for playbook, mitigated in self.helped.items():
            yield PastResponse(self.kind, self.techniques, playbook, mitigated, self.past.closed)


def ended_as(report: Report, catalogue: Catalogue, *, is_closed: bool) -> Ended:
    """Return what there is to learn from a report.

    Of a threat that was mitigated, each playbook says whether its success stood. Of one that escalated, only those speak that
    did not succeed; of a false positive, none.
    """
    incident, resolution = report.incident, report.resolution
    past = PastIncident(
        uid=incident.uid, tenant=incident.tenant, closed=report.made, bag=bag(incident),
        verdicts=tuple(Said(act.what, act.time) for act in report.acts if act.what in PEOPLE_SAID),
        responses=tuple(Done(one.slug or one.playbook, one.status.value, one.time) for one in report.outcomes),
    )  # fmt: skip
    stands: dict[str, bool] = {}
    for _, run in Runs(report.outcomes, catalogue).standing():
        stands[run.last.playbook] = stands.get(run.last.playbook, True) and bool(run.successes)
    if resolution is not None and resolution.false_positive:
        stands = {}
    return Ended(
        past=past, is_closed=is_closed, kind=type_of(incident).type, techniques=incident.techniques,
        helped={uid: stood for uid, stood in stands.items() if is_closed or not stood},
        moves=report.chain.moves if report.chain is not None else (),
    )  # fmt: skip


class Experience:
    """Past incidents of all tenants, read from the records and added to; may be asked from any thread."""

    def __init__(self, read: Callable[[int], list[tuple[int, Ended]]]) -> None:
        self._read, self._seq = read, 0
        self._similar = SimilarIncidents()
        self._responses: dict[str, list[PastResponse]] = {}
        self._moves: dict[str, list[tuple[Move, ...]]] = {}
        self._guard = threading.Lock()

    def _catch_up(self) -> None:
        for seq, ended in self._read(self._seq):
            self._seq = seq
            self._responses.setdefault(ended.past.tenant, []).extend(ended.responses())
            if ended.is_closed:
                self._similar.add(ended.past)
                self._moves.setdefault(ended.past.tenant, []).append(ended.moves)

    def responses(self, tenant: str) -> list[PastResponse]:
        """Return what playbooks did in the tenant's past incidents."""
        with self._guard:
            self._catch_up()
            return list(self._responses.get(tenant, []))

    def moves(self, tenant: str) -> list[tuple[Move, ...]]:
        """Return the signatures of the tenant's past chains, the latest of them."""
        with self._guard:
            self._catch_up()
            return self._moves.get(tenant, [])[-_MOST_CHAINS:]

    def similar(self, words: Iterable[str], at: datetime, tenant: str, but: str) -> list[Similar]:
        """Return the closed incidents of the tenant most like a bag of words, without the one that asks."""
        with self._guard:
            self._catch_up()
            found = self._similar.search(tuple(words), at, most=_MOST + 1, per_template=_PER_TEMPLATE, tenant=tenant)
        return [one for one in found if one.past.uid != but][:_MOST]


_MOST, _PER_TEMPLATE, _MOST_CHAINS = 5, 2, 1000
