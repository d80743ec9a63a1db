"""The rendered package's own checks and tests, run in the render.

The small sample proves each content once: the default package is checked and tested as its owner would, in an environment of
its own; the others are tested in the tools' environment, without what an earlier row has shown. `make test-matrix` does the
whole with every row.
"""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from zipfile import ZipFile

import pytest

from testing import warm
from testing.answers import ROOT, Row, choices, covering_rows, questions, row_id, sample_rows, to_answers
from testing.auth_parts import TESTS, parts_of
from testing.support import UV, Tools, as_installed, commit_all, environment, locked, must, render, run

# What streams, errors and parameters do follows from the format alone.
OF_THE_FORMAT = frozenset(
    {
        "caller",
        "chat",
        "clients",
        "errors",
        "litellm_gaps",
        "litellm_params",
        "openai_format",
        "own_provider",
        "params",
        "parsers",
        "proxy",
        "redaction",
        "registration",
        "sdk_format",
        "sse",
        "streams",
        "usual_requests",
    }
)

MKDOCS = ("mkdocs.commands.build", "material.plugins.search.plugin", "mkdocstrings", "mkdocstrings_handlers.python")


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


def shown_before(row: Row) -> set[str]:
    """Returns the tests, as paths below conformance/, that an earlier row of the sample has in the same form."""
    earlier = [to_answers(other) for other in sample_rows()[: sample_rows().index(row)]]
    found: set[str] = set()
    if to_answers(row)["api_format"] in {answers["api_format"] for answers in earlier}:
        found |= {f"test_{name}.py" for name in OF_THE_FORMAT}
        if to_answers(row)["api_format"] == "sdk" and not any(
            to_answers(row).get("sdk_kind") == answers.get("sdk_kind") for answers in earlier
        ):
            found -= {"test_chat.py", "test_streams.py"}  # by a program what was by an SDK, or the other way round
    shown = set().union(*map(parts_of, earlier))
    for part in shown & TESTS.keys():
        found |= {f"auth/test_{name}.py" for name in TESTS[part]}
    parts = parts_of(to_answers(row))
    if earlier and parts <= shown:
        # Many calls at once take the same ways through the same parts; `make test-auth` makes them with every kind.
        found.add("auth/test_concurrency.py")
    if parts in [parts_of(answers) for answers in earlier if answers["auth"] != "none"]:
        # The same failures of a token endpoint meet the same code; `make test-matrix` has them with every kind.
        found.add("auth/test_oauth_calls.py")
    return found


@contextmanager
def environment_of_packages() -> Iterator[Path]:
    """Gives, one at a time, the environment that uv makes for a package and brings in line with each.

    It is kept, so that LiteLLM is installed and compiled once.
    """
    with locked("package") as folder:
        yield folder / "venv"


@pytest.mark.parametrize("row", [pytest.param(row, id=row_id(row)) for row in sample_rows()[1:]])
def test_suite_passes(row: Row, copier_template: Path, tools: Tools, tmp_path: Path) -> None:
    folder = render(copier_template, tmp_path / "package", to_answers(row))
    ignored = [f"--ignore=tests/conformance/{path}" for path in sorted(shown_before(row))]
    done = tools.with_litellm(
        folder,
        *("-m", "pytest", "-q", "-p", "no:cacheprovider", *ignored),
        path=(folder / "src", as_installed(folder)),
    )
    assert done.returncode == 0, done.stdout
    assert re.search(r"^\d+ passed\b", done.stdout, re.MULTILINE), done.stdout


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(row, id=row_id(row), marks=() if n == 0 else pytest.mark.slow)
        for n, row in enumerate(covering_rows())
    ],
)
def test_make_check_and_test_pass(row: Row, copier_template: Path, tools: Tools, tmp_path: Path) -> None:
    answers = to_answers(row)
    wanted = str(answers["python_min"])
    if version_of(wanted) > version_of(newest_python()):
        # tests/test_renders.py still checks the row itself, types for that version included.
        warnings.warn(f"no Python {wanted} here: {row_id(row)} ran with {newest_python()}", stacklevel=1)
        answers["python_min"] = newest_python()
    folder = render(copier_template, tmp_path / "package", answers)
    commit_all(folder)
    # One process: other tests run beside this one.
    cache = str(tools.cache_for(folder))
    with environment_of_packages() as venv:
        more = {"MYPY_CACHE_DIR": cache, "UV_PROJECT_ENVIRONMENT": str(venv)}
        printed = must("make", "check", "test", f"UV={UV}", "JOBS=0", cwd=folder, **more)
    assert re.search(r"^=+ .*\b\d+ passed\b.* in .*=+$|^\d+ passed\b.* in ", printed, re.MULTILINE), printed
    untracked = run("git", "status", "--porcelain", cwd=folder).stdout.splitlines()
    assert untracked in ([], ["?? uv.lock"]), "make leaves nothing behind but the lock"


def test_make_docs_build_and_demo_pass(copier_template: Path, tmp_path: Path) -> None:
    folder = render(copier_template, tmp_path / "package", {})
    with environment_of_packages() as venv:
        printed = must("make", "docs", "build", "demo", f"UV={UV}", cwd=folder, UV_PROJECT_ENVIRONMENT=str(venv))
        # The pages of the other kinds.
        for auth in choices(questions()["auth"])[1:]:
            other = render(copier_template, tmp_path / auth, {"auth": auth, "include": ["docs"]})
            done = warm.run(
                ("-m", "mkdocs", "build", "--strict"),
                starter=(str(venv / "bin" / "python"),),
                imported=MKDOCS,
                cwd=other,
                env=environment(NO_MKDOCS_2_WARNING="1"),
            )
            assert done.returncode == 0, f"{auth}: {done.stdout}"
            assert (other / "site" / "index.html").is_file()
    assert (folder / "site" / "index.html").is_file()
    built = {path.suffix: path for path in (folder / "dist").iterdir() if path.name != ".gitignore"}
    assert built.keys() == {".gz", ".whl"}
    with ZipFile(built[".whl"]) as wheel:
        there = {name for name in wheel.namelist() if not Path(name).parts[0].endswith(".dist-info")}
    source = folder / "src"
    assert there == {
        path.relative_to(source).as_posix() for path in source.rglob("*") if path.suffix != ".pyc" and path.is_file()
    }
    assert "tool" in printed.lower()
