"""The command that says what the audit says."""

from __future__ import annotations

import time
from typing import Annotated

import msgspec
import typer

from models.live_policy import LivePolicy
from models.policy_store import PolicyStore
from service.audited import Audited, audited
from service.errors import StartError
from service.settings import ServiceSettings
from service.store.database import open_engine
from service.terminal import plain, told

app = typer.Typer()


@app.command("audit")
def audit(
    tenant: Annotated[str, typer.Option(help="Only of this tenant; else of all.")] = "",
    days: Annotated[int, typer.Option(min=1, help="Of what was received in the last so many days.")] = 30,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="As the API gives it.")] = False,
) -> None:
    """Say what suppression misses, by group, and how the anytime tests of certificates stand. The service may be running."""
    with told():
        settings = ServiceSettings.from_env()
        if not settings.database.exists():
            raise StartError(f"{settings.database}: there is nothing to say yet")
        policy = PolicyStore(settings.policy).last_good()[0] or LivePolicy()
        engine = open_engine(settings.database)
        try:
            with engine.connect() as connection:
                found = audited(connection, policy, tenant, days, time.time())
        finally:
            engine.dispose()
        typer.echo(msgspec.json.encode(found).decode() if as_json else "\n".join(map(plain, _lines(found))))


def _lines(found: Audited) -> list[str]:
    lines = [f"drawn {found.drawn}, judged {found.judged}, waiting for more voices {found.pending}, in {found.days} days"]
    lines += [
        f"{key:40}  {one.confirmed:5} of {one.judged:6} missed   {one.share:8.3%}  ({one.low:.3%} to {one.high:.3%})"
        for key, one in found.misses.items()
    ]
    lines += [
        f"certificate {one.certificate}  {one.tenant or 'all tenants':20}  {one.group:30}  evidence {one.evidence:8.3g} of {one.threshold:g}  "
        f"{one.suppressed} of {one.observed} attacks would be hidden, at most {one.alpha:g} promised"
        f"{'  WITHDRAWN' if one.withdrawn else ''}"
        for one in found.tests
    ]
    return lines
