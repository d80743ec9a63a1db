"""Where a fork stands: how far behind upstream, since when, and whether it is what fork.toml says."""

from __future__ import annotations

from dataclasses import dataclass

from . import upstream
from .compose import managed_texts
from .declaration import in_commit
from .differences import differences
from .errors import Refusal
from .git import Git
from .nearby_changes import nearby_changes
from .releases import backups, releases
from .sync import TRAILER
from .upstream import Version


@dataclass(frozen=True)
class Status:
    """Where a fork stands."""

    base: Version
    newest: Version
    behind_commits: int
    behind_versions: int
    last_sync: str
    """The date and subject of the last sync; empty where there was none."""
    insertions: tuple[str, ...]
    findings: tuple[str, ...]
    refused: tuple[str, ...]
    """What a sync to that version would be refused for."""
    near: tuple[str, ...]
    release: str
    backups: tuple[str, ...]


def status(git: Git, *, to: str | None, fetch: bool) -> Status:
    """Looks at the commit that is checked out, and at upstream.

    Args:
        git: the fork.
        to: the version or branch of upstream's to compare with; its newest release unless given.
        fetch: whether to fetch upstream first.

    Raises:
        Refusal: there is no fork.toml or no base, or upstream cannot be reached.
    """
    declared = in_commit(git, "HEAD")
    if fetch:
        upstream.fetch(git, declared)
    base, newest = upstream.base(git, declared), upstream.target(git, declared, to)
    between = declared.upstream.version(base.name)
    newer = [
        one for one in upstream.releases(git, declared) if between and (declared.upstream.version(one) or ()) > between
    ]
    found = releases(git, declared)
    try:
        managed_texts(git, newest.commit, declared, base.commit)
        refused: list[str] = []
    except Refusal as refusal:
        refused = str(refusal).splitlines()
    return Status(
        base=base,
        newest=newest,
        behind_commits=int(git.must("rev-list", "--count", f"{base.commit}..{newest.commit}")),
        behind_versions=len(newer),
        last_sync=git.must("log", "-1", "--first-parent", f"--grep=^{TRAILER}: ", "--format=%as %s"),
        insertions=tuple(insertion.tag for insertion in declared.insertions),
        findings=tuple(differences(git, base.commit, "HEAD", declared)),
        refused=tuple(refused),
        near=nearby_changes(git, base.commit, newest.commit, declared),
        release=found[0].tag if found else "",
        backups=tuple(backups(git)),
    )
