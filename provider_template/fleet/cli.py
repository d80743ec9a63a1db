"""The command line of `provider-template fleet`; each command imports what it needs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from provider_template.errors import Refusal

if TYPE_CHECKING:
    from provider_template.fleet.config import Fleet
    from provider_template.fleet.status import Progress, Row, Status

NO_RESULT = 1
HAND_WORK = 3

app = typer.Typer(help="See many packages at once: what each is at, and what is asked of it.", no_args_is_help=True)

Config = Annotated[Path, typer.Option("--config", "-c", metavar="FILE", help="The fleet's file.")]
Only = Annotated[
    list[str] | None,
    typer.Option("--only", metavar="PATTERN", help="Packages with such a name, id or owner; may be repeated."),
]
Jobs = Annotated[int, typer.Option("--jobs", "-j", min=1, max=64, help="Repositories to read at a time.")]
Offline = Annotated[bool, typer.Option("--offline", help="Contact nobody: what was read before, and clones here.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
FailOn = Annotated[
    str,
    typer.Option(
        "--fail-on", metavar="WHAT", help="What ends with a status other than 0, of: errors,policy,edits; or none."
    ),
]
From = Annotated[
    Path | None, typer.Option("--from", metavar="FILE", help="What status --json has printed, instead of a new look.")
]
_FAILURES = ("errors", "policy", "edits")
_DEFAULT = Path("fleet.toml")


@app.command("list")
def list_packages(
    config: Config = _DEFAULT, only: Only = None, jobs: Jobs = 8, offline: Offline = False, as_json: Json = False
) -> None:
    """Say which packages there are, and why the other repositories are none.

    Ends with 0, or 1 if a repository or a forge could not be read.
    """
    from provider_template.fleet import words

    status = _look(config, only, jobs, offline)
    if as_json:
        found = status.as_json()
        keys = ("id", "name", "owner", "repository", "path", "template", "version", "state", "error")
        rows = [{key: row[key] for key in keys} for row in found["packages"]]
        _print_json({"schema": found["schema"], "packages": rows, "left_out": found["left_out"]})
    else:
        typer.echo(words.inventory(status))
    raise typer.Exit(NO_RESULT if any(row.state == "error" for row in status.rows) else 0)


@app.command()
def status(
    config: Config = _DEFAULT,
    only: Only = None,
    jobs: Jobs = 8,
    offline: Offline = False,
    fail_on: FailOn = "errors,policy,edits",
    as_json: Json = False,
) -> None:
    """Say what each package is at: its version, how far behind, what is asked of it, edited files of the template.

    Ends with 0 if nothing is to do by hand, 3 if something is or a rule is broken, 1 if a package has no result.
    """
    from provider_template.fleet import words

    wanted = _failures(fail_on)
    found = _look(config, only, jobs, offline)
    if as_json:
        _print_json(found.as_json())
    else:
        typer.echo(words.table(found))
    raise typer.Exit(_exit_status(found.rows, wanted))


@app.command()
def report(
    config: Config = _DEFAULT,
    only: Only = None,
    jobs: Jobs = 8,
    offline: Offline = False,
    html: Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Where to write the page.")] = None,
    markdown: Annotated[bool, typer.Option("--md", help="Print Markdown, such as for a CI's summary.")] = False,
    source: From = None,
) -> None:
    """Write the fleet as one page of HTML, or as Markdown; without an option, as Markdown.

    Ends with 0, or 1 if a package has no result; the page is written all the same, and says so.
    """
    from provider_template.fleet import words
    from provider_template.fleet.page import page
    from provider_template.fleet.saved import read_status

    found = read_status(source) if source else _look(config, only, jobs, offline)
    if html is not None:
        html.parent.mkdir(parents=True, exist_ok=True)
        html.write_text(page(found), encoding="utf-8")
    if markdown or html is None:
        typer.echo(words.markdown(found))
    raise typer.Exit(NO_RESULT if not all(row.has_result for row in found.rows) else 0)


@app.command()
def export(
    to: Annotated[str, typer.Option("--format", metavar="WHAT", help="renovate, multi-gitter or answers.")],
    config: Config = _DEFAULT,
    only: Only = None,
    jobs: Jobs = 8,
    offline: Offline = False,
    source: From = None,
) -> None:
    """Print what another tool needs to take over: a configuration of Renovate or multi-gitter, or a file of answers.

    The answers are those of [answers.default], for new packages: copier copy --data-file.
    """
    from provider_template.fleet import exports
    from provider_template.fleet.config import read_fleet
    from provider_template.fleet.saved import read_status

    if to not in exports.FORMATS:
        raise Refusal(f"--format {to} is not known: use one of {', '.join(exports.FORMATS)}.")
    fleet = read_fleet(config)
    if to == "answers":
        typer.echo(exports.answers(fleet), nl=False)
        return
    found = read_status(source) if source else _look(config, only, jobs, offline)
    typer.echo((exports.renovate if to == "renovate" else exports.multi_gitter)(found), nl=False)


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(metavar="[FOLDER]", help="Where to write.")] = Path(),
    template: Annotated[
        str | None, typer.Option("--template", metavar="URL", help="The template of the packages.")
    ] = None,
    github: Annotated[
        str | None, typer.Option("--github", metavar="ORGANISATION", help="Where the packages are.")
    ] = None,
    gitlab: Annotated[str | None, typer.Option("--gitlab", metavar="GROUP", help="Where the packages are.")] = None,
    clones: Annotated[str | None, typer.Option("--folder", metavar="FOLDER", help="Where clones of them are.")] = None,
    ci: Annotated[
        str, typer.Option("--ci", metavar="WHAT", help="The nightly job: github, gitlab or none.")
    ] = "github",
) -> None:
    """Write a fleet.toml and a nightly job that looks at the fleet and keeps the page; overwrites nothing.

    Ends with 0, or 1 if a file is there already: then nothing was written.
    """
    from provider_template.fleet import start

    sources = [("github", github), ("gitlab", gitlab), ("folder", clones)]
    written = start.write(folder, template or "", [(kind, where) for kind, where in sources if where], ci)
    for path in written:
        typer.echo(f"Wrote {path}")
    typer.echo("Next: provider-template fleet status")


def _look(config: Path, only: list[str] | None, jobs: int, offline: bool) -> Status:
    from platformdirs import user_cache_path

    from provider_template.fleet.config import read_fleet
    from provider_template.fleet.status import look

    fleet: Fleet = read_fleet(config)
    cache = user_cache_path("provider-template", appauthor=False) / "fleet"
    with _progress() as progress:
        return look(fleet, cache, offline=offline, jobs=jobs, only=tuple(only or ()), progress=progress)


@contextmanager
def _progress() -> Iterator[Progress]:
    """Shows how far it is where somebody looks on; a CI gets none of it."""
    import os
    import sys

    from provider_template.fleet.status import Progress

    if not sys.stderr.isatty() or os.environ.get("CI"):
        yield Progress()
        return
    from provider_template.fleet.shown import shown

    with shown() as progress:
        yield progress


def _failures(text: str) -> frozenset[str]:
    found = frozenset(filter(None, (one.strip() for one in text.split(","))))
    if found == {"none"}:
        return frozenset()
    for one in sorted(found):
        if one not in _FAILURES:
            raise Refusal(f"--fail-on {text}: {one} is not known; use some of {', '.join(_FAILURES)}, or none.")
    return found


def _exit_status(rows: tuple[Row, ...], wanted: frozenset[str]) -> int:
    if "errors" in wanted and not all(row.has_result for row in rows):
        return NO_RESULT
    watched = [row for row in rows if row.state != "paused"]
    if "policy" in wanted and any(row.policy for row in watched):
        return HAND_WORK
    if "edits" in wanted and any(row.edited or row.conflicts for row in watched):
        return HAND_WORK
    return 0


def _print_json(content: object) -> None:
    typer.echo(json.dumps(content, indent=2, sort_keys=True))
