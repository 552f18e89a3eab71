"""The commands on the records: verify the decision log, explain, erase, reproduce."""

from __future__ import annotations

import time
from typing import Annotated

import msgspec
import typer

from features.alert import EntityKind
from features.context import Context
from models.incidents.printable import printable
from service.behaviour.names import Veil
from service.behaviour.snapshots import forget_snapshots
from service.behaviour.subject import erase_behaviour, stored_about, whom_named
from service.errors import NotFoundError, StartError
from service.explaining import Explainer
from service.reproducing import read_records, reproduce
from service.secret import existing_secret
from service.settings import ServiceSettings
from service.store.anchors import read_anchors
from service.store.aside import reading
from service.store.database import Database
from service.store.decision_log import DecisionLog
from service.store.erasing import erase as erase_alert
from service.store.erasing import naming
from service.store.log_check import check, open_snapshot
from service.terminal import told

app = typer.Typer(no_args_is_help=True)


@app.command("verify-log")
def verify_log() -> None:
    """Walk the decision log and its anchors; name every row that was changed, is missing or was put in. Exit code 1 if any."""
    with told():
        settings = ServiceSettings.from_env()
        anchors = read_anchors(settings.anchors)  # before the records, which only grow
        with open_snapshot(settings.database) as connection:
            found = check(connection, DecisionLog(existing_secret(settings)), anchors)
    for fault in found.faults:
        row = f"row {fault.row}" if fault.row else "no row"
        typer.echo(f"{row}{_named(fault.tenant, fault.alert)}: {fault.what}")
    count = len(found.faults)
    faults = "whole" if not count else "1 fault" if count == 1 else f"{count} faults"
    erased = f", {found.erased} of erased alerts" if found.erased else ""
    typer.echo(f"{found.rows} decisions{erased}, {found.anchors} anchors: {faults}", err=True)
    if count:
        raise typer.Exit(1)


@app.command()
def erase(
    tenant: Annotated[str, typer.Option(help="Whose alert it is.")],
    alert: Annotated[str, typer.Option(help="The alert's uid.")] = "",
    entity: Annotated[str, typer.Option(help="Instead: every alert that names this entity.")] = "",
) -> None:
    """Erase what is personal of alerts; decisions stay, and the log holds. While the service runs: DELETE /v1/alerts/{uid}."""
    with told():
        if bool(alert) == bool(entity):
            raise StartError("name either --alert or --entity")
        settings = ServiceSettings.from_env()
        if not settings.database.exists():
            raise StartError(f"{settings.database}: there are no records yet")
        try:
            database = Database(settings.database, existing_secret(settings))
        except StartError as error:
            raise StartError(f"{error}; while the service runs, an admin's key erases by DELETE /v1/alerts/…") from error
        try:
            uids = [alert] if alert else naming(database.writer, tenant, entity)
            gone = {}
            if entity:
                forget_snapshots(settings.state)
                gone = erase_behaviour(database.writer, tenant, [entity], Context.load(settings.context).aliases)
            if not uids and not any(gone.values()):
                raise NotFoundError("nothing names that entity")
            for uid in uids:
                erase_alert(database.writer, database.log, tenant, uid, by="command line", now=time.time())
            database.writer.commit()
        finally:
            database.close()
        typer.echo(f"erased: {len(uids)}", err=True)


@app.command()
def records(
    tenant: Annotated[str, typer.Option(help="Whose entity it is.")],
    uid: Annotated[str, typer.Option(help="The user's or host's name.")],
    kind: Annotated[EntityKind, typer.Option(help="What it is.")] = EntityKind.USER,
) -> None:
    """Print all that is stored about a user or host as one JSON document, to be shown to whom it concerns."""
    with told():
        settings = ServiceSettings.from_env()
        veil, aliases = Veil(existing_secret(settings), tenant), Context.load(settings.context).aliases
        with reading(settings.database) as connection:
            found = stored_about(connection, whom_named(aliases, tenant, kind, uid), uid, veil)
        typer.echo(msgspec.json.format(msgspec.json.encode(found)).decode())


@app.command()
def explain(
    uid: Annotated[str, typer.Argument(help="The alert's uid.")],
    tenant: Annotated[str, typer.Option(help="Whose alert it is, where several have one of that uid.")] = "",
) -> None:
    """Say what was decided on an alert, in each revision, and why."""
    with told():
        settings = ServiceSettings.from_env()
        secret = existing_secret(settings)
        with read_records(settings) as connection:
            for line in Explainer(connection, settings, secret).tell(uid, tenant):
                typer.echo(line)


@app.command("replay-decisions")
def replay_decisions(last: Annotated[int | None, typer.Option(min=1, help="Only the last N; else all.")] = None) -> None:
    """Decide again from the records alone, bit for bit, by the bundles and the live policies that decided. Exit code 1 if any differs."""
    with told():
        settings = ServiceSettings.from_env()
        secret = existing_secret(settings)
        with read_records(settings) as connection:
            found = reproduce(connection, settings, secret, last)
    for differs in found.differs:
        typer.echo(f"row {differs.row}{_named(differs.tenant, differs.alert)}: {printable(differs.why)}")
    for digest, count in found.looked_at.items():
        typer.echo(f"{digest[:16] or 'no bundle':16}  {found.same[digest]} of {count} reproduced", err=True)
    if found.draws:
        typer.echo(f"{found.draws} audit draws: lots drawn again, places in the queue taken from the record", err=True)
    if found.revisions:
        typer.echo(f"{found.revisions} later revisions agree with those before them", err=True)
    if found.differs:
        raise typer.Exit(1)


def _named(tenant: str, alert: str) -> str:
    return f" (alert {printable(alert)} of {printable(tenant)})" if alert else ""
