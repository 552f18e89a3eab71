"""A bundle as files: which it holds, each byte accounted for by a manifest, written whole or not at all.

A bundle judges alerts, behaviour, or both. What judges behaviour is in files of their own, named ``behaviour…``.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from models.behaviour.model import BehaviourModel
from models.errors import BundleError
from models.incidents.model import IncidentModel

FORMAT = 7
CARD = "MODEL_CARD.md"
_SCORING = ("classifier.txt", "calibrator.json", "encoder.json", "support.json", "view.json")
_ALERTS = (*_SCORING, "policy.json", "units.json", "golden.json", "labels.json", "incidents.json", CARD)
"""What a bundle that judges alerts holds."""
_BEHAVIOUR = re.compile(r"behaviour[a-z0-9_-]*\.(json|npz)")


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a bundle is: its files by digest and where it comes from."""

    format: int
    files: dict[str, str]
    """file name → sha-256"""
    view: str
    """fingerprint of the feature view; ``""`` where no alert is judged"""
    run: str
    """MLflow run, ``""`` if none"""
    window: tuple[str, str]
    labels: dict[str, int]
    """labelled alerts by verdict target: ``attack``, ``benign``; and ``units``"""
    data: str
    """digest of the training data"""

    @property
    def end(self) -> float:
        """When the data window ends, epoch seconds."""
        return datetime.fromisoformat(self.window[1]).timestamp()

    @property
    def judges_alerts(self) -> bool:
        """Whether it holds a model of alerts."""
        return sorted(self.files.keys() - self.behaviour) == sorted(_ALERTS)

    @property
    def behaviour(self) -> list[str]:
        """The files of its model of behaviour."""
        return sorted(name for name in self.files if _BEHAVIOUR.fullmatch(name))

    @property
    def is_whole(self) -> bool:
        """Whether it names all files of a bundle, and no others."""
        return self.judges_alerts or bool(self.behaviour and self.files.keys() - self.behaviour == {CARD})


def digests(parts: Mapping[str, bytes]) -> dict[str, str]:
    """Return the digest of each part, by its name."""
    names = [name for name in _ALERTS if name in parts] + sorted(name for name in parts if _BEHAVIOUR.fullmatch(name))
    return {name: hashlib.sha256(parts[name]).hexdigest() for name in names}


def model_digest(files: Mapping[str, str]) -> str:
    """Return the digest of what scores, from the digests of a bundle's ``files``: what its certificates are about.

    Behaviour is a part of it, since how unusual its user and host were is a feature of an alert.
    """
    behaviour = sorted(name for name in files if _BEHAVIOUR.fullmatch(name))
    return hashlib.sha256("".join(files[name] for name in (*_SCORING, *behaviour)).encode()).hexdigest()


def read_manifest(path: Path) -> tuple[Manifest, str]:
    """Return the manifest of a bundle, and the bundle's digest. Raises ``BundleError``."""
    try:
        body = (path / "manifest.json").read_bytes()
        manifest = msgspec.json.decode(body, type=Manifest)
    except (OSError, msgspec.MsgspecError) as error:
        raise BundleError(str(path), f"incomplete or unreadable: {error}") from error
    if manifest.format != FORMAT:
        raise BundleError(str(path), f"format {manifest.format}, this version reads {FORMAT}")
    if not manifest.is_whole:
        raise BundleError(str(path), f"must hold {', '.join(_ALERTS)}, or a model of behaviour and {CARD}, or both")
    return manifest, hashlib.sha256(body).hexdigest()


def read_parts(path: Path) -> tuple[Manifest, dict[str, bytes], str]:
    """Read every file of a bundle once and check its digest. Returns manifest, bytes by name, and the bundle's digest."""
    manifest, digest = read_manifest(path)
    try:
        parts = {name: (path / name).read_bytes() for name in manifest.files}
    except OSError as error:
        raise BundleError(str(path), f"incomplete or unreadable: {error}") from error
    for name, expected in manifest.files.items():
        if hashlib.sha256(parts[name]).hexdigest() != expected:
            raise BundleError(str(path / name), "does not have the digest that the manifest names")
    return manifest, parts, digest


def behaviour_of(manifest: Manifest, parts: Mapping[str, bytes], path: Path) -> BehaviourModel | None:
    """Return the model of behaviour among the ``parts`` of a bundle, if it holds one. Raises ``BundleError``."""
    if not manifest.behaviour:
        return None
    model = BehaviourModel.from_files({name: parts[name] for name in manifest.behaviour}, str(path))
    if sorted(model.to_files()) != manifest.behaviour:
        raise BundleError(str(path), f"a model of behaviour does not consist of {', '.join(manifest.behaviour)}")
    return model


def load_behaviour(path: Path) -> BehaviourModel:
    """Return the model of behaviour of the bundle at ``path``. Raises ``BundleError``, also where it has none."""
    manifest, parts, _ = read_parts(path)
    model = behaviour_of(manifest, parts, path)
    if model is None:
        raise BundleError(str(path), "holds no model of behaviour; train with events")
    return model


def write_bundle(path: Path, parts: Mapping[str, bytes], **about: Any) -> str:
    """Write a bundle directory whole or not at all; return its digest. ``about`` are the other fields of the manifest.

    Where alerts are judged and no ``incidents.json`` is among the ``parts``, the default holds.
    """
    if "classifier.txt" in parts:
        parts = {"incidents.json": msgspec.json.encode(IncidentModel()), **parts}
    manifest = Manifest(format=FORMAT, files=digests(parts), **about)
    draft = path.with_name(path.name + ".part")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    for name in manifest.files:
        (draft / name).write_bytes(parts[name])
    body = msgspec.json.format(msgspec.json.encode(manifest), indent=1)
    (draft / "manifest.json").write_bytes(body)
    shutil.rmtree(path, ignore_errors=True)
    draft.rename(path)
    return hashlib.sha256(body).hexdigest()
