"""The catalogue: the playbooks that are shipped, and an own folder that adds to them or replaces some."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from models.decision import Action, BlastRadius
from models.errors import PlaybookError
from models.incidents.attack import tactic_place
from models.playbooks.cacao import Document, PlaybookStep, decode
from models.playbooks.incident_type import IncidentType
from models.playbooks.playbook import ANY, EXTENSION, Extension, Playbook
from models.playbooks.workflow import Fault, faults, moment, reached

SHIPPED = Path(__file__).parent / "catalogue"
_MOST_BYTES, _MOST_FILES = 1_000_000, 1_000
_EXTENSIONS = msgspec.json.Decoder(Extension)
_TYPES = frozenset(IncidentType) | {ANY}


class Catalogue(NamedTuple):
    """The playbooks that can be used, by uid; and what was ``refused``, with why."""

    playbooks: dict[str, Playbook]
    refused: tuple[PlaybookError, ...] = ()

    def by_slug(self, slug: str) -> Playbook | None:
        """Return the playbook of that short name."""
        return next((playbook for playbook in self.playbooks.values() if playbook.slug == slug), None)


def load_catalogue(own: Path | None = None, *, lenient: bool = False) -> Catalogue:
    """Load what is shipped and, over it, the folder ``own``: a playbook of the same uid replaces the one that is shipped.

    Raises ``PlaybookError`` for a playbook that does not validate. If ``lenient``, such playbooks are left out (a shipped one
    stays where its replacement is refused) and returned with why.
    """
    refused: list[PlaybookError] = []
    shipped, added = _folder(SHIPPED, refused), _folder(own, refused) if own else {}
    while unsound := next(_unsound(shipped, added), None):
        playbook, fault = unsound
        refused.append(PlaybookError(playbook.path, fault.field, fault.reason))
        layer = added if added.get(playbook.uid) is playbook else shipped
        del layer[playbook.uid]
    if refused and not lenient:
        raise refused[0]
    return Catalogue(shipped | added, tuple(refused))


def _folder(folder: Path, refused: list[PlaybookError]) -> dict[str, Playbook]:
    """Return the playbooks of a folder's ``*.json`` by uid; what is wrong goes to ``refused``."""
    if not folder.is_dir():
        refused.append(PlaybookError(str(folder), "", "is no folder"))
        return {}
    paths = sorted(folder.glob("*.json"))
    if len(paths) > _MOST_FILES:
        refused.append(PlaybookError(str(folder), "", f"holds {len(paths):,} files; at most {_MOST_FILES:,} are read"))
    found: dict[str, Playbook] = {}
    for path in paths[:_MOST_FILES]:
        try:
            playbook = read_playbook(path)
        except PlaybookError as error:
            refused.append(error)
            continue
        if playbook.uid in found:
            refused.append(PlaybookError(str(path), "id", f"is that of {found[playbook.uid].path} too"))
        else:
            found[playbook.uid] = playbook
    return found


def read_playbook(path: Path) -> Playbook:
    """Read a file and check it by itself. Raises ``PlaybookError``."""
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise PlaybookError(str(path), "", f"is longer than {_MOST_BYTES:,} bytes")
        raw = path.read_bytes()
    except OSError as error:
        raise PlaybookError(str(path), "", f"cannot be read: {error.strerror}") from error
    return parse_playbook(raw, str(path))


def parse_playbook(raw: bytes, path: str) -> Playbook:
    """Check a document by itself, without what it refers to; ``path`` is for messages. Raises ``PlaybookError``."""
    try:
        document = decode(raw)
        if EXTENSION not in document.playbook_extensions:
            raise PlaybookError(path, "playbook_extensions", f"has no {EXTENSION}, so when to use it is not known")
        own = _EXTENSIONS.decode(document.playbook_extensions[EXTENSION])
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        reason, _, field = str(error).partition(" - at `$.")
        raise PlaybookError(path, field.rstrip("`"), reason) from error
    for fault in (*faults(document), *_own_faults(document, own)):
        raise PlaybookError(path, fault.field, fault.reason)
    return Playbook(
        uid=document.id,
        name=document.name,
        description=document.description,
        modified=document.modified,
        own=own,
        runs=tuple(step.playbook_id for step in document.workflow.values() if isinstance(step, PlaybookStep)),
        purposes=document.playbook_types,
        revoked=document.revoked,
        valid_from=moment(document.valid_from),
        valid_until=moment(document.valid_until),
        path=path,
        document=raw,
    )


