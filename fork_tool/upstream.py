"""Upstream: its remote, its versions, and the one that a fork is made of."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass

from .bad_litellm import is_bad
from .declaration import FORK_TOML, Declaration
from .errors import Refusal
from .git import Git, one_line


@dataclass(frozen=True)
class Version:
    """A commit of upstream's, by the name that was asked for or that it has."""

    name: str
    commit: str


def fetch(git: Git, declared: Declaration) -> None:
    """Fetches upstream's branch and tags; adds the remote where it is not there.

    Raises:
        Refusal: upstream cannot be reached, or the remote has another URL than fork.toml.
    """
    remote = declared.upstream.remote
    known = git.run("config", "--get", f"remote.{remote}.url")  # as it is written, whatever git puts in its place
    if known.returncode:
        git.must("remote", "add", "--no-tags", remote, declared.upstream.url)
    elif _place(url := known.stdout.decode().strip()) != _place(declared.upstream.url):
        raise Refusal(
            f"The remote {remote} is {url}, and {FORK_TOML} says {declared.upstream.url}: make them the same, "
            f"such as with git remote set-url {remote} {declared.upstream.url}"
        )
    branch = declared.upstream.branch
    for refs in (f"+refs/heads/{branch}:refs/remotes/{remote}/{branch}", "refs/tags/*:refs/tags/*"):
        # Pruning would delete the fork's own tags.
        options = ("--quiet", "--no-auto-gc", "--no-tags", "--no-prune", "--no-prune-tags")
        done = git.run("fetch", *options, remote, refs)
        # A tag that upstream has moved, or that the fork has itself, stays as it is here; the others have come.
        if done.returncode and b"would clobber existing tag" not in done.stderr:
            raise Refusal(f"Upstream ({declared.upstream.url}) cannot be fetched: {one_line(done.stderr)}")


def _place(url: str) -> str:
    """Returns host and path of a URL, which name the same repository by https and by ssh."""
    found = re.fullmatch(r"(?:\w+://)?(?:[^@/]+@)?(.+?)(?:\.git)?/?", url)
    return found[1].replace(":", "/", 1) if found else url


def releases(git: Git, declared: Declaration, *, merged: str | None = None) -> list[str]:
    """Returns upstream's release tags that are in the repository, the oldest version first.

    Args:
        git: the fork.
        declared: what the fork has of its own.
        merged: only those that are in the history of this commit.
    """
    listed = git.lines("tag", "--list", *(["--merged", merged] if merged else []))
    known = [(version, tag) for tag in listed if (version := declared.upstream.version(tag))]
    return [tag for _, tag in sorted(known)]


def target(git: Git, declared: Declaration, name: str | None) -> Version:
    """Returns the commit of upstream's that a version, tag or branch stands for; else its newest release.

    Raises:
        Refusal: there is no such version, or no release at all.
    """
    branch = declared.upstream.branch
    tags = releases(git, declared)
    if name is None:
        latest = _newest(git, [tag for tag in tags if not is_bad(declared.upstream.version(tag))])
        if latest is None:
            raise Refusal(
                f"Upstream has no release tag that fits {declared.upstream.tags!r}: name a version with --to, "
                f"such as --to {branch}, or fix tags in {FORK_TOML}."
            )
        return latest
    if name == branch:
        found = git.commit(f"refs/remotes/{declared.upstream.remote}/{branch}")
    else:
        named = re.fullmatch(r"v?(\d+\.\d+\.\d+)", name)
        fitting = [tag for tag in tags if named and declared.upstream.version(tag) == _numbers(named[1])]
        name = fitting[-1] if fitting else name
        found = git.commit(f"refs/tags/{name}") or (git.commit(name) if re.fullmatch("[0-9a-f]{7,64}", name) else None)
    if found is None:
        newest = f"the newest is {tags[-1]}" if tags else f"such as {branch}"
        raise Refusal(f"Upstream has no version {name}: name one of its releases ({newest}) or its branch {branch}.")
    return Version(name, found)


