"""The outbox's commands. They write the receivers' file and nothing else: the database has one writer, the service."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from service.outbox.receivers import PAGERDUTY_URL, Receiver, ReceiverStore, Template
from service.outbox.records import Listed, State, listed
from service.outbox.targets import Target, parse
from service.settings import ServiceSettings
from service.store.aside import reading
from service.terminal import plain, told

app = typer.Typer(no_args_is_help=True, help="Messages to the outside: who gets them, and what became of them.")
receivers = typer.Typer(no_args_is_help=True, help="Receivers: add, list, rotate, remove.")
app.add_typer(receivers, name="receivers")

_UID = typer.Argument(help="The receiver's uid, from `tamis outbox receivers list`.")


@receivers.command("add")
def receivers_add(
    name: Annotated[str, typer.Argument(help="What people call it.")],
    url: Annotated[str, typer.Argument(help="An https URL; may be left out for PagerDuty.")] = "",
    *,
    template: Annotated[Template, typer.Option(help="Form of the body.")] = Template.STANDARD,
    routing_key: Annotated[
        typer.FileText | None, typer.Option(help="File with PagerDuty's integration key; - reads standard input.")
    ] = None,
    tenant: Annotated[str, typer.Option(help="Only this tenant's messages.")] = "",
    kind: Annotated[list[str] | None, typer.Option(help="Only these, as incident.escalated or incident.*; repeatable.")] = None,
    allow_private: Annotated[
        list[str] | None, typer.Option(help="Host, address or network (CIDR) that may be private; repeatable.")
    ] = None,
    allow_http: Annotated[bool, typer.Option("--allow-http", help="Without TLS: readable by all on the way.")] = False,
    allow_port: Annotated[list[int] | None, typer.Option(help="A port other than the usual one; repeatable.")] = None,
) -> None:
    """Add a receiver. Its signing secret is printed once, to standard output; a running service tells it from then on."""
    with told():
        target = Target(
            url=url or (PAGERDUTY_URL if template is Template.PAGERDUTY else ""),
            allow_private=tuple(allow_private or ()),
            allow_http=allow_http,
            allow_ports=tuple(allow_port or ()),
        )
        made, secret = _store().add(
            name,
            target,
            datetime.now(UTC),
            template=template,
            routing_key=routing_key.read().strip() if routing_key else "",
            tenant=tenant,
            kinds=tuple(kind or ()),
        )
        typer.echo(f"added {made.uid}; its signing secret is shown this once:", err=True)
        typer.echo(secret)


@receivers.command("list")
def receivers_list() -> None:
    """List receivers (never their secrets)."""
    with told():
        for receiver in _store().read():
            state = f"removed {receiver.removed:%Y-%m-%d}" if receiver.removed else receiver.template.value
            told_of = f"{receiver.tenant or 'all tenants'}: {', '.join(receiver.kinds) or 'all kinds'}"
            place = parse(receiver.target)  # the path of a webhook's URL may be its secret
            typer.echo(plain(f"{receiver.uid}  {state:18}  {receiver.name:20}  {told_of}  {place.scheme}://{place.authority}/…"))


@receivers.command("rotate")
def receivers_rotate(
    uid: Annotated[str, _UID],
    overlap_hours: Annotated[float, typer.Option(min=0.0, help="For so long the secret before signs, too.")] = 24.0,
) -> None:
    """Give a receiver a new signing secret, printed once, to standard output."""
    with told():
        typer.echo(_store().rotate(uid, datetime.now(UTC), timedelta(hours=overlap_hours)))


@receivers.command("remove")
def receivers_remove(uid: Annotated[str, _UID]) -> None:
    """Tell a receiver nothing more; what has not reached it is given up."""
    with told():
        _store().remove(uid, datetime.now(UTC))


@app.command("retry")
def retry(uid: Annotated[str, _UID]) -> None:
    """Send a receiver anew all that has not reached it: failed, disabled or waiting. A running service begins within a second."""
    with told():
        _store().retry(uid)


@app.command("list")
def list_messages(
    state: Annotated[State | None, typer.Option(help="Only what is in this state.")] = None,
    most: Annotated[int, typer.Option(min=1, help="How many, the newest first.")] = 50,
) -> None:
    """List messages and what became of them, one line for each receiver."""
    with told():
        names = {receiver.uid: receiver for receiver in _store().read()}
        for item in _read(state, most):
            typer.echo(plain(_line(item, names.get(item.receiver))))


def _line(item: Listed, receiver: Receiver | None) -> str:
    message = item.message
    again = f"again {datetime.fromtimestamp(item.next_attempt, UTC):%Y-%m-%dT%H:%M:%SZ}" if item.state is State.PENDING else ""
    whom = receiver.name if receiver else item.receiver or "nobody"
    told_of = f"{message.uid}  {message.time:%Y-%m-%dT%H:%M:%SZ}  {message.kind}  {message.tenant}/{message.subject}"
    return f"{told_of}  {whom}  {item.state.value}  {item.attempts} attempts  {again} {item.error}".rstrip()


def _read(state: State | None, most: int) -> list[Listed]:
    with reading(ServiceSettings.from_env().database) as connection:
        return listed(connection, state, most)


def _store() -> ReceiverStore:
    return ReceiverStore(ServiceSettings.from_env().receivers)
