"""Brings a fork to another version of upstream: composed anew, checked, and on a branch before it is anywhere else."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from . import upstream
from .bad_litellm import refuse_bad
from .changes import CHANGES, changes
from .checks import problems
from .compose import Composed, compose
from .declaration import FORK_TOML, Declaration, fits, in_commit
from .differences import unmanaged
from .errors import Refusal
from .git import Git
from .in_progress import refuse_in_progress
from .nearby_changes import nearby_changes
from .probes import Probed, probe
from .restore import reason, restore
from .upstream import Version

TRAILER = "Upstream-Base"


@dataclass(frozen=True)
class Wish:
    """What a sync is asked for."""

    to: str | None = None
    strategy: str | None = None
    fetch: bool = True
    dry_run: bool = False
    fast_forward: bool = False
    python: str | None = None
    """The interpreter for the probes; None leaves them out."""


@dataclass(frozen=True)
class Synced:
    """What a sync did, or would do."""

    start: Version
    end: Version
    strategy: str
    branch: str
    head: str
    commit: str
    """The new commit; it is stored, but on no branch, after a dry run."""
    backup: str
    update: str
    behind: int
    composed: Composed
    insertions: tuple[str, ...]
    near: tuple[str, ...]
    probed: tuple[Probed, ...]
    dry_run: bool
    moved: bool
    """Whether the branch is at the new commit already."""
    push: str = ""
    """The command that publishes a rebased branch."""
    dropped: tuple[str, ...] = ()
    """Commits of the fork that a rebase left out, as nothing of them is left to apply."""


def sync(git: Git, wish: Wish) -> Synced | None:
    """Brings the branch that is checked out to a version of upstream.

    Args:
        git: the fork.
        wish: what is asked for.

    Returns:
        What was done; None where the fork is at that version already.

    Raises:
        Refusal: the fork is not as fork.toml says, or something does not fit; no branch has moved.
    """
    branch = _ready(git)
    declared = in_commit(git, "HEAD")
    if wish.fetch:
        upstream.fetch(git, declared)
    head = git.must("rev-parse", "HEAD")
    start, end = upstream.base(git, declared), upstream.target(git, declared, wish.to)
    if start.commit == end.commit:
        return None
    for name in (end.name, *git.lines("tag", "--points-at", end.commit)):  # a commit may be named by its hash
        refuse_bad(declared.upstream.version(name))
    _refuse_older(git, declared, start, end)
    if wrong := unmanaged(git, start.commit, head, declared):
        raise Refusal("\n".join(wrong))
    strategy = wish.strategy or declared.strategy
    if strategy == "rebase" and git.must("rev-parse", "--is-shallow-repository") == "true":
        raise Refusal(
            "This clone has not all of the fork's commits, and a rebase makes them anew: git fetch --unshallow."
        )
    commit, composed, dropped = _commit(git, declared, strategy, head, start, end)
    _check(composed, declared)
    near = nearby_changes(git, start.commit, end.commit, declared)
    probed = probe(git, commit, declared, wish.python) if wish.python else ()
    backup, update = _free_names(git, branch, head, commit, end)
    if not wish.dry_run:
        git.set_refs(
            [
                *_saved(git, update, head, commit),
                (f"refs/heads/{backup}", head),
                (f"refs/heads/{update}", commit),
            ]
        )
    if moves := wish.fast_forward and not wish.dry_run:
        move(git, branch, head, commit, rewrites=strategy == "rebase")
    return Synced(
        start=start,
        end=end,
        strategy=strategy,
        branch=branch,
        head=head,
        commit=commit,
        backup=backup,
        update=update,
        behind=int(git.must("rev-list", "--count", f"{start.commit}..{end.commit}")),
        composed=composed,
        insertions=tuple(insertion.tag for insertion in declared.insertions),
        near=near,
        probed=probed,
        dry_run=wish.dry_run,
        moved=moves,
        push=lease(git, branch, declared) if strategy == "rebase" else "",
        dropped=dropped,
    )


def _ready(git: Git) -> str:
    """Returns the branch that is checked out, on a clean tree."""
    branch = git.branch()
    if branch is None:
        raise Refusal("No branch is checked out: check out the branch of your fork, such as git checkout main.")
    refuse_dirty(git)
    return branch


def refuse_dirty(git: Git) -> None:
    """Refuses a work tree with changes that are not committed, and a merge or rebase that is under way."""
    refuse_in_progress(git)
    if not git.is_clean():
        raise Refusal(f"{git.folder} has changes that are not committed: commit or stash them first.")


def _refuse_older(git: Git, declared: Declaration, start: Version, end: Version) -> None:
    before, after = declared.upstream.version(start.name), declared.upstream.version(end.name)
    older = after < before if before and after else git.is_ancestor(end.commit, start.commit)
    if older:
        raise Refusal(
            f"{end.name} is older than {start.name}, which the fork is made of: a sync goes forward only, "
            "use rollback to go back to where the fork was before."
        )


def _check(composed: Composed, declared: Declaration) -> None:
    wrong = [one for path, text in composed.texts.items() for one in problems(path, text, declared.of(path)[0])]
    if wrong:
        raise Refusal("\n".join(wrong))


def _commit(
    git: Git, declared: Declaration, strategy: str, head: str, start: Version, end: Version
) -> tuple[str, Composed, tuple[str, ...]]:
    """Composes and commits; returns the commit, what was composed, and the commits that a rebase left out."""
    kept = [path for path in git.changed(start.commit, head) if fits(declared.keep, path)]
    different = set(git.changed(end.commit, head))
    written = {
        FORK_TOML: upstream.with_base(git.blob(head, FORK_TOML) or b"", end),
        CHANGES: changes(declared, end, [path for path in kept if path in different]).encode(),
    }
    composed = compose(git, end.commit, head, declared, base=start.commit, more=written)
    message = f"chore: sync with LiteLLM {end.name}\n\n{TRAILER}: {end.name} {end.commit}\n"
    if strategy == "merge":
        return commit_tree(git, composed.tree, [head, end.commit], message), composed, ()
    top, dropped = _replay(git, declared, head, start, end)
    return commit_tree(git, composed.tree, [top], message), composed, dropped


def commit_tree(git: Git, tree: str, parents: list[str], message: str, more: Mapping[str, str] | None = None) -> str:
    """Stores a commit and returns its hash."""
    lines = [argument for parent in parents for argument in ("-p", parent)]
    content = message.encode(errors="surrogateescape")
    return git.must("commit-tree", tree, *lines, "-F", "-", content=content, more=more)


def _replay(git: Git, declared: Declaration, head: str, start: Version, end: Version) -> tuple[str, tuple[str, ...]]:
    """Makes each commit of the fork's once more, on the new version; each keeps its author, date and message.

    A commit's tree is upstream's with that commit's files of the fork's own. Where the insertions of a commit do not fit
    the new version, they come with the last commit, which has all of it.
    """
    top, dropped = end.commit, []
    tree = git.must("rev-parse", f"{top}^{{tree}}")
    for commit in git.lines("rev-list", "--reverse", "--first-parent", head, f"^{start.commit}"):
        message = git.must("show", "-s", "--encoding=UTF-8", "--format=%B", commit) + "\n"
        if f"\n{TRAILER}: " in message:
            continue  # an earlier sync: the last commit has all that it recorded
        composed = _as_of(git, declared, commit, end)
        if composed == tree:
            dropped.append(git.must("show", "-s", "--format=%h %s", commit))
            continue
        author = git.must("show", "-s", "--encoding=UTF-8", "--format=%an%n%ae%n%ad", "--date=raw", commit).split("\n")
        message += _others(git, commit, start, author)
        names = ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_AUTHOR_DATE")
        top = commit_tree(git, composed, [top], message, dict(zip(names, author, strict=True)))
        tree = composed
    return top, tuple(dropped)


def _others(git: Git, commit: str, start: Version, author: list[str]) -> str:
    """Returns the authors of a branch that a commit has merged, as trailers: the rebased commit has all of their work."""
    listed = git.lines("log", "--format=%an <%ae>", commit, f"^{commit}^1", f"^{start.commit}")
    names = dict.fromkeys(one for one in listed if one != f"{author[0]} <{author[1]}>")
    return "".join(["\n", *(f"Co-authored-by: {name}\n" for name in names)]) if names else ""


def _as_of(git: Git, declared: Declaration, commit: str, end: Version) -> str:
    """Returns the tree of a commit of the fork's on a new version."""
    try:
        then = in_commit(git, commit)
        return compose(git, end.commit, commit, then, base=then.upstream.commit or None).tree
    except Refusal:
        ours, theirs = git.tree(commit), git.tree(end.commit)
        return git.write_tree(
            end.commit,
            {path: entry for path, entry in ours.items() if declared.owns(path) and path not in theirs},
        )


