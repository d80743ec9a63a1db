"""questions/taken.jinja is what scripts/taken_names.py makes of the LiteLLM of the lock."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from testing.answers import ROOT
from testing.support import must, run

CURRENT = ROOT / "questions" / "taken.jinja"


@pytest.fixture(scope="module")
def litellm_python() -> Path:
    """Gives the interpreter of the environment that has the LiteLLM of the lock."""
    must("make", ".venv-litellm/installed", cwd=ROOT)
    return ROOT / ".venv-litellm" / "bin" / "python"


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """Puts the script into a repository of its own, without the file that it writes."""
    (tmp_path / "scripts").mkdir()
    (tmp_path / "questions").mkdir()
    return Path(shutil.copy(ROOT / "scripts" / "taken_names.py", tmp_path / "scripts"))


def call(python: Path, script: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs the script."""
    return run(python, script, *arguments, cwd=script.parent)


def test_the_file_is_current(litellm_python: Path, script: Path) -> None:
    written = script.parent.parent / "questions" / "taken.jinja"
    missing = call(litellm_python, script, "--check")
    assert missing.returncode == 1
    assert "make taken-names" in missing.stdout

    assert call(litellm_python, script).returncode == 0
    assert written.read_bytes() == CURRENT.read_bytes(), "run `make taken-names`"
    assert call(litellm_python, script, "--check").returncode == 0

    written.write_text(written.read_text(encoding="utf-8") + "new\n", encoding="utf-8")
    assert call(litellm_python, script, "--check").returncode == 1


def test_the_names_are_sorted_without_doubles() -> None:
    lists = re.findall(r"set (\w+) -%\}\n(.*?)\n\{%- endset", CURRENT.read_text(encoding="utf-8"), re.DOTALL)
    assert [name for name, _ in lists] == ["taken_providers", "taken_models", "taken_folders"]
    for name, text in lists:
        names = text.split()
        assert names == sorted(set(names)), name
