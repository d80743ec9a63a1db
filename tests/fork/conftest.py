"""A small upstream, and a fork of its first release; made once, and copied for each test."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from testing.forks import Fork, Upstream


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns a folder with an upstream of one release, v1.0.0, and a fork of it. Never edited."""
    folder = tmp_path_factory.mktemp("made")
    Fork.made(folder / "fork", Upstream.made(folder / "upstream"))
    return folder


@pytest.fixture
def upstream(made: Path, tmp_path: Path) -> Upstream:
    """Returns an upstream with one release, v1.0.0."""
    return Upstream(Path(shutil.copytree(made / "upstream", tmp_path / "upstream")))


@pytest.fixture
def fork(made: Path, upstream: Upstream, tmp_path: Path) -> Fork:
    """Returns a fork of v1.0.0 with a provider, its insertions and its branding."""
    found = Fork(Path(shutil.copytree(made / "fork", tmp_path / "fork")))
    spec = found.text("fork.toml").replace(str(made / "upstream"), str(upstream.folder))
    (found.folder / "fork.toml").write_bytes(spec.encode())
    found.git("remote", "set-url", "upstream", str(upstream.folder))
    found.git("commit", "--quiet", "--amend", "--no-edit", "--all")
    return found
