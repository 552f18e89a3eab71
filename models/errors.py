"""All errors of ``models/``, under one root.

ModelsError
├── BundleError       a bundle is damaged, incomplete, or made for another view or format version
├── ObjectiveError    an objective sentence cannot be understood or is infeasible
├── CostsError        a file of costs cannot be used
├── NotEnoughLabelsError  nothing can be fitted
├── BundleStoreError  the bundle store has no such bundle, or nothing to roll back to
├── PolicyError       a live policy is damaged, made by another version of the code, or not to be changed so
├── PlaybookError     a playbook does not validate
└── CorrelationError  lines of two tenants are not one incident
"""

from __future__ import annotations


class ModelsError(Exception):
    """Root of everything that ``models/`` raises."""


class BundleError(ModelsError):
    """A bundle is refused. Attributes: ``path`` (directory or file), ``reason``."""

    def __init__(self, path: str, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(f"bundle {path}: {reason}")


class ObjectiveError(ModelsError):
    """An objective cannot be understood. Attributes: ``text``, ``reason``."""

    def __init__(self, text: str, reason: str) -> None:
        self.text, self.reason = text, reason
        super().__init__(f"objective {text!r}: {reason}")


class CostsError(ModelsError):
    """A file of costs cannot be used. Attributes: ``path``, ``reason``."""

    def __init__(self, path: str, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(f"costs {path}: {reason}")


class NotEnoughLabelsError(ModelsError):
    """Nothing can be fitted. Attributes: ``positives``, ``negatives``."""

    def __init__(self, positives: int, negatives: int) -> None:
        self.positives, self.negatives = positives, negatives
        super().__init__(
            f"cannot fit on {positives} labelled attack alerts and {negatives} labelled benign ones: both kinds are needed"
        )


class BundleStoreError(ModelsError):
    """The bundle store cannot do it. Attributes: ``path``, ``reason``."""

    def __init__(self, path: str, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(f"bundle store {path}: {reason}")


class PolicyError(ModelsError):
    """A live policy is refused. Attributes: ``path`` (file, folder, or the entry), ``reason``."""

    def __init__(self, path: str, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(f"policy {path}: {reason}")


class PlaybookError(ModelsError):
    """A playbook is refused. Attributes: ``path`` (file or folder), ``field`` (its place in the document; may be ``""``), ``reason``."""

    def __init__(self, path: str, field: str, reason: str) -> None:
        self.path, self.field, self.reason = path, field, reason
        super().__init__(f"playbook {path}: {field + ' ' if field else ''}{reason}")


class CorrelationError(ModelsError):
    """Lines of two tenants were to be one incident. Attributes: ``tenant``, ``other``."""

    def __init__(self, tenant: str, other: str) -> None:
        self.tenant, self.other = tenant, other
        super().__init__(f"lines of {tenant!r} and of {other!r} cannot be one incident")
