"""How the commands speak to a person."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import typer

from features.errors import FeaturesError
from features.files import named
from models.errors import ModelsError
from service.errors import ServiceError


@contextmanager
def told() -> Iterator[None]:
    """Turn our errors into one line on standard error and exit code 1."""
    try:
        yield
    except BrokenPipeError:  # who reads has had enough
        raise
    except (ServiceError, FeaturesError, ModelsError, OSError) as error:
        typer.echo(f"error: {named(error)}", err=True)
        raise typer.Exit(1) from error


def plain(text: str) -> str:
    """Return ``text`` without what would move the cursor or colour the terminal: it may be a stranger's."""
    return "".join(char if char.isprintable() else "?" for char in text)
