"""What other tenants' labels say of a rule: a target encoding that never looks at the tenant it is read for."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import NamedTuple, Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from features.default_view import ENCODINGS
from features.encode import COLUMNS, FactBlock, RuleRef
from features.view import FeatureView

_SMOOTH = 0.5
"""Pseudo-tenants with the prior risk, so that one tenant's word is not taken for certain."""

_UNKNOWN = 0.5
"""The prior where no other tenant has judged anything."""

_TENANT, _RULE = COLUMNS.index("tenant"), COLUMNS.index("rule")


class RuleCount(NamedTuple):
    """What one tenant's labels say of one rule: the weight of its attack groups and of all its labelled groups."""

    tenant: str
    product: str
    uid: str
    positive: float
    total: float


def tenant_key(tenant: str) -> str:
    """Return the pseudonym under which a bundle remembers a tenant."""
    return hashlib.sha256(b"tamis.tenant\x1f" + tenant.encode("utf-8", "surrogatepass")).hexdigest()[:16]


class RuleEncoder(msgspec.Struct, frozen=True):
    """Smoothed target rates of rules by tenant, read for a tenant from the *others* only (cross-fitted in training)."""

    prior: float
    rates: dict[str, dict[str, float]]
    """rule key → tenant key → share of attack groups."""
    priors: dict[str, float] = {}
    """tenant key → mean share over the *other* tenants' rules; ``prior`` for tenants not in training."""

    @classmethod
    def fit(cls, counts: Sequence[RuleCount]) -> Self:
        """Learn from counts, a row for each tenant and rule."""
        rates: dict[str, dict[str, float]] = {}
        for count in counts:
            rates.setdefault(_rule_key(count.product, count.uid), {})[tenant_key(count.tenant)] = count.positive / count.total
        shares = [(tenant, share) for by_tenant in rates.values() for tenant, share in by_tenant.items()]
        priors = {
            own: float(np.mean([share for tenant, share in shares if tenant != own] or [_UNKNOWN]))
            for own in {tenant for tenant, _ in shares}
        }
        return cls(float(np.mean([share for _, share in shares] or [_UNKNOWN])), rates, dict(sorted(priors.items())))

    def knows(self, rule: RuleRef) -> bool:
        """Whether any tenant's labels told of this rule."""
        return _rule_key(rule.product, rule.uid) in self.rates

    def values(self, rule: RuleRef, tenant: str) -> tuple[float, float]:
        """Return the encodings of ``rule`` (see ``ENCODINGS``) for ``tenant``, from the other tenants."""
        own = tenant_key(tenant)
        shares = [share for t, share in self.rates.get(_rule_key(rule.product, rule.uid), {}).items() if t != own]
        return (sum(shares) + _SMOOTH * self.priors.get(own, self.prior)) / (len(shares) + _SMOOTH), float(len(shares))


def _rule_key(product: str, uid: str) -> str:
    return f"{product}\x1f{uid}"


class RuleTable:
    """Encodings of the facts of a block, looked up by the hashes of their tenant and rule, each pair once."""

    def __init__(self, encoder: RuleEncoder, rules: dict[int, RuleRef], tenants: dict[int, str]) -> None:
        self._encoder, self.rules, self._tenants = encoder, rules, tenants
        self._rows: dict[tuple[int, int], tuple[float, float, float]] = {}

    def read(self, block: FactBlock) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Return the encodings, f8[n, len(ENCODINGS)], and whether each rule is known, b[n]."""
        tenant, rule = block.columns[:, _TENANT], block.columns[:, _RULE]
        mixed = tenant * np.uint64(0x9E3779B97F4A7C15) ^ rule
        _, first, inverse = np.unique(mixed, return_index=True, return_inverse=True)
        pairs = zip(tenant[first].tolist(), rule[first].tolist(), strict=True)
        rows = np.array([self._row(pair) for pair in pairs], np.float64).reshape(-1, len(ENCODINGS) + 1)[inverse]
        return rows[:, :-1], rows[:, -1] > 0.0

    def _row(self, pair: tuple[int, int]) -> tuple[float, float, float]:
        found = self._rows.get(pair)
        if found is None:
            rule = self.rules[pair[1]]
            risk, tenants = self._encoder.values(rule, self._tenants[pair[0]])
            found = self._rows[pair] = (risk, tenants, float(self._encoder.knows(rule)))
        return found


def encode_rules(view: FeatureView, features: NDArray[np.float64], encodings: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ``features`` with the columns that come from the rule encoder replaced by ``encodings`` (n × E)."""
    changed = features.copy()
    for column, name in enumerate(ENCODINGS):
        if name in view.names:
            changed[:, view.index(name)] = encodings[:, column]
    return changed