def _own_faults(document: Document, own: Extension) -> Iterator[Fault]:
    """What is wrong with Tamis's own properties."""
    for kind in own.trigger.types:
        if kind not in _TYPES:
            yield Fault("trigger.types", f"{kind!r} is none of {', '.join(sorted(_TYPES))}")
    for tactic in own.trigger.tactics:
        if tactic_place(tactic) is None:
            yield Fault("trigger.tactics", f"{tactic!r} is no ATT&CK tactic")
    for name in own.targets:
        variable = document.playbook_variables.get(name)
        if variable is None or not variable.external:
            yield Fault(f"targets.{name}", "is no external variable of playbook_variables")
    if own.reverted_by and not own.reverted_by.startswith("playbook--") and own.reverted_by not in document.workflow:
        yield Fault("reverted_by", f"{own.reverted_by} is neither a playbook nor a step of this one")
    yield from _safety_faults(own)


def _safety_faults(own: Extension) -> Iterator[Fault]:
    """What cannot be undone is major, what is major asks a person, and before what cannot be undone something else is done."""
    if own.action not in {Action.APPROVE, Action.RESPOND}:
        yield Fault("action", f"is {own.action.value!r}, neither 'approve' nor 'respond'")
    if not own.reversible:
        if own.blast_radius is not BlastRadius.MAJOR:
            yield Fault("blast_radius", "must be 'major': it cannot be undone")
        if own.reverted_by:
            yield Fault("reverted_by", "names what reverts it, though it cannot be undone")
        if not own.requires:
            yield Fault("requires", "is empty: what cannot be undone waits for the outcome of something else, as of isolation")
    elif own.blast_radius is not BlastRadius.MINIMAL and not own.reverted_by:
        yield Fault("reverted_by", "is empty, though it can be undone and is not minimal")
    if own.blast_radius is BlastRadius.MAJOR and own.action is not Action.APPROVE:
        yield Fault("action", "must be 'approve': its blast radius is major")


def _unsound(shipped: dict[str, Playbook], added: dict[str, Playbook]) -> Iterator[tuple[Playbook, Fault]]:
    """Go through what is wrong between playbooks, the own ones first: they give way."""
    catalogue = shipped | added
    kept = [playbook for uid, playbook in shipped.items() if uid not in added]
    slugs = {playbook.slug: playbook.uid for playbook in reversed((*kept, *added.values()))}
    requires = {uid: playbook.own.requires for uid, playbook in catalogue.items()}
    runs = {uid: playbook.runs for uid, playbook in catalogue.items()}
    for playbook in (*added.values(), *kept):
        uid, before = playbook.uid, shipped.get(playbook.uid, playbook)
        if playbook.own.reversible and not before.own.reversible:
            yield playbook, Fault("reversible", f"replaces {before.name!r}, which cannot be undone, and says that it can")
        if slugs[playbook.slug] != uid:
            yield playbook, Fault("slug", f"{playbook.slug} is taken by {slugs[playbook.slug]}")
        if uid in reached(requires[uid], requires):
            yield playbook, Fault("requires", "leads back to itself")
        if uid in reached(runs[uid], runs):
            yield playbook, Fault("workflow", "runs itself")
        for fault in _dangling(playbook, catalogue):
            yield playbook, fault


def _dangling(playbook: Playbook, catalogue: dict[str, Playbook]) -> Iterator[Fault]:
    """What it names is there, and what it runs can be undone if it can."""
    back = playbook.own.reverted_by
    named = [("requires", uid) for uid in playbook.own.requires] + [("workflow", uid) for uid in playbook.runs]
    for field, uid in named + ([("reverted_by", back)] if back.startswith("playbook--") else []):
        if uid not in catalogue:
            yield Fault(field, f"{uid} is not in the catalogue")
    if playbook.own.reversible and any(not catalogue[uid].own.reversible for uid in playbook.runs if uid in catalogue):
        yield Fault("reversible", "is true, though it runs a playbook that cannot be undone")
