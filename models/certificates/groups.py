"""Groups of alerts that are known when deciding, named by a key: everything, a tenant, a product, a rule, a severity."""

from __future__ import annotations

from models.certificates.certificate import EVERY

DIMENSIONS = ("tenant", "product", "severity", "rule")
"""From wide to narrow: a group comes after those that it lies in."""


def group_key(dimension: str, value: str) -> str:
    """Return the key of a group, such as ``product:suricata``. A tenant goes by its pseudonym, a rule by ``product/uid``."""
    return f"{dimension}:{value}"


def groups_of(tenant: str, product: str, severity: int, rule: str) -> tuple[str, ...]:
    """Return all groups in which an alert lies, wide ones first; ``tenant`` is its pseudonym, ``rule`` the product's own uid."""
    values = (tenant, product, str(severity), f"{product}/{rule}")
    return (EVERY, *(group_key(dimension, value) for dimension, value in zip(DIMENSIONS, values, strict=True)))


def parents(key: str) -> tuple[str, ...]:
    """Return the groups in which a group lies whole, narrowest first."""
    dimension, _, value = key.partition(":")
    if dimension == "rule":
        return group_key("product", value.partition("/")[0]), EVERY
    return () if key == EVERY else (EVERY,)
