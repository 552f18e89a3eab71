"""What all of training's commands share: how they take data, say what they do, and fail."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from features.errors import FeaturesError
from features.files import named
from models.errors import ModelsError
from training.errors import TrainingError

console = Console(stderr=True)

Data = Annotated[Path, typer.Option("--data", help="A file, or a folder of files, of the format.")]
Format = Annotated[str, typer.Option("--format", help="ait-ads, wazuh, suricata, ocsf or history.")]


@contextmanager
def working(what: str) -> Iterator[Callable[[str], None]]:
    """Show what is being done; turn our errors into one line on standard error and exit code 1."""
    try:
        with console.status(what) as status:
            yield status.update
    except BrokenPipeError:  # who reads has had enough
        raise
    except (TrainingError, FeaturesError, ModelsError, OSError) as error:
        console.print(f"error: {named(error)}", style="red", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(1) from error
