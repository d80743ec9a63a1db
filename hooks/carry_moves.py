"""Migration: carries an author's edits along where a file of the template has moved.

`copier update` deletes a file that the new version does not have at its place, edits and all. This runs after that, in
the package's folder: what was committed at the old path, what the old version rendered there, and the new file are
merged with `git merge-file`. It runs in Copier's environment, where provider_template is not installed, so it reads
moves.yml by itself (provider_template/moves.py does for our own command). It changes nothing where nothing was edited, and a second run changes nothing more.

Copier gives the versions in the environment: VERSION_PEP440_FROM, _TO and _CURRENT (the migration's), VERSION_FROM.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml
from packaging.version import Version

MOVES = Path(__file__).with_name("moves.yml")

Moves = Mapping[str, str | None]
"""Each old path with its new one, or None where the file is gone."""


def moves_between(
    listed: Mapping[str, Moves], old: Version, new: Version, answers: Mapping[str, Any]
) -> dict[str, str | None]:
    """Returns the moves on the way from one version to another; what moved twice goes all the way.

    Args:
        listed: what moves.yml says.
        old: the version before.
        new: the version after.
        answers: the package's, for names such as `{{ module_name }}` in paths.
    """
    found: dict[str, str | None] = {}
    for version, paths in listed.items():
        if not old < Version(version) <= new:
            continue
        for source, target in paths.items():
            first = next((path for path, where in found.items() if where == source), source)
            found[first] = target
    return {_named(source, answers): target and _named(target, answers) for source, target in found.items()}


def _named(path: str, answers: Mapping[str, Any]) -> str:
    return re.sub(r"\{\{ *(\w+) *\}\}", lambda name: str(answers.get(name[1], name[0])), path)


def carry(folder: Path, moves: Moves, rendered: Callable[[str], bytes | None]) -> list[str]:
    """Carries edits along.

    Args:
        folder: the package, just updated and not committed.
        moves: its files that have moved.
        rendered: returns what the old version rendered at a path, or None.

    Returns:
        A sentence for each file that has to be looked at.
    """
    notes: list[str] = []
    for source, target in moves.items():
        mine = _git(folder, "show", f"HEAD:./{source}")
        if mine is None:
            continue
        base = rendered(source)
        if base is None or base == mine:
            continue
        if target is None or not (folder / target).is_file():
            (folder / source).parent.mkdir(parents=True, exist_ok=True)
            (folder / source).write_bytes(mine)
            notes.append(f"{source} is no longer rendered; your edited copy of it was kept.")
        elif _merge(folder / target, base, mine):
            notes.append(f"{target} has conflicts between your edits of {source} and the new version: resolve them.")
        else:
            notes.append(f"{target} has your edits of {source} now.")
    return notes


def _merge(target: Path, base: bytes, mine: bytes) -> bool:
    """Merges into the new file and returns whether there are conflicts."""
    with tempfile.TemporaryDirectory() as folder:
        sides = {"mine": mine, "base": base, "new": target.read_bytes()}
        for name, content in sides.items():
            (Path(folder) / name).write_bytes(content)
        labels = ("-L", "before updating", "-L", "last update", "-L", "after updating")
        command = ["git", "merge-file", "--stdout", *labels, *sides]
        done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, check=False)
        # The exit status is the number of conflicts; from 128 on it is an error.
        if done.returncode >= 128:
            raise RuntimeError(f"git merge-file ended with {done.returncode} for {target}")
        target.write_bytes(done.stdout)
        return done.returncode > 0


def _git(folder: Path, *arguments: str) -> bytes | None:
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, check=False)
    return done.stdout if done.returncode == 0 else None


def _answers(folder: Path, name: str) -> dict[str, Any]:
    """Returns the answers of the version before: they are in the last commit."""
    found: dict[str, Any] = yaml.safe_load(_git(folder, "show", f"HEAD:./{name}") or b"{}")
    return found


def old_render(
    folder: Path, ref: str, scratch: Path, name: str = ".copier-answers.yml"
) -> Callable[[str], bytes | None]:
    """Returns a function that looks into a render of the version before, which is made when it is first asked.

    Args:
        folder: the package; its last commit has the answers of that version.
        ref: the version.
        scratch: an empty folder to render into.
        name: where it has its answers.
    """

    def rendered(path: str) -> bytes | None:
        if not any(scratch.iterdir()):
            from copier import run_copy

            answers = _answers(folder, name)
            with warnings.catch_warnings(action="ignore"):
                run_copy(
                    answers["_src_path"],
                    scratch,
                    data={name: value for name, value in answers.items() if not name.startswith("_")},
                    vcs_ref=ref,
                    defaults=True,
                    overwrite=True,
                    quiet=True,
                    skip_tasks=True,
                )
        return (scratch / path).read_bytes() if (scratch / path).is_file() else None

    return rendered


def main(arguments: list[str]) -> int:
    """Runs the migration in the current folder, with Copier's variables; returns the exit status.

    Args:
        arguments: the path of the answers file.
    """
    name = (*arguments, ".copier-answers.yml")[0]
    old, new = (Version(os.environ[f"VERSION_PEP440_{end}"]) for end in ("FROM", "TO"))
    listed = yaml.safe_load(MOVES.read_text(encoding="utf-8"))
    last = max((Version(version) for version in listed if old < Version(version) <= new), default=None)
    if last is None or Version(os.environ["VERSION_PEP440_CURRENT"]) != last:
        return 0  # each version with moves has its migration, and the last one that is crossed carries all
    try:
        # In a fork, a provider's folder is no answer of its own; the answers are in it.
        names = _answers(Path.cwd(), name) | {"folder": Path(name).parent.name}
        moves = moves_between(listed, old, new, names)
        with tempfile.TemporaryDirectory() as scratch:
            notes = carry(Path.cwd(), moves, old_render(Path.cwd(), os.environ["VERSION_FROM"], Path(scratch), name))
    except Exception as error:
        # Copier has replaced files by now, so whatever went wrong, the way back has to be said.
        words = " ".join(str(error).split()) or type(error).__name__
        sys.stderr.write(
            f"The edits of files that have moved could not be carried along: {words}. "
            "Go back with `git reset --hard && git clean -fd`, mend that, and update again.\n"
        )
        return 1
    for note in notes:
        sys.stderr.write(f"{note}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
