"""The command line: what is imported to say `--help` is typer alone."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from provider_template.errors import Refusal
from provider_template.fleet.cli import app as fleet

# Beside typer's own 2 for a command that cannot be read.
REFUSED = 1
HAND_WORK = 3

_BACK = "or go back, in the package's folder: git reset -q . && git checkout -q . && git clean -fdq ."
_MERGED = f"Look at it with git diff --cached, run make check test, then git commit; {_BACK}"
_CONFLICTS = f"Resolve the conflicts, then git add and git commit; {_BACK}"

app = typer.Typer(
    name="provider-template",
    help="Preview and apply updates of LiteLLM providers that were rendered from a template.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(fleet, name="fleet")

Folder = Annotated[Path, typer.Argument(metavar="[PATH]", help="The package's folder.")]
To = Annotated[
    str | None,
    typer.Option("--to", metavar="VERSION", help="A version of the template; else its newest release."),
]
Data = Annotated[
    list[str] | None,
    typer.Option("--data", "-d", metavar="NAME=VALUE", help="An answer to give or to change."),
]
AnswersFile = Annotated[
    str | None,
    typer.Option("--answers-file", "-a", metavar="PATH", help="Where the package has its answers, if they were moved."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Trust = Annotated[bool, typer.Option("--trust", help="Let the template run its migrations.")]


def _answers(data: list[str] | None) -> dict[str, object]:
    """Reads `NAME=VALUE` as Copier does: the value is YAML."""
    import yaml

    from provider_template.project import read_yaml

    found: dict[str, object] = {}
    for text in data or ():
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise Refusal(f"--data {text} is not an answer: write it as NAME=VALUE, such as --data ci=gitlab.")
        try:
            found[name.strip()] = read_yaml(value) if value[:1] in ("[", "{") else value
        except yaml.YAMLError:
            raise Refusal(f"--data {text} is not an answer: {value} is no list in YAML, such as [cli, docs].") from None
    return found


def _print_json(content: object) -> None:
    typer.echo(json.dumps(content, indent=2, default=str))


@app.command()
def preview(
    path: Folder = Path(),
    to: To = None,
    data: Data = None,
    answers_file: AnswersFile = None,
    diff: Annotated[bool, typer.Option("--diff", help="Print the whole difference, too.")] = False,
    as_json: Json = False,
) -> None:
    """Say what an update would do, and change nothing.

    Ends with 0 if the update merges without hand work or there is none, 3 if there are conflicts, 1 if it cannot be computed.
    """
    from provider_template.plan import Wish, make_plan
    from provider_template.project import open_package
    from provider_template.report import Report

    with make_plan(open_package(path, answers_file), Wish(to, _answers(data)), keep=False) as plan:
        report = Report.of(plan)
        if as_json:
            _print_json(report.as_json())
        else:
            typer.echo(report.as_text())
            if diff and not plan.is_current:
                typer.echo(f"\n```diff\n{report.diff()}\n```")
        raise typer.Exit(HAND_WORK if plan.conflicts else 0)


@app.command()
def update(
    path: Folder = Path(),
    to: To = None,
    data: Data = None,
    answers_file: AnswersFile = None,
    defaults: Annotated[
        bool, typer.Option("--defaults", help="Ask nothing: new questions take their defaults.")
    ] = False,
    trust: Trust = False,
    as_json: Json = False,
) -> None:
    """Update a package whose files are committed; the result is for you to look at and to commit.

    Ends with 0 if all merged, 3 if there are conflicts to resolve as in any merge of git, 1 if nothing was changed.
    """
    from provider_template.plan import Wish, make_plan
    from provider_template.project import open_package
    from provider_template.report import Report
    from provider_template.update import apply

    ask = not defaults and sys.stdin.isatty() and sys.stdout.isatty()
    wish = Wish(to, _answers(data), ask, trust)
    with make_plan(open_package(path, answers_file), wish, keep=True) as plan:
        if plan.migrations and not trust:
            commands = ", ".join(one.words for one in plan.migrations)
            raise Refusal(f"Version {plan.to} runs code of the template ({commands}): read it, then add --trust.")
        report = Report.of(plan)
        if not plan.is_current:
            apply(plan)
        if as_json:
            _print_json(report.as_json())
        else:
            typer.echo(report.as_text())
            if not plan.is_current:
                typer.echo(f"\n{_CONFLICTS if plan.conflicts else _MERGED}")
        raise typer.Exit(HAND_WORK if plan.conflicts else 0)


@app.command()
def check(
    path: Folder = Path(),
    answers_file: AnswersFile = None,
    offline: Annotated[bool, typer.Option("--offline", help="Do not look for a newer version.")] = False,
    as_json: Json = False,
) -> None:
    """Say which version a package has, and whether files of the template were edited.

    Ends with 0 if all is well, 3 if something has to be fixed, 1 if it is no package or its template cannot be reached.
    """
    from provider_template.check import look
    from provider_template.project import open_package

    health = look(open_package(path, answers_file), offline=offline)
    if as_json:
        _print_json(health.as_json())
    else:
        typer.echo(health.in_words())
    raise typer.Exit(HAND_WORK if health.to_fix else REFUSED if health.unreachable else 0)


@app.command()
def adopt(
    path: Folder = Path(),
    template: Annotated[
        str | None,
        typer.Option("--template", metavar="URL", help="The template; else the one that this command came with."),
    ] = None,
    to: To = None,
    data: Data = None,
    defaults: Annotated[bool, typer.Option("--defaults", help="Ask nothing: take what the package says.")] = False,
    branch: Annotated[str, typer.Option("--branch", help="The branch to make.")] = "adopt-template",
) -> None:
    """Bring a provider that was written by hand under the template, on a new branch.

    Ends with 0 if the branch is there, 1 if nothing was changed.
    """
    from rich.console import Console

    from provider_template.adopt import adopt as adopt_package

    source = template or _installed_from()
    if source is None:
        raise Refusal("Which template? Name it: --template <URL of its repository>.")
    ask = not defaults and sys.stdin.isatty() and sys.stdout.isatty()
    status = adopt_package(path, source, ref=to, data=_answers(data), ask=ask, branch=branch, console=Console())
    raise typer.Exit(status)


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
    add_help_option=False,
)
def fork(context: typer.Context) -> None:
    """Keep a fork of LiteLLM in step with upstream: status, sync, verify, wheel and more; see fork --help."""
    from fork_tool.cli import main as run

    raise typer.Exit(run(context.args, program="provider-template fork"))


@app.command("to-fork")
def to_fork(
    package: Annotated[Path, typer.Argument(help="The package's folder; it is only read.")],
    fork: Annotated[Path, typer.Argument(help="A checkout of LiteLLM, or an empty folder.")],
) -> None:
    """Move a provider from a package of its own into a fork of LiteLLM."""
    from provider_template.layouts import to_fork as move

    moved = move(package, fork)
    _say_moved(moved.own, f"{len(moved.carried)} more files are kept for the way back.")
    typer.echo(f"Next, in {fork}: python fork/tool apply")


@app.command("to-package")
def to_package(
    fork: Annotated[Path, typer.Argument(help="The fork's folder; it is only read.")],
    provider: Annotated[str, typer.Argument(help="The provider, as models are called by it.")],
    package: Annotated[Path, typer.Argument(help="The folder to make.")],
) -> None:
    """Move a provider from a fork of LiteLLM into a package of its own."""
    from provider_template.layouts import to_package as move

    moved = move(fork, provider, package)
    _say_moved(moved.own, f"{len(moved.carried)} more files are as they were in the package.")
    typer.echo(f"Next, in {package}: git init, then make check test")


def _say_moved(own: tuple[str, ...], more: str) -> None:
    typer.echo("\n".join(["Unchanged in their new places:", *(f"  {path}" for path in own), more]))


def _installed_from() -> str | None:
    """Returns the repository that this command was installed from, as pip and uv write it down (PEP 610)."""
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        written = json.loads(distribution("litellm-provider-template").read_text("direct_url.json") or "{}")
    except PackageNotFoundError:
        return None
    url = str(written.get("url", ""))
    if written.get("vcs_info", {}).get("vcs") != "git":
        return None
    return url.removeprefix("file://") if url.startswith("file://") else url


def main() -> None:
    """Runs the command line; a refusal is one sentence on standard error and exit status 1."""
    from fork_tool.git import environment
    from provider_template.git import clean

    # What names another repository, as in a hook of git, is not meant for us.
    for name in os.environ.keys() - environment().keys():
        del os.environ[name]
    try:
        app()
    except Refusal as refusal:
        typer.echo(str(refusal), err=True)
        raise SystemExit(REFUSED) from None
    except OSError as error:
        # Whoever changes files puts them back first, and says so in a refusal.
        words = f"{error.filename or 'A file'} cannot be read or written: {error.strerror or error}."
        typer.echo(f"{words} Nothing was changed: fix that, then do it again.", err=True)
        raise SystemExit(REFUSED) from None
    finally:
        clean()


if __name__ == "__main__":
    main()
