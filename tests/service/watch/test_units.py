"""Units as the records hold them, in a database by hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from features.alert import Alert, Entity, EntityKind, Role, Rule, from_epoch
from features.encode import FactEncoder
from features.label import Label, Verdict
from models.certificates.certificate import EVERY
from models.certificates.certifier import certify
from models.certificates.objective import DEFAULT_OBJECTIVE, Objective
from models.misses import LOOKS
from models.withdrawal import observe
from service.store.database import Database
from service.store.tables import incident_alerts, incident_lines
from service.store.timing import last_received, received_at
from service.voices import needed
from service.watch.units import called_attacks, judged_alerts, unit_at
from tests.proofs import calibration

DAY = 86_400.0
START = 1_700_006_400.0


class Records:
    """A database, and what is put into it."""

    def __init__(self, path: Path) -> None:
        self.database = Database(path, bytes(32))
        self.encoder = FactEncoder(bytes(32))
        self.seq = 0

    def alert(
        self, days: float, host: str = "h", rule: str = "r", tenant: str = "t", decided: str = "suppress", **more: Any
    ) -> int:
        """Store an alert with its first decision; return its number."""
        self.seq += 1
        time = from_epoch(START + days * DAY)
        given = Alert(
            uid=f"a{self.seq}", tenant=tenant, time=time, received_time=time, product="p", rule=Rule(rule), severity=3,
            entities=(Entity(EntityKind.HOST, host, Role.DEVICE),),
        )  # fmt: skip
        fact = self.encoder.alerts([given]).pack()[0]
        codes, shown = more.get("codes", "below_threshold"), more.get("shown", 0.25)
        published = more.get("published", decided)
        self.database.insert(
            [(self.seq, tenant, given.uid, time.timestamp(), b"", msgspec.json.encode(given), fact)],
            [(self.seq, 1, 0.0, decided, 5, 0.0, 0.1, 0.0, codes, "b", b"", shown, published, "", "", "")],
            [],
        )
        return self.seq

    def label(self, alert_seq: int, analyst: str, verdict: Verdict = Verdict.TRUE_POSITIVE, tenant: str = "t") -> None:
        """Store a verdict."""
        self.seq += 1
        now = from_epoch(START + 9 * DAY)
        label = Label(
            uid=f"l{self.seq}",
            tenant=tenant,
            alert_uid=f"a{alert_seq}",
            verdict=verdict,
            time=now,
            received_time=now,
            analyst=analyst,
        )
        self.database.insert_label((self.seq, tenant, label.uid, alert_seq, msgspec.json.encode(label), b""), judged=True)


@pytest.fixture
def records(tmp_path: Path) -> Iterator[Records]:
    made = Records(tmp_path / "tamis.db")
    yield made
    made.database.close()


CERTIFICATE = certify(calibration([0.9] * 500), [Objective.parse(DEFAULT_OBJECTIVE)])[0]


def test_outside_incidents_a_unit_is_a_rule_on_an_entity_for_a_day(records: Records) -> None:
    first = records.alert(0.1)
    for other in ({"host": "g"}, {"rule": "s"}, {"tenant": "u"}):
        records.alert(0.2, **other)
    second = records.alert(0.3)
    records.alert(1.1)
    unit, seqs = unit_at(records.database.writer, "t", second)
    assert seqs == [first, second]
    assert (unit.tenant, unit.incident, unit.day) == ("t", "", int((START + 0.3 * DAY) // DAY))
    assert unit_at(records.database.writer, "t", first) == (unit, seqs)


def test_what_is_in_an_incident_is_of_no_other_unit(records: Records) -> None:
    """Else what speaks for the one would speak for the other, too, and what is called an attack there were taken up with it."""
    alone, joined, also = (records.alert(days) for days in (0.1, 0.2, 0.3))
    connection = records.database.writer
    connection.execute(incident_alerts.insert(), [{"alert_seq": joined, "line": "one"}, {"alert_seq": also, "line": "gone"}])
    connection.execute(incident_lines.insert(), [{"line": "one", "incident": "i"}])
    assert unit_at(connection, "t", joined).seqs == [joined]
    assert unit_at(connection, "t", alone).seqs == unit_at(connection, "t", also).seqs == [alone, also]


def test_a_draw_that_three_call_an_attack_is_a_miss_of_every_group_it_lies_in(records: Records) -> None:
    records.alert(0.1)
    drawn = records.alert(0.2, decided="queue", codes="below_threshold audit")
    for analyst in ("ann", "bob", "eve"):
        records.label(drawn, analyst)
    connection = records.database.writer
    members = unit_at(connection, "t", drawn)
    some = [msgspec.structs.replace(CERTIFICATE, group=group) for group in (EVERY, "rule:p/r", "product:q")]
    found = judged_alerts(connection, members, lambda bundle: some if bundle == "b" else (), records.encoder.rules)
    assert [certificate.group for certificate, _ in found.values()] == [EVERY, "rule:p/r"]
    for _, alerts in found.values():
        assert [(one.attacks, one.suppressed, one.shown, one.drawn) for one in alerts] == [
            (0, True, 0.25, False),
            (LOOKS, True, 0.25, True),
        ]
        assert observe(alerts)[members.unit] == (True, pytest.approx(1.0 - 0.75**2))


def test_what_a_mode_shows_was_shown_for_sure_and_what_was_hidden_by_no_lot(records: Records) -> None:
    shadow, hidden = records.alert(0.1, published="queue", shown=1.0), records.alert(0.2)
    connection = records.database.writer
    found = judged_alerts(connection, unit_at(connection, "t", hidden), lambda _: [CERTIFICATE], records.encoder.rules)
    (_, alerts) = found[CERTIFICATE.uid]
    assert [(one.suppressed, one.shown, one.drawn) for one in alerts] == [(True, 1.0, True), (True, 0.25, False)]
    assert shadow < hidden


def test_labels_are_found_in_their_order_whatever_else_they_say(records: Records) -> None:
    one, two = records.alert(0.1), records.alert(0.2)
    records.label(two, "ann")
    records.label(one, "ann", Verdict.FALSE_POSITIVE)
    records.label(one, "bob")
    connection = records.database.writer
    last, found = called_attacks(connection, 0)
    assert (last, found) == (records.seq, [two, one])
    assert called_attacks(connection, last) == (last, [])


def test_as_many_must_agree_as_there_are_people(records: Records) -> None:
    alert, connection = records.alert(0.1), records.database.writer
    assert needed(connection, "t") == 1
    for i, analyst in enumerate(("ann", "bob", "eve", "joe")):
        records.label(alert, analyst)
        assert needed(connection, "t") == min(i + 1, LOOKS)
    assert needed(connection, "u") == 1


def test_numbers_by_time(records: Records) -> None:
    connection = records.database.writer
    assert last_received(connection, START) == 0
    seqs = []
    for day in range(20):
        seqs.append(records.alert(float(day)))
        if day % 3 == 0:
            records.label(seqs[-1], "ann")
    for day, seq in enumerate(seqs):
        assert last_received(connection, START + day * DAY) == seq
        assert last_received(connection, START + day * DAY - 1.0) == (seqs[day - 1] if day else 0)
        assert received_at(connection, seq) == START + day * DAY
    assert received_at(connection, 0) == 0.0
