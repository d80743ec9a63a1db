"""A fork's tree, composed: upstream's tree, the paths that are the fork's, and its insertions between markers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from . import insertions
from .declaration import Declaration, fits
from .errors import Refusal
from .git import Entry, Git
from .lost_anchors import remedy


@dataclass(frozen=True)
class Composed:
    """A composed tree, and what was decided on the way."""

    tree: str
    texts: Mapping[str, str]
    """The files with insertions or lines of the fork's, by path."""
    kept: tuple[str, ...]
    """Files of which the fork's version was kept although upstream has changed them, too."""
    taken: tuple[str, ...]
    """Files of which upstream's version was taken although the fork had changed them."""


def decoded(content: bytes, path: str) -> str:
    """Returns a file's text.

    Raises:
        Refusal: it is no text in UTF-8.
    """
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise Refusal(f"{path} is no text in UTF-8, so it cannot have an insertion: take its insertions out.") from None


def managed_texts(git: Git, upstream: str, declared: Declaration, base: str | None = None) -> dict[str, str]:
    """Returns the files with insertions as they are on a commit of upstream's, with the insertions in them, by path.

    Args:
        git: the fork.
        upstream: the commit of upstream's.
        declared: what the fork has of its own.
        base: the commit of upstream's on which the anchors were right, to tell where they went.

    Raises:
        Refusal: upstream has deleted a file, or something does not fit; all that does not fit is said.
    """
    texts: dict[str, str] = {}
    refused: list[str] = []
    for path in declared.managed:
        content = git.blob(upstream, path)
        inserted, replaced = declared.of(path)
        if content is None:
            what = ", ".join([insertion.tag for insertion in inserted] + [f"the line {one.line!r}" for one in replaced])
            refused.append(
                f"{path} is not there in upstream's version and {what} belongs into it: "
                + remedy(git, base, upstream, path, [*inserted, *replaced])
            )
            continue
        try:
            texts[path] = insertions.apply(path, decoded(content, path), inserted, replaced)
        except insertions.AnchorError as error:
            refused.append(f"{error}: {remedy(git, base, upstream, path, [error.what])}")
        except Refusal as error:
            refused.append(str(error))
    if refused:
        raise Refusal("\n".join(refused))
    return texts


def compose(
    git: Git,
    upstream: str,
    head: str,
    declared: Declaration,
    *,
    base: str | None,
    more: Mapping[str, bytes] | None = None,
) -> Composed:
    """Composes the tree that a fork has on a commit of upstream's.

    Args:
        git: the fork.
        upstream: the commit of upstream's.
        head: the commit that has the fork's own files.
        declared: what the fork has of its own.
        base: the commit of upstream's that `head` was made of, to tell which files the fork has changed; None where
            that is not known, and then it is all that it has.
        more: files to put in at last, by path.

    Raises:
        Refusal: something does not fit, or upstream has a file where the fork has its own.
    """
    theirs, ours = git.tree(upstream), git.tree(head)
    refuse_taken(theirs, ours, declared)
    texts = managed_texts(git, upstream, declared, base)
    before = git.tree(base) if base else {}
    edited = sorted(path for path in ours.keys() | before.keys() if ours.get(path) != before.get(path))
    changes: dict[str, Entry | None] = {path: entry for path, entry in ours.items() if declared.owns(path)}
    changes |= {path: ours.get(path) for path in edited if fits(declared.keep, path)}
    for path, text in texts.items():
        changes[path] = Entry(theirs[path].mode, git.write_blob(text.encode()))
    for path, content in (more or {}).items():
        changes[path] = Entry(ours[path].mode if path in ours else "100644", git.write_blob(content))
    return Composed(
        git.write_tree(upstream, {path: entry for path, entry in changes.items() if entry or path in theirs}),
        texts,
        kept=tuple(path for path in edited if fits(declared.keep, path) and before.get(path) != theirs.get(path)),
        taken=tuple(path for path in edited if fits(declared.take, path)),
    )


def refuse_taken(theirs: Mapping[str, Entry], ours: Iterable[str], declared: Declaration) -> None:
    """Refuses where upstream has a file among the fork's own paths, or a folder where the fork has a file."""
    own = {path for path in ours if declared.owns(path) or (fits(declared.keep, path) and path not in theirs)}
    taken = [path for path in theirs if declared.owns(path) or _parents(path) & own]
    over = {parent for path in own for parent in _parents(path)}
    taken += [path for path in theirs if path in over]
    if taken:
        more = f" and {len(taken) - 1} more" if len(taken) > 1 else ""
        raise Refusal(
            f"Upstream has {taken[0]}{more} now, where the fork has files of its own: rename the fork's folder "
            "(render the provider again under another name), or take the path out of the owned ones."
        )


def _parents(path: str) -> set[str]:
    return {parent.as_posix() for parent in PurePosixPath(path).parents}
