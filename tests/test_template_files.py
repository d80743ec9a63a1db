"""Whose each file is, and when it is rendered: what files.yml says, what packages are told, and what `make check` makes of it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from scripts import template_files
from testing.answers import ROOT, Answers, config
from testing.checks import in_fork
from testing.support import Tools, must, render, run

LAYOUTS = template_files.layouts()
WHOSE = {"yours": "yours", "template's": "template", "both": "shared", "Copier's": "template"}


@pytest.mark.parametrize("path", [*template_files.files()], ids=lambda path: str(path.relative_to(ROOT)))
def test_what_follows_is_current(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == template_files.files()[path], "run make files"


def test_copier_skips_what_is_the_authors() -> None:
    yours = [pattern for layout in LAYOUTS.values() for pattern in layout.yours]
    assert config()["_skip_if_exists"] == yours


@pytest.mark.parametrize("name", ["package", "fork"])
def test_every_pattern_names_a_file(name: str) -> None:
    layout = LAYOUTS[name]
    paths = [template_files.plain(template_files.path_of(source, name)) for source in template_files.sources(name)]
    when = [pattern for patterns in layout.when.values() for pattern in patterns]
    for pattern in (*layout.yours, *layout.shared, *layout.instead, *when):
        assert any(template_files.matches([pattern], path) for path in paths), pattern


@pytest.mark.parametrize(
    ("answers", "file"),
    [
        ({}, "AGENTS.md"),
        ({"ci": "gitlab", "include": ["cli"], "auth": "none"}, "AGENTS.md"),
        ({"ci": "none", "auth": "signed_jwt"}, "AGENTS.md"),
        ({"layout": "fork"}, "fork/acme_ai/README.md"),
        ({"layout": "fork", "ci": "gitlab", "include": [], "auth": "signed_jwt"}, "fork/acme_ai/README.md"),
        ({"layout": "fork", "ci": "none", "api_format": "custom"}, "fork/acme_ai/README.md"),
    ],
    ids=["default", "gitlab", "bare", "fork", "fork-gitlab", "fork-bare"],
)
def test_agents_file_says_the_same(answers: Answers, file: str, copier_template: Path, tmp_path: Path) -> None:
    folder = render(copier_template, tmp_path / "package", answers)
    listed = yaml.safe_load(in_fork(folder, ".template-files.yml").read_text(encoding="utf-8"))
    table = (folder / file).read_text(encoding="utf-8").partition("## Whose file is it?")[2].partition("## Commands")[0]
    said: dict[str, str] = {}
    for files, whose in re.findall(r"^\| (.+?) \| (yours|template's|both|Copier's) \|", table, re.MULTILINE):
        for name in re.findall(r"`([^`]+)`", files):
            said[name] = WHOSE[whose]
    for owner in ("template", "shared", "yours"):
        for path in listed[owner]:
            folders = [f"{parent.as_posix()}/" for parent in Path(path).parents if parent != Path()]
            named = [name for name in (path, *folders) if name in said]
            assert named, f"{path} is in no row of {file}"
            assert said[named[0]] == owner, path


@pytest.fixture
def package(copier_template: Path, tmp_path: Path) -> Path:
    folder = render(copier_template, tmp_path / "package", {})
    must("git", "init", "--quiet", cwd=folder)
    return folder


def check(package: Path, tools: Tools, *allowed: str) -> subprocess.CompletedProcess[str]:
    """Runs what `make check` runs first."""
    return run(tools.python, "-m", "tests.conformance.template_files", *allowed, cwd=package)


def test_nothing_edited(package: Path, tools: Tools) -> None:
    done = check(package, tools)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("Makefile", "put your targets and variables into local.mk"),
        ("Dockerfile", "compose.override.yaml"),
        (".github/workflows/ci.yml", "add a workflow file of your own beside it"),
        ("src/litellm_acme_ai/auth/api_key.py", "an authenticator of your own"),
        ("src/litellm_acme_ai/provider.py", "change a method of ChatConfig in transformation.py"),
        ("tests/conformance/test_chat.py", "tests/unsupported.toml"),
        ("AGENTS.md", 'see "Change something that a template file does"'),
    ],
)
def test_edited_template_file(path: str, words: str, package: Path, tools: Tools) -> None:
    with (package / path).open("a", encoding="utf-8") as file:
        file.write("\n# mine\n")
    done = check(package, tools)
    assert done.returncode == 1
    (line,) = done.stdout.splitlines()
    assert line.startswith(f"{path} is the template's and was edited")
    assert words in line
    assert check(package, tools, "--allow", path).returncode == 0


def test_files_that_may_change(package: Path, tools: Tools) -> None:
    for path in (
        "README.md",
        "src/litellm_acme_ai/transformation.py",
        "pyproject.toml",
        ".gitignore",
        "own.py",
    ):
        with (package / path).open("a", encoding="utf-8") as file:
            file.write("\n# mine\n")
    (package / "AGENTS.md").unlink()
    makefile = package / "Makefile"
    makefile.write_bytes(makefile.read_bytes().replace(b"\n", b"\r\n"))
    done = check(package, tools)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("with_git", [True, False])
def test_half_resolved_update(with_git: bool, package: Path, tools: Tools) -> None:
    (package / "README.md").write_text("a\n<<<<<<< yours\nb\n", encoding="utf-8")
    (package / "docs" / "index.md.rej").write_text("@@\n", encoding="utf-8")
    if not with_git:
        must("rm", "-rf", ".git", cwd=package)
    done = check(package, tools, *([] if with_git else ["--allow"]))
    assert done.returncode == 1
    assert "README.md has the marks of a conflict" in done.stdout
    assert "docs/index.md.rej is a change that an update could not make" in done.stdout


def test_allowed_file_that_is_none(package: Path, tools: Tools) -> None:
    done = check(package, tools, "--allow", "README.md")
    assert done.returncode == 1
    assert "README.md is no file of the template" in done.stdout


def test_list_that_is_gone(package: Path, tools: Tools) -> None:
    (package / ".template-files.yml").unlink()
    done = check(package, tools)
    assert done.returncode == 1
    assert done.stdout.startswith(".template-files.yml is missing: take it back from the last commit")
    assert "Traceback" not in done.stdout
