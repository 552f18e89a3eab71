"""The audit: a random share of would-be suppressions goes to people unmarked, with its probability on record.

It is the only unbiased source on what suppression misses: all other verdicts are on what the machine chose to show.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

VOLUME = "tenant_1d"
"""The feature from which a tenant's daily volume is read: its decayed count of alerts over a day."""


class Audit(msgspec.Struct, frozen=True, kw_only=True):
    """How much is audited: ``rate`` of the would-be suppressions, or more where that is fewer than ``daily`` a day and tenant."""

    rate: float = 0.02
    daily: float = 20.0

    def propensity(self, volume: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the probability of each would-be suppression to be drawn; ``volume`` f8[n] as in ``VOLUME``.

        A steady rate of r alerts a day has a decayed count of r / ln 2. A quiet or new tenant is audited more, up to wholly.
        """
        if self.rate <= 0.0:
            return np.zeros(len(volume))
        a_day = np.nan_to_num(volume, nan=0.0) * math.log(2.0)
        return np.minimum(1.0, np.maximum(self.rate, self.daily / np.maximum(a_day, 1e-9)))


def luck(secret: bytes, tenant: str, uids: Sequence[str]) -> NDArray[np.float64]:
    """Return a number in [0, 1) for each alert: the same whenever it is asked, and not to be foreseen without the secret."""
    drawn = np.empty(len(uids))
    for i, uid in enumerate(uids):
        name = f"{tenant}\x1f{uid}".encode("utf-8", "surrogatepass")
        digest = hashlib.blake2b(name, digest_size=8, key=secret[:64], person=b"tamis.audit").digest()
        drawn[i] = (int.from_bytes(digest, "little") >> 11) * 2.0**-53
    return drawn
