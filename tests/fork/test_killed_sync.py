"""A sync that is killed at any moment loses nothing: the fork is at the old commit or at the new one."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from testing.answers import ROOT
from testing.forks import Fork, Upstream
from testing.support import environment, wait_for_index

COMMAND = (sys.executable, "-m", "fork_tool", "sync", "--no-probes", "--fast-forward")


@pytest.mark.parametrize("strategy", ["merge", "rebase"])
@pytest.mark.parametrize("kills", [6, pytest.param(50, marks=pytest.mark.slow)])
def test_killed_at_random_moments(
    strategy: str, kills: int, upstream: Upstream, fork: Fork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What a killed process leaves in the folder for temporary files is swept by whoever sweeps that.
    litter = tmp_path / "litter"
    litter.mkdir()
    monkeypatch.setenv("TMPDIR", str(litter))
    many = {f"litellm/part{number}.py": f"number = {number}\n" for number in range(200)}
    upstream.release("v1.1.0", many)
    old = fork.git("rev-parse", "HEAD")
    command = (*COMMAND, "--strategy", strategy)

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command,
            cwd=fork.folder,
            env=environment(PYTHONPATH=str(ROOT)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def back() -> None:
        fork.git("reset", "--quiet", "--hard", old)
        fork.git("branch", "--quiet", "-D", "sync/v1.1.0", "backup/main-before-v1.1.0")

    started = time.perf_counter()
    assert start().wait() == 0
    whole = time.perf_counter() - started
    new = fork.git("rev-parse", "HEAD^{tree}")
    back()

    seed = int(os.environ.get("KILL_SEED") or time.time_ns() % 100_000)
    moments = random.Random(seed)  # noqa: S311
    for kill in range(kills):
        # Every second one towards the end, where branches and files change.
        after = moments.uniform(0, whole) if kill % 2 else moments.uniform(0.7 * whole, 1.05 * whole)
        process = start()
        time.sleep(after)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        wait_for_index(fork.folder)
        what = f"KILL_SEED={seed}, kill {kill} after {after:.3f} s"
        assert fork.git("status", "--porcelain") == "", what
        branches = fork.git("for-each-ref", "--format=%(refname:short)", "refs/heads/sync", "refs/heads/backup")
        assert branches in ("", "backup/main-before-v1.1.0\nsync/v1.1.0"), what
        assert fork.git("rev-parse", "HEAD") == old or fork.git("rev-parse", "HEAD^{tree}") == new, what
        # And the next one goes through.
        done = fork.run("sync", "--no-probes", "--fast-forward", "--strategy", strategy)
        assert done.returncode == 0, f"{what}: {done.stdout}"
        assert fork.git("rev-parse", "HEAD^{tree}") == new, what
        back()
