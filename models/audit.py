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
RULE_VOLUME = "rule_1d"
"""The same of one rule."""


class Audit(msgspec.Struct, frozen=True, kw_only=True):
    """How much is audited: ``rate`` of the would-be suppressions, or more where that is fewer than ``daily`` a day and tenant,
    or fewer than ``rule`` a day of a rule of the tenant (so of a product and of a severity, too); but of one rule on one entity no
    more than ``line`` a day: ten thousand repeats need not be looked at two hundred times.
    """

    rate: float = 0.02
    daily: float = 20.0
    rule: float = 0.0
    line: float = 2.0

    def propensity(
        self, volume: NDArray[np.float64], repeats: NDArray[np.float64], of_rule: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the probability of each would-be suppression to be drawn.

        Decayed counts over a day: ``volume`` f8[n] of the tenant's alerts (see ``VOLUME``), ``repeats`` f8[n] of those of the rule
        on the entity, ``of_rule`` f8[n] of those of the rule. A steady rate of r a day has a decayed count of r / ln 2. A quiet or
        new tenant is audited wholly.
        """
        if self.rate <= 0.0:
            return np.zeros(len(volume))
        wanted = np.maximum(self.rate, np.maximum(self.daily / _a_day(volume), self.rule / _a_day(of_rule)))
        return np.minimum(1.0, np.minimum(wanted, self.line / _a_day(repeats)))


def _a_day(count: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.maximum(np.nan_to_num(count, nan=0.0) * math.log(2.0), 1e-9)


def luck(secret: bytes, alerts: Sequence[tuple[str, str]]) -> NDArray[np.float64]:
    """Return a number in [0, 1) for each alert, given as tenant and uid: the same whenever it is asked, and not to be foreseen
    without the secret."""
    drawn = np.empty(len(alerts))
    for i, (tenant, uid) in enumerate(alerts):
        name = f"{tenant}\x1f{uid}".encode("utf-8", "surrogatepass")
        digest = hashlib.blake2b(name, digest_size=8, key=secret[:64], person=b"tamis.audit").digest()
        drawn[i] = (int.from_bytes(digest, "little") >> 11) * 2.0**-53
    return drawn
