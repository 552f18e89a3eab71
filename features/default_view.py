"""The view that Tamis trains on: which keys are counted and what a model may read of them.

A new feature is one more entry here. Nothing in it is a clock in disguise (no time since the first fact) or the memory of
a network (no names); rates are compared with themselves over a longer time, or as shares of what the tenant does.
"""

from __future__ import annotations

from features.counters import CounterSpec, KeySpec, Op
from features.encode import VALUES, FactKind
from features.view import Feature, FeatureView

MINUTE, TEN_MINUTES, HOUR, DAY = 60.0, 600.0, 3600.0, 86400.0
HALF_LIVES = (MINUTE, TEN_MINUTES, HOUR, DAY)
_SPAN = {MINUTE: "1m", TEN_MINUTES: "10m", HOUR: "1h", DAY: "1d"}
_WORDS = {MINUTE: "the last minute", TEN_MINUTES: "the last ten minutes", HOUR: "the last hour", DAY: "the last day"}

ENCODINGS = ("rule_risk", "rule_tenants")
"""Values that a bundle's rule encoder adds to each fact (see :mod:`models.rule_encoder`)."""

_LABEL_PACE = 30.0
"""Verdicts are remembered thirty times longer: their half-lives run from half an hour to thirty days."""

COUNTED: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("tenant", (), "alerts of the tenant"),
    ("product", ("product",), "alerts of this product"),
    ("rule", ("rule",), "alerts of this rule"),
    ("entity", ("entity",), "alerts on this entity"),
    ("entity_rule", ("entity", "rule"), "alerts of this rule on this entity"),
    ("entity_product", ("entity", "product"), "alerts of this product on this entity"),
    ("address", ("address",), "alerts from this address"),
    ("address_rule", ("address", "rule"), "alerts of this rule from this address"),
)
"""Keys that count alerts: name, columns, words."""

DISTINCT: tuple[tuple[str, tuple[str, ...], str, str], ...] = (
    ("tenant_rules", (), "rule", "different rules in the tenant"),
    ("tenant_entities", (), "entity", "different entities with alerts in the tenant"),
    ("product_rules", ("product",), "rule", "different rules of this product"),
    ("entity_rules", ("entity",), "entity_rule", "different rules on this entity"),
    ("entity_product_rules", ("entity", "product"), "entity_rule", "different rules of this product on this entity"),
    ("rule_entities", ("rule",), "entity_rule", "different entities with this rule"),
    ("address_rules", ("address",), "address_rule", "different rules from this address"),
)
"""Keys that sum different values: name, columns, the pair whose sightings count, words."""

FRESH: tuple[tuple[str, tuple[str, ...], str, str], ...] = (
    ("tenant_fresh_rules", (), "rule", "rules in the tenant that are unusual for it"),
    ("tenant_fresh_pairs", (), "entity_rule", "rules in the tenant that are unusual for their entity"),
    ("product_fresh_rules", ("product",), "rule", "rules of this product that are unusual in the tenant"),
    ("entity_fresh_rules", ("entity",), "entity_rule", "rules on this entity that are unusual for it"),
)
"""Keys that sum the values for which lately is unusual: name, columns, the pair, words."""

JUDGED: tuple[tuple[str, tuple[str, ...], FactKind, str], ...] = (
    ("rule_attacks", ("rule",), FactKind.TRUE_POSITIVE, "verdicts 'attack' on this rule"),
    ("rule_benign", ("rule",), FactKind.BENIGN, "verdicts 'benign' on this rule"),
    ("entity_rule_attacks", ("entity", "rule"), FactKind.TRUE_POSITIVE, "verdicts 'attack' on this rule on this entity"),
    ("entity_rule_benign", ("entity", "rule"), FactKind.BENIGN, "verdicts 'benign' on this rule on this entity"),
    ("entity_attacks", ("entity",), FactKind.TRUE_POSITIVE, "verdicts 'attack' on this entity"),
)
"""Keys that count the tenant's own verdicts: name, columns, which verdicts, words."""

_SHARES = (
    ("entity_rule", "entity", "share of this rule among the alerts on this entity"),
    ("entity_rule", "rule", "share of this entity among the alerts of this rule"),
    ("rule", "tenant", "share of this rule among the tenant's alerts"),
    ("entity", "tenant", "share of this entity among the tenant's alerts"),
    ("product", "tenant", "share of this product among the tenant's alerts"),
    ("address_rule", "address", "share of this rule among the alerts from this address"),
)

