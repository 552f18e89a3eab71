"""Similar past incidents: what was said of them, what was done, and how it ended."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from models.incidents.incident import Incident

WINDOW = timedelta(days=180)
"""How long after its closing a past incident is found."""
_MOST_WORDS = 200
_NOTHING = ""
"""The word of an empty bag."""


class Said(msgspec.Struct, frozen=True, gc=False):
    """A verdict on an incident, given at ``time``."""

    verdict: str
    time: datetime


class Done(msgspec.Struct, frozen=True, gc=False):
    """A playbook that was run; its ``outcome`` was reported at ``time``."""

    playbook: str
    outcome: str
    time: datetime


class PastIncident(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A closed incident: its ``bag`` of words (:func:`bag`), and what became of it, each known from its own time on."""

    uid: str
    tenant: str
    closed: datetime
    bag: tuple[str, ...]
    verdicts: tuple[Said, ...] = ()
    responses: tuple[Done, ...] = ()

    def as_of(self, time: datetime) -> PastIncident:
        """Return what was known of it then."""
        return msgspec.structs.replace(
            self,
            verdicts=tuple(said for said in self.verdicts if said.time <= time),
            responses=tuple(done for done in self.responses if done.time <= time),
        )


class Similar(msgspec.Struct, frozen=True, gc=False):
    """A past incident, as known at the time of asking, and how alike it is, from 0 to 1."""

    past: PastIncident
    likeness: float


def bag(incident: Incident) -> tuple[str, ...]:
    """Return what an incident is made of, sorted: rules, techniques, tactics, and which kinds of entities played which parts.

    No name of a host, an account or an address is in it: it may be held against other tenants'.
    """
    words = {f"rule {product} {rule.uid}" for product, rule in incident.rules}
    words |= {f"technique {technique}" for technique in incident.techniques}
    words |= {f"tactic {tactic}" for tactic in incident.tactics}
    words |= {f"{entity.kind.value} as {entity.role.value}" for entity in incident.entities}
    return tuple(sorted(words)[:_MOST_WORDS])


class SimilarIncidents:
    """An index of past incidents: the cosine of their bags, a word weighing by its rarity, ``log(1 + n / n_word)``.

    Incidents of one bag are one template; at most a few of each are given, so that a recurring nuisance does not fill the list,
    and its words weigh little. Counts are over what was closed by the time of asking and is found then: an answer about the
    past does not depend on what came after. Bags are kept once, as a sparse matrix that is multiplied at each question: with n
    words in all bags it takes O(n), some 20 ms for a hundred thousand bags of a dozen words, and four bytes a word.
    Not to be used from two threads at once.
    """

    def __init__(self, past: Iterable[PastIncident] = ()) -> None:
        self._past: list[PastIncident] = []
        self._row: dict[tuple[str, str], int] = {}
        self._closed, self._template, self._tenant = array("d"), array("q"), array("q")
        self._templates: dict[bytes, int] = {}
        self._tenants: dict[str, int] = {}
        self._words: dict[str, int] = {}
        self._word, self._start = array("i"), array("i", [0])
        for incident in past:
            self.add(incident)

    def __len__(self) -> int:
        """Return how many incidents it holds."""
        return len(self._past)

    def add(self, past: PastIncident) -> None:
        """Add an incident; one of the same tenant and uid takes the place of what was known of it."""
        closed, template = past.closed.timestamp(), self._template_of(past.bag)
        row = self._row.setdefault((past.tenant, past.uid), len(self._past))
        if row < len(self._past):
            self._past[row], self._closed[row], self._template[row] = past, closed, template
            return
        self._past.append(past)
        self._closed.append(closed)
        self._template.append(template)
        self._tenant.append(self._tenants.setdefault(past.tenant, len(self._tenants)))

    def since(self, time: datetime) -> SimilarIncidents:
        """Return an index of what was closed after ``time`` alone: what is older is found no more and only takes room."""
        return SimilarIncidents(past for past in self._past if past.closed > time)

    def _template_of(self, words: Collection[str]) -> int:
        different = sorted(set(words))[:_MOST_WORDS] or [_NOTHING]
        digest = hashlib.blake2b("\n".join(different).encode(errors="surrogatepass"), digest_size=16).digest()
        number = self._templates.get(digest)
        if number is None:
            number = self._templates[digest] = len(self._templates)
            self._word.extend(self._words.setdefault(word, len(self._words)) for word in different)
            self._start.append(len(self._word))
        return number

    @property
    def size(self) -> int:
        """Bytes that the flat arrays take."""
        return sum(len(some) * some.itemsize for some in (self._closed, self._template, self._tenant, self._word, self._start))

    def search(
        self, words: Collection[str], at: datetime, *, most: int = 5, per_template: int = 2, tenant: str | None = None
    ) -> list[Similar]:
        """Return the incidents most like a bag of ``words`` that were closed in the 180 days before ``at``, the most alike first.

        Equal ones: closed last first. At most ``per_template`` of one bag; none that has nothing in common; only those of a
        ``tenant``, if one is given. Each comes as it was known at ``at``.
        """
        if not self._word:
            return []
        found = self._found(at, tenant)
        template, closed = np.frombuffer(self._template, np.int64), np.frombuffer(self._closed)
        counts = np.bincount(template[found], minlength=len(self._templates)).astype(np.float64)
        likeness = self._likeness(set(words), counts)
        rows = found[likeness[template[found]] >= max(_at_rank(likeness, most), 1e-9)]
        rows = rows[np.lexsort((-closed[rows], template[rows]))]
        first = np.flatnonzero(np.diff(template[rows], prepend=-1))
        place = np.arange(len(rows)) - np.repeat(first, np.diff(first, append=len(rows)))
        rows = rows[place < per_template]
        rows = rows[np.lexsort((-closed[rows], -likeness[template[rows]]))][:most]
        return [Similar(self._past[row].as_of(at), float(likeness[template[row]])) for row in rows]

    def _found(self, at: datetime, tenant: str | None) -> NDArray[np.int64]:
        closed = np.frombuffer(self._closed)
        wanted = (closed <= at.timestamp()) & (closed > (at - WINDOW).timestamp())
        if tenant is not None:
            wanted &= np.frombuffer(self._tenant, np.int64) == self._tenants.get(tenant, -1)
        return np.flatnonzero(wanted)

    def _likeness(self, words: set[str], counts: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the cosine with each template; 0 for those of which nothing is found."""
        word, start = np.frombuffer(self._word, np.int32), np.frombuffer(self._start, np.int32)
        bags = csr_array((np.ones(len(word)), word, start), shape=(len(counts), len(self._words)))
        often = bags.T @ counts
        weight = np.log1p(counts.sum() / np.maximum(often, 1.0)) ** 2
        own = np.zeros(len(self._words))
        own[[self._words[name] for name in words if name in self._words]] = 1.0
        unknown = sum(name not in self._words for name in words) * np.log1p(counts.sum()) ** 2
        both = bags @ (weight * own)
        norm = (bags @ weight) * ((weight * own).sum() + unknown)
        cosine: NDArray[np.float64] = np.where(counts > 0.0, both / np.sqrt(np.maximum(norm, 1e-300)), 0.0)
        return cosine.round(9)  # the last digits depend on the order of adding


def _at_rank(values: NDArray[np.float64], rank: int) -> float:
    """Return the ``rank``-th highest value, the lowest if there are fewer."""
    if rank >= len(values):
        return float(values.min())
    return float(np.partition(values, len(values) - rank)[len(values) - rank])
