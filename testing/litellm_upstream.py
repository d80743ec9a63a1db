"""Builds a git history of LiteLLM's releases to measure and test forks on: a commit and an annotated tag for each.

`python -m testing.litellm_upstream` prints the path of a bare repository whose branch `main` has one commit per
version, made of its published sdist, and a tag `v<version>`. The same versions give the same hashes everywhere.
It is kept in the user's cache, or in LITELLM_UPSTREAM_CACHE; only versions that no kept repository has are
downloaded. An sdist has no tests and no CI of LiteLLM's own, and a release is one commit here, not hundreds.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import os
import shutil
import ssl
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from packaging.version import InvalidVersion, Version
from platformdirs import user_cache_path

VERSIONS = (
    "1.100.0",
    "1.100.5",
    "1.101.6",
    "1.102.4",
    "1.103.5",
    "1.103.11",
    "1.104.9",
    "1.105.3",
    "1.105.7",
    "1.106.0",
    "1.106.2",
    "1.106.10",
    "1.108.10",
    "1.109.1",
)
"""Releases from the oldest that forks are measured from to the newest, 13 steps."""

SAMPLE = ("1.100.0", "1.103.11", "1.106.2")
"""A few of them, for tests."""

CACHE = "LITELLM_UPSTREAM_CACHE"
"""The environment variable that names another folder to keep repositories in."""

_BRANCH = "refs/heads/main"
_WHO = "LiteLLM releases <releases@example.invalid>"
_START = 1_767_225_600  # 2026-01-01; releases of different lines were not uploaded in the order of their numbers
_DAY = 86_400
_SECONDS = 60
# To be raised when the same versions are to give other commits: what is kept then counts no more.
_FORMAT = 1
# Metadata that the build of an sdist adds.
_LEFT_OUT = frozenset({"PKG-INFO"})
_UV = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv") or "uv"


class UpstreamError(Exception):
    """Says in one sentence why there is no such history."""


@dataclass(frozen=True)
class Sdist:
    """Where a version's sdist is, and its SHA-256."""

    version: str
    url: str
    sha256: str


@dataclass(frozen=True)
class _Entry:
    path: str
    mode: str
    content: bytes


def upstream(versions: Sequence[str] = VERSIONS) -> Path:
    """Returns the path of a bare repository with these versions of LiteLLM, built when it is not kept yet.

    Args:
        versions: released ones; their order does not matter, older ones become ancestors of newer ones.

    Raises:
        UpstreamError: a version is not published, or something could not be downloaded or imported.
    """
    wanted = _in_order(versions)
    cache = _cache()
    kept = cache / _name(wanted)
    if not kept.is_dir():
        with _locked(cache):
            if not kept.is_dir():
                _build(wanted, cache, kept)
    return kept


