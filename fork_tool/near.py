"""What upstream changed near the places where a fork's hooks are."""

from __future__ import annotations

import difflib

from . import hooks
from .errors import Refusal
from .git import Git
from .spec import Hook, Spec

_LINES = 3


def near_anchors(git: Git, before: str, after: str, spec: Spec) -> tuple[str, ...]:
    """Compares the lines around each hook's place on two commits of upstream's.

    Returns:
        For each hook around which they differ, its name and the lines as in a diff.
    """
    found: list[str] = []
    for hook in spec.hooks:
        old, new = _around(git, before, hook), _around(git, after, hook)
        if old is None or new is None or old == new:
            continue
        lines = [line for line in difflib.ndiff(old, new) if not line.startswith("?")]
        found.append("\n".join([f"{hook.tag} in {hook.file}:", *(f"    {line}" for line in lines)]))
    return tuple(found)


def _around(git: Git, commit: str, hook: Hook) -> list[str] | None:
    content = git.blob(commit, hook.file)
    if content is None:
        return None
    text = content.decode(errors="replace")
    try:
        position = hooks.place(hook.file, text, hook)
    except Refusal:
        return None
    lines = text.split("\n")
    at = text.count("\n", 0, position)
    return lines[max(at - _LINES, 0) : at + _LINES]
