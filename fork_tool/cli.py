"""The command line of the tool: `python fork/tool …`, or `provider-template fork …`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from .errors import Refusal

_DONE, _REFUSED, _FOUND = 0, 1, 3


def main(arguments: Sequence[str], program: str = "python fork/tool") -> int:
    """Runs a command.

    Args:
        arguments: what follows the program's name.
        program: the program's name, for help.

    Returns:
        0 if it was done, 1 if it was refused (the sentences are on standard error), 3 if it found something to fix.
        Arguments that cannot be read end the program with 2.
    """
    chosen = _parser(program).parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = chosen.command
    try:
        return command(chosen)
    except Refusal as refusal:
        print(refusal, file=sys.stderr)  # noqa: T201
        return _REFUSED
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            return _closed()
        print(f"{error.filename or 'A file'} cannot be read or written: {error.strerror}.", file=sys.stderr)  # noqa: T201
        return _REFUSED


def _closed() -> int:
    """Returns the exit status where whoever read the output has seen enough."""
    # Python must not try to write the rest at its end.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return _REFUSED


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


def _answer(chosen: argparse.Namespace, as_json: dict[str, Any], text: str) -> None:
    _say(json.dumps(as_json, indent=2) if chosen.json else text)


def _parser(program: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=program, description="Keeps a fork of LiteLLM in step with upstream.")
    parser.add_argument("-C", dest="folder", type=Path, default=Path(), metavar="PATH", help="the fork's folder")
    commands = parser.add_subparsers(title="commands", required=True, metavar="<command>")

    def add(name: str, command: Callable[[argparse.Namespace], int], words: str) -> argparse.ArgumentParser:
        found = commands.add_parser(name, help=words, description=words)
        found.set_defaults(command=command)
        return found

    one = add("status", _status, "say how far behind upstream the fork is, and whether it is what fork.toml says")
    _version(one, "--to", "compare with this version, or upstream's branch; else the newest release")
    _network(one)
    _json(one)
    one = add("apply", _apply, "put the insertions into the files, and record the version of LiteLLM they are put into")
    _version(one, "--base", "the version of LiteLLM that this is a checkout of, if git cannot tell")
    one = add("sync", _sync, "bring the fork to another version of upstream")
    _version(one, "--to", "a version such as 1.106.2, or upstream's branch; else the newest release")
    one.add_argument("--strategy", choices=("merge", "rebase"), help="else what fork.toml says")
    one.add_argument("--dry-run", action="store_true", help="do all but change branches and files")
    one.add_argument("--fast-forward", action="store_true", help="bring the branch and the files to the result")
    _network(one)
    _probes(one)
    _json(one)
    one = add("verify", _verify, "check markers, insertions, names, upstream's files, and the providers' probes")
    _version(one, "--against", "try the insertions on this version, or upstream's branch, too")
    _network(one)
    _probes(one)
    _json(one)
    add("changes", _changes, "write CUSTOM_CHANGES.md")
    one = add("rollback", _rollback, "bring the branch back to where it was before a sync")
    _version(one, "--to", "a backup branch; else the newest", "BRANCH")
    add("tag", _tag, "tag this commit as the next release: v<LiteLLM's version>-<name>.<n>")
    one = add("log", _log, "list the releases, and which version of LiteLLM each is made of")
    _json(one)
    add("remove-upstream", _remove_upstream, "remove upstream's remote; the next sync adds it again")
    one = add("wheel", _wheel, "make LiteLLM's own wheel with the providers in it; needs no fork")
    _version(one, "--litellm", "the version of LiteLLM, such as 1.106.2; else the one that the fork is made of")
    one.add_argument("--out", type=Path, default=Path("dist"), metavar="FOLDER", help="where to write it (dist)")
    one.add_argument("--build", type=int, default=1, metavar="N", help="the last number of the version (1)")
    one.add_argument("--wheel", type=Path, metavar="FILE", help="upstream's wheel, instead of downloading it")
    _json(one)
    return parser


def _version(parser: argparse.ArgumentParser, flag: str, words: str, name: str = "VERSION") -> None:
    parser.add_argument(flag, metavar=name, help=words)


def _network(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--no-fetch", dest="fetch", action="store_false", help="take what is in the clone already")


def _probes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--no-probes", dest="probes", action="store_false", help="do not call the providers")
    parser.add_argument(
        "--python", metavar="PATH", help="the interpreter for the probes; else the active environment's"
    )


def _json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON")


def _python(chosen: argparse.Namespace) -> str | None:
    from .probes import interpreter

    return interpreter(chosen.python) if chosen.probes else None


def _status(chosen: argparse.Namespace) -> int:
    from .git import repository
    from .report import status_in_json, status_in_words
    from .status import status

    found = status(repository(chosen.folder), to=chosen.to, fetch=chosen.fetch)
    _answer(chosen, status_in_json(found), status_in_words(found))
    return _FOUND if found.findings else _DONE


def _apply(chosen: argparse.Namespace) -> int:
    from .apply import apply
    from .git import repository

    version, written = apply(repository(chosen.folder), chosen.base)
    if not written:
        _say(f"All is in place already, on LiteLLM {version.name}.")
        return _DONE
    _say(f"Put into LiteLLM {version.name}: {', '.join(written)}.\nLook at it with git diff, then commit it.")
    return _DONE


def _sync(chosen: argparse.Namespace) -> int:
    from .git import repository
    from .report import sync_in_json, sync_in_words
    from .sync import Wish, sync

    wish = Wish(
        to=chosen.to,
        strategy=chosen.strategy,
        fetch=chosen.fetch,
        dry_run=chosen.dry_run,
        fast_forward=chosen.fast_forward,
        python=_python(chosen),
    )
    done = sync(repository(chosen.folder), wish)
    if done is None:
        _answer(chosen, {"current": True}, "The fork is at that version already.")
    else:
        _answer(chosen, sync_in_json(done), sync_in_words(done))
    return _DONE


def _verify(chosen: argparse.Namespace) -> int:
    from .git import repository
    from .report import verify_in_json, verify_in_words
    from .verify import verify

    git = repository(chosen.folder)
    if not git.is_clean():
        print("Changes that are not committed are not looked at.", file=sys.stderr)  # noqa: T201
    found = verify(git, against=chosen.against, fetch=chosen.fetch, python=_python(chosen))
    _answer(chosen, verify_in_json(found), verify_in_words(found))
    return _FOUND if found.findings else _DONE


def _changes(chosen: argparse.Namespace) -> int:
    from .apply import write_changes
    from .changes import CHANGES
    from .git import repository

    _say(f"{CHANGES} is {'written' if write_changes(repository(chosen.folder)) else 'current'}.")
    return _DONE


def _rollback(chosen: argparse.Namespace) -> int:
    from .git import repository
    from .releases import rollback

    name, kept, push = rollback(repository(chosen.folder), chosen.to)
    _say(
        f"The branch is where {name} is (--to names another backup). Where it was before is branch {kept}.\n"
        f"If it was pushed: {push}"
    )
    return _DONE


def _tag(chosen: argparse.Namespace) -> int:
    from .git import repository
    from .releases import tag

    made = tag(repository(chosen.folder))
    _say(f"Tagged {made.tag}, on LiteLLM {made.base}. To publish it: git push origin {made.tag}")
    return _DONE


def _log(chosen: argparse.Namespace) -> int:
    from .declaration import in_commit
    from .git import repository
    from .releases import releases

    git = repository(chosen.folder)
    found = releases(git, in_commit(git, "HEAD"))
    if chosen.json:
        _say(json.dumps([vars(one) for one in found], indent=2))
    elif found:
        _say("\n".join(f"{one.tag}  LiteLLM {one.base}  {one.date}  {one.commit}" for one in found))
    else:
        _say("No release yet: the command tag makes one.")
    return _DONE


def _remove_upstream(chosen: argparse.Namespace) -> int:
    from .declaration import in_commit
    from .git import repository

    git = repository(chosen.folder)
    remote = in_commit(git, "HEAD").upstream.remote
    if git.run("remote", "get-url", remote).returncode:
        raise Refusal(f"There is no remote {remote}: nothing was changed.")
    git.must("remote", "remove", remote)
    _say(f"Removed the remote {remote}. The fork runs without it; the next sync adds it again.")
    return _DONE


def _wheel(chosen: argparse.Namespace) -> int:
    from .wheel import build

    made = build(chosen.folder, chosen.litellm, chosen.out, chosen.build, chosen.wheel)
    as_json = {
        "path": str(made.path),
        "version": made.version,
        "providers": list(made.providers),
        "insertions": list(made.insertions),
        "dependencies": list(made.dependencies),
    }
    _answer(
        chosen,
        as_json,
        f"Made {made.path}: LiteLLM with {', '.join(made.providers)} in it.\nInstall it with: pip install '{made.path}[proxy]'",
    )
    return _DONE
