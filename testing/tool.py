"""Running the command, and looking at what it leaves."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from testing.answers import ROOT
from testing.support import QUICK, must, run_quick
from testing.upgrades import commit

PACKAGE = Path("template") / "package"
COMMAND = (*QUICK, "provider_template")


def tool(folder: Path, *arguments: str | Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Runs `provider-template` in a folder, without a terminal."""
    return run_quick("provider_template", *arguments, cwd=folder, **more)


def plan_of(folder: Path, *arguments: str) -> dict[str, Any]:
    """Returns what `preview --json` says."""
    done = tool(folder, "preview", "--json", *arguments)
    assert done.returncode in (0, 3), done.stdout
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def updated(folder: Path, *arguments: str) -> str:
    """Updates a package that has to merge, commits it, and returns what was printed."""
    done = tool(folder, "update", "--defaults", *arguments)
    assert done.returncode == 0, done.stdout
    commit(folder, "Update")
    return done.stdout


def edit(folder: Path, path: str, old: str, new: str) -> None:
    """Replaces a text in a file and commits that."""
    text = (folder / path).read_text(encoding="utf-8")
    assert old in text, f"{old!r} is not in {path}"
    (folder / path).write_text(text.replace(old, new, 1), encoding="utf-8")
    commit(folder, f"Edit {path}")


def state(folder: Path) -> tuple[str, ...]:
    """Returns all that a command could have changed: files, index, refs and stashes."""
    return (
        must("git", "status", "--porcelain", "--ignored", cwd=folder),
        must("git", "ls-files", "--stage", cwd=folder),
        must("git", "for-each-ref", cwd=folder),
        must("git", "rev-parse", "HEAD", cwd=folder),
        must("git", "count-objects", cwd=folder).split(",")[0],
    )


def tree(folder: Path, index: Path) -> str:
    """Returns the id of the tree that the files in a work tree make, whatever is in its index."""
    more = {"GIT_INDEX_FILE": str(index)}
    must("git", "read-tree", "HEAD", cwd=folder, **more)
    must("git", "add", "--all", cwd=folder, **more)
    return must("git", "write-tree", cwd=folder, **more).strip()


def release(fork: Path, version: str, change: Callable[[], object]) -> None:
    """Makes a newer version of a template, with what follows from the owners, as `make files` does there."""
    change()
    shutil.copytree(ROOT / "scripts", fork / "scripts", dirs_exist_ok=True)
    must(sys.executable, "-m", "scripts.template_files", cwd=fork)
    commit(fork, version)
    must("git", "tag", version, cwd=fork)


def write(path: Path, text: str) -> None:
    """Writes a file and its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
