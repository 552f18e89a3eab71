"""Costs: what a miss, a look, and a response that was not due cost; they choose within what certificates allow.

With calibrated scores the cheapest decision is a threshold (Elkan 2001): hiding an alert costs ``score · miss``, showing it
``review``; so hiding pays below ``review / miss``. Responding where none was due costs ``(1 − score) · wrong_response``, waiting
for a person where one was due costs ``score · delay``; so responding pays from ``wrong_response / (wrong_response + delay)`` on.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.errors import CostsError

Cost = Annotated[float, msgspec.Meta(gt=0.0, le=1e12)]


class AssetCosts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What mistakes cost on one class of assets, in any one unit (money, or minutes of a person)."""

    miss: Cost
    wrong_response: Cost
    delay: Cost
    """An attack that waits for a person."""


class Costs(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``review``: a person looks at an alert; ``assets``: by criticality 0–4, ``default`` where none is given or it is not known."""

    review: Cost
    default: AssetCosts
    assets: dict[Annotated[int, msgspec.Meta(ge=0, le=4)], AssetCosts] = {}

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a JSON file. Raises ``CostsError`` naming the field that is wrong."""
        try:
            return msgspec.json.decode(path.read_bytes(), type=cls)
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise CostsError(str(path), str(error)) from error

    def limits(self, criticality: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return for alerts on assets of ``criticality`` f8[n] below which score hiding pays, and from which responding does."""
        classes = [self.assets.get(number, self.default) for number in range(5)] + [self.default]
        hide = np.array([min(self.review / one.miss, 1.0) for one in classes])
        respond = np.array([one.wrong_response / (one.wrong_response + one.delay) for one in classes])
        number = np.where(np.isnan(criticality), 5, np.clip(np.nan_to_num(criticality), 0, 4)).astype(np.int64)
        return hide[number], respond[number]
