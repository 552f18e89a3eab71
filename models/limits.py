"""Which certificate is in force on an alert: the strictest of all groups in which it lies."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from features.encode import COLUMNS, VALUES, FactBlock, RuleRef
from models.certificates.certificate import EVERY, Certificate
from models.certificates.groups import groups_of
from models.certificates.objective import TIERS, Aim
from models.decision import BlastRadius
from models.policy import Limits
from models.rule_encoder import tenant_key

_TENANT, _RULE, _SEVERITY = COLUMNS.index("tenant"), COLUMNS.index("rule"), VALUES.index("severity")
UNKNOWN_SEVERITY = 0


class LimitTable:
    """Limits of the facts of a block, looked up by tenant, rule and severity, each combination once."""

    def __init__(self, certificates: Sequence[Certificate], rules: dict[int, RuleRef], tenants: dict[int, str]) -> None:
        self._by = {(c.aim, c.tier, c.group): c for c in certificates}
        self.rules, self._tenants = rules, tenants
        self._numbers: dict[tuple[int, int, int], int] = {}
        self._limits: list[tuple[float, ...]] = []
        self._uids: list[tuple[str, ...]] = []
        self._kinds: list[tuple[str, tuple[str, ...]]] = []

    def read(self, block: FactBlock) -> Limits:
        """Return the limits of each fact."""
        kind = self.kinds(block)
        table = np.array(self._limits, np.float64).reshape(-1, 1 + len(TIERS))[kind]
        return Limits(table[:, 0], table[:, 1:], kind)

    def kinds(self, block: FactBlock) -> NDArray[np.int64]:
        """Return i8[n], a number for each combination of tenant, rule and severity: alerts of one number lie in the same groups."""
        tenant, rule = block.columns[:, _TENANT], block.columns[:, _RULE]
        severity = np.nan_to_num(block.values[:, _SEVERITY], nan=UNKNOWN_SEVERITY).astype(np.int64)
        mixed = (tenant * np.uint64(0x9E3779B97F4A7C15) ^ rule) * np.uint64(8) + severity.astype(np.uint64)
        _, first, inverse = np.unique(mixed, return_index=True, return_inverse=True)
        combinations = zip(tenant[first].tolist(), rule[first].tolist(), severity[first].tolist(), strict=True)
        return np.asarray(np.array([self._number(some) for some in combinations], np.int64)[inverse.reshape(-1)])

    def place(self, kind: int) -> tuple[str, tuple[str, ...]]:
        """Return the tenant of alerts of a ``kind``, and all groups in which they lie."""
        return self._kinds[kind]

    def rests_on(self, kind: int, tier: int) -> tuple[Certificate, ...]:
        """Return every certificate that speaks of suppression (``tier`` 0), or of a tier from 1 on, of alerts of a ``kind``."""
        aim, which = (Aim.RESPONSE, TIERS[tier - 1]) if tier else (Aim.SUPPRESSION, None)
        return tuple(self._among(aim, which, self._kinds[kind][1]))

    def certificate(self, kind: int, tier: int) -> str:
        """Return the uid of the certificate in force on alerts of a ``kind``: of suppression (``tier`` 0), or of a tier from 1 on."""
        return self._uids[kind][tier]

    def _number(self, combination: tuple[int, int, int]) -> int:
        found = self._numbers.get(combination)
        if found is None:
            groups = self._groups(*combination)
            hide = self._strictest(Aim.SUPPRESSION, None, groups)
            respond = [self._strictest(Aim.RESPONSE, tier, groups) for tier in TIERS]
            found = self._numbers[combination] = len(self._limits)
            self._limits.append(
                (-np.inf if hide is None else _threshold(hide), *(np.inf if r is None else _threshold(r) for r in respond))
            )
            self._uids.append(tuple("" if c is None else c.uid for c in (hide, *respond)))
            self._kinds.append((self._tenants[combination[0]], groups))
        return found

    def _groups(self, tenant: int, rule: int, severity: int) -> tuple[str, ...]:
        ref = self.rules[rule]
        return groups_of(tenant_key(self._tenants[tenant]), ref.product, severity, ref.uid)

    def _among(self, aim: Aim, tier: BlastRadius | None, groups: Sequence[str]) -> list[Certificate]:
        return [c for group in groups if (c := self._by.get((aim, tier, group))) is not None]

    def _strictest(self, aim: Aim, tier: BlastRadius | None, groups: Sequence[str]) -> Certificate | None:
        """Return the certificate that allows least; ``None`` where one of them is refused, or there is none over all alerts."""
        found = self._among(aim, tier, groups)
        if not found or found[0].group != EVERY or not all(c.granted and c.threshold is not None for c in found):
            return None
        return (min if aim is Aim.SUPPRESSION else max)(found, key=_threshold)


def _threshold(certificate: Certificate) -> float:
    assert certificate.threshold is not None  # noqa: S101 — only of those granted
    return certificate.threshold
