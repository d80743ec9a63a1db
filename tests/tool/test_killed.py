"""An update that is killed at any moment leaves the old files or the new ones, never some of each."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from testing.answers import ROOT
from testing.support import environment, must, wait_for_index
from testing.tool import COMMAND, edit, tree


def start(folder: Path) -> subprocess.Popen[str]:
    """Starts an update as the leader of a group of processes."""
    return subprocess.Popen(
        [*COMMAND, "update", "--defaults"],
        cwd=folder,
        env=environment(PYTHONPATH=str(ROOT), PYTHONUNBUFFERED="1"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def back(folder: Path) -> None:
    """Takes everything back."""
    must("git", "reset", "--quiet", "--hard", cwd=folder)
    must("git", "clean", "--quiet", "-ffd", cwd=folder)


@pytest.mark.parametrize("kills", [6, pytest.param(50, marks=pytest.mark.slow)])
def test_killed_at_random_moments(kills: int, package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # What a killed process leaves in the folder for temporary files is swept by whoever sweeps that.
    litter = tmp_path / "litter"
    litter.mkdir()
    monkeypatch.setenv("TMPDIR", str(litter))
    edit(package, "tests/demo.py", "def say(", "# mine\ndef say(")
    old = tree(package, tmp_path / "index")
    started = time.perf_counter()
    process = start(package)
    said, _ = process.communicate()
    whole = time.perf_counter() - started
    assert process.returncode == 0, said
    new = tree(package, tmp_path / "index")
    assert new != old
    back(package)

    seed = int(os.environ.get("KILL_SEED") or time.time_ns() % 100_000)
    moments = random.Random(seed)  # noqa: S311
    for kill in range(kills):
        # Every second one towards the end, where the files are replaced.
        after = moments.uniform(0, whole) if kill % 2 else moments.uniform(0.8 * whole, 1.05 * whole)
        process = start(package)
        time.sleep(after)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        wait_for_index(package)
        left = tree(package, tmp_path / "index")
        assert left in (old, new), f"KILL_SEED={seed}, kill {kill} after {after:.3f} s"
        # The index goes with the files: what git calls changed is all of it or nothing.
        staged = must("git", "write-tree", cwd=package).strip()
        assert staged == left, f"KILL_SEED={seed}, kill {kill} after {after:.3f} s"
        back(package)
    assert tree(package, tmp_path / "index") == old
