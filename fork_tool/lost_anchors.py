"""Tells where upstream has moved the place of an insertion, as well as it can be told."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

from . import insertions
from .declaration import FORK_TOML, Insertion, Replacement
from .errors import Refusal
from .git import Git

_ALIKE = 0.6


def remedy(git: Git, base: str | None, upstream: str, path: str, lost: Sequence[Insertion | Replacement]) -> str:
    """Returns how to fix an anchor that does not fit a version of upstream's, and where it may be now.

    Args:
        git: the fork.
        base: the commit of upstream's on which the anchor was right, when that is known.
        upstream: the commit on which it is not.
        path: the file that it was in.
        lost: the insertions or lines of that file that have no place.
    """
    found = [_whereabouts(git, base, upstream, path, one) for one in lost]
    hints = [hint for hint, _ in found if hint]
    return f"{'; '.join(hints) or 'nothing like it was found'}; {_how(lost[0], found[0][1])}"


def _how(lost: Insertion | Replacement, place: str) -> str:
    if isinstance(lost, Replacement):
        return f"fix the [[replace]] entry in {FORK_TOML}, or take it out"
    if lost.owner == "fork":
        return f"fix file and anchor of the insertion in {FORK_TOML}"
    return f'write its place into {FORK_TOML}, under [anchors]: "{lost.tag}" = {{ {place or "file = …, anchor = …"} }}'


def _whereabouts(git: Git, base: str | None, upstream: str, path: str, one: Insertion | Replacement) -> tuple[str, str]:
    """Returns where a place may be now, in words and as in fork.toml.

    That is where the same pattern matches in another file, or the likeliest line of this one.
    """
    pattern = one.anchor if isinstance(one, Insertion) else f"^(?:{one.line})$"
    if pattern and (elsewhere := _elsewhere(git, upstream, path, pattern)):
        return f"it matches once in {elsewhere}", f"file = '{elsewhere}'"
    text = _text(git, upstream, path)
    line = _line_at_base(git, base, path, one)
    if text is None or line is None:
        return "", ""
    numbered = list(enumerate(text.split("\n"), 1))
    score, number, likely = max(
        (difflib.SequenceMatcher(None, line, other).ratio() if other.strip() else 0.0, number, other)
        for number, other in _near(numbered, line)
    )
    if score < _ALIKE:
        return "", ""
    # Quotes need no care in a pattern, and could end the text in TOML.
    anchor = re.sub(r"['\"]", ".", re.sub(r"\\([ :#&~,;=-])", r"\1", re.escape(likely)))
    return f"{path}:{number} is the line most like it ({likely.strip()!r})", f"anchor = '^{anchor}$'"


def _near(numbered: list[tuple[int, str]], line: str) -> list[tuple[int, str]]:
    """Leaves out the lines that have no word in common, as comparing is slow; there is always one line left."""
    words = set(re.findall(r"\w{4,}", line))
    return [one for one in numbered if words & set(re.findall(r"\w{4,}", one[1]))] or numbered[:1]


def _elsewhere(git: Git, upstream: str, path: str, pattern: str) -> str | None:
    """Returns a file of the same kind in which a pattern matches exactly once, if there is just one such file."""
    words = sorted(re.findall(r"\w{4,}", re.sub(r"\\\w", " ", pattern)), key=len)
    suffix = path.rpartition(".")[2]
    if not words:
        return None
    done = git.run("grep", "-l", "-F", "-e", words[-1], upstream, "--", f"*.{suffix}")
    files = [line.partition(":")[2] for line in done.stdout.decode(errors="replace").splitlines()]
    fitting = [
        file
        for file in files
        if file != path and len(re.findall(pattern, _text(git, upstream, file) or "", re.MULTILINE)) == 1
    ]
    return fitting[0] if len(fitting) == 1 else None


def _line_at_base(git: Git, base: str | None, path: str, one: Insertion | Replacement) -> str | None:
    text = _text(git, base, path) if base else None
    if text is None:
        return None
    if isinstance(one, Replacement):
        return next((match[0] for match in one.find(text)), None)
    try:
        position = insertions.place(path, text, one)
    except Refusal:
        return None
    lines = text.split("\n")
    number = insertions.line_number(text, position)
    return lines[number - 1 if one.where == "before" else number - 2]


def _text(git: Git, commit: str, path: str) -> str | None:
    content = git.blob(commit, path)
    return None if content is None else content.decode(errors="replace")
