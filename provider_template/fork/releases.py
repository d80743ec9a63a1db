"""Releases of a fork: their tags, and the way back to where it was before a sync."""

from __future__ import annotations

from dataclasses import dataclass

from . import upstream
from .errors import Refusal
from .git import Git
from .spec import Spec, in_commit
from .sync import TRAILER, lease, move, refuse_dirty

_BACKUPS = "refs/heads/backup/"


@dataclass(frozen=True)
class Release:
    """A tag of the fork's."""

    tag: str
    base: str
    """The version of upstream that it is made of."""
    commit: str
    date: str


def tag(git: Git) -> Release:
    """Tags the commit that is checked out as the fork's next release on its version of upstream.

    Raises:
        Refusal: The commit has such a tag already, or the tree is not clean.
    """
    refuse_dirty(git)
    spec = in_commit(git, "HEAD")
    base = upstream.base(git, spec)
    numbers = spec.upstream.version(base.name)
    stem = f"v{'.'.join(map(str, numbers)) if numbers else base.name}-{spec.name}."
    there = git.lines("tag", "--list", f"{stem}*")
    here = git.lines("tag", "--points-at", "HEAD", "--list", f"{stem}*")
    if here:
        raise Refusal(f"This commit is {here[0]} already: commit something, or push that tag.")
    name = (
        f"{stem}{max((int(one[len(stem) :]) for one in there if one[len(stem) :].isdigit()), default=0) + 1}"
    )
    providers = ", ".join(provider.name for provider in spec.providers) or "no provider"
    message = f"LiteLLM {base.name} with {providers}\n\n{TRAILER}: {base.name} {base.commit}\n"
    git.must("tag", "--annotate", "--file=-", name, content=message.encode())
    return (
        releases(git, spec)[0] if not there else next(one for one in releases(git, spec) if one.tag == name)
    )


def releases(git: Git, spec: Spec) -> list[Release]:
    """Returns the fork's releases, the newest first, each with the version of upstream that it is made of."""
    listed = git.lines(
        *("for-each-ref", "--sort=-version:refname", "--sort=-creatordate", f"refs/tags/v*-{spec.name}.*"),
        f"--format=%(refname:short)%09%(objectname:short)%09%(creatordate:short)%09%(contents:trailers:key={TRAILER},valueonly)",
    )
    found: list[Release] = []
    for line in listed:
        if line.strip():
            name, commit, date, base = line.split("\t")
            found.append(Release(name, base.split()[0] if base.strip() else "?", commit, date))
    return found


def backups(git: Git) -> list[str]:
    """Returns the backup branches that syncs have made, the newest first."""
    return git.lines("for-each-ref", "--sort=-creatordate", "--format=%(refname:short)", _BACKUPS)


def rollback(git: Git, to: str | None) -> tuple[str, str, str]:
    """Brings the branch that is checked out back to where it was before a sync; where it is now becomes a backup, too.

    Args:
        git: The fork.
        to: A backup branch; else the newest of this branch.

    Returns:
        The backup that the branch is at now, the new backup, and the command that publishes it.

    Raises:
        Refusal: There is no such backup, or the tree is not clean; the branch has not moved.
    """
    refuse_dirty(git)
    branch = git.branch()
    if branch is None:
        raise Refusal("No branch is checked out: check out the branch that is to go back.")
    mine = [one for one in backups(git) if one.startswith(f"backup/{branch}-before-")]
    name = to or (mine[0] if mine else None)
    if name is None:
        raise Refusal(
            f"There is no backup of {branch}: a sync makes one, git reflog {branch} says where it was."
        )
    commit, head = git.commit(f"refs/heads/{name}"), git.must("rev-parse", "HEAD")
    if commit is None:
        raise Refusal(f"There is no branch {name}: name one of {', '.join(mine) or 'none'}.")
    if commit == head:
        raise Refusal(f"{branch} is where {name} is already.")
    kept = f"backup/{branch}-rolled-back-{head[:12]}"
    git.set_refs([(f"refs/heads/{kept}", head)])
    move(git, branch, commit, rewrites=True)
    return name, kept, lease(git, branch, in_commit(git, commit))
