"""The report: tables of medians and ratios in Markdown, and whether each goal was met."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import median

from benchmarks import calls, copying, credentials, embeddings, formats, startup
from benchmarks.copying import Copies
from benchmarks.rounds import Times, difference, ratio
from benchmarks.updates import TOOLS, Updates
from benchmarks.upstream import CHUNKS, VECTOR

_CREDENTIAL_GOAL = 20e-6

_HEAD = """\
Every round gives each contender one turn, in an order of chance. A ratio or a difference is taken within a round;
what stands here is its median over the rounds. CPU is the processor time of the client's process, all of its
threads and with what it still does after the answer is there; other programs on the machine do not spoil it
as they do the time on the clock."""


def machine(python: Path, commit: str, packages: Sequence[str] = ("litellm", "httpx", "openai", "pydantic")) -> str:
    """Returns one line on what the run ran on: no names of hosts, no paths.

    Args:
        python: of the environment with the rendered package.
        commit: of the template.
        packages: those whose versions matter.
    """
    program = f"from importlib.metadata import version\nprint(*[f'{{p}} {{version(p)}}' for p in {tuple(packages)}], sep=', ')"
    versions = subprocess.check_output([str(python), "-c", program], text=True).strip()
    return (
        f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}, {versions}, template at {commit}"
    )


def calls_section(rows: Mapping[str, Times]) -> str:
    """Returns the tables of calls and streams, with their goals."""
    by_name = {row.name: row for row in calls.ROWS}
    names = list(next(iter(rows.values())).clock)
    medians = []
    compared = []
    for name, times in rows.items():
        medians.append([name, *(f"{median(times.clock[contender]) * 1e3:.2f}" for contender in names)])
        row = by_name[name]
        per = CHUNKS if row.streamed else 1
        limit = 5 if row.streamed else 100
        times_openai = ratio(times.clock, calls.PROVIDER, calls.OPENAI)
        over = difference(times.processor, calls.PROVIDER, calls.MINIMAL) * 1e6 / per
        compared.append(
            [
                name,
                str(len(times.clock[calls.PROVIDER])),
                f"{times_openai:.2f}",
                f"{min(times.clock[calls.PROVIDER]) / min(times.clock[calls.OPENAI]):.2f}",
                f"{ratio(times.processor, calls.PROVIDER, calls.OPENAI):.2f}",
                met(times_openai <= 0.75),
                f"{over:+.1f} µs / {'chunk' if row.streamed else 'call'}",
                f"{difference(times.clock, calls.PROVIDER, calls.MINIMAL) * 1e6 / per:+.1f}",
                met(over <= limit),
            ]
        )
    return "\n\n".join(
        [
            f"## Calls, and streams of {CHUNKS} chunks",
            "Median milliseconds on the clock for one call or one stream (of 64 at a time: a 64th of the batch):",
            in_markdown(["", *names], medians),
            f"The provider against `{calls.OPENAI}` (goal: at most 0.75 of its time, median of rounds) and "
            f"against the {calls.MINIMAL} (goal: at most 100 µs of CPU more for a call, 5 µs for a chunk):",
            in_markdown(
                [
                    "",
                    "rounds",
                    "of openai/",
                    "best of each",
                    "CPU",
                    "goal 0.75",
                    "CPU over minimal",
                    "on the clock",
                    "goal 100 / 5 µs",
                ],
                compared,
            ),
        ]
    )


def formats_section(formats_times: Mapping[str, Mapping[str, Times]]) -> str:
    """Returns the table of formats, each against LiteLLM's own provider of it, with its goal."""
    body = []
    contenders = (formats.OWN, formats.LITELLMS, calls.MINIMAL)
    for name, rows in formats_times.items():
        for row, times in rows.items():
            against = ratio(times.clock, formats.OWN, formats.LITELLMS)
            body.append(
                [
                    f"{name} against `{formats.PEERS[name][0]}/`: {row}",
                    *(f"{median(times.clock[contender]) * 1e3:.2f}" for contender in contenders),
                    f"{against:.2f}",
                    f"{ratio(times.processor, formats.OWN, formats.LITELLMS):.2f}",
                    f"{ratio(times.clock, calls.MINIMAL, formats.LITELLMS):.2f}",
                    met(against <= 0.8),
                ]
            )
    return "\n\n".join(
        [
            "## Other formats",
            f"Median milliseconds on the clock for one call, or one stream of {CHUNKS} pieces. What the minimal CustomLLM takes, which "
            "translates nothing, is the least that `litellm.completion` lets any custom provider take:",
            in_markdown(["", *contenders, "ratio", "CPU", "minimal's ratio", "goal 0.8"], body),
        ]
    )


def embeddings_section(rows: Mapping[str, Times]) -> str:
    """Returns the table of embeddings against LiteLLM's `openai/`, with its goal."""
    body = []
    for row, times in rows.items():
        against = ratio(times.clock, embeddings.OWN, embeddings.LITELLMS)
        body.append(
            [
                row,
                *(f"{median(times.clock[contender]) * 1e3:.2f}" for contender in (embeddings.OWN, embeddings.LITELLMS)),
                f"{against:.2f}",
                f"{ratio(times.processor, embeddings.OWN, embeddings.LITELLMS):.2f}",
                met(against <= 0.75),
            ]
        )
    return "\n\n".join(
        [
            "## Embeddings",
            f"Median milliseconds on the clock for one call; a vector has {VECTOR} numbers:",
            in_markdown(["", embeddings.OWN, embeddings.LITELLMS, "ratio", "CPU", "goal 0.75"], body),
        ]
    )


