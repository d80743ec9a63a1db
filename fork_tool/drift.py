"""What in a fork is neither upstream's, nor its own path, nor a hook as fork.toml has it."""

from __future__ import annotations

from collections.abc import Sequence

from . import hooks
from .compose import decoded, managed_texts, refuse_taken
from .errors import Refusal
from .git import Git
from .spec import SPEC, Replacement, Spec, fits, in_commit


def drift(git: Git, base: str, head: str, spec: Spec) -> list[str]:
    """Compares a commit of a fork with what is composed of its upstream.

    Args:
        git: The fork.
        base: The commit of upstream's that it is made of.
        head: The commit of the fork.
        spec: What the fork has of its own.

    Returns:
        A sentence for each file that is not as composed, with how to mend it; sorted by path.
    """
    try:
        refuse_taken(git.tree(base), git.tree(head), spec)
        expected = managed_texts(git, base, spec)
    except Refusal as refusal:
        return str(refusal).splitlines()
    found: dict[str, str] = {}
    ours, theirs = git.tree(head), git.tree(base)
    for path in {*expected, *_foreign(git, base, head, spec)}:
        content = git.blob(head, path)
        try:
            if content is None or path not in expected:
                found[path] = _absent(path) if content is None and path in expected else _outside(git, base, path)
            elif decoded(content, path) != expected[path]:
                found[path] = difference(git, base, path, decoded(content, path), spec)
            elif ours[path].mode != theirs[path].mode:
                found[path] = _mode(path, theirs[path].mode)
        except Refusal as refusal:
            found[path] = str(refusal)
    return [found[path] for path in sorted(found)]


def unmanaged(git: Git, base: str, head: str, spec: Spec) -> list[str]:
    """Finds what composing a fork anew would lose: edits that are neither hooks nor owned.

    Where a hook is does not matter here, as fork.toml may say already where it is to be in the next version.

    Args and returns as of `drift`.
    """
    found: dict[str, str] = {}
    ours, theirs = git.tree(head), git.tree(base)
    for path in dict.fromkeys((*_foreign(git, base, head, spec), *spec.managed)):
        content, original = git.blob(head, path), git.blob(base, path)
        if content is None and original is None:
            continue  # it is where a hook will be in the next version
        try:
            if content is None:
                found[path] = _absent(path) if path in spec.managed else _outside(git, base, path)
            elif original is None or not (path in spec.managed or _has_blocks(path, content)):
                found[path] = _outside(git, base, path)
            elif ours[path].mode != theirs[path].mode:
                found[path] = _mode(path, theirs[path].mode)
            else:
                text = decoded(content, path)
                lines = [*spec.of(path)[1], *declared_then(git, head, path, spec).of(path)[1]]
                if not as_declared(git, head, path, text, spec) or unlike(
                    hooks.strip(path, text), decoded(original, path), lines
                ):
                    found[path] = difference(git, base, path, text, spec)
        except Refusal as refusal:
            found[path] = str(refusal)
    return [found[path] for path in sorted(found)]


def _foreign(git: Git, base: str, head: str, spec: Spec) -> list[str]:
    """Returns the paths in which the fork differs from upstream and that it neither owns nor lists."""
    return [
        path for path in git.changed(base, head) if not spec.owns(path) and not fits((*spec.keep, *spec.take), path)
    ]


def as_declared(git: Git, head: str, path: str, text: str, spec: Spec, *, whole: bool = True) -> bool:
    """Returns whether the hooks in a file are as they are declared, or were when the file was last written.

    Args:
        git: The fork.
        head: The commit up to which to look for that.
        path: The file's.
        text: The file's.
        spec: What is declared now.
        whole: Whether all hooks that it had then have to be there, too.
    """
    found = {block.tag: hooks.body(block) for block in hooks.blocks(path, text)}
    now = {hook.tag: hook.body for hook in spec.hooks}
    before = {hook.tag: hook.body for hook in declared_then(git, head, path, spec).of(path)[0]}
    return (not whole or before.keys() <= found.keys()) and all(
        one in (now.get(tag), before.get(tag)) for tag, one in found.items()
    )


def declared_then(git: Git, head: str, path: str, spec: Spec) -> Spec:
    """Returns what the fork had declared when a file was last written."""
    commit = git.must("log", "-1", "--first-parent", "--format=%H", head, "--", path)
    try:
        return in_commit(git, commit) if commit else spec
    except Refusal:
        return spec


def _has_blocks(path: str, content: bytes) -> bool:
    return bool(hooks.blocks(path, content.decode(errors="replace")))


def _mode(path: str, mode: str) -> str:
    return f"{path} has another mode than upstream's {mode}: set it back with chmod, or list the file under keep in {SPEC}."


def _absent(path: str) -> str:
    return f"{path} is deleted in the fork, and a hook belongs into it: bring it back, or take its hooks out."


def _outside(git: Git, base: str, path: str) -> str:
    if git.blob(base, path) is None:
        return f"{path} is a file of the fork that upstream does not have: list it under owned in {SPEC}, or delete it."
    return (
        f"{path} is changed in the fork: make the change a [[hooks]] or [[replace]] entry of {SPEC}, list the file "
        f"under keep or take, or undo it with git checkout {base[:12]} -- {path}."
    )


def difference(git: Git, base: str, path: str, text: str, spec: Spec) -> str:
    """Says in a sentence why the text of a file with hooks is not as composed."""
    if "\r\n" in text:
        return f"{path} has line ends of Windows: convert it with git add --renormalize, or in your editor."
    found = {block.tag: block for block in hooks.blocks(path, text)}
    inserted, replaced = spec.of(path)
    wanted = {hook.tag: hooks.block(hook) for hook in inserted}
    for tag in found.keys() - wanted.keys():
        return (
            f'{path}:{found[tag].first} has the hook "{tag}" that {SPEC} has not: run the command apply to take it out.'
        )
    for tag in wanted:
        if tag not in found:
            return f'{path} has no hook "{tag}": run the command apply to put it in.'
        if found[tag].text != wanted[tag]:
            return (
                f'{path}:{found[tag].first} has the hook "{tag}" with another body: edit the body where it is declared, '
                "then run the command apply."
            )
    original = decoded(git.blob(base, path) or b"", path)
    number = unlike(hooks.strip(path, text), original, replaced)
    if number:
        return (
            f"{path} is edited outside the markers, at line {number} without its hooks: make the change a [[hooks]] or "
            f"[[replace]] entry of {SPEC}, or undo it."
        )
    return f"{path} has its hooks or lines in another place: run the command apply to put them right."


def unlike(text: str, original: str, replaced: Sequence[Replacement]) -> int | None:
    """Returns the first line, from 1, in which a text without hooks is not upstream's; None where there is none.

    A line that the fork replaces may be the fork's.
    """
    ours, theirs, own = hooks.lines_of(text), hooks.lines_of(original), hooks.own_lines(original, replaced)
    for number, (our, their) in enumerate(zip(ours, theirs, strict=False), 1):
        if our != their and our.rstrip("\n") not in own.get(number, ()):
            return number
    return None if len(ours) == len(theirs) else min(len(ours), len(theirs)) + 1
