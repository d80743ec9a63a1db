"""A program that begins where its imports are done has what it would have had otherwise, and ends as it would."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from testing import warm
from testing.support import no_file_above

PROGRAM = """
import atexit, json, os, sys, tempfile
atexit.register(lambda: print("bye", flush=True))
print(os.getcwd(), sys.argv, sys.path[:2], tempfile.gettempdir(), dict(os.environ), __name__, sys.stdin.read())
print("an error", file=sys.stderr, flush=True)
sys.exit(len(sys.argv))
"""


def both(folder: Path, *program: str, **env: str) -> tuple[subprocess.CompletedProcess[str], ...]:
    """Runs a program warm, and cold."""
    warmly = warm.run(program, starter=(sys.executable,), imported=("json",), cwd=folder, env=env)
    coldly = subprocess.run(
        [sys.executable, *program],
        cwd=folder,
        env=env,
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    return warmly, coldly


@pytest.mark.parametrize("how", ["module", "text", "text with a limit", "text of a careful interpreter"])
def test_it_is_the_same_program(how: str, tmp_path: Path) -> None:
    (tmp_path / "called.py").write_text(PROGRAM, encoding="utf-8")
    env = {"PYTHONPATH": "/nowhere", "TMPDIR": str(tmp_path), "LC_CTYPE": "C.UTF-8", "OWN": how}
    if how == "text of a careful interpreter":
        env["PYTHONWARNINGS"] = "error"
    program = ("-m", "called", "one", "two") if how == "module" else ("-c", PROGRAM, "one")
    if how == "text with a limit":
        with no_file_above(100_000):
            warmly, coldly = both(tmp_path, *program, **env)
    else:
        warmly, coldly = both(tmp_path, *program, **env)
    assert sorted(warmly.stdout.splitlines()) == sorted(coldly.stdout.splitlines())
    assert warmly.returncode == coldly.returncode == len(program) - 1


def test_what_it_takes_is_counted(tmp_path: Path) -> None:
    before = warm.spent()
    both(tmp_path, "-c", "import time\nwhile time.process_time() < 0.3:\n    pass")
    assert warm.spent() - before > 0.25


def test_it_may_die(tmp_path: Path) -> None:
    warmly, coldly = both(tmp_path, "-c", "import os; os.kill(os.getpid(), 9)")
    assert warmly.returncode == coldly.returncode == -9
    warmly, coldly = both(tmp_path, "-c", "raise ValueError('so')")
    assert warmly.returncode == coldly.returncode == 1
    assert warmly.stdout.splitlines()[-1] == coldly.stdout.splitlines()[-1] == "ValueError: so"
