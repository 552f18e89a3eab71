"""Training's commands that read events of users: score-events."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from training.errors import DataError
from training.terminal import console, working

app = typer.Typer(no_args_is_help=True)


@app.command()
def score_events(
    data: Annotated[Path, typer.Option("--data", help="A Parquet file, or the folder that holds it.")],
    fmt: Annotated[str, typer.Option("--format", help="masquerade or git-activity.")],
    out: Annotated[Path, typer.Option("--out", help="Parquet file to write.")],
    false_discovery: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Of a day's users that are flagged, at most this share by chance.")
    ] = 0.1,
) -> None:
    """Score how unlike its own past, and how like somebody else, each account behaves; labels are never read."""
    import pyarrow.parquet as pq

    from training.behaviour.loaders import FORMATS
    from training.behaviour.scoring import score_days, score_segments

    with working("learning and scoring behaviour"):
        if fmt not in FORMATS:
            raise DataError(str(data), f"unknown format {fmt!r} of events; known: {', '.join(FORMATS)}")
        if fmt == "masquerade":
            table = score_segments(data)
        else:
            table, rejected = score_days(data, false_discovery=false_discovery)
            for error in rejected[:5]:
                console.print(f"left out: {error}", markup=False, highlight=False)
            if rejected:
                console.print(f"{len(rejected)} rows left out")
        out.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, out)
    console.print(f"{table.num_rows:,} rows in {out}", markup=False, highlight=False)
