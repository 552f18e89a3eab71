"""The commands on events: import, list, count."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from features.normalisers.events import EVENT_NORMALISERS, get_event_normaliser
from models.incidents.printable import printable
from service.errors import StartError
from service.event_import import Imported, send_events, store_events
from service.secret import secret_of
from service.settings import ServiceSettings
from service.store.aside import reading
from service.store.database import Database
from service.store.events import ReadEvent, count_events, latest_events
from service.terminal import told

app = typer.Typer(no_args_is_help=True, help="Events of users and hosts: import, list, count.")
_SHOWN = 5


@app.command("import")
def import_events(
    path: Annotated[Path, typer.Argument(help="A file of events, or a folder of them.")],
    fmt: Annotated[str, typer.Option("--format", help=f"One of {', '.join(sorted(EVENT_NORMALISERS))}.")],
    *,
    tenant: Annotated[str, typer.Option(help="The tenant of records that name none; by default the file's name.")] = "",
    url: Annotated[str, typer.Option(help="Where a service runs to send them to; else they are put into its records.")] = "",
    key: Annotated[str, typer.Option(envvar="TAMIS_KEY", help="An API key of role pipeline, whose tenant owns them.")] = "",
    received: Annotated[
        datetime | None, typer.Option(help="When (UTC) lines without a year were received; now if absent.")
    ] = None,
) -> None:
    """Import events, each once; say what was put aside and why."""
    with told():
        get_event_normaliser(fmt)
        if url:
            if tenant or received:
                raise StartError("with --url the tenant is the key's and the time of receipt the service's")
            done = send_events(url, key, path, fmt)
        else:
            when = received.replace(tzinfo=UTC) if received else datetime.now(UTC)
            database = _database(ServiceSettings.from_env())
            try:
                done = store_events(database, path, fmt, tenant, when)
            finally:
                database.close()
        _report(done)


@app.command("list")
def list_events(
    tenant: Annotated[str, typer.Option(help="Only of this tenant.")] = "",
    entity: Annotated[str, typer.Option(help="Only what this account or host did or what was done to it.")] = "",
    last: Annotated[int, typer.Option(min=1, help="The last so many.")] = 20,
) -> None:
    """List the events received last, oldest first."""
    with told(), reading(ServiceSettings.from_env().database) as connection:
        for read in latest_events(connection, tenant, entity, last):
            typer.echo(_line(read))


@app.command()
def count(tenant: Annotated[str, typer.Option(help="Only of this tenant.")] = "") -> None:
    """Say how many events are stored, by tenant."""
    with told(), reading(ServiceSettings.from_env().database) as connection:
        for name, number in count_events(connection, tenant).items():
            typer.echo(f"{number:10}  {printable(name)}")


def _database(settings: ServiceSettings) -> Database:
    try:
        return Database(settings.database, secret_of(settings))
    except StartError as error:
        raise StartError(f"{error}; while the service runs, send them to it: --url, --key") from error


def _report(done: Imported) -> None:
    firsts = {(one.field, one.reason): one for one in reversed(done.rejects)}
    for (field, reason), number in Counter((one.field, one.reason) for one in done.rejects).most_common(_SHOWN):
        one = firsts[field, reason]
        why = f"{field}: {reason}" if field else reason
        typer.echo(printable(f"{number} put aside, first {one.source} row {one.row}: {why}", 200), err=True)
    typer.echo(f"{done.stored} stored, {done.duplicates} duplicates, {len(done.rejects)} put aside", err=True)


def _line(read: ReadEvent) -> str:
    event = read.event
    to = f" → {event.target.kind.value} {event.target.uid}" if event.target else ""
    origin = f" from {event.source.address}" if event.source.address else ""
    done = f"{event.actor.kind.value} {event.actor.uid}: {event.action}{to}{origin}, {event.outcome.value}"
    return f"{event.time:%Y-%m-%d %H:%M:%S}  {printable(event.tenant, 20):20}  {printable(done, 200)}"
