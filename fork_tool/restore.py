"""Brings a work tree back from where git had to stop on its way to another commit: a full disk, a file too large."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from .git import Entry, Git

_NAMES = ("--name-only", "-z", "--no-renames", "--no-ext-diff", "--no-relative", "--ignore-submodules")


@dataclass(frozen=True)
class NotRestored:
    """What could not be brought back."""

    index: bool
    """Whether git's index is not as before."""
    lock: Path | None
    """The lock of the index that a git has left behind which was killed."""
    replaced: tuple[str, ...]
    """Files that are not as before."""
    new: tuple[str, ...]
    """Files that were not there before."""
    edited: tuple[str, ...]
    """Files that somebody has changed meanwhile."""

    def words(self, folder: Path) -> str:
        """Returns sentences that say so, with the commands that bring the rest back.

        Args:
            folder: where everything was committed; the paths are relative to it.
        """
        commands = [f"rm -f -- {shlex.quote(str(self.lock))}"] if self.lock else []
        if self.index:
            commands.append("git reset -q -- .")
        if self.replaced:
            commands.append(f"git checkout -q -- {shlex.join(self.replaced)}")
        if self.new:
            commands.append(f"rm -f -- {shlex.join(self.new)}")
        if commands:
            files = ", ".join([*self.replaced, *self.new]) or "git's index"
            here = f"cd {shlex.quote(str(folder))}"
            found = [f"Not as before: {files}. This puts it back: {' && '.join([here, *commands])}"]
        else:
            found = ["What git had replaced by then was put back: fix that, then do it again."]
        if self.edited:
            found.append(f"Changed meanwhile, by somebody else, and left alone: {', '.join(self.edited)}.")
        # A name in another encoding than UTF-8 cannot be printed as it is.
        return " ".join(found).encode(errors="replace").decode()


def reason(done: subprocess.CompletedProcess[bytes]) -> str:
    """Returns why git had to stop, in its own words: a full disk makes it name every file."""
    lines = [" ".join(line.split()) for line in done.stderr.decode(errors="replace").splitlines()]
    lines = [line for line in lines if line.startswith(("error: ", "fatal: "))] or list(filter(None, lines))
    if not lines:
        return "git was killed"
    return lines[0].rstrip(".") + (f" (and {len(lines) - 1} more)" if lines[1:] else "")


def restore(git: Git, before: str, after: str, *, killed: bool, prefix: str = "") -> NotRestored:
    """Puts back what git has replaced on its way from one commit or tree to another, as far as it came.

    What is neither missing nor a beginning of what git would have written is somebody's work of this moment, and stays.

    Args:
        git: the repository; the files that differ between the two were committed and not edited.
        before: what was checked out.
        after: what was to be.
        killed: whether git was killed; then its lock is still there.
        prefix: the folder that all of it is in, with a slash at its end; paths are told relative to that.
    """
    old, new = git.tree(before), git.tree(after)
    changed = {path for path in old.keys() | new.keys() if old.get(path) != new.get(path)}
    lock = git.path("index.lock")
    if killed:
        with suppress(OSError):
            lock.unlink(missing_ok=True)
    # New files first: a full disk has room again then.
    _remove_new(git, new, sorted(changed - old.keys()), after)
    index = not _staged(git, changed, before) or git.run("read-tree", "-i", "-m", after, before).returncode == 0
    replaced: set[str] = set()
    edited: set[str] = set()
    there = changed & old.keys()
    # What is changed, and how files are written, is told by the attributes of before.
    attributes = {path for path in there if PurePosixPath(path).name == ".gitattributes"}
    for paths in (attributes, there - attributes):
        halves = {path for path in _changed(git, paths, before) if _is_halfway(git, new, path, after)}
        edited |= _changed(git, paths, before) - halves
        if index:
            _write(git, halves)
        rest = _changed(git, halves, before)
        if index and rest:
            # Git stops at a file that it cannot write: the others do without it.
            for path in rest:
                _write(git, [path])
            rest = _changed(git, rest, before)
        replaced |= rest
    git.run("update-index", "-q", "--refresh")
    still = {path for path in changed - old.keys() if _is_file(git.folder / path)}
    halves = {path for path in still if _is_halfway(git, new, path, after)}

    def told(paths: Iterable[str]) -> tuple[str, ...]:
        return tuple(sorted(path.removeprefix(prefix) for path in paths))

    return NotRestored(
        index=not index,
        lock=lock if killed and lock.exists() else None,
        replaced=told(replaced),
        new=told(halves),
        edited=told(edited | (still - halves)),
    )


def _remove_new(git: Git, new: dict[str, Entry], paths: Collection[str], after: str) -> None:
    for path in paths:
        with suppress(OSError):
            if _is_halfway(git, new, path, after):
                (git.folder / path).unlink(missing_ok=True)
            for parent in list(PurePosixPath(path).parents)[:-1]:
                (git.folder / parent).rmdir()


def _write(git: Git, paths: Iterable[str]) -> None:
    content = os.fsencode("".join(f"{path}\0" for path in sorted(paths)))
    git.run("checkout-index", "--force", "--quiet", "-z", "--stdin", content=content)


def _is_file(path: Path) -> bool:
    """Returns whether there is something that is no folder."""
    return os.path.lexists(path) and (path.is_symlink() or not path.is_dir())


def _staged(git: Git, paths: Collection[str], before: str) -> bool:
    """Returns whether the index has other files than before."""
    listed = os.fsdecode(git.run("diff", "--cached", *_NAMES, before).stdout).split("\0")
    return any(path in paths for path in listed)


def _changed(git: Git, paths: Collection[str], before: str) -> set[str]:
    """Returns which of these files are not as before."""
    listed = os.fsdecode(git.run("diff", *_NAMES, before).stdout).split("\0")
    return {path for path in listed if path in paths}


def _is_halfway(git: Git, new: dict[str, Entry], path: str, after: str) -> bool:
    """Returns whether a file is missing, or what git was to write there, or the beginning of it."""
    file = git.folder / path
    if not os.path.lexists(file):
        return True
    if path not in new or not _is_file(file):
        return False
    try:
        here = os.fsencode(file.readlink()) if file.is_symlink() else file.read_bytes()
    except OSError:
        return True  # git could not write it, nor can we read it
    blob = git.run("cat-file", "blob", new[path].blob).stdout
    # As it is, with the line ends of the platform or of .gitattributes, and through a filter.
    written = git.run("cat-file", "--filters", f"{after}:{path}").stdout
    return any(text.startswith(here) for text in (blob, written, blob.replace(b"\n", b"\r\n")))
