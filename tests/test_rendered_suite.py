"""The rendered package's own checks and tests, run in the render as its owner would run them."""

from __future__ import annotations

import re
import sys
import warnings
from functools import cache
from pathlib import Path

import pytest

from tests.answers import ROOT, Row, covering_rows, questions, row_id, sample_rows, to_answers
from tests.support import UV, commit_all, must, render, run
from tests.test_auth_files import DEPENDENCIES, parts_of

# tests/test_renders.py has the formatter, lint and types of every row. `make check` has them in the package's own
# environment, so the sample needs it for these kinds only: together they have every dependency.
CHECKED_HERE = ("api_key", "token_file", "oauth_device_code")


@cache
def newest_python() -> str:
    """Returns the highest choice of `python_min` that uv can find on this machine without a download."""
    offered = [str(version) for version in questions()["python_min"]["choices"]]
    for version in reversed(offered):
        found = run(UV, "python", "find", "--no-project", "--no-python-downloads", f">={version}", cwd=ROOT)
        if found.returncode == 0:
            return version
    raise AssertionError(f"none of {offered} is here, and yet {sys.version} runs this")


def version_of(text: str) -> tuple[int, ...]:
    """Returns a version as numbers."""
    return tuple(int(part) for part in text.split("."))


# What streams, errors and parameters do follows from the format alone, so it is tried once for each in the sample.
OF_THE_FORMAT = (
    "caller",
    "clients",
    "errors",
    "litellm_gaps",
    "openai_format",
    "params",
    "proxy",
    "redaction",
    "sse",
    "streams",
)


def rows() -> list[object]:
    """Returns the covering rows, and whether to run the whole suite; what the small sample does without is slow."""
    formats: set[object] = set()
    found: list[object] = []
    for row in covering_rows():
        in_sample, api_format = row in sample_rows(), to_answers(row)["api_format"]
        if in_sample and api_format in formats:
            found.append(pytest.param(row, False, id=f"{row_id(row)}-auth"))
        slow = () if in_sample and api_format not in formats else (pytest.mark.slow,)
        found.append(pytest.param(row, True, id=row_id(row), marks=slow))
        formats.add(api_format)
    return found


@pytest.mark.parametrize(("row", "whole"), rows())
def test_make_test_passes(row: Row, whole: bool, copier_template: Path, tmp_path: Path) -> None:
    answers = to_answers(row)
    wanted = str(answers["python_min"])
    if version_of(wanted) > version_of(newest_python()):
        # tests/test_renders.py still checks the row itself, types for that version included.
        warnings.warn(f"no Python {wanted} here: {row_id(row)} ran with {newest_python()}", stacklevel=1)
        answers["python_min"] = newest_python()
    folder = render(copier_template, tmp_path / "package", answers)
    commit_all(folder)

    targets = ["test"] if row in sample_rows() and answers["auth"] not in CHECKED_HERE else ["check", "test"]
    left_out = () if whole else OF_THE_FORMAT
    ignored = " ".join(f"--ignore=tests/conformance/test_{name}.py" for name in left_out)
    # One process: the rows themselves run side by side.
    printed = must("make", *targets, f"UV={UV}", "JOBS=0", cwd=folder, PYTEST_ADDOPTS=ignored)

    assert re.search(r"^=+ .*\b\d+ passed\b.* in .*=+$|^\d+ passed\b.* in ", printed, re.MULTILINE), printed
    untracked = run("git", "status", "--porcelain", cwd=folder).stdout.splitlines()
    assert untracked in ([], ["?? uv.lock"]), "make leaves nothing behind but the lock"


def test_the_sample_checks_every_dependency() -> None:
    rows = [to_answers(row) for row in sample_rows()]
    parts = [parts_of(answers) for answers in rows if answers["auth"] in CHECKED_HERE]
    assert set().union(*parts) >= set(DEPENDENCIES)


def test_make_docs_passes(copier_template: Path, tmp_path: Path) -> None:
    row = next(row for row in sample_rows()[1:] if "docs" in to_answers(row)["include"])
    answers = {**to_answers(row), "python_min": str(questions()["python_min"]["default"])}
    folder = render(copier_template, tmp_path / "package", answers)
    must("make", "docs", f"UV={UV}", cwd=folder)
    assert (folder / "site" / "index.html").is_file()


def test_make_build_passes(copier_template: Path, tmp_path: Path) -> None:
    folder = render(copier_template, tmp_path / "package", {})
    must("make", "build", f"UV={UV}", cwd=folder)
    assert {path.suffix for path in (folder / "dist").iterdir() if path.name != ".gitignore"} == {
        ".gz",
        ".whl",
    }


def test_make_demo_passes(copier_template: Path, tmp_path: Path) -> None:
    folder = render(copier_template, tmp_path / "package", {})
    printed = must("make", "demo", f"UV={UV}", cwd=folder)
    assert "tool" in printed.lower()
