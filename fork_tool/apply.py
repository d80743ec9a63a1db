"""Puts the insertions into the files of a checkout, and records the version of LiteLLM that it is of."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from . import insertions, upstream
from .changes import CHANGES, changes
from .compose import decoded, managed_texts, refuse_taken
from .declaration import FORK_TOML, Declaration, fits, in_folder
from .differences import as_declared, declared_then, explained, unlike
from .errors import Refusal
from .git import Git
from .upstream import Version


def apply(git: Git, base: str | None = None) -> tuple[Version, list[str]]:
    """Writes insertions, replaced lines, the base and CUSTOM_CHANGES.md into the work tree; commits nothing.

    What it writes is composed of upstream's text each time, so it may run as often as one likes: after an insertion was
    edited in its declaration, too.

    Args:
        git: the checkout.
        base: the version of upstream that it is of, when it cannot be told from its history.

    Returns:
        That version, and the files that were written.

    Raises:
        Refusal: a file has other changes, an insertion does not fit, or a file cannot be written; then nothing was
            written, or the message names what was.
    """
    declared = in_folder(git.folder)
    version = _base(git, declared, base)
    refuse_taken(git.tree(version.commit), git.tree("HEAD"), declared)
    texts = {path: text.encode() for path, text in managed_texts(git, version.commit, declared).items()}
    _refuse_edited(git, version, declared)
    texts |= {path: content for path, content in _left(git, version, declared).items() if path not in texts}
    texts[FORK_TOML] = upstream.with_base((git.folder / FORK_TOML).read_bytes(), version)
    texts[CHANGES] = changes(declared, version, _kept(git, version, declared)).encode()
    before = {path: _content(git, path) for path in texts}
    written = [path for path, content in texts.items() if before[path] != content]
    for number, path in enumerate(written):
        try:
            _write(git.folder / path, texts[path])
        except OSError as error:
            left = _taken_back(git, {path: before[path] for path in written[:number]})
            words = f"{', '.join(left)} could not be taken back" if left else "nothing was changed"
            raise Refusal(
                f"{path} cannot be written ({error.strerror}), and {words}: fix that, then apply again."
            ) from None
    return version, written


def _taken_back(git: Git, before: Mapping[str, bytes | None]) -> list[str]:
    """Writes files as they were; returns those that cannot be."""
    left: list[str] = []
    for path, content in before.items():
        try:
            if content is None:
                (git.folder / path).unlink()
            else:
                _write(git.folder / path, content)
        except OSError:
            left.append(path)
    return left


def write_changes(git: Git) -> bool:
    """Writes CUSTOM_CHANGES.md for the work tree; returns whether it was not current."""
    declared = in_folder(git.folder)
    version = upstream.base(git, declared)
    content = changes(declared, version, _kept(git, version, declared)).encode()
    if _content(git, CHANGES) == content:
        return False
    _write(git.folder / CHANGES, content)
    return True


def _write(file: Path, content: bytes) -> None:
    """Writes a file in one step, so that it is never half of it."""
    new = file.with_name(f".{file.name}.new")
    try:
        new.write_bytes(content)
        if file.exists():
            shutil.copymode(file, new)
        new.replace(file)
    finally:
        new.unlink(missing_ok=True)


def _base(git: Git, declared: Declaration, name: str | None) -> Version:
    if declared.upstream.commit and not name:
        return upstream.base(git, declared)
    return upstream.first_base(git, declared, name)


def _refuse_edited(git: Git, version: Version, declared: Declaration) -> None:
    """Refuses where a file that is about to be written has more than insertions in it."""
    edited: list[str] = []
    for path in declared.managed:
        content = _content(git, path)
        if content is None:
            edited.append(f"{path} is not in the work tree, and an insertion belongs into it: bring it back.")
            continue
        if b"\r\n" in content:
            edited.append(f"{path} has line ends of Windows: set core.autocrlf to false, and check it out again.")
            continue
        original = decoded(git.blob(version.commit, path) or b"", path)
        text = decoded(content, path)
        if insertions.blocks(path, text) and not as_declared(git, "HEAD", path, text, declared, whole=False):
            edited.append(explained(git, version.commit, path, text, declared))
            continue
        lines = [*declared.of(path)[1], *declared_then(git, "HEAD", path, declared).of(path)[1]]
        number = unlike(insertions.strip(path, text), original, lines)
        if number:
            edited.append(
                f"{path} is edited outside the markers, at line {number} without its insertions, compared with LiteLLM "
                f"{version.name}: make the change a [[insert]] or [[replace]] entry of {FORK_TOML}, or undo it."
            )
    if edited:
        raise Refusal("\n".join(edited))


def _left(git: Git, version: Version, declared: Declaration) -> dict[str, bytes]:
    """Returns upstream's text of the files that have insertions which are declared no more."""
    found: dict[str, bytes] = {}
    for path in git.changed(version.commit, "HEAD"):
        content, original = _content(git, path), git.blob(version.commit, path)
        if path in declared.managed or declared.owns(path) or content is None or original is None:
            continue
        text = decoded(content, path) if insertions.blocks(path, content.decode(errors="replace")) else ""
        if (
            text
            and as_declared(git, "HEAD", path, text, declared, whole=False)
            and insertions.strip(path, text).encode() == original
        ):
            found[path] = original
    return found


def _kept(git: Git, version: Version, declared: Declaration) -> list[str]:
    """Returns the files under `keep` and `take` that are not as upstream has them, in the work tree."""
    patterns = (*declared.keep, *declared.take)
    here = git.must("ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
    paths = {path for path in (*git.tree(version.commit), *here) if fits(patterns, path)}
    return [path for path in paths if _content(git, path) != git.blob(version.commit, path)]


def _content(git: Git, path: str) -> bytes | None:
    file = git.folder / path
    return file.read_bytes() if file.is_file() else None
