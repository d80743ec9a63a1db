"""What upstream changed near the places where a fork's insertions are."""

from __future__ import annotations

import difflib

from . import insertions
from .declaration import Declaration, Insertion
from .errors import Refusal
from .git import Git

_LINES = 3


def nearby_changes(git: Git, before: str, after: str, declared: Declaration) -> tuple[str, ...]:
    """Compares the lines around each insertion's place on two commits of upstream's.

    Returns:
        For each insertion around which they differ, its name and the lines as in a diff.
    """
    found: list[str] = []
    for insertion in declared.insertions:
        old, new = _around(git, before, insertion), _around(git, after, insertion)
        if old is None or new is None or old == new:
            continue
        lines = [line for line in difflib.ndiff(old, new) if not line.startswith("?")]
        found.append("\n".join([f"{insertion.tag} in {insertion.file}:", *(f"    {line}" for line in lines)]))
    return tuple(found)


def _around(git: Git, commit: str, insertion: Insertion) -> list[str] | None:
    content = git.blob(commit, insertion.file)
    if content is None:
        return None
    text = content.decode(errors="replace")
    try:
        position = insertions.place(insertion.file, text, insertion)
    except Refusal:
        return None
    lines = text.split("\n")
    at = text.count("\n", 0, position)
    return lines[max(at - _LINES, 0) : at + _LINES]
