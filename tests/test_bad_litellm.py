"""Versions of LiteLLM that must not run: one list, and what goes by it."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from testing.answers import ROOT
from testing.support import render

BAD: dict[str, str] = tomllib.loads((ROOT / "template" / "bad_litellm.toml").read_text())["versions"]
LOCK = 'version = 1\n\n[[package]]\nname = "{}"\nversion = "{}"\n'


@pytest.fixture(scope="module")
def package(copier_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return render(copier_template, tmp_path_factory.mktemp("bad") / "package", {})


def test_a_package_excludes_each(package: Path) -> None:
    project: dict[str, Any] = tomllib.loads((package / "pyproject.toml").read_text())["project"]
    (wanted,) = [one for one in project["dependencies"] if one.startswith("litellm>")]
    assert wanted == ",".join(["litellm>=1.100.0", *(f"!={version}" for version in BAD)])


@pytest.mark.parametrize("version", BAD)
def test_none_is_the_lowest(version: str, copier_template: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=f"LiteLLM {version} must not run"):
        render(copier_template, tmp_path / "package", {"litellm_min": version})


def look(package: Path, lock: str | None) -> tuple[int, str]:
    """Runs the first step of `make check`, as the Makefile does but for uv."""
    path = package / "uv.lock"
    path.unlink(missing_ok=True)
    if lock is not None:
        path.write_text(lock)
    script = "tests/conformance/locked_litellm.py"
    assert f"python -I -S {script}'" in (package / "Makefile").read_text()
    command = [sys.executable, "-I", "-S", script]
    done = subprocess.run(command, cwd=package, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


@pytest.mark.parametrize("version", [*BAD, *(f"{version}+acme.1" for version in BAD)])
@pytest.mark.parametrize("name", ["litellm", "litellm-proxy"])
def test_a_lock_that_has_one(name: str, version: str, package: Path) -> None:
    status, said = look(package, LOCK.format(name, version))
    assert status == 1
    assert said.startswith(f"uv.lock has {name} {version.partition('+')[0]}, which was published")
    assert "rotate every credential" in said


@pytest.mark.parametrize(
    "lock", [None, LOCK.format("litellm", "1.107.1"), LOCK.format("other", next(iter(BAD))), "version = 1\n"]
)
def test_a_lock_that_has_none(lock: str | None, package: Path) -> None:
    assert look(package, lock) == (0, "")


def test_the_templates_own_requirements_have_none() -> None:
    locked = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "requirements").glob("*.txt"))
    assert "litellm==" in locked
    assert [version for version in BAD if f"litellm=={version} " in locked] == []


def test_an_sdist_has_what_its_links_point_to() -> None:
    """Else no wheel can be built of it: the command reads the list, too."""
    build: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]
    included = [ROOT / path.lstrip("/") for path in build["sdist"]["include"]]
    links = [path for folder in build["wheel"]["packages"] for path in (ROOT / folder).rglob("*") if path.is_symlink()]
    assert links
    for link in links:
        target = link.resolve(strict=True)
        assert any(target.is_relative_to(path) for path in included), f"{link} points to {target}"


def test_nothing_else_names_them() -> None:
    """A second list would be forgotten one day. What is written for people may name them."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "*.py", "*.toml", "*.jinja", "*.yml", "*Makefile"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    paths = [path for path in listed.stdout.split("\0") if path and not path.endswith("bad_litellm.toml")]
    assert [
        path
        for path in paths
        if (ROOT / path).is_file() and any(f"!={one}" in (ROOT / path).read_text(errors="replace") for one in BAD)
    ] == []
