"""The marks around what a host's own file was given by hand. Template's file: do not edit.

A merge with the host's next version can drop them, and routing with them. The pair, in a comment of any language:

    // >>> LITELLM_HOOK_START
    ...
    // <<< LITELLM_HOOK_END

A second hook in a file has a name of its own, such as LITELLM_MIDDLEWARE_HOOK, which may stand without START and END.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

_COMMENT: Final = r"(?://+|#+|--+|;+|/\*+|<!--|\(\*|%+|\*)"
_MARK: Final = re.compile(
    rf"\s*{_COMMENT}\s*(?P<arrows>>>>|<<<)\s*(?P<name>LITELLM_(?:[A-Z0-9_]+_)?HOOK)(?:_(?P<end>START|END))?"
    r"\s*(?:\*/|-->|\*\))?\s*\Z"
)
_MENTION: Final = re.compile(r"LITELLM_(?:[A-Z0-9_]+_)?HOOK")
_ONLY_COMMENT: Final = re.compile(rf"\s*(?:{_COMMENT}.*)?\Z")


def problems(path: Path) -> list[str]:
    """Returns what is wrong with the hooks of a file, each with its line; nothing where there are some and all are whole."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        return [f"{path}: {error.strerror}: name a file that can be read."]
    except UnicodeDecodeError:
        return [f"{path}: it is not UTF-8 text."]
    return [f"{path}:{line}: {what}" for line, what in problems_of(text)]


def problems_of(text: str) -> list[tuple[int, str]]:
    """Returns what is wrong with the hooks of a text as numbers of lines and sentences."""
    found: list[tuple[int, str]] = []
    complete: dict[str, int] = {}
    begun: tuple[str, int] | None = None
    has_code = in_comment = False
    mention = 0
    for number, line in enumerate(text.splitlines(), 1):
        mark = _MARK.match(line)
        if mark is None:
            if begun is None and _MENTION.search(line):
                mention = mention or number
            code, in_comment = _code_of(line, in_comment)
            has_code = has_code or code
            continue
        name, starts = mark["name"], mark["arrows"] == ">>>"
        if mark["end"] and (mark["end"] == "START") is not starts:
            found.append((number, f"{name}_{mark['end']} goes with {'>>>' if mark['end'] == 'START' else '<<<'}."))
            continue
        if starts:
            if begun is not None:
                found.append((begun[1], f"{begun[0]} has no end before the next one starts in line {number}."))
            elif name in complete:
                found.append((number, f"{name} is there twice; the first is in line {complete[name]}: keep one."))
            begun, has_code = (name, number), False
        elif begun is None:
            twice = f"it ended before (line {complete[name]})" if name in complete else "none has started"
            found.append((number, f"{name} ends, and {twice}: put the start before it, or take the line out."))
        elif begun[0] != name:
            found.append((number, f"{name} ends inside {begun[0]}, which starts in line {begun[1]}."))
        else:
            if not has_code:
                found.append((begun[1], f"{name} has nothing but comments in it: put the hook back between its marks."))
            complete.setdefault(name, begun[1])
            begun = None
    if begun is not None:
        found.append((begun[1], f"{begun[0]} has no end: put the mark back after the hook."))
    if not complete and not found:
        where = "the name is only mentioned there" if mention else "the file has no hook"
        found.append(
            (mention or 1, f"{where}: put the hook back between >>> LITELLM_HOOK_START and <<< LITELLM_HOOK_END.")
        )
    return found


def _code_of(line: str, in_comment: bool) -> tuple[bool, bool]:
    """Returns whether a line has something besides comments, and whether it ends inside one of several lines."""
    rest = line
    if in_comment:
        _, closed, rest = rest.partition("*/")
        if not closed:
            return False, True
    rest = re.sub(r"/\*.*?\*/", "", rest)
    if "/*" in rest:
        before = rest.partition("/*")[0]
        return not _ONLY_COMMENT.match(before), True
    return not _ONLY_COMMENT.match(rest), False