def _newest(git: Git, tags: list[str]) -> Version | None:
    """Returns the newest of some tags that is upstream's; the fork may have tags of such names, too."""
    for tag in reversed(tags):
        commit = git.commit(f"refs/tags/{tag}")
        if commit and git.blob(commit, FORK_TOML) is None:
            return Version(tag, commit)
    return None


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def base(git: Git, declared: Declaration, head: str = "HEAD") -> Version:
    """Returns the version of upstream that a commit of the fork is made of.

    That is the one in fork.toml, or a newer one that was merged or rebased onto with git alone since then.

    Raises:
        Refusal: none is recorded, or its commit is not in the repository and cannot be fetched.
    """
    recorded = declared.upstream
    if not recorded.commit:
        raise Refusal(
            f"{FORK_TOML} has no base yet: run python fork/tool apply, which puts the insertions in and records "
            "the version of LiteLLM that they are put into."
        )
    if git.commit(recorded.commit) is None:
        _fetch_one(git, declared)
    found = Version(recorded.base, recorded.commit)
    merged = _newest(git, releases(git, declared, merged=head))
    candidates = [merged] if merged else []
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


def _fetch_one(git: Git, declared: Declaration) -> None:
    """Fetches the recorded commit alone, as in a shallow clone of a CI job."""
    recorded = declared.upstream
    shallow = git.must("rev-parse", "--is-shallow-repository") == "true"
    depth = ["--depth=1"] if shallow else []  # which would make a whole clone a shallow one
    for name in (f"refs/tags/{recorded.base}", recorded.commit):
        git.run("fetch", "--quiet", "--no-tags", "--no-prune", *depth, recorded.url, name)
        if git.commit(recorded.commit):
            return
    raise Refusal(
        f"The commit {recorded.commit[:12]} ({recorded.base}) that {FORK_TOML} records as base is not in this clone and "
        f"cannot be fetched from {recorded.url}: fetch upstream's tags, or fix base and commit."
    )


def first_base(git: Git, declared: Declaration, name: str | None) -> Version:
    """Returns the version of upstream that a checkout is of, before any was recorded.

    Args:
        git: the checkout.
        declared: what the fork has of its own.
        name: the version, if the user has named it.

    Raises:
        Refusal: it cannot be told.
    """
    if name:
        return target(git, declared, name)
    merged = _newest(git, releases(git, declared, merged="HEAD"))
    tip = git.commit(f"refs/remotes/{declared.upstream.remote}/{declared.upstream.branch}")
    common = git.run("merge-base", "HEAD", tip).stdout.decode().strip() if tip else ""
    if merged and (not common or git.is_ancestor(common, merged.commit)):
        return merged
    if common:
        return Version(common[:12], common)
    raise Refusal(
        "It cannot be told which version of LiteLLM this checkout is of, as no release tag of upstream's is in its "
        f"history: fetch them with git fetch {declared.upstream.url} 'refs/tags/*:refs/tags/*', or name it with "
        "--base v1.2.3."
    )


def with_base(content: bytes, version: Version) -> bytes:
    """Returns fork.toml with a version recorded in it.

    Raises:
        Refusal: it has no line for it.
    """
    text = content.decode()
    before = tomllib.loads(text)
    for key, value in (("base", version.name), ("commit", version.commit)):
        text, count = re.subn(rf'(?m)^{key} = "[^"\n]*"', f'{key} = "{value}"', text)
        if count != 1:
            raise Refusal(f'{FORK_TOML} has {count} lines {key} = "…": it needs one, in the table [upstream].')
    wanted = before | {"upstream": before["upstream"] | {"base": version.name, "commit": version.commit}}
    if tomllib.loads(text) != wanted:
        raise Refusal(f'{FORK_TOML} has its lines base = "…" and commit = "…" outside [upstream]: write them there.')
    return text.encode()
