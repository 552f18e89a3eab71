"""What many events tell as pairs: of a part of a file no more texts than it tells, each once."""

from __future__ import annotations

import msgspec

from features.event import Facet
from features.event_columns import read_columns
from features.event_table import table_of
from models.behaviour.day_pairs import _FIELDS, Pairs
from tests.models.behaviour.events import event

MANY = 500


def test_a_part_of_a_file_has_only_the_names_and_joins_only_the_values_that_it_tells() -> None:
    told = [
        (Facet("hour", str(at % 30)), Facet("directory", f"d{at}"), Facet("action", "push"), Facet(f"field-{at}", "x"))
        for at in range(MANY)
    ]
    events = [msgspec.structs.replace(event("ann", 0, number=at), facets=facets) for at, facets in enumerate(told)]
    columns = read_columns(table_of(events))
    for start in range(0, MANY, 10):
        pairs = Pairs.of(columns.part(start, start + 10))
        texts = dict(zip(pairs.names, pairs.texts, strict=True))
        assert len(texts) <= len(_FIELDS) + 1 + 10
        assert len(texts["hour"]) <= 24 + 10
        assert sorted(texts["action"]) == ["", "commit", "push"]
        hour = pairs.names.index("hour")
        found = [pairs.texts[hour][one] for one in pairs.value[pairs.field == hour].tolist()]
        assert found == [str(at % 30) for at in range(start, start + 10)]
