"""What git is in the middle of: a merge, a rebase and their like."""

from __future__ import annotations

import os
from pathlib import Path

from .errors import Refusal
from .git import Git

# What git writes down while it is at it, the first that is there; a rebase picks, merges and applies on its way.
_MARKS = {
    "rebase-apply/applying": "am",
    "rebase-apply": "rebase",
    "rebase-merge": "rebase",
    "MERGE_HEAD": "merge",
    "CHERRY_PICK_HEAD": "cherry-pick",
    "REVERT_HEAD": "revert",
    "sequencer/todo": "cherry-pick",
    "BISECT_LOG": "bisect",
}


def refuse_in_progress(git: Git) -> None:
    """Refuses while git is in the middle of something, as what we do would become a part of it.

    Raises:
        Refusal: it is; the message says in what, and how to end it.
    """
    _refuse_marks(git)
    unmerged = [
        name
        for name in git.must("diff", "--name-only", "--ignore-submodules", "--diff-filter=U", "-z").split("\0")
        if name
    ]
    if unmerged:
        raise Refusal(
            f"{unmerged[0]} in {git.folder} has a conflict that is not resolved: resolve it, git add it, then do this again."
        )


def _refuse_marks(git: Git) -> None:
    questions = [word for name in _MARKS for word in ("--git-path", name)]
    for name, place in zip(_MARKS, git.lines("rev-parse", "--path-format=absolute", *questions), strict=True):
        path = Path(os.fsdecode(place))
        if not path.exists():
            continue
        command = f"git {_MARKS[name]}"
        if name == "sequencer/todo" and path.read_text(errors="replace").startswith("revert"):
            command = "git revert"
        end = "git bisect reset" if name == "BISECT_LOG" else f"{command} --continue, or drop it with {command} --abort"
        raise Refusal(
            f"{command} is under way in {git.folder}, and this needs files and a commit that stay: end it with {end}, "
            "then do this again."
        )