def copies_section(copies: Copies) -> str:
    """Returns the table of `copier copy`, with its goals."""
    times = copies.times.clock
    body = [
        [
            name,
            str(copies.files[name]),
            f"{median(spent):.3f}",
            f"{ratio(times, name, copying.EMPTY):.2f}",
            f"{median(spent) / copies.files[name] * 1e3:.1f}",
            f"{ratio(times, copying.THIS, name):.2f}",
        ]
        for name, spent in times.items()
    ]
    own = ratio(times, copying.THIS, copying.EMPTY)
    goals = [f"- At most 1.5 times the empty template: {own:.2f}, {met(own <= 1.5)}."]
    for name in times:
        if name not in (copying.THIS, copying.EMPTY, copying.STATIC):
            share = ratio(times, copying.THIS, name)
            as_many = copies.files[name] >= copies.files[copying.THIS]
            verdict = met(share < 1) if as_many else f"no goal, as it renders {copies.files[name]} files"
            goals.append(f"- Faster than {name}: {share:.2f} of its time, {verdict}.")
    return "\n\n".join(
        [
            "## `copier copy`",
            "Seconds on the clock for the whole command, from a local clone with a tag:",
            in_markdown(["", "files", "seconds", "of empty", "ms / file", "this template's share"], body),
            "\n".join([*goals, *(f"- {note}" for note in copies.skipped)]),
        ]
    )


def updates_section(updates: Updates) -> str:
    """Returns the table of updates, with its goals."""
    body = [
        [
            row.template,
            f"{row.old} to {row.new}",
            row.tool,
            str(row.files),
            str(row.planted),
            str(row.lost),
            str(row.told),
            str(row.status),
            f"{row.seconds:.1f}",
        ]
        for row in updates.rows
    ]
    spent = {
        tool: sum(row.seconds for row in updates.rows if row.tool == tool and row.template == copying.THIS)
        for tool in TOOLS
    }
    share = spent[TOOLS[1]] / spent[TOOLS[0]]
    lost = sum(row.lost for row in updates.rows if row.template == copying.THIS or row.tool == TOOLS[1])
    goals = [
        f"- No line lost from this template's packages, nor by our command from any: {lost}, {met(lost == 0)}.",
        f"- At most half of the time of `copier update` on this template: {share:.2f}, {met(share <= 0.5)}.",
    ]
    return "\n\n".join(
        [
            "## Updates of edited packages",
            "A line was planted into the middle of every file that the old version rendered, then it was updated. "
            "Lost is a line that is nowhere any more; conflicts are files that git shows as unmerged or that have marks:",
            in_markdown(
                [
                    "template",
                    "versions",
                    "command",
                    "files",
                    "planted",
                    "lost",
                    "conflicts",
                    "status",
                    "seconds",
                ],
                body,
            ),
            "\n".join([*goals, *(f"- {note}" for note in updates.skipped)]),
        ]
    )


def credentials_section(times: Times) -> str:
    """Returns the table of what a good credential costs."""
    spent = times.clock
    dear = [name for name in credentials.NAMES[2:] if median(spent[name]) >= _CREDENTIAL_GOAL]
    body = [
        [name, f"{median(spent[name]) * 1e6:.1f}", f"{ratio(spent, name, credentials.AUTHLIB):.2f}"]
        for name in credentials.NAMES
    ]
    return "\n\n".join(
        [
            "## Credentials",
            "Microseconds on the clock that authentication adds to a call while its token is good:",
            in_markdown(["", "µs", "of Authlib"], body),
            f"- Below {_CREDENTIAL_GOAL * 1e6:.0f} µs each: {met(not dear)}.",
        ]
    )


def startup_section(times: Times) -> str:
    """Returns the table of the command line and of imports."""
    spent = times.clock
    names = (startup.BARE, startup.IMPORT, startup.TYPER, startup.HELP, startup.LITELLM)
    body = [
        [
            f"`{name}`",
            f"{median(spent[name]) * 1e3:.0f}",
            *(f"{ratio(spent, name, other):.2f}" for other in (startup.BARE, startup.TYPER, startup.LITELLM)),
        ]
        for name in names
    ]
    return "\n\n".join(
        [
            "## Start",
            "Milliseconds on the clock of a process, from start to end:",
            in_markdown(["", "ms", "of a bare Python", "of typer", "of litellm"], body),
        ]
    )


def report(day: str, machine_line: str, sections: Iterable[str]) -> str:
    """Returns the whole report."""
    return "\n\n".join([f"# Measurements of {day}", machine_line, _HEAD, *sections]) + "\n"


def met(is_met: bool) -> str:
    """Returns a verdict in a word."""
    return "met" if is_met else "missed"


def in_markdown(head: Sequence[str], body: Iterable[Sequence[str]]) -> str:
    """Returns a table; all but its first column are numbers."""
    rows = [head, ["---"] + ["---:"] * (len(head) - 1), *body]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
