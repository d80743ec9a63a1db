"""What in a fork is neither upstream's, nor its own path, nor an insertion as fork.toml has it."""

from __future__ import annotations

from collections.abc import Sequence

from . import insertions
from .compose import decoded, managed_texts, refuse_taken
from .declaration import FORK_TOML, Declaration, Replacement, fits, in_commit
from .errors import Refusal
from .git import Git


def differences(git: Git, base: str, head: str, declared: Declaration) -> list[str]:
    """Compares a commit of a fork with what is composed of its upstream.

    Args:
        git: the fork.
        base: the commit of upstream's that it is made of.
        head: the commit of the fork.
        declared: what the fork has of its own.

    Returns:
        A sentence for each file that is not as composed, with how to fix it; sorted by path.
    """
    try:
        refuse_taken(git.tree(base), git.tree(head), declared)
        expected = managed_texts(git, base, declared)
    except Refusal as refusal:
        return str(refusal).splitlines()
    found: dict[str, str] = {}
    ours, theirs = git.tree(head), git.tree(base)
    for path in {*expected, *_foreign(git, base, head, declared)}:
        content = git.blob(head, path)
        try:
            if content is None or path not in expected:
                found[path] = _absent(path) if content is None and path in expected else _outside(git, base, path)
            elif decoded(content, path) != expected[path]:
                found[path] = explained(git, base, path, decoded(content, path), declared)
            elif ours[path].mode != theirs[path].mode:
                found[path] = _mode(path, theirs[path].mode)
        except Refusal as refusal:
            found[path] = str(refusal)
    return [found[path] for path in sorted(found)]


def unmanaged(git: Git, base: str, head: str, declared: Declaration) -> list[str]:
    """Finds what composing a fork anew would lose: edits that are neither insertions nor owned.

    Where an insertion is does not matter here, as fork.toml may say already where it is to be in the next version.

    Args:
        git: the fork.
        base: the commit of upstream's that the fork is made of now.
        head: the fork's commit that is to be composed anew.
        declared: what it declares, which is kept.

    Returns:
        A sentence for each file that would be lost, with how to fix it; sorted by path.
    """
    found: dict[str, str] = {}
    ours, theirs = git.tree(head), git.tree(base)
    for path in dict.fromkeys((*_foreign(git, base, head, declared), *declared.managed)):
        content, original = git.blob(head, path), git.blob(base, path)
        if content is None and original is None:
            continue  # it is where an insertion will be in the next version
        try:
            if content is None:
                found[path] = _absent(path) if path in declared.managed else _outside(git, base, path)
            elif original is None or not (path in declared.managed or _has_blocks(path, content)):
                found[path] = _outside(git, base, path)
            elif ours[path].mode != theirs[path].mode:
                found[path] = _mode(path, theirs[path].mode)
            else:
                text = decoded(content, path)
                lines = [*declared.of(path)[1], *declared_then(git, head, path, declared).of(path)[1]]
                if not as_declared(git, head, path, text, declared) or unlike(
                    insertions.strip(path, text), decoded(original, path), lines
                ):
                    found[path] = explained(git, base, path, text, declared)
        except Refusal as refusal:
            found[path] = str(refusal)
    return [found[path] for path in sorted(found)]


def _foreign(git: Git, base: str, head: str, declared: Declaration) -> list[str]:
    """Returns the paths in which the fork differs from upstream and that it neither owns nor lists."""
    return [
        path
        for path in git.changed(base, head)
        if not declared.owns(path) and not fits((*declared.keep, *declared.take), path)
    ]


def as_declared(git: Git, head: str, path: str, text: str, declared: Declaration, *, whole: bool = True) -> bool:
    """Returns whether the insertions in a file are as they are declared, or were when the file was last written.

    Args:
        git: the fork.
        head: the commit up to which to look for that.
        path: the file's.
        text: the file's.
        declared: what is declared now.
        whole: whether all insertions that it had then have to be there, too.
    """
    found = {block.tag: insertions.body(block) for block in insertions.blocks(path, text)}
    now = {insertion.tag: insertion.body for insertion in declared.insertions}
    before = {insertion.tag: insertion.body for insertion in declared_then(git, head, path, declared).of(path)[0]}
    return (not whole or before.keys() <= found.keys()) and all(
        one in (now.get(tag), before.get(tag)) for tag, one in found.items()
    )


def declared_then(git: Git, head: str, path: str, declared: Declaration) -> Declaration:
    """Returns what the fork had declared when a file was last written."""
    commit = git.must("log", "-1", "--first-parent", "--format=%H", head, "--", path)
    try:
        return in_commit(git, commit) if commit else declared
    except Refusal:
        return declared


def _has_blocks(path: str, content: bytes) -> bool:
    return bool(insertions.blocks(path, content.decode(errors="replace")))


def _mode(path: str, mode: str) -> str:
    return (
        f"{path} has another mode than upstream's {mode}: set it back with chmod, or list the file under keep in "
        f"{FORK_TOML}."
    )


def _absent(path: str) -> str:
    return (
        f"{path} is deleted in the fork, and an insertion belongs into it: bring it back, or take its insertions out."
    )


def _outside(git: Git, base: str, path: str) -> str:
    if git.blob(base, path) is None:
        return (
            f"{path} is a file of the fork that upstream does not have: list it under owned in {FORK_TOML}, or delete "
            "it."
        )
    return (
        f"{path} is changed in the fork: make the change a [[insert]] or [[replace]] entry of {FORK_TOML}, list the "
        f"file under keep or take, or undo it with git checkout {base[:12]} -- {path}."
    )


def explained(git: Git, base: str, path: str, text: str, declared: Declaration) -> str:
    """Says in a sentence why the text of a file with insertions is not as composed."""
    if "\r\n" in text:
        return f"{path} has line ends of Windows: convert it with git add --renormalize, or in your editor."
    found = {block.tag: block for block in insertions.blocks(path, text)}
    inserted, replaced = declared.of(path)
    wanted = {insertion.tag: insertions.block(insertion) for insertion in inserted}
    for tag in found.keys() - wanted.keys():
        return (
            f'{path}:{found[tag].first} has the insertion "{tag}" that {FORK_TOML} has not: run the command apply to '
            "take it out."
        )
    for tag in wanted:
        if tag not in found:
            return f'{path} has no insertion "{tag}": run the command apply to put it in.'
        if found[tag].text != wanted[tag]:
            return (
                f'{path}:{found[tag].first} has the insertion "{tag}" with another body: edit the body where it is '
                "declared, then run the command apply."
            )
    original = decoded(git.blob(base, path) or b"", path)
    number = unlike(insertions.strip(path, text), original, replaced)
    if number:
        return (
            f"{path} is edited outside the markers, at line {number} without its insertions: make the change a [[insert]] "
            f"or [[replace]] entry of {FORK_TOML}, or undo it."
        )
    return f"{path} has its insertions or lines in another place: run the command apply to put them right."


def unlike(text: str, original: str, replaced: Sequence[Replacement]) -> int | None:
    """Returns the first line, from 1, in which a text without insertions is not upstream's; None where there is none.

    A line that the fork replaces may be the fork's.
    """
    ours, theirs, own = (
        insertions.lines_of(text),
        insertions.lines_of(original),
        insertions.own_lines(original, replaced),
    )
    for number, (our, their) in enumerate(zip(ours, theirs, strict=False), 1):
        if our != their and our.rstrip("\n") not in own.get(number, ()):
            return number
    return None if len(ours) == len(theirs) else min(len(ours), len(theirs)) + 1
