"""The bundle store: publishing and rolling back, each in one step."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from models.bundle import ModelBundle
from models.bundle_store import BundleStore
from models.errors import BundleStoreError
from tests.models.bundles import make_bundle

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> BundleStore:
    """A store that holds nothing yet."""
    return BundleStore(tmp_path / "store")


def _publish(store: BundleStore, seed: int) -> str:
    source = store.root.parent / f"bundle-{seed}"
    make_bundle(source, seed)
    return store.publish(source, by="ann", time=NOW)


def test_an_empty_store_has_no_champion(store: BundleStore) -> None:
    assert store.current() is None
    assert store.history() == []


def test_a_published_bundle_is_champion_and_complete(store: BundleStore) -> None:
    digest = _publish(store, 0)
    assert store.current() == digest
    assert ModelBundle.load(store.path(digest)).digest == digest
    assert [(entry.digest, entry.by, entry.rollback) for entry in store.history()] == [(digest, "ann", False)]


def test_rolling_back_again_and_again_goes_back_step_by_step(store: BundleStore) -> None:
    first, second, third = (_publish(store, seed) for seed in range(3))
    assert store.rollback(by="bob", time=NOW) == second
    assert store.rollback(by="bob", time=NOW) == first == store.current()
    with pytest.raises(BundleStoreError, match="no earlier bundle"):
        store.rollback(by="bob", time=NOW)
    assert store.current() == first
    assert [entry.digest for entry in store.history()] == [first, second, third, second, first]


def test_after_a_rollback_the_next_publication_stands_on_what_is_served(store: BundleStore) -> None:
    first, second, third = _publish(store, 0), _publish(store, 1), None
    store.rollback(by="bob", time=NOW)
    third = _publish(store, 2)
    assert second != third == store.current()
    assert store.rollback(by="bob", time=NOW) == first


def test_publishing_the_champion_again_is_no_step(store: BundleStore) -> None:
    first = _publish(store, 0)
    assert _publish(store, 0) == first
    with pytest.raises(BundleStoreError, match="no earlier bundle"):
        store.rollback(by="bob", time=NOW)


def test_nothing_to_roll_back_to_is_an_error(store: BundleStore) -> None:
    with pytest.raises(BundleStoreError, match="no earlier bundle"):
        store.rollback(by="bob", time=NOW)
    _publish(store, 0)
    with pytest.raises(BundleStoreError, match="no earlier bundle"):
        store.rollback(by="bob", time=NOW)


def test_a_bundle_that_is_gone_is_not_rolled_back_to(store: BundleStore) -> None:
    first, second = _publish(store, 0), _publish(store, 1)
    store.path(first).rename(store.root.parent / "gone")
    with pytest.raises(BundleStoreError, match="no longer"):
        store.rollback(by="bob", time=NOW)
    assert store.current() == second


def test_what_is_no_bundle_is_not_published(store: BundleStore, tmp_path: Path) -> None:
    with pytest.raises(BundleStoreError, match="not a bundle"):
        store.publish(tmp_path, by="ann", time=NOW)
    assert store.current() is None


def test_the_pointer_is_replaced_and_never_half_written(store: BundleStore) -> None:
    first = _publish(store, 0)
    reader = (store.root / "champion.json").open()  # one who opened it before
    second = _publish(store, 1)
    with reader:
        assert json.load(reader)["digest"] == first
    assert json.loads((store.root / "champion.json").read_text())["digest"] == second
    assert sorted(path.name for path in store.root.iterdir()) == sorted([first, second, "champion.json"])


@pytest.mark.parametrize("text", ["", "{", "{}", "[]"])
def test_a_damaged_pointer_is_an_error_not_an_empty_store(store: BundleStore, text: str) -> None:
    _publish(store, 0)
    (store.root / "champion.json").write_text(text)
    with pytest.raises(BundleStoreError, match="unreadable"):
        store.current()
