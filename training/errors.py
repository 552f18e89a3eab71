"""All errors of ``training/``, under one root.

TrainingError
├── DataError          data cannot be trained on or compared
├── FetchError         a data set cannot be had
├── GateRefusedError   the gate says no, and why
├── TrackingError      MLflow does not do what is asked of it
└── ReplayError        a running service does not take the replay
"""

from __future__ import annotations

from collections.abc import Sequence


class TrainingError(Exception):
    """Root of everything that ``training/`` raises."""


class DataError(TrainingError):
    """Data cannot be used. Attributes: ``path``, ``reason``."""

    def __init__(self, path: str, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(f"{path}: {reason}")


class FetchError(TrainingError):
    """A data set cannot be had. Attributes: ``name``, ``address``, ``reason``."""

    def __init__(self, name: str, address: str, reason: str) -> None:
        self.name, self.address, self.reason = name, address, reason
        super().__init__(f"cannot fetch {name} from {address}: {reason}")


class GateRefusedError(TrainingError):
    """The gate refuses a promotion. Attribute: ``reasons``, a sentence each."""

    def __init__(self, reasons: Sequence[str]) -> None:
        self.reasons = list(reasons)
        super().__init__("not promoted: " + "; ".join(self.reasons))


class TrackingError(TrainingError):
    """MLflow cannot do it. Attribute: ``reason``."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"MLflow: {reason}")


class ReplayError(TrainingError):
    """A running service does not take the replay. Attributes: ``url``, ``reason``."""

    def __init__(self, url: str, reason: str) -> None:
        self.url, self.reason = url, reason
        super().__init__(f"{url}: {reason}")
