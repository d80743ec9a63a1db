"""Looks whether a fork is what fork.toml says, and would still be on another version of upstream."""

from __future__ import annotations

from dataclasses import dataclass

from . import upstream
from .changes import CHANGES, changes
from .checks import problems
from .compose import managed_texts
from .declaration import FORK_TOML, Declaration, fits, in_commit
from .differences import differences
from .errors import Refusal
from .git import Git
from .probes import Probed, probe
from .upstream import Version


@dataclass(frozen=True)
class Verified:
    """What a look at a fork has found."""

    base: Version
    against: Version | None
    insertions: int
    findings: tuple[str, ...]
    """A sentence for each thing that is wrong."""
    probed: tuple[Probed, ...]


def verify(git: Git, *, against: str | None, fetch: bool, python: str | None) -> Verified:
    """Looks at the commit that is checked out.

    Args:
        git: the fork.
        against: a version of upstream's on which the insertions are tried, too.
        fetch: whether to fetch upstream for that.
        python: the interpreter for the probes; None leaves them out.

    Raises:
        Refusal: there is no fork.toml, no base, or no such version.
    """
    declared = in_commit(git, "HEAD")
    if against and fetch:
        upstream.fetch(git, declared)
    base = upstream.base(git, declared)
    found = differences(git, base.commit, "HEAD", declared) or _texts(git, base.commit, declared)
    found += _changes(git, declared, base) if not found else []
    newer = upstream.target(git, declared, against) if against else None
    if newer:
        found += [f"On {newer.name}: {one}" for one in _texts(git, newer.commit, declared, base.commit)]
    probed: tuple[Probed, ...] = ()
    if python and not found:
        try:
            probed = probe(git, "HEAD", declared, python)
        except Refusal as refusal:
            found.append(str(refusal))
    return Verified(base, newer, len(declared.insertions), tuple(found), probed)


def _texts(git: Git, commit: str, declared: Declaration, base: str | None = None) -> list[str]:
    try:
        texts = managed_texts(git, commit, declared, base)
    except Refusal as refusal:
        return str(refusal).splitlines()
    return [one for path, text in texts.items() for one in problems(path, text, declared.of(path)[0])]


def _changes(git: Git, declared: Declaration, base: Version) -> list[str]:
    recorded = declared.upstream
    named = git.commit(f"refs/tags/{recorded.base}")
    if named and named != recorded.commit:
        return [f"{FORK_TOML} has base = {recorded.base!r} with another commit than that tag: run apply with --base."]
    if recorded.commit != base.commit:
        return [
            f"{FORK_TOML} records LiteLLM {recorded.base}, and {base.name} was merged since, by git alone: run the "
            "command apply, and commit."
        ]
    written = git.blob("HEAD", CHANGES)
    if written == _changes_of(git, declared, base, "HEAD").encode():
        return []
    return [f"{CHANGES} is not current: write it with python fork/tool changes, and commit it."]


def _changes_of(git: Git, declared: Declaration, base: Version, commit: str) -> str:
    """Returns CUSTOM_CHANGES.md for a commit of the fork."""
    kept = [path for path in git.changed(base.commit, commit) if fits((*declared.keep, *declared.take), path)]
    return changes(declared, base, kept)
