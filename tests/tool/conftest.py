"""A template with its released versions, and packages that were rendered from it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from testing.support import must
from testing.upgrades import render, template_with_versions


@pytest.fixture(scope="session")
def versions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template's repository: a tag for each released version, and one for the working tree."""
    return template_with_versions(tmp_path_factory.mktemp("versions") / "template")


@pytest.fixture(scope="session")
def rendered(versions: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package of v0.2.0 with the default answers, in one commit. Never edited: tests copy it."""
    return render(versions, "v0.2.0", {}, tmp_path_factory.mktemp("rendered") / "package")


@pytest.fixture
def package(rendered: Path, tmp_path: Path) -> Path:
    """A package of v0.2.0 to work on."""
    return Path(shutil.copytree(rendered, tmp_path / "package"))


@pytest.fixture
def fork(versions: Path, tmp_path: Path) -> Path:
    """A copy of the template, to make newer versions of."""
    must("git", "clone", "--quiet", versions, tmp_path / "fork", cwd=tmp_path)
    return tmp_path / "fork"


@pytest.fixture(autouse=True)
def _own_scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What the tool writes for a while is in a folder of the test, and gone after it."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    yield
    assert not list(scratch.glob("provider-template-*"))
