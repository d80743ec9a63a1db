"""Looks whether a fork is what fork.toml says, and would still be on another version of upstream."""

from __future__ import annotations

from dataclasses import dataclass

from . import upstream
from .changes import CHANGES, changes
from .checks import problems
from .compose import managed_texts
from .drift import drift
from .errors import Refusal
from .git import Git
from .probes import Probed, probe
from .spec import SPEC, Spec, fits, in_commit
from .upstream import Version


@dataclass(frozen=True)
class Verified:
    """What a look at a fork has found."""

    base: Version
    against: Version | None
    hooks: int
    findings: tuple[str, ...]
    """A sentence for each thing that is wrong."""
    probed: tuple[Probed, ...]


def verify(git: Git, *, against: str | None, fetch: bool, python: str | None) -> Verified:
    """Looks at the commit that is checked out.

    Args:
        git: The fork.
        against: A version of upstream's on which the hooks are tried, too.
        fetch: Whether to fetch upstream for that.
        python: The interpreter for the probes; None leaves them out.

    Raises:
        Refusal: There is no fork.toml, no base, or no such version.
    """
    spec = in_commit(git, "HEAD")
    if against and fetch:
        upstream.fetch(git, spec)
    base = upstream.base(git, spec)
    found = drift(git, base.commit, "HEAD", spec) or _texts(git, base.commit, spec)
    found += _changes(git, spec, base) if not found else []
    newer = upstream.target(git, spec, against) if against else None
    if newer:
        found += [f"On {newer.name}: {one}" for one in _texts(git, newer.commit, spec, base.commit)]
    probed: tuple[Probed, ...] = ()
    if python and not found:
        try:
            probed = probe(git, "HEAD", spec, python)
        except Refusal as refusal:
            found.append(str(refusal))
    return Verified(base, newer, len(spec.hooks), tuple(found), probed)


def _texts(git: Git, commit: str, spec: Spec, base: str | None = None) -> list[str]:
    try:
        texts = managed_texts(git, commit, spec, base)
    except Refusal as refusal:
        return str(refusal).splitlines()
    return [one for path, text in texts.items() for one in problems(path, text, spec.of(path)[0])]


def _changes(git: Git, spec: Spec, base: Version) -> list[str]:
    recorded = spec.upstream
    named = git.commit(f"refs/tags/{recorded.base}")
    if named and named != recorded.commit:
        return [f"{SPEC} has base = {recorded.base!r} with another commit than that tag: run apply with --base."]
    if recorded.commit != base.commit:
        return [
            f"{SPEC} records LiteLLM {recorded.base}, and {base.name} was merged since, by git alone: run the command "
            "apply, and commit."
        ]
    written = git.blob("HEAD", CHANGES)
    if written == _changes_of(git, spec, base, "HEAD").encode():
        return []
    return [f"{CHANGES} is not current: write it with python fork/tool changes, and commit it."]


def _changes_of(git: Git, spec: Spec, base: Version, commit: str) -> str:
    """Returns CUSTOM_CHANGES.md for a commit of the fork."""
    kept = [path for path in git.changed(base.commit, commit) if fits((*spec.keep, *spec.take), path)]
    return changes(spec, base, kept)
