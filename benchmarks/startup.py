"""Measures how long the command line takes to answer, and the package to import."""

from __future__ import annotations

from pathlib import Path

from benchmarks.rounds import Times, timed, turns

BARE = "python -c pass"
TYPER = "python -c 'import typer'"
LITELLM = "python -c 'import litellm'"
HELP = "litellm-acme-ai --help"
IMPORT = "python -c 'import litellm_acme_ai'"


def run_startup(programs: Path, rounds: int) -> Times:
    """Measures all commands.

    Args:
        programs: folder of programs of the environment with the rendered package.
        rounds: how often each command is run.
    """
    python = programs / "python"
    commands: dict[str, list[str | Path]] = {
        HELP: [programs / "litellm-acme-ai", "--help"],
        IMPORT: [python, "-c", "import litellm_acme_ai"],
        BARE: [python, "-c", "pass"],
        TYPER: [python, "-c", "import typer"],
        LITELLM: [
            python,
            "-c",
            "import os; os.environ['LITELLM_LOCAL_MODEL_COST_MAP'] = 'True'; import litellm",
        ],
    }
    times = Times.of(commands)
    for number, name in turns(list(commands), rounds + 1):
        spent = timed(commands[name], programs)
        if number:  # the first round warms up
            times.add(name, spent)
    return times
