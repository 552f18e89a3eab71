"""Groups that are known when deciding."""

from __future__ import annotations

from models.certificates.certificate import EVERY
from models.certificates.groups import groups_of, parents


def test_an_alert_lies_in_one_group_of_each_kind_and_in_the_parents_of_all() -> None:
    groups = groups_of("0a1b", "suricata", 3, "2024:7/x")
    assert groups == (EVERY, "tenant:0a1b", "product:suricata", "severity:3", "rule:suricata/2024:7/x")
    assert {parent for group in groups for parent in parents(group)} <= set(groups)
