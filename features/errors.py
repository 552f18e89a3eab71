"""All errors of ``features/``, under one root.

FeaturesError
├── RecordError          one record cannot become an alert
├── SourceError          a whole file or folder cannot be read
├── UnknownFormatError   no normaliser of that name
├── HistoryError         a history's manifest or part is damaged
├── ContextError         a context file or fact is invalid
└── ViewMismatchError    a feature view or counter specification differs from the one expected
"""

from __future__ import annotations


class FeaturesError(Exception):
    """Root of everything that ``features/`` raises."""


class RecordError(FeaturesError):
    """One record cannot become an alert.

    Attributes: ``source`` (file name or ``"request"``), ``row`` (0-based), ``field`` (path in the record), ``reason``.
    """

    def __init__(self, reason: str, *, field: str = "", source: str = "", row: int = -1) -> None:
        self.reason, self.field, self.source, self.row = reason, field, source, row
        super().__init__(reason, field, source, row)

    def __str__(self) -> str:
        place = f"{self.source}, row {self.row}: " if self.source else ""
        return f"{place}{self.field + ': ' if self.field else ''}{self.reason}"


class SourceError(FeaturesError):
    """A whole file or folder cannot be read. Attributes: ``path``, ``reason``."""

    def __init__(self, path: str, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(f"{path}: {reason}")


class UnknownFormatError(FeaturesError):
    """No normaliser of that name. Attributes: ``name``, ``known``."""

    def __init__(self, name: str, known: list[str]) -> None:
        self.name, self.known = name, known
        super().__init__(f"unknown format {name!r}; known: {', '.join(known)}")


class HistoryError(SourceError):
    """A history's manifest or part is damaged or of another schema version."""


class ContextError(SourceError):
    """A context file or fact is invalid."""


class ViewMismatchError(FeaturesError):
    """A feature view or counter specification differs. Attributes: ``expected``, ``found``."""

    def __init__(self, what: str, expected: str, found: str) -> None:
        self.expected, self.found = expected, found
        super().__init__(f"{what}: expected {expected}, found {found}")
