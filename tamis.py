"""The command line: one root that mounts what ``training/`` and ``service/`` offer."""

from __future__ import annotations

import typer

import service.commands
import training.batch_commands
import training.commands
import training.whatif_commands

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
for group in (training.commands.app, training.batch_commands.app, training.whatif_commands.app, service.commands.app):
    app.registered_commands += group.registered_commands
    app.registered_groups += group.registered_groups


def main() -> None:
    """Run the command line."""
    app(prog_name="tamis")


if __name__ == "__main__":
    main()