def _free_names(git: Git, branch: str, head: str, commit: str, end: Version) -> tuple[str, str]:
    """Returns the names of the backup branch and of the update branch; none that has other work on it."""
    update = f"sync/{end.name}"
    there = git.commit(f"refs/heads/{update}")
    if there and there not in (head, commit) and not _is_ours(git, there, head):
        raise Refusal(
            f"The branch {update} is there already and has commits of yours: merge it, or delete it with "
            f"git branch -D {update}, first."
        )
    if f"branch refs/heads/{update}" in git.lines("worktree", "list", "--porcelain"):
        raise Refusal(f"{update} is checked out, and a sync would write it: check out another branch there first.")
    backup, number = f"backup/{branch}-before-{end.name}", 1
    while git.commit(f"refs/heads/{backup}") not in (None, head):
        number += 1
        backup = f"backup/{branch}-before-{end.name}-{number}"
    return backup, update


def _saved(git: Git, update: str, head: str, commit: str) -> list[tuple[str, str]]:
    """Returns a backup for an update branch that is about to be written again, as somebody may have amended it."""
    there = git.commit(f"refs/heads/{update}")
    if there is None or there in (head, commit) or git.is_ancestor(there, head) or _same_files(git, there, commit):
        return []
    return [(f"refs/heads/backup/{update}-{there[:12]}", there)]


