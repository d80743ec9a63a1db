"""What the tool says: the same facts in words and in JSON."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .status import Status
from .sync import Synced
from .verify import Verified


def _indented(text: str) -> str:
    return "".join(f"  {line}\n" for line in text.splitlines())


def _listed(title: str, items: Iterable[str]) -> str:
    found = list(items)
    return f"{title}\n{''.join(_indented(one) for one in found)}" if found else ""


def sync_in_words(done: Synced) -> str:
    """Returns what a sync did, and what to do next."""
    would = "Would sync" if done.dry_run else "Synced"
    text = (
        f"{would} {done.branch} from LiteLLM {done.start.name} to {done.end.name} "
        f"({done.behind} commits of upstream's) by {done.strategy}: no conflicts.\n"
    )
    text += _listed(f"Insertions in place ({len(done.insertions)}):", done.insertions)
    text += _listed("Kept the fork's version, though upstream has changed them, too:", done.composed.kept)
    text += _listed("Took upstream's version, and the fork's edits are gone:", done.composed.taken)
    text += _listed("Left out, as nothing of them is left to apply:", done.dropped)
    text += _listed("Upstream changed lines near these insertions; read them:", done.near)
    for one in done.probed:
        text += f"Probes of {one.provider}: {len(one.lines)} passed.\n"
    if not done.probed:
        text += "Probes were not run.\n"
    if done.dry_run:
        return text + "Nothing was changed."
    text += f"Before: branch {done.backup}. After: branch {done.update}.\n"
    if done.moved:
        text += f"{done.branch} is at {done.commit[:12]} now."
    elif done.strategy == "rebase":
        text += f"Take it over with: git reset --keep {done.update}"
    else:
        text += f"Take it over with: git merge --ff-only {done.update}"
    if done.push:
        text += f"\nIts history is rewritten; to publish it: {done.push}"
    return text


def sync_in_json(done: Synced) -> dict[str, Any]:
    """Returns what a sync did, for programs."""
    return {
        "from": done.start.name,
        "to": done.end.name,
        "strategy": done.strategy,
        "branch": done.branch,
        "before": done.head,
        "commit": done.commit,
        "backup": done.backup,
        "update": done.update,
        "behind": done.behind,
        "conflicts": 0,
        "insertions": list(done.insertions),
        "kept": list(done.composed.kept),
        "taken": list(done.composed.taken),
        "dropped": list(done.dropped),
        "near": list(done.near),
        "probes": {one.provider: list(one.lines) for one in done.probed},
        "dry_run": done.dry_run,
        "moved": done.moved,
        "push": done.push,
    }


def status_in_words(found: Status) -> str:
    """Returns where a fork stands."""
    if found.behind_commits:
        text = (
            f"Made of LiteLLM {found.base.name}; {found.newest.name} is {found.behind_commits} commits "
            f"and {found.behind_versions} releases ahead.\n"
        )
    else:
        text = f"Made of LiteLLM {found.base.name}; that is current.\n"
    text += f"Last sync: {found.last_sync or 'none yet'}. Newest release: {found.release or 'none yet'}.\n"
    text += f"Insertions: {', '.join(found.insertions) or 'none'}.\n"
    text += _listed("Not as fork.toml says:", found.findings)
    text += _listed(f"A sync to {found.newest.name} would be refused:", found.refused)
    text += _listed(f"Changed near the insertions until {found.newest.name}:", found.near)
    text += _listed("Backups:", found.backups)
    return text.rstrip("\n")


def status_in_json(found: Status) -> dict[str, Any]:
    """Returns where a fork stands, for programs."""
    return {
        "base": found.base.name,
        "newest": found.newest.name,
        "behind": {"commits": found.behind_commits, "releases": found.behind_versions},
        "last_sync": found.last_sync,
        "release": found.release,
        "insertions": list(found.insertions),
        "findings": list(found.findings),
        "refused": list(found.refused),
        "near": list(found.near),
        "backups": list(found.backups),
    }


def verify_in_words(found: Verified) -> str:
    """Returns what a look at a fork has found."""
    if found.findings:
        return "\n".join(found.findings)
    text = f"All as fork.toml says: LiteLLM {found.base.name}, {found.insertions} insertions."
    if found.against:
        text += f"\nThe insertions fit {found.against.name}, too."
    for one in found.probed:
        text += f"\nProbes of {one.provider}: {len(one.lines)} passed."
    return text


def verify_in_json(found: Verified) -> dict[str, Any]:
    """Returns what a look at a fork has found, for programs."""
    return {
        "base": found.base.name,
        "against": found.against.name if found.against else None,
        "insertions": found.insertions,
        "findings": list(found.findings),
        "probes": {one.provider: list(one.lines) for one in found.probed},
    }
