"""A merge driver: with it, plain `git merge` and `git rebase` of upstream keep the hooks (gitattributes(5), "merge")."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from . import hooks
from .compose import decoded
from .drift import unlike
from .errors import Refusal
from .git import Git, environment
from .spec import SPEC, Spec, fits, in_commit, in_folder

NAME = "provider-fork"
_FIRST, _LAST = f"# >>> {NAME}", f"# <<< {NAME}"


def install(git: Git) -> list[str]:
    """Makes this clone merge the files with hooks, and those under `keep`, with the driver.

    The tool and what fork.toml says are copied into git's own folder: while a rebase runs, the work tree is
    upstream's and has neither.

    Returns:
        The files and patterns that the driver is for.
    """
    spec = in_commit(git, "HEAD")
    home = _home(git)
    _copy(git, home)
    files = [*spec.managed, *spec.keep, SPEC]
    attributes = git.path("info/attributes")
    attributes.parent.mkdir(parents=True, exist_ok=True)
    before = _without(attributes.read_text(encoding="utf-8") if attributes.is_file() else "")
    if before and not before.endswith("\n"):
        before += "\n"
    lines = [_FIRST, *(f"{_pattern(path)} merge={NAME}" for path in files), _LAST]
    attributes.write_text(before + "\n".join(lines) + "\n", encoding="utf-8")
    words = (Path(sys.executable).as_posix(), (home / "tool").as_posix(), "merge-file")
    command = " ".join(shlex.quote(word).replace("%", "%%") for word in words)
    git.must("config", f"merge.{NAME}.name", "keeps a fork's hooks")
    git.must("config", f"merge.{NAME}.driver", f"{command} %O %A %B %P")
    return files


def _home(git: Git) -> Path:
    """Returns the driver's folder, which all work trees of a clone share."""
    return Path(git.must("rev-parse", "--path-format=absolute", "--git-common-dir")) / NAME


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


def _pattern(path: str) -> str:
    """Returns a path, or a pattern of fork.toml, as a pattern of gitattributes(5): from the top, in quotes if need be."""
    path = f"{path}**" if path.endswith("/") else path
    escaped = re.sub(r"([\[\]\\])", r"\\\1", path)
    return (
        '"/' + escaped.replace("\\", "\\\\").replace('"', '\\"') + '"'
        if re.search(r'[\s"\\]', escaped)
        else f"/{escaped}"
    )


def is_current(git: Git, spec: Spec) -> bool | None:
    """Returns whether the driver of this clone knows what fork.toml says now; None where none is installed."""
    home = _home(git)
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
    rebases = any(git.path(name).exists() for name in ("rebase-merge", "rebase-apply"))
    if not _is_upstreams(git, rebases=rebases):
        # Both sides are the fork's: a branch of its own, a commit picked or reverted.
        return _merge_plainly(base, ours, theirs)
    try:
        spec = in_folder(_home(git))
        if fits((*spec.keep, SPEC), path):
            if rebases:
                shutil.copyfile(theirs, ours)
            return 0
        ours.write_bytes(_merged(base, ours, theirs, spec, path, rebases=rebases).encode())
    except Refusal as refusal:
        print(f"{refusal}", file=sys.stderr)  # noqa: T201  # git shows what a driver says there
        return _merge_plainly(base, ours, theirs) or 1
    return 0


def _is_upstreams(git: Git, *, rebases: bool) -> bool:
    """Returns whether one of the sides is upstream's: the commit that is merged, or rebased onto, has no fork.toml."""
    if rebases:
        onto = git.path("rebase-merge/onto")
        other = onto if onto.is_file() else git.path("rebase-apply/onto")
        commits = [other.read_text(encoding="utf-8").strip()] if other.is_file() else []
    else:
        # Git names the heads of a merge in variables, and those of a pick or a revert in files.
        commits = [name.removeprefix("GITHEAD_") for name in os.environ if name.startswith("GITHEAD_")]
    return any(git.blob(commit, SPEC) is None for commit in commits)


def _merged(base: Path, ours: Path, theirs: Path, spec: Spec, path: str, *, rebases: bool) -> str:
    """Returns upstream's text with the fork's hooks in it.

    Raises:
        Refusal: A hook does not fit, or the fork has edited more than hooks and that conflicts.
    """
    inserted, replaced = spec.of(path)
    forks, upstreams = (theirs, ours) if rebases else (ours, theirs)
    texts = {file: decoded(file.read_bytes(), path) for file in (base, ours, theirs)}
    known = {hook.tag: hook.body for hook in inserted}
    for block in hooks.blocks(path, texts[forks]):
        if known.get(block.tag) != hooks.body(block):
            raise Refusal(f'The hook "{block.tag}" is newer than this clone\'s merge driver: install it again.')
    stripped = {file: hooks.strip(path, text) for file, text in texts.items()}
    core = stripped[upstreams]
    if unlike(stripped[forks], stripped[base], replaced) is not None:
        core = _merged_texts(stripped[base], stripped[ours], stripped[theirs], path)
    # In a rebase, an earlier commit may have replaced a line already.
    return hooks.apply(path, core, inserted, [one for one in replaced if one.find(core)])


def _merged_texts(base: str, ours: str, theirs: str, path: str) -> str:
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        files = [Path(folder) / name for name in ("ours", "base", "theirs")]
        for file, text in zip(files, (ours, base, theirs), strict=True):
            file.write_bytes(text.encode())
        if _merge_plainly(files[1], files[0], files[2]):
            raise Refusal(f"{path} has conflicts besides its hooks.")
        return files[0].read_bytes().decode()


def _merge_plainly(base: Path, ours: Path, theirs: Path) -> int:
    """Merges as git does by itself, into `ours`; returns 1 where there are conflicts."""
    command = ["git", "merge-file", "-q", str(ours), str(base), str(theirs)]
    return 1 if subprocess.run(command, env=environment(), check=False).returncode else 0