def _same_files(git: Git, one: str, other: str) -> bool:
    """Returns whether two commits have the same files, as those of a sync that was killed and of the next one."""
    return git.must("rev-parse", f"{one}^{{tree}}") == git.must("rev-parse", f"{other}^{{tree}}")


def _is_ours(git: Git, there: str, head: str) -> bool:
    """Returns whether a branch has nothing but what an earlier sync has made: that one may be written again."""
    message = git.must("show", "-s", "--format=%B", there)
    return f"{TRAILER}: " in message or git.is_ancestor(there, head)


def move(git: Git, branch: str, head: str, commit: str, *, rewrites: bool) -> None:
    """Brings the branch that is checked out, the index and the files to a commit.

    Git does it in a session of its own, which goes on to its end where this process is killed.

    Args:
        git: the fork.
        branch: the branch.
        head: the commit that it is at.
        commit: the commit to bring it to.
        rewrites: whether the branch's own commits are not in the history of that one.

    Raises:
        Refusal: something has changed meanwhile, or git would lose a file that it does not know.
    """
    if git.branch() != branch or git.commit("HEAD") != head:
        raise Refusal(f"{branch} is not as it was when this began: nothing was moved, so do it again.")
    there = set(git.tree(commit)) - set(git.tree(head))
    in_the_way = sorted(path for path in there if os.path.lexists(git.folder / path))
    if in_the_way:
        raise Refusal(
            f"{in_the_way[0]} is in the way of a file of {commit[:12]}, and git does not know it: move it away."
        )
    how = ("reset", "--quiet", "--keep") if rewrites else ("merge", "--quiet", "--ff-only")
    done = git.run(*how, commit, detached=True)
    if done.returncode:
        left = restore(git, head, commit, killed=done.returncode < 0)
        raise Refusal(f"{branch} could not be brought to {commit[:12]}: {reason(done)}. {left.words(git.folder)}")


def lease(git: Git, branch: str, declared: Declaration) -> str:
    """Returns the command that publishes a branch whose history was rewritten; git refuses it if others have pushed."""
    tracked = git.run("config", f"branch.{branch}.remote").stdout.decode().strip()
    remote = tracked if tracked not in ("", ".", declared.upstream.remote) else "origin"
    known = git.commit(f"refs/remotes/{remote}/{branch}")
    expected = f"{branch}:{known}" if known else branch
    return f"git push --force-with-lease={expected} {remote} {branch}"
