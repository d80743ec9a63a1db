"""A merge driver: with it, plain `git merge` and `git rebase` keep the hooks, too (gitattributes(5), "merge")."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from . import hooks
from .drift import unlike
from .errors import Refusal
from .git import Git, environment
from .spec import SPEC, Spec, in_commit, in_folder

NAME = "provider-fork"
_FIRST, _LAST = f"# >>> {NAME}", f"# <<< {NAME}"


def install(git: Git) -> list[str]:
    """Makes this clone merge the files with hooks, and those under `keep`, with the driver.

    The tool and what fork.toml says are copied into git's own folder: while a rebase runs, the work tree is
    upstream's and has neither.

    Returns:
        The files that the driver is for.
    """
    spec = in_commit(git, "HEAD")
    home = git.path(NAME)
    _copy(git, home)
    files = [*spec.managed, *spec.keep, SPEC]
    attributes = git.path("info/attributes")
    attributes.parent.mkdir(parents=True, exist_ok=True)
    before = attributes.read_text(encoding="utf-8") if attributes.is_file() else ""
    lines = [_FIRST, *(f"{_quoted(path)} merge={NAME}" for path in files), _LAST]
    attributes.write_text(_without(before) + "\n".join(lines) + "\n", encoding="utf-8")
    command = f'"{Path(sys.executable).as_posix()}" "{(home / "tool").as_posix()}" merge-file %O %A %B %P'
    git.must("config", f"merge.{NAME}.name", "keeps a fork's hooks")
    git.must("config", f"merge.{NAME}.driver", command)
    return files


def _copy(git: Git, home: Path) -> None:
    new = home.with_name(f"{home.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(__file__).resolve().parent, new / "tool", ignore=ignored)
    for path in [SPEC, *(one for one in git.tree("HEAD", "fork/") if one.endswith("/hooks.toml"))]:
        (new / path).parent.mkdir(parents=True, exist_ok=True)
        (new / path).write_bytes(git.blob("HEAD", path) or b"")
    shutil.rmtree(home, ignore_errors=True)
    new.rename(home)


def _without(attributes: str) -> str:
    before, _, rest = attributes.partition(f"{_FIRST}\n")
    return before + rest.partition(f"{_LAST}\n")[2]


def _quoted(path: str) -> str:
    return f'"{path}"' if " " in path else path


def is_current(git: Git, spec: Spec) -> bool | None:
    """Returns whether the driver of this clone knows what fork.toml says now; None where none is installed."""
    home = git.path(NAME)
    if not (home / SPEC).is_file():
        return None
    known = in_folder(home)
    return (known.hooks, known.replacements, known.keep) == (spec.hooks, spec.replacements, spec.keep)


def merge_file(git: Git, base: Path, ours: Path, theirs: Path, path: str) -> int:
    """Merges a file, as git asks for it; the result is written where ours was.

    Args:
        git: The repository; its work tree may be upstream's.
        base: The file with the common version.
        ours: The file with the version of the branch that is checked out, which in a rebase is upstream's.
        theirs: The file with the other version.
        path: What it is called in the tree.

    Returns:
        0 if it is merged, 1 if there is a conflict left in it.
    """
    spec = in_folder(git.path(NAME))
    fork_is_theirs = any(git.path(name).exists() for name in ("rebase-merge", "rebase-apply"))
    if path in spec.keep or path == SPEC:
        if fork_is_theirs:
            shutil.copyfile(theirs, ours)
        return 0
    inserted, replaced = spec.of(path)
    upstreams = (ours if fork_is_theirs else theirs).read_bytes().decode()
    stripped = {file: hooks.strip(path, file.read_bytes().decode()) for file in (base, ours, theirs)}
    forks = stripped[theirs if fork_is_theirs else ours]
    if unlike(forks, stripped[base], replaced) is None:
        core = hooks.strip(path, upstreams)
    else:
        merged = _merged(base, ours, theirs, stripped)
        if merged is None:
            return 1
        core = merged
    # In a rebase, an earlier commit may have replaced a line already.
    left = [one for one in replaced if one.find(core)]
    try:
        text = hooks.apply(path, core, inserted, left)
    except Refusal as refusal:
        print(f"{refusal}", file=sys.stderr)  # noqa: T201  # git shows what a driver says there
        return 1
    ours.write_bytes(text.encode())
    return 0


def _merged(base: Path, ours: Path, theirs: Path, stripped: dict[Path, str]) -> str | None:
    """Merges the texts without hooks; None where they conflict, and then the conflict is in `ours`."""
    for file, text in stripped.items():
        file.write_bytes(text.encode())
    done = subprocess.run(
        ["git", "merge-file", "-q", str(ours), str(base), str(theirs)], env=environment(), check=False
    )
    return None if done.returncode else ours.read_bytes().decode()
