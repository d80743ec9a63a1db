"""The command line of a package with routing: the one of cli.py, and `route` besides. Template's file: do not edit."""

from __future__ import annotations

import typer

from ._answers import COMMAND
from .cli import app

__all__ = ["app"]


@app.command(add_help_option=False, context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def route(context: typer.Context) -> None:
    """Run or check the gateway of hybrid routing: serve, check, explain, hooks."""
    from .routing.command import main

    raise typer.Exit(main(context.args, f"{COMMAND} route"))


if __name__ == "__main__":
    app()
