"""testing/litellm_upstream.py, on small sdists in a folder that uv takes for the index: no network."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from testing.answers import ROOT
from testing.litellm_upstream import CACHE, Sdist, UpstreamError, copied, download, main, upstream
from testing.support import must

OLD, NEW, NEWEST = "1.100.0", "1.100.9", "1.100.10"


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Gives a folder of sdists that stands for the index, with an empty cache beside it."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_FIND_LINKS", str(folder))
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    monkeypatch.setenv(CACHE, str(tmp_path / "cache"))
    for version in (OLD, NEW, NEWEST):
        release(folder, version, {"litellm/__init__.py": version, "README.md": "# LiteLLM\n"})
    return folder


def release(folder: Path, version: str, files: Mapping[str, str]) -> Path:
    """Writes an sdist; files whose name ends with .sh can be executed. Returns its path."""
    metadata = f"Metadata-Version: 2.2\nName: litellm\nVersion: {version}\n"
    path = folder / f"litellm-{version}.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        for name, text in {"PKG-INFO": metadata, "pyproject.toml": "", **files}.items():
            member = tarfile.TarInfo(f"litellm-{version}/{name}")
            member.size = len(text)
            member.mode = 0o755 if name.endswith(".sh") else 0o644
            tar.addfile(member, io.BytesIO(text.encode()))
    return path


def git(repository: Path, *arguments: str) -> str:
    """Returns what git prints in a repository."""
    return must("git", *arguments, cwd=repository).strip()


def in_cache(tmp_path: Path) -> list[str]:
    """Returns the names of all files and folders in the cache, not those within repositories."""
    cache = tmp_path / "cache"
    found = [path for path in cache.rglob("*") if ".git" not in str(path.parent.relative_to(cache))]
    return sorted(path.name for path in found if path.suffix != ".git")


def test_each_version_is_a_commit_and_an_annotated_tag(index: Path, tmp_path: Path) -> None:
    release(index, OLD, {"litellm/gone.py": "", "litellm/two words.sh": "true\n"})
    repository = upstream([NEWEST, OLD, NEW])
    assert git(repository, "log", "--reverse", "--format=%s", "main").splitlines() == [
        f"LiteLLM {version}" for version in (OLD, NEW, NEWEST)
    ]
    assert git(repository, "rev-parse", "--is-bare-repository", "HEAD") == (
        f"true\n{git(repository, 'rev-parse', f'v{NEWEST}^{{commit}}')}"
    )
    assert git(repository, "for-each-ref", "--format=%(objecttype)", "refs/tags") == "tag\ntag\ntag"
    assert git(repository, "ls-tree", "-r", "--format=%(objectmode) %(path)", f"v{OLD}").splitlines() == [
        "100644 litellm/gone.py",
        "100755 litellm/two words.sh",
        "100644 pyproject.toml",
    ]
    assert git(repository, "show", f"v{NEWEST}:litellm/__init__.py") == NEWEST
    assert "gone" not in git(repository, "ls-tree", "-r", "--name-only", f"v{NEW}")
    assert in_cache(tmp_path) == ["lock", "sdists"]


def test_what_is_kept_is_not_downloaded_again(index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = upstream([OLD, NEW])
    for version in (OLD, NEW):
        (index / f"litellm-{version}.tar.gz").unlink()
    assert upstream([NEW, OLD, OLD]) == first
    appended = upstream([OLD, NEW, NEWEST])
    assert git(appended, "rev-parse", f"v{NEWEST}~1", f"v{OLD}") == git(
        first, "rev-parse", f"v{NEW}^{{commit}}", f"v{OLD}"
    )
    git(appended, "fsck", "--strict")

    for version in (OLD, NEW):
        release(index, version, {"litellm/__init__.py": version, "README.md": "# LiteLLM\n"})
    monkeypatch.setenv(CACHE, str(tmp_path / "other"))
    again = upstream([OLD, NEW, NEWEST])
    assert again != appended
    assert git(again, "for-each-ref") == git(appended, "for-each-ref")


@pytest.mark.usefixtures("index")
def test_two_processes_at_once_after_one_that_was_killed(tmp_path: Path) -> None:
    (tmp_path / "cache" / "partial-0" / "half.git").mkdir(parents=True)
    command = [sys.executable, "-m", "testing.litellm_upstream", "--versions", f"{OLD},{NEW}"]
    processes = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert {process.communicate()[0] for process in processes} == {f"{upstream([OLD, NEW])}\n"}
    assert in_cache(tmp_path) == ["lock", "sdists"]


@pytest.mark.usefixtures("index")
def test_a_version_that_is_not_published(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--versions", f"{OLD},1.100.3"]) == 1
    assert capsys.readouterr().err == ("LiteLLM 1.100.3 is not published: the package index has no such version.\n")
    assert not list((tmp_path / "cache").glob("*.git"))
    assert not list((tmp_path / "cache").glob("partial-*"))


def test_an_index_that_does_not_answer(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_FIND_LINKS", str(index.with_name("nothing")))
    with pytest.raises(UpstreamError, match=rf"^LiteLLM {OLD} was not found in the package index: \S.*$"):
        upstream([OLD])


@pytest.mark.parametrize("versions", [[], ["newest"]])
def test_versions_that_are_none(versions: list[str]) -> None:
    with pytest.raises(UpstreamError, match=r"^(Name at least one version|Not the version of a release: .*)\.$"):
        upstream(versions)


def test_an_archive_that_is_not_what_the_index_said(tmp_path: Path) -> None:
    archive = release(tmp_path, OLD, {})
    with pytest.raises(UpstreamError, match=r"^The sdist of LiteLLM 1\.100\.0 has SHA-256 \w+: not the index's\.$"):
        download(Sdist(OLD, archive.as_uri(), "0" * 64), tmp_path)
    missing = Sdist(OLD, (tmp_path / "none").as_uri(), "0" * 64)
    with pytest.raises(UpstreamError, match=r"^The sdist of LiteLLM 1\.100\.0 was not downloaded: .*\.$"):
        download(missing, tmp_path)
    assert os.listdir(tmp_path) == [archive.name]


def test_an_archive_that_cannot_be_imported(index: Path, tmp_path: Path) -> None:
    release(index, NEW, {"../../outside": ""})
    with pytest.raises(UpstreamError, match=r"has a file that git cannot have: '\.\./\.\./outside'\.$"):
        upstream([OLD, NEW])
    assert not list((tmp_path / "cache").glob("*.git"))
    assert not list((tmp_path / "cache").glob("partial-*"))


@pytest.mark.usefixtures("index")
def test_a_copy_in_a_folder_of_ones_choice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "to" / "copy.git"
    assert main(["--versions", OLD, "--to", str(folder)]) == 0
    assert capsys.readouterr().out == f"{folder}\n"
    assert git(folder, "rev-parse", f"v{OLD}^{{tree}}") == git(upstream([OLD]), "rev-parse", f"v{OLD}^{{tree}}")
    with pytest.raises(UpstreamError, match="exists already"):
        copied(upstream([OLD]), folder)
