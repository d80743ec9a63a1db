"""Puts the hooks into the files of a checkout, and records the version of LiteLLM that it is of."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from . import hooks, upstream
from .changes import CHANGES, changes
from .compose import decoded, managed_texts, refuse_taken
from .drift import as_declared, declared_then, difference, unlike
from .errors import Refusal
from .git import Git
from .spec import SPEC, Spec, fits, in_folder
from .upstream import Version


def apply(git: Git, base: str | None = None) -> tuple[Version, list[str]]:
    """Writes hooks, replaced lines, the base and CUSTOM_CHANGES.md into the work tree; commits nothing.

    What it writes is composed of upstream's text each time, so it may run as often as one likes: after a hook was
    edited in its declaration, too.

    Args:
        git: The checkout.
        base: The version of upstream that it is of, when it cannot be told from its history.

    Returns:
        That version, and the files that were written.

    Raises:
        Refusal: A file has other changes, a hook does not fit, or a file cannot be written; then nothing was
            written, or the message names what was.
    """
    spec = in_folder(git.folder)
    version = _base(git, spec, base)
    refuse_taken(git.tree(version.commit), git.tree("HEAD"), spec)
    texts = {path: text.encode() for path, text in managed_texts(git, version.commit, spec).items()}
    _refuse_edited(git, version, spec)
    texts |= {path: content for path, content in _left(git, version, spec).items() if path not in texts}
    texts[SPEC] = upstream.with_base((git.folder / SPEC).read_bytes(), version)
    texts[CHANGES] = changes(spec, version, _kept(git, version, spec)).encode()
    before = {path: _content(git, path) for path in texts}
    written = [path for path, content in texts.items() if before[path] != content]
    for number, path in enumerate(written):
        try:
            _write(git.folder / path, texts[path])
        except OSError as error:
            left = _taken_back(git, {path: before[path] for path in written[:number]})
            words = f"{', '.join(left)} could not be taken back" if left else "nothing was changed"
            raise Refusal(
                f"{path} cannot be written ({error.strerror}), and {words}: mend that, then apply again."
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
    spec = in_folder(git.folder)
    version = upstream.base(git, spec)
    content = changes(spec, version, _kept(git, version, spec)).encode()
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


def _base(git: Git, spec: Spec, name: str | None) -> Version:
    if spec.upstream.commit and not name:
        return upstream.base(git, spec)
    return upstream.first_base(git, spec, name)


def _refuse_edited(git: Git, version: Version, spec: Spec) -> None:
    """Refuses where a file that is about to be written has more than hooks in it."""
    edited: list[str] = []
    for path in spec.managed:
        content = _content(git, path)
        if content is None:
            edited.append(f"{path} is not in the work tree, and a hook belongs into it: bring it back.")
            continue
        if b"\r\n" in content:
            edited.append(f"{path} has line ends of Windows: set core.autocrlf to false, and check it out again.")
            continue
        original = decoded(git.blob(version.commit, path) or b"", path)
        text = decoded(content, path)
        if hooks.blocks(path, text) and not as_declared(git, "HEAD", path, text, spec, whole=False):
            edited.append(difference(git, version.commit, path, text, spec))
            continue
        lines = [*spec.of(path)[1], *declared_then(git, "HEAD", path, spec).of(path)[1]]
        number = unlike(hooks.strip(path, text), original, lines)
        if number:
            edited.append(
                f"{path} is edited outside the markers, at line {number} without its hooks, compared with LiteLLM "
                f"{version.name}: make the change a [[hooks]] or [[replace]] entry of {SPEC}, or undo it."
            )
    if edited:
        raise Refusal("\n".join(edited))


def _left(git: Git, version: Version, spec: Spec) -> dict[str, bytes]:
    """Returns upstream's text of the files that have hooks which are declared no more."""
    found: dict[str, bytes] = {}
    for path in git.changed(version.commit, "HEAD"):
        content, original = _content(git, path), git.blob(version.commit, path)
        if path in spec.managed or spec.owns(path) or content is None or original is None:
            continue
        text = decoded(content, path) if hooks.blocks(path, content.decode(errors="replace")) else ""
        if (
            text
            and as_declared(git, "HEAD", path, text, spec, whole=False)
            and hooks.strip(path, text).encode() == original
        ):
            found[path] = original
    return found


def _kept(git: Git, version: Version, spec: Spec) -> list[str]:
    """Returns the files under `keep` and `take` that are not as upstream has them, in the work tree."""
    patterns = (*spec.keep, *spec.take)
    here = git.must("ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
    paths = {path for path in (*git.tree(version.commit), *here) if fits(patterns, path)}
    return [path for path in paths if _content(git, path) != git.blob(version.commit, path)]


def _content(git: Git, path: str) -> bytes | None:
    file = git.folder / path
    return file.read_bytes() if file.is_file() else None
