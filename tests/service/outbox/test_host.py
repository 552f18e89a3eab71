"""The outbox within the service."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Connection, func, select
from sqlalchemy.exc import OperationalError

from service.errors import OverloadedError, StartError
from service.outbox import records
from service.store.tables import alerts
from tests.service.client import Service, finding, until
from tests.service.outbox.stub import TIME, Stub, message


def test_a_running_service_tells_a_receiver_that_was_just_added(tmp_path: Path) -> None:
    with Service(tmp_path, poll_seconds=0.05) as service, Stub() as stub:
        service.host.receivers.add("soar", stub.target(), TIME)
        made = [message(n) for n in range(3)]

        def enqueue(writer: Connection) -> int:
            for one in made:
                records.enqueue(writer, one)
            return len(made)

        assert service.run(service.host.write(enqueue)) == 3
        assert service.post(finding("a")).status_code == 201
        until(service, lambda: len(stub.got) >= 3)
        assert stub.uids == [one.uid for one in made]
        metrics = service.send("GET", "/metrics").text
        assert 'tamis_outbox_deliveries_total{state="sent"}' in metrics
        assert "tamis_outbox_pending" in metrics


def test_a_message_of_a_batch_that_is_not_stored_is_never_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Service(tmp_path, poll_seconds=0.05) as service, Stub() as stub:
        service.host.receivers.add("soar", stub.target(), TIME)
        writer = service.host.database.writer
        commit = writer.commit
        lost, kept = message(1), message(2)

        def fail() -> None:
            monkeypatch.setattr(writer, "commit", commit)
            raise OperationalError("COMMIT", {}, Exception("database or disk is full"))

        def enqueue_and_fail(connection: Connection) -> None:
            records.enqueue(connection, lost)
            monkeypatch.setattr(writer, "commit", fail)

        with pytest.raises(OverloadedError):
            service.run(service.host.write(enqueue_and_fail))
        service.run(service.host.write(lambda connection: records.enqueue(connection, kept)))
        until(service, lambda: len(stub.got) >= 1)
        assert stub.uids == [kept.uid]
        with service.host.database.engine.connect() as connection:
            assert connection.execute(select(func.count(alerts.c.seq))).scalar() == 0


def test_half_of_a_write_is_never_kept(service: Service) -> None:
    """Storage fails between a cause and its message: neither is stored, and the next write is as good as ever."""

    def enqueue(writer: Connection, full: bool) -> None:
        service.host.database.insert_past("cause", b"")
        if full:
            raise OperationalError("INSERT", {}, Exception("database or disk is full"))
        records.enqueue(writer, message())

    with pytest.raises(OverloadedError):
        service.run(service.host.write(lambda writer: enqueue(writer, True)))
    assert service.run(service.host.write(lambda _: service.host.database.past_sources())) == set()
    service.run(service.host.write(lambda writer: enqueue(writer, False)))
    assert service.run(service.host.write(lambda _: service.host.database.past_sources())) == {"cause"}


def test_damaged_receivers_keep_the_service_from_starting(tmp_path: Path) -> None:
    service = Service(tmp_path)
    service.settings.receivers.write_text("damaged")
    with pytest.raises(StartError, match=r"receivers\.json"):
        service.__enter__()
    service.settings.receivers.unlink()
    with service:
        assert service.post(finding("a")).status_code == 201