_BURSTS = (
    "tenant", "rule", "entity", "entity_rule", "entity_product", "address", "tenant_rules", "tenant_entities",
    "product_rules", "entity_rules", "entity_product_rules", "rule_entities",
)  # fmt: skip

JUDGED_HALF_LIFE = DAY
JUDGED_FEATURES = tuple(f"{name}_30d" for name, *_ in JUDGED)
"""Features of the tenant's own verdicts: blanked at random in training, so that a new tenant is not a broken one."""

ANOMALY_FEATURES = ("user_anomaly", "host_anomaly")
"""Features of the entities' behaviour: blanked likewise, since many tenants send no events."""


def _spec() -> CounterSpec:
    counted = [KeySpec(name, columns) for name, columns, _ in COUNTED]
    distinct = [KeySpec(name, columns, distinct=pair) for name, columns, pair, _ in DISTINCT]
    fresh = [KeySpec(name, columns, fresh=pair) for name, columns, pair, _ in FRESH]
    judged = [KeySpec(name, columns, feeds=kind, pace=_LABEL_PACE) for name, columns, kind, _ in JUDGED]
    return CounterSpec(HALF_LIVES, (*counted, *distinct, *fresh, *judged), (*VALUES, *ENCODINGS))


def _counts(name: str, words: str) -> list[Feature]:
    return [
        Feature(name=f"{name}_{_SPAN[h]}", op=Op.COUNT, a=name, half_life=h, text=f"{words} in {_WORDS[h]}") for h in HALF_LIVES
    ]


def _burst(name: str, words: str, half_life: float) -> Feature:
    return Feature(
        name=f"{name}_burst_{_SPAN[half_life]}",
        op=Op.RATIO,
        a=name,
        half_life=half_life,
        b=name,
        other_half_life=DAY,
        scale=DAY / half_life,
        unit="ratio",
        text=f"{words}: rate in {_WORDS[half_life]} against that of the last day",
    )


def _features() -> list[Feature]:
    words = {name: text for name, _, text in COUNTED} | {name: text for name, _, _, text in (*DISTINCT, *FRESH)}
    made = [feature for name, text in words.items() for feature in _counts(name, text)]
    made += [
        Feature(name=f"{name}_gap", op=Op.GAP, a=name, unit="seconds", text=f"{text}: the last one") for name, _, text in COUNTED
    ]
    made += [
        Feature(
            name=f"{a}_of_{b}_{_SPAN[h]}", op=Op.RATIO, a=a, half_life=h, b=b, other_half_life=h, unit="share",
            text=f"{text} in {_WORDS[h]}",
        )
        for a, b, text in _SHARES
        for h in (HOUR, DAY)
    ]  # fmt: skip
    made += [_burst(name, words[name], h) for name in _BURSTS for h in (TEN_MINUTES, HOUR)]
    made += [
        Feature(name=f"{name}_30d", op=Op.COUNT, a=name, half_life=JUDGED_HALF_LIFE, text=f"{text} in the last month")
        for name, _, _, text in JUDGED
    ]
    made += [
        Feature(name="severity", op=Op.VALUE, a="severity", unit="level", text="severity"),
        Feature(name="criticality", op=Op.VALUE, a="criticality", unit="level", text="criticality of the host"),
        Feature(name="privileged", op=Op.VALUE, a="privileged", unit="flag", text="the account is privileged"),
        Feature(name="indicator", op=Op.VALUE, a="indicator", unit="flag", text="an observable is a known indicator"),
        Feature(name="decoy", op=Op.VALUE, a="decoy", unit="flag", text="the entity is a decoy"),
        Feature(
            name="user_anomaly", op=Op.VALUE, a="user_anomaly", unit="bits", optional=True,
            text="how unlike itself the user's account has lately been",
        ),
        Feature(
            name="host_anomaly", op=Op.VALUE, a="host_anomaly", unit="bits", optional=True,
            text="how unusual what was done on the host has lately been",
        ),
        Feature(
            name="rule_risk", op=Op.VALUE, a="rule_risk", unit="share", identity=True,
            text="share of attacks among the alerts of this rule elsewhere",
        ),
        Feature(
            name="rule_tenants", op=Op.VALUE, a="rule_tenants", identity=True, text="other tenants that have judged this rule",
        ),
    ]  # fmt: skip
    return made


DEFAULT_VIEW = FeatureView(_spec(), tuple(_features()))
