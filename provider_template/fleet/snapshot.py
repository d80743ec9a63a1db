"""The files of a repository's default branch, read from its objects: nothing is checked out."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from provider_template import git
from provider_template.errors import Refusal
from provider_template.fleet.inventory import Place
from provider_template.project import ANSWERS, FILES

# A server that says nothing for so long is a row with an error, and a redirect is told, not followed: it may lead to a
# host that nobody has named.
_NETWORK = {"http.lowSpeedLimit": "1", "http.lowSpeedTime": "30", "http.followRedirects": "false"}
_REF = "refs/heads/fleet"
_FILES = ("100644", "100755")


@dataclass(frozen=True)
class Snapshot:
    """A commit of a repository."""

    git_folder: Path
    commit: str
    variables: Mapping[str, str]
    """Those by which git finds a repository of ours; of another one, its settings have to be replaced first."""
    files: dict[str, tuple[str, str, int]]
    """Its regular files by path: mode, blob, size in bytes. Links and submodules are none."""

    def contents(self, paths: Iterable[str], largest: int) -> dict[str, bytes]:
        """Returns the contents of those of the files that are there and not too large."""
        wanted = [path for path in paths if path in self.files and self.files[path][2] <= largest]
        if not wanted:
            return {}
        names = "".join(f"{self.files[path][1]}\n" for path in wanted)
        done = git.run("cat-file", "--batch", cwd=self.git_folder, content=names, more=self.variables)
        found: dict[str, bytes] = {}
        rest = done.stdout
        for path in wanted:
            head, _, rest = rest.partition(b"\n")
            words = head.split()
            if len(words) != 3:
                raise Refusal(f"{path} cannot be read: its content is not in the clone.")
            size = int(words[2])
            found[path], rest = rest[:size], rest[size + 1 :]
        return found

    def packages(self, patterns: Iterable[str]) -> list[str]:
        """Returns the folders with the answers of a package that fit one of the patterns; the top one is empty."""
        marks = (ANSWERS, FILES)
        folders = {path.rpartition("/")[0] for path in self.files if path.rpartition("/")[2] in marks}
        return sorted(folder for folder in folders if any(_fits(folder, pattern) for pattern in patterns))


def _fits(folder: str, pattern: str) -> bool:
    one, other = folder.split("/"), pattern.strip("/").removeprefix("./").split("/")
    if other == ["."]:
        other = [""]
    return len(one) == len(other) and all(map(fnmatchcase, one, other))


def take(place: Place, cache: Path, *, offline: bool) -> Snapshot | None:
    """Reads a repository's default branch.

    Args:
        place: the repository. Of a clone on this machine, it is the default branch of where it came from, as last fetched.
        cache: where the bare clones of other repositories are kept.
        offline: whether to take them as they are there.

    Returns:
        None if it has no commit yet.

    Raises:
        Refusal: it cannot be read.
    """
    folder = place.folder
    if folder is None:
        own = _bare(place, cache, offline=offline)
        return _snapshot(own, (own / _REF).read_text(encoding="utf-8").strip(), {"GIT_DIR": str(own)}) if own else None
    if not folder.is_dir():
        raise Refusal(f"There is no folder {folder}.")
    for name in ("refs/remotes/origin/HEAD", "refs/remotes/origin/main", "refs/remotes/origin/master", "HEAD"):
        done = git.run("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}", cwd=folder)
        if done.returncode == 0:
            return _snapshot(folder, done.stdout.decode().strip(), {})
    if git.run("rev-parse", "--verify", "--quiet", "HEAD", cwd=folder).returncode == 0:
        raise Refusal(f"{folder} cannot be read: the commit of its HEAD is not there.")
    if done.returncode == 1 and git.run("rev-parse", "--git-dir", cwd=folder).returncode == 0:
        return None
    said = " ".join(done.stderr.decode(errors="replace").split())
    raise Refusal(f"{folder} cannot be read: {said or 'it is no git repository'}.")


def _snapshot(folder: Path, commit: str, variables: Mapping[str, str]) -> Snapshot:
    listed = git.must("ls-tree", "-r", "-z", "--long", "--full-tree", commit, cwd=folder, more=variables)
    found: dict[str, tuple[str, str, int]] = {}
    for line in listed.split("\0"):
        if line:
            facts, path = line.split("\t", 1)
            mode, _, blob, size = facts.split()
            if mode in _FILES:
                found[path] = (mode, blob, int(size))
    return Snapshot(folder, commit, variables, found)


def _bare(place: Place, cache: Path, *, offline: bool) -> Path | None:
    """Returns our bare clone of another repository, with the newest commit of its default branch alone."""
    # Names of repositories are others' text, and so no part of a path.
    folder = cache / "repositories" / f"{hashlib.sha256(place.id.encode()).hexdigest()[:32]}.git"
    known = (folder / _REF).is_file()
    if offline:
        if not known:
            raise Refusal("Not read yet, and not asked (--offline).")
        return folder
    if known:
        done = _ask(place, "ls-remote", after=("HEAD",))
        if done == (folder / _REF).read_text(encoding="utf-8").strip():
            return folder
    elif not (folder / "HEAD").is_file():
        folder.parent.mkdir(parents=True, exist_ok=True)
        own = folder.with_name(f"{folder.name}.{os.getpid()}")
        git.must("init", "--quiet", "--bare", own, cwd=folder.parent)
        try:
            own.replace(folder)
        except OSError:
            # Another look has just made it.
            shutil.rmtree(own)
    if not known and not _ask(place, "ls-remote", after=("HEAD",)):
        return None
    options = ("fetch", "--quiet", "--depth", "1", "--no-tags", "--no-write-fetch-head", "--update-shallow")
    _ask(place, *options, after=(f"+HEAD:{_REF}",), repository=folder)
    return folder


def _ask(place: Place, *words: str, after: tuple[str, ...], repository: Path | None = None) -> str:
    """Asks another repository, and returns the first word of the answer."""
    done = git.ask(*words, url=place.address, after=after, login=place.login, settings=_NETWORK, repository=repository)
    if done.returncode:
        said = git.without_password(" ".join(done.stderr.decode(errors="replace").split()))
        raise Refusal(f"{git.without_password(place.address)} cannot be read: {said or 'git says nothing'}.")
    return (done.stdout.decode(errors="replace").split() or [""])[0]
