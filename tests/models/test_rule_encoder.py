"""What other tenants say of a rule; never the tenant itself."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.encode import FactEncoder, RuleRef
from models.rule_encoder import RuleCount, RuleEncoder, RuleTable
from tests.conftest import build_alert
from tests.features.blocks import SECRET

RULE = RuleRef("edr", "r1", "Rule r1")
shares = st.floats(0.0, 1.0)


def _counts(by_tenant: dict[str, float]) -> list[RuleCount]:
    return [RuleCount(tenant, "edr", "r1", share * 8.0, 8.0) for tenant, share in by_tenant.items()]


def test_the_others_are_averaged_and_drawn_to_the_prior() -> None:
    encoder = RuleEncoder.fit(_counts({"a": 1.0, "b": 0.5, "c": 0.0}))
    risk, tenants = encoder.values(RULE, "a")
    assert risk == pytest.approx((0.5 + 0.0 + 0.5 * 0.25) / 2.5)
    assert tenants == 2.0


@given(own=shares, changed=shares, other=shares)
def test_the_own_tenants_share_is_never_used(own: float, changed: float, other: float) -> None:
    first, second = (RuleEncoder.fit(_counts({"me": share, "you": other})) for share in (own, changed))
    assert first.values(RULE, "me") == second.values(RULE, "me")


def test_a_rule_that_only_the_tenant_itself_knows_has_the_prior() -> None:
    encoder = RuleEncoder.fit([*_counts({"me": 1.0}), RuleCount("you", "edr", "r2", 0.0, 4.0)])
    assert encoder.values(RULE, "me") == (0.0, 0.0)
    assert encoder.values(RuleRef("edr", "never", ""), "someone") == (encoder.prior, 0.0)


def test_the_same_uid_of_another_product_is_another_rule() -> None:
    encoder = RuleEncoder.fit(_counts({"a": 1.0}))
    assert encoder.knows(RULE)
    assert not encoder.knows(RuleRef("ndr", "r1", ""))


def test_a_bundle_does_not_name_tenants() -> None:
    encoder = RuleEncoder.fit(_counts({"secret-customer": 1.0}))
    body = msgspec.json.encode(encoder)
    assert b"secret-customer" not in body
    assert msgspec.json.decode(body, type=RuleEncoder) == encoder


def test_nothing_learned_is_even_odds() -> None:
    assert RuleEncoder.fit([]).values(RULE, "a") == (0.5, 0.0)


def test_a_table_reads_each_fact_for_its_own_tenant() -> None:
    facts = FactEncoder(SECRET)
    block = facts.alerts(
        [
            build_alert(0, tenant="a"),
            build_alert(1, tenant="b"),
            build_alert(2, tenant="a", rule="new"),
            build_alert(3, tenant="a"),
        ]
    )
    encoder = RuleEncoder.fit(_counts({"a": 1.0, "b": 0.0}))
    values, known = RuleTable(encoder, facts.rules, facts.tenants).read(block)
    new = RuleRef("edr", "new", "")
    assert values.tolist() == [
        list(encoder.values(rule, tenant)) for rule, tenant in ((RULE, "a"), (RULE, "b"), (new, "a"), (RULE, "a"))
    ]
    assert known.tolist() == [True, True, False, True]
    empty, none = RuleTable(encoder, facts.rules, facts.tenants).read(block.take(np.arange(0)))
    assert (empty.shape, none.shape) == ((0, 2), (0,))
