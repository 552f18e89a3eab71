"""What a bundle remembers of labels."""

from __future__ import annotations

import msgspec

from models.ledger import LabelLedger, LeftOut, label_key


def test_a_label_is_found_by_its_tenant_and_uid() -> None:
    ledger = LabelLedger({label_key("acme", "l1"): 1.5}, {label_key("acme", "l2"): LeftOut.REPEAT})
    read = msgspec.json.decode(msgspec.json.encode(ledger), type=LabelLedger)
    assert [read.find("acme", uid) for uid in ("l1", "l2", "l3")] == [1.5, LeftOut.REPEAT, None]
    assert read.find("other", "l1") is None


def test_a_ledger_names_nobody() -> None:
    assert "acme" not in label_key("acme", "l1\ud800")
    assert label_key("a", "b") != label_key("a\x1fb", "")
