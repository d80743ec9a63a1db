"""The wheels of three versions of LiteLLM, each installed into a clean environment and called."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

from testing.answers import Answer
from testing.fork_history import tool
from testing.support import UV, must, render

ANSWERS: dict[str, Answer] = {
    "layout": "fork",
    "provider_name": "Rat & Tat 3",
    "auth": "oauth_client_credentials",
    "api_format": "custom",
}


@pytest.mark.slow
# Of 1.103 and 1.104 some have an extra `proxy` that nothing satisfies.
@pytest.mark.parametrize("version", ["1.106.2", "1.103.5", "1.100.0"])
def test_installed_into_a_clean_environment(version: str, copier_template: Path, tmp_path: Path) -> None:
    rendered = render(copier_template, tmp_path / "rendered", ANSWERS)
    made = json.loads(tool(rendered, "wheel", "--litellm", version, "--json"))
    wheel = rendered / made["path"]
    assert made["version"] == f"{version}+rat.tat.3.1"

    python = tmp_path / "venv" / "bin" / "python"
    must(UV, "venv", "--quiet", "--python", sys.executable, tmp_path / "venv", cwd=tmp_path)
    must(UV, "pip", "install", "--quiet", "--python", python, f"{wheel}[proxy]", cwd=tmp_path)
    must(UV, "pip", "check", "--python", python, cwd=tmp_path)
    assert made["version"] in must(UV, "pip", "show", "--python", python, "litellm", cwd=tmp_path)

    # The provider's tests alone, so that LiteLLM is the installed one.
    tests = shutil.copytree(rendered / "tests", tmp_path / "elsewhere" / "tests")
    probes = "tests.test_litellm.llms.rat_tat_3.conformance.probes"
    printed = must(python, "-m", probes, cwd=tests.parent)
    assert "ok another_map" in printed
    assert "ok proxy" in printed
    assert "failed" not in printed
