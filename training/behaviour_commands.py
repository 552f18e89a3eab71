"""Training's commands that read events of users: score-events; and what `train` says of events."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from features.errors import RecordError
from models.bundle_files import load_behaviour
from training.batch_commands import bundle_path
from training.settings import Settings
from training.terminal import console, working

if TYPE_CHECKING:
    from training.behaviour.fitting import Learned

app = typer.Typer(no_args_is_help=True)
_SHOWN = 5


class By(StrEnum):
    """What is scored."""

    DAY = "day"
    EVENT = "event"


@app.command()
def score_events(
    data: Annotated[Path, typer.Option("--data", help="A file, or a folder of files, of the format.")],
    fmt: Annotated[str, typer.Option("--format", help="masquerade, git-activity or any format of events.")],
    out: Annotated[Path, typer.Option("--out", help="Parquet file to write.")],
    bundle: Annotated[
        str, typer.Option(help="A bundle with behaviour, or `champion`; if not given, learned from the data itself.")
    ] = "",
    false_discovery: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Of a day's users that are flagged, at most this share by chance.")
    ] = 0.1,
    by: Annotated[By, typer.Option(help="One row a day of an account, or an event; of masquerade one a segment.")] = By.DAY,
    tenant: Annotated[str, typer.Option(help="Whose events they are, where the format does not say.")] = "",
) -> None:
    """Score how unlike its own past, and how like somebody else, each account behaves; labels are never read."""
    from training.behaviour.fitting import Source
    from training.behaviour.scoring import score
    from training.scoring import write_parquet

    with working("learning and scoring behaviour"):
        model = load_behaviour(bundle_path(Settings.from_env(), bundle)) if bundle else None
        scores = score(Source(data, fmt, tenant), model, false_discovery=false_discovery, by_event=by is By.EVENT)
        write_parquet(scores.table, out)
    say_rejected(scores.rejected)
    if scores.unbelievable:
        console.print(f"{scores.unbelievable} events left out: their time cannot be")
    console.print(f"{scores.table.num_rows:,} rows in {out}", markup=False, highlight=False)


def say_rejected(rejected: Sequence[RecordError]) -> None:
    """Say which rows of events were left out."""
    for error in rejected[:_SHOWN]:
        console.print(f"left out: {error}", markup=False, highlight=False)
    if rejected:
        console.print(f"{len(rejected)} rows left out")


def say_learned(learned: Learned) -> None:
    """Say what was learned of behaviour."""
    say_rejected(learned.rejected)
    for name, value in learned.metrics.items():
        console.print(f"  behaviour {name:18} {value:,.4g}", highlight=False)
