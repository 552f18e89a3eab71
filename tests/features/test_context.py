"""Context facts: imported whole or not at all, and read as of then."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from features.context import KINDS, Context, import_facts, new_indicators
from features.errors import ContextError
from tests.conftest import START

HOUR = timedelta(hours=1)


def _import(folder: Path, kind: str, text: str, *, time: datetime = START, name: str = "facts.csv") -> Context:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    import_facts(folder / "context", kind, file, "acme", time)
    return Context.load(folder / "context")


def test_a_csv_file_of_assets_is_read(tmp_path: Path) -> None:
    known = _import(tmp_path, "assets", "\ufeffuid,criticality,owner,exposed\nDB-1,4,kim,true\nweb,1,,\n")
    found, other = known.asset("acme", "db-1", START), known.asset("acme", "web", START)
    assert found is not None
    assert other is not None
    assert (found.criticality, found.owner, found.exposed) == (4, "kim", True)
    assert (other.criticality, other.owner, other.exposed) == (1, "", False)
    assert known.asset("other", "db-1", START) is None


def test_a_json_file_of_identities_is_read(tmp_path: Path) -> None:
    text = json.dumps(
        [{"uid": "Root", "department": "IT", "role": "admin", "privileged": True}, {"tenant": "beta", "uid": "ann"}]
    )
    known = _import(tmp_path, "identities", text)
    found = known.identity("acme", "root", START)
    assert found is not None
    assert (found.department, found.role, found.privileged) == ("IT", "admin", True)
    assert known.identity("beta", "ann", START) is not None


def test_a_fact_holds_from_its_import_until_the_next_on_the_same_subject(tmp_path: Path) -> None:
    _import(tmp_path, "assets", "uid,criticality\ndb,1\n")
    known = _import(tmp_path, "assets", "uid,criticality\ndb,3\n", time=START + HOUR)
    found = [known.asset("acme", "db", START + shift) for shift in (-HOUR, 0 * HOUR, HOUR / 2, HOUR, 100 * HOUR)]
    assert [asset.criticality if asset else None for asset in found] == [None, 1, 1, 3, 3]


def test_a_file_can_say_since_when_a_fact_holds(tmp_path: Path) -> None:
    known = _import(tmp_path, "decoys", "kind,uid,valid_from\nhost,Honey,2024-03-04T06:00:00Z\n")
    held = [known.decoy("acme", "host", "honey", START + shift) for shift in (-3 * HOUR, -HOUR, HOUR)]
    assert held == [False, True, True]
    assert not known.decoy("acme", "user", "honey", START)


def test_an_indicator_ends(tmp_path: Path) -> None:
    known = _import(tmp_path, "indicators", "kind,value,valid_to\ndomain,EVIL.example,2024-03-04T09:00:00Z\nip,192.0.2.1,\n")
    assert [known.indicator("acme", "domain", "evil.EXAMPLE", START + shift) for shift in (-HOUR, 0 * HOUR, HOUR)] == [
        False,
        True,
        False,
    ]
    assert known.indicator("acme", "ip", "192.0.2.1", START + 1000 * HOUR)


def test_aliases_are_facts_too(tmp_path: Path) -> None:
    known = _import(tmp_path, "aliases", "kind,alias,uid\nhost,10.0.0.1,laptop\n")
    assert known.aliases.resolve("acme", "host", "10.0.0.1", START) == "laptop"
    assert known.is_empty


def test_versions_are_numbered_and_never_changed(tmp_path: Path) -> None:
    _import(tmp_path, "assets", "uid,criticality\ndb,1\n")
    first = (tmp_path / "context" / "000001-assets.json").read_bytes()
    _import(tmp_path, "decoys", "kind,uid\nhost,x\n")
    assert sorted(path.name for path in (tmp_path / "context").iterdir()) == ["000001-assets.json", "000002-decoys.json"]
    assert (tmp_path / "context" / "000001-assets.json").read_bytes() == first


@pytest.mark.parametrize(
    ("kind", "text", "reason"),
    [
        ("assets", "uid,criticality\ndb,1\nweb,5\n", "row 1: "),
        ("assets", "uid,criticality\ndb,high\n", "row 0: "),
        ("assets", "uid\ndb\n", "row 0: "),
        ("assets", "uid,criticality,colour\ndb,1,red\n", "row 0: "),
        ("assets", "uid,criticality\ndb,1\nweb\n", "row 1: has another number of fields"),
        ("assets", "uid,criticality\ndb,1,2\n", "row 0: has another number of fields"),
        ("assets", "uid,criticality\n", "holds no facts"),
        ("assets", "", "holds no facts"),
        ("assets", "[]", "holds no facts"),
        ("assets", "[1]", "unreadable"),
        ("assets", '[{"uid": "db", "criticality": 1}', "unreadable"),
        ("assets", '[{"uid": "db", "criticality": 1}, {"uid": "db"}]', "row 1: "),
        ("assets", 'uid,criticality\n"db,1\n', "unreadable"),
        ("decoys", "kind,uid,valid_from\nhost,x,yesterday\n", "row 0: "),
        ("decoys", "kind,uid,valid_from\nhost,x,2024-03-04T06:00:00\n", "row 0: .*zone"),
        ("aliases", "kind,alias,uid,valid_to\nhost,x,y,2024-03-04T06:00:00\n", "row 0: .*zone"),
        ("people", "uid\nx\n", "unknown kind 'people'"),
    ],
)
def test_a_fact_that_cannot_be_understood_is_named_and_nothing_is_stored(
    tmp_path: Path, kind: str, text: str, reason: str
) -> None:
    with pytest.raises(ContextError, match=f"facts.csv: {reason}"):
        _import(tmp_path, kind, text)
    assert [path.name for path in tmp_path.iterdir()] == ["facts.csv"]


def test_a_file_that_is_not_text_or_not_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    for name in ("binary", "none"):
        with pytest.raises(ContextError, match="unreadable"):
            import_facts(tmp_path / "context", "assets", tmp_path / name, "acme", START)


@pytest.mark.parametrize(
    "damage",
    ["", "{", "{}", '{"kind": "people", "imported_time": "2024-03-04T08:00:00Z", "facts": []}',
     '{"kind": "assets", "imported_time": "2024-03-04T08:00:00Z", "facts": [{"uid": "x"}]}'],
)  # fmt: skip
def test_a_damaged_version_is_refused(tmp_path: Path, damage: str) -> None:
    _import(tmp_path, "assets", "uid,criticality\ndb,1\n")
    (tmp_path / "context" / "000001-assets.json").write_text(damage)
    with pytest.raises(ContextError, match="damaged context version"):
        Context.load(tmp_path / "context")


def test_no_folder_is_an_empty_context(tmp_path: Path) -> None:
    known = Context.load(tmp_path / "none")
    assert known.is_empty
    assert known.aliases.is_empty
    assert set(KINDS) == {"assets", "identities", "indicators", "decoys", "aliases"}


def test_new_indicators_are_those_of_versions_not_seen_yet(tmp_path: Path) -> None:
    file = tmp_path / "facts.json"
    for values in (["a"], ["b", "c"]):
        file.write_text(json.dumps([{"kind": "ip", "value": value} for value in values]))
        import_facts(tmp_path / "context", "indicators", file, "acme", START)
    names = [path.name for path in (tmp_path / "context").glob("*.json")]
    assert [one.value for one in new_indicators(tmp_path / "context", 0, names)[1]] == ["a", "b", "c"]
    newest, found = new_indicators(tmp_path / "context", 1, names)
    assert (newest, [(one.tenant, one.value, one.valid_from) for one in found]) == (2, [("acme", "b", None), ("acme", "c", None)])
    assert new_indicators(tmp_path / "context", 2, names) == (2, [])
    assert new_indicators(tmp_path / "context", 0, names[:0]) == (0, [])
