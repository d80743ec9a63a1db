"""Upstream: its remote, its versions, and the one that a fork is made of."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .errors import Refusal
from .git import Git, words
from .spec import SPEC, Spec


@dataclass(frozen=True)
class Version:
    """A commit of upstream's, by the name that was asked for or that it has."""

    name: str
    commit: str


def fetch(git: Git, spec: Spec) -> None:
    """Fetches upstream's branch and tags; adds the remote where it is not there.

    Raises:
        Refusal: Upstream cannot be reached, or the remote has another URL than fork.toml.
    """
    remote = spec.upstream.remote
    known = git.run("remote", "get-url", remote)
    if known.returncode:
        git.must("remote", "add", "--no-tags", remote, spec.upstream.url)
    elif _place(url := known.stdout.decode().strip()) != _place(spec.upstream.url):
        raise Refusal(
            f"The remote {remote} is {url}, and {SPEC} says {spec.upstream.url}: make them the same, "
            f"such as with git remote set-url {remote} {spec.upstream.url}"
        )
    branch = spec.upstream.branch
    for refs in (f"+refs/heads/{branch}:refs/remotes/{remote}/{branch}", "refs/tags/*:refs/tags/*"):
        done = git.run("fetch", "--quiet", "--no-auto-gc", "--no-tags", remote, refs)
        # A tag that upstream has moved, or that the fork has itself, stays as it is here; the others have come.
        if done.returncode and b"would clobber existing tag" not in done.stderr:
            raise Refusal(f"Upstream ({spec.upstream.url}) cannot be fetched: {words(done.stderr)}")


def _place(url: str) -> str:
    """Returns host and path of a URL, which name the same repository by https and by ssh."""
    found = re.fullmatch(r"(?:\w+://)?(?:[^@/]+@)?(.+?)(?:\.git)?/?", url)
    return found[1].replace(":", "/", 1) if found else url


def releases(git: Git, spec: Spec, *, merged: str | None = None) -> list[str]:
    """Returns upstream's release tags that are in the repository, the oldest version first.

    Args:
        git: The fork.
        spec: What the fork has of its own.
        merged: Only those that are in the history of this commit.
    """
    listed = git.lines("tag", "--list", *(["--merged", merged] if merged else []))
    known = [(version, tag) for tag in listed if (version := spec.upstream.version(tag))]
    return [tag for _, tag in sorted(known)]


def target(git: Git, spec: Spec, name: str | None) -> Version:
    """Returns the commit of upstream's that a version, tag or branch stands for; else its newest release.

    Raises:
        Refusal: There is no such version, or no release at all.
    """
    branch = spec.upstream.branch
    tags = releases(git, spec)
    if name is None:
        if not tags:
            raise Refusal(
                f"Upstream has no release tag that fits {spec.upstream.tags!r}: name a version with --to, "
                f"such as --to {branch}, or mend tags in {SPEC}."
            )
        name = tags[-1]
    if name == branch:
        found = git.commit(f"refs/remotes/{spec.upstream.remote}/{branch}")
    else:
        named = re.fullmatch(r"v?(\d+\.\d+\.\d+)", name)
        fitting = [tag for tag in tags if named and spec.upstream.version(tag) == _numbers(named[1])]
        name = fitting[-1] if fitting else name
        found = git.commit(f"refs/tags/{name}") or (
            git.commit(name) if re.fullmatch("[0-9a-f]{7,64}", name) else None
        )
    if found is None:
        newest = f"the newest is {tags[-1]}" if tags else f"such as {branch}"
        raise Refusal(
            f"Upstream has no version {name}: name one of its releases ({newest}) or its branch {branch}."
        )
    return Version(name, found)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def base(git: Git, spec: Spec, head: str = "HEAD") -> Version:
    """Returns the version of upstream that a commit of the fork is made of.

    That is the one in fork.toml, or a newer one that was merged or rebased onto with git alone since then.

    Raises:
        Refusal: None is recorded, or its commit is not in the repository and cannot be fetched.
    """
    recorded = spec.upstream
    if not recorded.commit:
        raise Refusal(
            f"{SPEC} has no base yet: run python fork/tool apply, which puts the hooks in and records "
            "the version of LiteLLM that they are put into."
        )
    if git.commit(recorded.commit) is None:
        _fetch_one(git, spec)
    found = Version(recorded.base, recorded.commit)
    merged = releases(git, spec, merged=head)
    candidates = [Version(tag, commit) for tag in merged[-1:] if (commit := git.commit(f"refs/tags/{tag}"))]
    tip = f"refs/remotes/{recorded.remote}/{recorded.branch}"
    if git.commit(tip) and (common := git.run("merge-base", head, tip).stdout.decode().strip()):
        candidates.append(Version(common[:12], common))
    for one in candidates:
        # A sync that was reverted is in the history, and yet the files are of the version before it.
        if (
            one.commit != found.commit
            and git.is_ancestor(found.commit, one.commit)
            and _lines_between(git, one.commit, head) <= _lines_between(git, found.commit, head)
        ):
            found = one
    return found


def _lines_between(git: Git, one: str, other: str) -> int:
    """Returns how many lines are in one of two commits only."""
    facts = git.must("diff-tree", "-r", "--no-renames", "--shortstat", one, other)
    return sum(int(number) for number in re.findall(r"(\d+) (?:insertion|deletion)", facts))


def _fetch_one(git: Git, spec: Spec) -> None:
    """Fetches the recorded commit alone, as in a shallow clone of a CI job."""
    recorded = spec.upstream
    for name in (f"refs/tags/{recorded.base}", recorded.commit):
        git.run("fetch", "--quiet", "--no-tags", "--depth=1", recorded.url, name)
        if git.commit(recorded.commit):
            return
    raise Refusal(
        f"The commit {recorded.commit[:12]} ({recorded.base}) that {SPEC} records as base is not in this clone and "
        f"cannot be fetched from {recorded.url}: fetch upstream's tags, or mend base and commit."
    )


def first_base(git: Git, spec: Spec, name: str | None) -> Version:
    """Returns the version of upstream that a checkout is of, before any was recorded.

    Args:
        git: The checkout.
        spec: What the fork has of its own.
        name: The version, if the user has named it.

    Raises:
        Refusal: It cannot be told.
    """
    if name:
        return target(git, spec, name)
    merged = releases(git, spec, merged="HEAD")
    tip = git.commit(f"refs/remotes/{spec.upstream.remote}/{spec.upstream.branch}")
    common = git.run("merge-base", "HEAD", tip).stdout.decode().strip() if tip else ""
    tagged = git.commit(f"refs/tags/{merged[-1]}") if merged else None
    if tagged and (not common or git.is_ancestor(common, tagged)):
        return Version(merged[-1], tagged)
    if common:
        return Version(common[:12], common)
    raise Refusal(
        "It cannot be told which version of LiteLLM this checkout is of, as no release tag of upstream's is in its "
        f"history: fetch them with git fetch {spec.upstream.url} 'refs/tags/*:refs/tags/*', or name it with --base v1.2.3."
    )


def with_base(content: bytes, version: Version) -> bytes:
    """Returns fork.toml with a version recorded in it.

    Raises:
        Refusal: It has no line for it.
    """
    text = content.decode()
    for key, value in (("base", version.name), ("commit", version.commit)):
        text, count = re.subn(rf'(?m)^{key} = "[^"\n]*"', f'{key} = "{value}"', text)
        if count != 1:
            raise Refusal(f'{SPEC} has {count} lines {key} = "…": it needs one, in the table [upstream].')
    return text.encode()
