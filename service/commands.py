"""The service's commands: serve, keys, context, outbox, policy, export, and those on the records."""

from __future__ import annotations

import gc
import socket
import sys
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
import uvicorn

from features.context import KINDS, Context, import_facts
from service import audit_commands, event_commands, logs, record_commands
from service import policy_commands as policy
from service.app import create_app
from service.errors import StartError
from service.export import export as export_history
from service.keys import KeyStore, Role
from service.outbox import commands as outbox
from service.settings import ServiceSettings
from service.terminal import told

app = typer.Typer(no_args_is_help=True)
keys = typer.Typer(no_args_is_help=True, help="API keys: create, list, revoke.")
context = typer.Typer(no_args_is_help=True, help="Context facts: assets, identities, indicators, decoys, aliases.")
app.add_typer(keys, name="keys")
app.add_typer(context, name="context")
app.add_typer(event_commands.app, name="events")
app.add_typer(outbox.app, name="outbox")
app.registered_commands += audit_commands.app.registered_commands
app.add_typer(policy.app, name="policy")
app.registered_commands += record_commands.app.registered_commands


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on [TAMIS_HOST].")] = "",
    port: Annotated[int, typer.Option(min=-1, max=65_535, help="Port to listen on, 0 for any free one [TAMIS_PORT].")] = -1,
    history: Annotated[Path | None, typer.Option(help="A history to fold in first: then the first day is not all novel.")] = None,
) -> None:
    """Score live alerts over HTTP until interrupted."""
    with told():
        settings = ServiceSettings.from_env()
        listener = _listen(host or settings.host, settings.port if port < 0 else port)
        logs.set_up()
        address = listener.getsockname()
        typer.echo(f"tamis: listening on http://{address[0]}:{address[1]}", err=True)
        served = create_app(settings, history)
        config = uvicorn.Config(
            served,
            log_config=None,
            access_log=False,
            proxy_headers=False,
            timeout_graceful_shutdown=10,
            lifespan="on",
        )
        server = uvicorn.Server(config)
        _collect_rarely()
        _switch_often()
        with suppress(SystemExit):  # the server's own way to say that it did not start
            server.run(sockets=[listener])
        if not server.started:
            raise StartError(getattr(served.state, "failure", "the service did not start; the reason is in the log above"))


def _switch_often() -> None:
    """Let the threads that answer wait half a millisecond, not five, for one that calculates: correlation does all the time."""
    sys.setswitchinterval(0.0005)


def _collect_rarely() -> None:
    """Leave what is imported out of the search for cycles, and search less often: records make none, but are many."""
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)


def _listen(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), backlog=1024)
    except OSError as error:
        raise StartError(f"cannot listen on {host}:{port}: {error.strerror}") from error


@keys.command("create")
def keys_create(
    role: Annotated[Role, typer.Option(help="What the key may do.")],
    tenant: Annotated[str, typer.Option(help="Whose alerts it reads and writes.")],
    name: Annotated[str, typer.Option(help="Who holds it; an analyst's labels carry this name.")] = "",
) -> None:
    """Make a key. It is printed once, to standard output, and stored only as a digest."""
    with told():
        typer.echo(KeyStore(ServiceSettings.from_env().keys).create(role, tenant, name))


@keys.command("list")
def keys_list() -> None:
    """List keys (never their secrets)."""
    with told():
        for key in KeyStore(ServiceSettings.from_env().keys).list():
            state = f"revoked {key.revoked:%Y-%m-%d}" if key.revoked else "valid"
            typer.echo(f"{key.uid}  {key.role.value:9}  {key.tenant:20}  {key.name:20}  {key.created:%Y-%m-%d}  {state}")


@keys.command("revoke")
def keys_revoke(uid: Annotated[str, typer.Argument(help="The key's uid, from `tamis keys list`.")]) -> None:
    """Make a key useless; a running service refuses it within a second."""
    with told():
        KeyStore(ServiceSettings.from_env().keys).revoke(uid)


@context.command("import")
def context_import(
    file: Annotated[Path, typer.Argument(help="CSV with a header, or a JSON array of objects.")],
    kind: Annotated[str, typer.Option(help=f"One of {', '.join(KINDS)}.")],
    tenant: Annotated[str, typer.Option(help="The tenant of facts that name none.")] = "",
) -> None:
    """Import facts as a new version; a running service reads it within a second."""
    with told():
        path = import_facts(ServiceSettings.from_env().context, kind, file, tenant, datetime.now(UTC))
        typer.echo(f"imported as {path.name}", err=True)


@context.command("list")
def context_list() -> None:
    """List the versions imported so far."""
    with told():
        folder = ServiceSettings.from_env().context
        Context.load(folder)
        for path in sorted(folder.glob("*.json")):
            typer.echo(path.name)


@app.command()
def export(
    out: Annotated[Path, typer.Option(help="Folder to write the history to.")],
    since: Annotated[datetime | None, typer.Option(help="Only what was received from this time (UTC) on.")] = None,
) -> None:
    """Write alerts, decisions, labels and what is known of incidents as a history, the input of `tamis train --format history`."""
    with told():
        counts = export_history(ServiceSettings.from_env(), out, since.replace(tzinfo=UTC) if since else None)
        typer.echo(f"{out}: " + ", ".join(f"{number} {kind}" for kind, number in counts.items()), err=True)
