"""The rule of the rendered suite: what a provider cannot do is declared, and nothing else is skipped."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from testing.support import Tools, render, run


@pytest.fixture
def package(copier_template: Path, tmp_path: Path) -> Path:
    """A provider with the default answers."""
    return render(copier_template, tmp_path / "package", {})


def suite(package: Path, tools: Tools, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs a part of the rendered suite, the package taken from its source folder."""
    more = {"PYTHONPATH": str(package / "src"), "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    return run(tools.python, "-m", "pytest", "-q", "tests/conformance/test_chat.py", *arguments, cwd=package, **more)


def test_declared_feature_is_left_out_and_reported(package: Path, tools: Tools) -> None:
    (package / "tests" / "unsupported.toml").write_text('tools = "the API has none"\n', encoding="utf-8")
    done = suite(package, tools, "-k", "test_tool_call or test_answer")
    assert done.returncode == 0, done.stdout
    assert "tools: not supported: the API has none" in done.stdout
    assert "2 skipped" in done.stdout


def test_silent_skip_fails(package: Path, tools: Tools) -> None:
    test = package / "tests" / "conformance" / "test_chat.py"
    text = test.read_text(encoding="utf-8")
    first = "def test_answer(mode: Mode, upstream: Upstream, model: str) -> None:\n"
    test.write_text(text.replace(first, f'{first}    pytest.skip("not today")\n'), encoding="utf-8")
    done = suite(package, tools, "-k", "test_answer and sync and not json and not none")
    assert done.returncode == 1, done.stdout
    assert "declare the feature in tests/unsupported.toml" in done.stdout


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ('tolls = "the API has none"', "names ['tolls'], which are not among"),
        ('tools = ""', "gives no reason for tools"),
        ("tools = true", "gives no reason for tools"),
    ],
)
def test_wrong_declaration_is_refused(line: str, sentence: str, package: Path, tools: Tools) -> None:
    (package / "tests" / "unsupported.toml").write_text(f"{line}\n", encoding="utf-8")
    done = suite(package, tools, "--collect-only")
    assert done.returncode == 4, done.stdout
    assert sentence in done.stdout