def copied(repository: Path, folder: Path) -> Path:
    """Copies a kept repository to a new folder, and returns that.

    Raises:
        UpstreamError: there is something at that path already.
    """
    if folder.exists():
        raise UpstreamError(f"{folder} exists already: name a folder that does not.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as partial:
        shutil.copytree(repository, Path(partial) / "copy").rename(folder)
    return folder


def find(version: str) -> Sdist:
    """Returns where the index that uv is set up with has the sdist of a version.

    Raises:
        UpstreamError: it has none, or it was not reached.
    """
    command = [_UV, "pip", "compile", "-", "--no-deps", "--format", "pylock.toml", "--quiet"]
    try:
        done = subprocess.run(command, input=f"litellm=={version}\n", capture_output=True, text=True, check=False)
    except OSError as error:
        raise UpstreamError(f"uv did not start: {error}.") from error
    if "there is no version of litellm" in done.stderr:
        raise UpstreamError(f"LiteLLM {version} is not published: the package index has no such version.")
    if done.returncode:
        causes = [line.strip().removeprefix("cause: ") for line in done.stderr.splitlines()]
        words = causes[1] if len(causes) > 1 else done.stderr.strip()
        raise UpstreamError(f"LiteLLM {version} was not found in the package index: {words}")
    package = tomllib.loads(done.stdout)["packages"][0]
    sdist = package.get("sdist", {})
    if not {"url", "hashes"} <= sdist.keys():
        raise UpstreamError(f"LiteLLM {version} has no sdist in the package index.")
    return Sdist(version, sdist["url"], sdist["hashes"]["sha256"])


def download(sdist: Sdist, folder: Path) -> Path:
    """Downloads an sdist into a folder unless it is there, and returns its path.

    Raises:
        UpstreamError: it could not be downloaded, or is not what the index said.
    """
    archive = folder / f"{sdist.sha256}.tar.gz"
    if archive.is_file():
        return archive
    partial = archive.with_suffix(".part")
    try:
        # The URL is the index's, which is trusted to say what LiteLLM is.
        with (
            urllib.request.urlopen(sdist.url, timeout=_SECONDS, context=_certificates()) as answer,  # noqa: S310
            partial.open("wb") as file,
        ):
            shutil.copyfileobj(answer, file)
        with partial.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if digest != sdist.sha256:
            raise UpstreamError(f"The sdist of LiteLLM {sdist.version} has SHA-256 {digest}: not the index's.")
        partial.rename(archive)
    except OSError as error:
        raise UpstreamError(f"The sdist of LiteLLM {sdist.version} was not downloaded: {error}.") from error
    finally:
        partial.unlink(missing_ok=True)
    return archive


def _in_order(versions: Sequence[str]) -> list[str]:
    try:
        parsed = sorted({Version(version) for version in versions})
    except InvalidVersion as error:
        raise UpstreamError(f"Not the version of a release: {error}.") from error
    if not parsed:
        raise UpstreamError("Name at least one version.")
    return [str(version) for version in parsed]


def _cache() -> Path:
    given = os.environ.get(CACHE)
    kept = user_cache_path("litellm-provider-template", appauthor=False) / "litellm-upstream"
    folder = Path(given).absolute() if given else kept
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _name(versions: Sequence[str]) -> str:
    digest = hashlib.sha256(" ".join(versions).encode()).hexdigest()[:12]
    return f"format-{_FORMAT}-{digest}.git"


@contextmanager
def _locked(cache: Path) -> Iterator[None]:
    with (cache / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _build(versions: Sequence[str], cache: Path, kept: Path) -> None:
    downloads = cache / "sdists"
    downloads.mkdir(exist_ok=True)
    # Whoever holds the lock is alone: these are of processes that were killed.
    for stale in [*cache.glob("partial-*"), *downloads.glob("*.part")]:
        shutil.rmtree(stale) if stale.is_dir() else stale.unlink()
    known = _known(versions, cache)
    archives = {version: download(find(version), downloads) for version in versions if version not in known}
    with tempfile.TemporaryDirectory(dir=cache, prefix="partial-") as partial:
        repository = Path(partial) / kept.name
        _git(
            "init",
            "--quiet",
            "--bare",
            "--template=",
            "--initial-branch=main",
            "--object-format=sha1",
            str(repository),
        )
        alternates = repository / "objects" / "info" / "alternates"
        alternates.parent.mkdir(exist_ok=True)
        sources = {str(source / "objects"): None for source, _ in known.values()}
        alternates.write_text("".join(f"{source}\n" for source in sources), encoding="utf-8")
        _import(repository, versions, {version: tree for version, (_, tree) in known.items()}, archives)
        _git("repack", "-a", "-d", "--quiet", cwd=repository)
        alternates.unlink()
        repository.rename(kept)
    for archive in archives.values():
        archive.unlink()


def _known(versions: Sequence[str], cache: Path) -> dict[str, tuple[Path, str]]:
    """Returns for each version that some kept repository has: that repository, and the hash of its tree."""
    known: dict[str, tuple[Path, str]] = {}
    for repository in sorted(cache.glob(f"format-{_FORMAT}-*.git")):
        shown = _git("for-each-ref", "--format=%(refname:strip=2) %(*tree)", "refs/tags", cwd=repository).split("\n")
        for line in filter(None, shown):
            tag, tree = line.split(" ")
            if tag[1:] in versions:
                known.setdefault(tag[1:], (repository, tree))
    return known


def _import(repository: Path, versions: Sequence[str], trees: Mapping[str, str], archives: Mapping[str, Path]) -> None:
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            ["git", "fast-import", "--quiet", "--done"],
            cwd=repository,
            stdin=subprocess.PIPE,
            stderr=said,
            env=_environment(),
        )
        assert process.stdin is not None
        try:
            with process.stdin as stream:
                for number, version in enumerate(versions):
                    _write_commit(stream, number, version)
                    if version in trees:
                        stream.write(f'M 040000 {trees[version]} ""\n'.encode())
                    else:
                        _write_files(stream, archives[version], version)
                    _write_tag(stream, number, version)
                stream.write(b"done\n")
        except BrokenPipeError:
            pass  # its status and what it said tell why
        finally:
            status = process.wait()
        if status:
            said.seek(0)
            words = " ".join(said.read().decode(errors="replace").split())
            raise UpstreamError(f"git fast-import ended with {status}: {words[:500]}")


def _write_commit(stream: IO[bytes], number: int, version: str) -> None:
    stream.write(f"commit {_BRANCH}\nmark :{number + 1}\n".encode())
    stream.write(f"committer {_WHO} {_START + number * _DAY} +0000\n".encode())
    _write_data(stream, f"LiteLLM {version}\n".encode())
    stream.write(b"deleteall\n")


def _write_tag(stream: IO[bytes], number: int, version: str) -> None:
    stream.write(f"tag v{version}\nfrom :{number + 1}\n".encode())
    stream.write(f"tagger {_WHO} {_START + number * _DAY} +0000\n".encode())
    _write_data(stream, f"LiteLLM {version}\n".encode())


def _write_files(stream: IO[bytes], archive: Path, version: str) -> None:
    for entry in _entries(archive, version):
        stream.write(f"M {entry.mode} inline {entry.path}\n".encode())
        _write_data(stream, entry.content)


def _write_data(stream: IO[bytes], content: bytes) -> None:
    stream.write(b"data %d\n%s\n" % (len(content), content))


def _entries(archive: Path, version: str) -> Iterator[_Entry]:
    """Yields the files of an sdist, without the folder that all of them are in."""
    try:
        with tarfile.open(archive, "r:gz") as tar:
            for member in tar:
                path = PurePosixPath(*PurePosixPath(member.name).parts[1:])
                if member.isdir() or str(path) in _LEFT_OUT:
                    continue
                _check_path(str(path), version)
                if member.issym():
                    yield _Entry(str(path), "120000", member.linkname.encode())
                elif file := tar.extractfile(member):
                    yield _Entry(str(path), "100755" if member.mode & 0o111 else "100644", file.read())
    except (tarfile.TarError, EOFError, KeyError, OSError) as error:
        raise UpstreamError(f"The sdist of LiteLLM {version} could not be read: {error}.") from error


def _check_path(path: str, version: str) -> None:
    parts = path.split("/")
    if {"", ".", "..", ".git"} & set(parts) or '"' in path or not path.isprintable():
        raise UpstreamError(f"The sdist of LiteLLM {version} has a file that git cannot have: {path!r}.")


def _certificates() -> ssl.SSLContext:
    context = ssl.create_default_context()
    if bundle := os.environ.get("PIP_CERT"):
        context.load_verify_locations(bundle)
    return context


def _environment() -> dict[str, str]:
    """Returns an environment in which git knows nothing of the user's settings nor of a repository around it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return {**kept, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}


def _git(*arguments: str, cwd: Path | None = None) -> str:
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=cwd, env=_environment(), capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise UpstreamError(f"git did not start: {error}.") from error
    if done.returncode:
        raise UpstreamError(f"git {arguments[0]} ended with {done.returncode}: {' '.join(done.stderr.split())}")
    return done.stdout


def main(arguments: Sequence[str]) -> int:
    """Reads the options, prints the path of the repository; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m testing.litellm_upstream",
        description="Builds a bare git repository with a commit and a tag for each of LiteLLM's releases.",
    )
    parser.add_argument("--versions", default=",".join(VERSIONS), help="released versions, with commas between")
    parser.add_argument("--to", type=Path, metavar="FOLDER", help="a new folder to copy the repository to")
    options = parser.parse_args(arguments)
    try:
        repository = upstream([version.strip() for version in options.versions.split(",")])
        print(copied(repository, options.to) if options.to else repository)
    except UpstreamError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
