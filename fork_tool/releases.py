"""Releases of a fork: their tags, and the way back to where it was before a sync."""

from __future__ import annotations

import re
from dataclasses import dataclass

from . import upstream
from .declaration import Declaration, in_commit
from .errors import Refusal
from .git import Git
from .sync import TRAILER, lease, move, refuse_dirty

_BACKUPS = "refs/heads/backup/"


@dataclass(frozen=True)
class Release:
    """A tag of the fork's."""

    tag: str
    base: str
    """The version of upstream that it is made of."""
    commit: str
    """The commit that it names, shortened."""
    date: str


def tag(git: Git) -> Release:
    """Tags the commit that is checked out as the fork's next release on its version of upstream.

    Raises:
        Refusal: the commit has such a tag already, or the tree is not clean.
    """
    refuse_dirty(git)
    declared = in_commit(git, "HEAD")
    base = upstream.base(git, declared)
    numbers = declared.upstream.version(base.name)
    version = ".".join(map(str, numbers)) if numbers else re.sub("[^0-9A-Za-z.]+", ".", base.name)
    stem = f"v{version}-{declared.name}."
    there = git.lines("tag", "--list", f"{stem}*")
    here = git.lines("tag", "--points-at", "HEAD", "--list", f"{stem}*")
    if here:
        raise Refusal(f"This commit is {here[0]} already: commit something, or push that tag.")
    name = f"{stem}{max((int(one[len(stem) :]) for one in there if one[len(stem) :].isdigit()), default=0) + 1}"
    providers = ", ".join(provider.name for provider in declared.providers) or "no provider"
    message = f"LiteLLM {base.name} with {providers}\n\n{TRAILER}: {base.name} {base.commit}\n"
    git.must("tag", "--annotate", "--file=-", name, content=message.encode())
    return releases(git, declared)[0] if not there else next(one for one in releases(git, declared) if one.tag == name)


def releases(git: Git, declared: Declaration) -> list[Release]:
    """Returns the fork's releases, the newest first, each with the version of upstream that it is made of."""
    commit = "%(if)%(*objectname)%(then)%(*objectname:short)%(else)%(objectname:short)%(end)"
    base = f"%(contents:trailers:key={TRAILER},valueonly,separator=%20)"
    listed = git.lines(
        *("for-each-ref", "--sort=-version:refname", "--sort=-creatordate"),
        f"--format=%(refname:strip=2)%09{commit}%09%(creatordate:short)%09{base}",
        f"refs/tags/v*-{declared.name}.*",
    )
    found: list[Release] = []
    for line in listed:
        if line.strip():
            name, short, date, made_of = line.split("\t")
            found.append(Release(name, next(iter(made_of.split()), "?"), short, date))
    return found


def backups(git: Git) -> list[str]:
    """Returns the backup branches that syncs have made, the newest first."""
    found = git.lines("for-each-ref", "--format=%(refname:strip=2)", _BACKUPS)
    return sorted(found, key=lambda name: _made(git, name), reverse=True)


def _made(git: Git, branch: str) -> tuple[int, str]:
    """Returns when a branch was made, in seconds, as far as git remembers; and its name."""
    said = git.run("log", "-g", "-1", "--format=%gd", "--date=unix", f"refs/heads/{branch}", "--").stdout.decode()
    found = re.search(r"@\{(\d+)\}", said)
    return (int(found[1]) if found else 0, branch)


def rollback(git: Git, to: str | None) -> tuple[str, str, str]:
    """Brings the branch that is checked out back to where it was before a sync; where it is now becomes a backup, too.

    Args:
        git: the fork.
        to: a backup branch; else the newest of this branch.

    Returns:
        The backup that the branch is at now, the new backup, and the command that publishes it.

    Raises:
        Refusal: there is no such backup, or the tree is not clean; the branch has not moved.
    """
    refuse_dirty(git)
    branch = git.branch()
    if branch is None:
        raise Refusal("No branch is checked out: check out the branch that is to go back.")
    mine = [one for one in backups(git) if one.startswith(f"backup/{branch}-before-")]
    name = to or (mine[0] if mine else None)
    if name is None:
        raise Refusal(f"There is no backup of {branch}: a sync makes one, git reflog {branch} says where it was.")
    commit, head = git.commit(f"refs/heads/{name}"), git.must("rev-parse", "HEAD")
    if commit is None:
        raise Refusal(f"There is no branch {name}: name one of {', '.join(mine) or 'none'}.")
    if commit == head:
        raise Refusal(f"{branch} is where {name} is already.")
    kept = f"backup/{branch}-rolled-back-{head[:12]}"
    push = lease(git, branch, in_commit(git, head))
    git.set_refs([(f"refs/heads/{kept}", head)])
    move(git, branch, head, commit, rewrites=True)
    return name, kept, push
