"""The command that asks what other objectives would do."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from features.hashing import load_or_create_secret
from models.bundle import ModelBundle
from models.certificates.costs import Costs
from models.certificates.objective import parse_objectives
from training.batch_commands import bundle_path
from training.settings import Settings
from training.terminal import Data, Format, console, working

app = typer.Typer(no_args_is_help=True)


@app.command()
def whatif(
    data: Data,
    fmt: Format,
    objective: Annotated[
        list[str] | None, typer.Option(help="A sentence that a threshold must keep; once for each. Default: as for training.")
    ] = None,
    bundle: Annotated[str, typer.Option(help="A bundle directory, or `champion` for the one that serves.")] = "champion",
    costs: Annotated[Path | None, typer.Option(help="JSON file of costs that choose within what is proven.")] = None,
    minutes: Annotated[
        float | None, typer.Option(min=0.0, max=1e4, help="Minutes of a person for an alert; else as verdicts tell, else 10.")
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Folder for the page, its plot and the numbers as JSON.")] = None,
) -> None:
    """Say what other objectives would prove, hide, save and lose; nothing is changed.

    Labels in the data name the true positives that would be hidden; decisions in a history say what was seen with what chance.
    """
    from training.whatif import what_if_file
    from training.whatif_report import SHOWN, tables, write

    settings = Settings.from_env()
    with working("loading the bundle") as told:
        objectives, chosen = parse_objectives(objective or ()), Costs.read(costs) if costs else None
        model = ModelBundle.load(bundle_path(settings, bundle))
        found = what_if_file(
            model,
            data,
            fmt,
            load_or_create_secret(settings.secret),
            objectives=objectives,
            costs=chosen,
            minutes=minutes,
            told=told,
        )
        page = write(report, found) if report is not None else None
    for table in tables(found, SHOWN):
        Console().print(table.rich(), "")
    if page is not None:
        console.print(f"report: {page}")
