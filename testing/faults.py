"""`make test-tests`: plants the faults of testing/faults.toml, one by one, and looks whether the named tests fail.

An error while they are collected is no find.
`python -m testing.faults [word …]` plants those whose description has one of the words. It ends with 1 where a fault was not found,
or could not be planted.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
import time
import tomllib
from pathlib import Path
from typing import Any

from testing.answers import ROOT
from testing.memory import keep_temporary_files_in_memory
from testing.support import must, run

_LEFT_OUT = shutil.ignore_patterns(".venv*", "__pycache__", ".*_cache", "node_modules")


def faults() -> list[dict[str, Any]]:
    """Returns what testing/faults.toml has."""
    text = (ROOT / "testing" / "faults.toml").read_text(encoding="utf-8")
    found: list[dict[str, Any]] = tomllib.loads(text)["fault"]
    return found


def plant(fault: dict[str, Any], folder: Path) -> Path:
    """Copies this repository, with the environments by links, and plants a fault in the copy; returns that."""
    shutil.copytree(ROOT, folder, symlinks=True, ignore=_LEFT_OUT)
    for environment in ROOT.glob(".venv*"):
        (folder / environment.name).symlink_to(environment)
    path = folder / fault["file"]
    text = path.read_text(encoding="utf-8")
    assert text.count(fault["old"]) >= 1, f"{fault['file']} has no {fault['old']!r}"
    path.write_text(text.replace(fault["old"], fault["new"], 1), encoding="utf-8")
    if path.is_relative_to(folder / "template") or fault.get("files"):
        must(sys.executable, "-m", "scripts.template_files", cwd=folder)
    return folder


def main(words: list[str]) -> int:
    """Plants the faults; prints a line for each, and returns the exit status."""
    keep_temporary_files_in_memory()
    missed = 0
    chosen = [fault for fault in faults() if not words or any(word in fault["what"] for word in words)]
    for fault in chosen:
        begun = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            copy = plant(fault, Path(folder) / "template")
            done = run(
                sys.executable,
                *("-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-m", "not slow", *fault["tests"]),
                *("--numprocesses", str(os.cpu_count() or 1), "--dist", "worksteal"),
                cwd=copy,
            )
        found = re.search(r"^=* ?\d+ failed\b", done.stdout, re.MULTILINE) is not None
        missed += not found
        print(f"{'found' if found else 'MISSED'}  {time.monotonic() - begun:4.0f} s  {fault['what']}", flush=True)
        if not found:
            print("\n".join(done.stdout.splitlines()[-15:]), flush=True)
    print(f"{len(chosen) - missed} of {len(chosen)} faults were found.")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
