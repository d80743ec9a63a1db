"""Insertions in the text of a file: put in by their anchors, found by their markers, taken out again."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from .declaration import FORK_TOML, Insertion, Replacement
from .errors import Refusal

_COMMENTS = {
    **dict.fromkeys((".py", ".pyi", ".toml", ".yml", ".yaml", ".sh", ".cfg", ".ini", ".txt", ".tf"), "#"),
    **dict.fromkeys((".js", ".jsx", ".ts", ".tsx", ".mjs", ".rs", ".go", ".prisma"), "//"),
    **dict.fromkeys(("Dockerfile", "Makefile", ".gitignore", ".dockerignore"), "#"),
}
_MARKER = re.compile(r"^[ \t]*(?:#|//) (?P<side>>>>|<<<) (?P<tag>[a-z0-9][\w.-]*:[\w.-]+)$")


class AnchorError(Refusal):
    """An anchor, or the pattern of a line, does not match in exactly one place."""

    def __init__(self, what: Insertion | Replacement, message: str) -> None:
        super().__init__(message)
        self.what = what


@dataclass(frozen=True)
class Block:
    """What a file has between two markers, with them."""

    tag: str
    first: int
    """The number of the line with the first marker, from 1."""
    last: int
    text: str


def lines_of(text: str) -> list[str]:
    """Returns the lines of a text with their ends; a form feed inside a string ends none."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def blocks(path: str, text: str) -> list[Block]:
    """Finds the blocks between markers.

    Raises:
        Refusal: a marker has no other one, is there twice, or is inside another block.
    """
    found: list[Block] = []
    begun: tuple[str, int] | None = None
    lines = lines_of(text)
    for number, line in enumerate(lines, 1):
        marker = _MARKER.match(line.rstrip("\n"))
        if not marker:
            continue
        tag, opens = marker["tag"], marker["side"] == ">>>"
        if opens and begun is None and all(block.tag != tag for block in found):
            begun = (tag, number)
        elif not opens and begun and begun[0] == tag:
            found.append(Block(tag, begun[1], number, "".join(lines[begun[1] - 1 : number])))
            begun = None
        else:
            raise _broken(path, tag, number)
    if begun:
        raise _broken(path, *begun)
    return found


def _broken(path: str, tag: str, number: int) -> Refusal:
    return Refusal(
        f'{path}:{number} has a marker of the insertion "{tag}" that has no partner or is there twice: '
        "delete what is left of the block, then put the insertion in again with the command apply."
    )


def strip(path: str, text: str) -> str:
    """Returns a text without its blocks.

    Raises:
        Refusal: a marker is broken.
    """
    lines = lines_of(text)
    for block in reversed(blocks(path, text)):
        del lines[block.first - 1 : block.last]
    return "".join(lines)


def block(insertion: Insertion) -> str:
    """Returns the lines that an insertion puts into its file.

    Raises:
        Refusal: its file is of a kind whose comments are not known.
    """
    path = PurePosixPath(insertion.file)
    comment = _COMMENTS.get(path.suffix or path.name)
    if comment is None:
        raise Refusal(
            f'The insertion "{insertion.tag}" is for {insertion.file}, and no comment is known for such a file: '
            f"list the file under keep in {FORK_TOML} instead."
        )
    pad = " " * insertion.indent
    body = "".join(f"{pad}{line}" if line.strip() else "\n" for line in lines_of(insertion.body))
    return f"{pad}{comment} >>> {insertion.tag}\n{body}{pad}{comment} <<< {insertion.tag}\n"


def body(found: Block) -> str:
    """Returns what is between the markers of a block, without the indent that the markers have."""
    first, *lines, _ = lines_of(found.text)
    indent = len(first) - len(first.lstrip(" "))
    return "".join(line.removeprefix(" " * indent) for line in lines)


@dataclass(frozen=True)
class _Edit:
    start: int
    end: int
    order: int
    text: str


def apply(path: str, text: str, insertions: Sequence[Insertion], replacements: Sequence[Replacement] = ()) -> str:
    """Puts insertions and replaced lines into a text of upstream's.

    Args:
        path: the file's, for messages.
        text: the text as upstream has it.
        insertions: the insertions of this file, in order.
        replacements: the lines of this file that the fork has its own of.

    Raises:
        AnchorError: an anchor or a line is not there exactly once.
        Refusal: the text has the line ends of Windows, no last line end, or a marker already.
    """
    if "\r\n" in text:
        raise Refusal(
            f"{path} has line ends of Windows, and the insertions have those of Unix: "
            "convert the file in a commit of its own, or take its insertions out."
        )
    if found := blocks(path, text):
        raise Refusal(f'{path} has the markers of "{found[0].tag}" in it already: it is not upstream\'s text.')
    # An insertion that goes before a replaced line is put in after that was replaced.
    edits = [_inserted(path, text, insertion, order) for order, insertion in enumerate(insertions)]
    edits += [_replaced(path, text, one, order) for order, one in enumerate(replacements, len(edits))]
    start = len(text)
    made = text
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.order), reverse=True):
        if edit.end > start:
            raise Refusal(f"Two lines that the fork replaces in {path} are the same one: take one of the two out.")
        made = made[: edit.start] + edit.text + made[edit.end :]
        start = edit.start
    if sorted(block.tag for block in blocks(path, made)) != sorted(insertion.tag for insertion in insertions):
        raise Refusal(f"An insertion for {path} has a marker in its body: take that line out.")
    return made


def place(path: str, text: str, insertion: Insertion) -> int:
    """Returns at which character of upstream's text an insertion goes in.

    Raises:
        AnchorError: the anchor is not there exactly once.
        Refusal: the file does not end with a line end, and the insertion goes to its end.
    """
    if insertion.where == "end":
        if text and not text.endswith("\n"):
            raise Refusal(f'{path} does not end with a line end, so the insertion "{insertion.tag}" cannot go there.')
        return len(text)
    matches = list(re.finditer(insertion.anchor, text, re.MULTILINE))
    if len(matches) != 1 or not matches[0][0]:
        raise AnchorError(
            insertion,
            f'The anchor of the insertion "{insertion.tag}" {_where(path, text, matches)}',
        )
    start, end = matches[0].span()
    if insertion.where == "before":
        return text.rfind("\n", 0, start) + 1
    end = end if text[end - 1] == "\n" else text.find("\n", end) + 1
    if not end:
        raise Refusal(f'{path} does not end with a line end, so the insertion "{insertion.tag}" cannot go there.')
    return end


def line_number(text: str, position: int) -> int:
    """Returns the number of the line, from 1, that a character is on."""
    return text.count("\n", 0, position) + 1


def _inserted(path: str, text: str, insertion: Insertion, order: int) -> _Edit:
    position = place(path, text, insertion)
    return _Edit(position, position, order, block(insertion))


def _replaced(path: str, text: str, replacement: Replacement, order: int) -> _Edit:
    matches = replacement.find(text)
    if len(matches) != 1:
        raise AnchorError(
            replacement,
            f"The line {replacement.line!r} that the fork replaces {_where(path, text, matches)}",
        )
    start, end = matches[0].span()
    made = matches[0].expand(replacement.text)
    if replacement.find(text[:start] + made + text[end:]):
        raise Refusal(
            f"The line {replacement.line!r} of {path} also matches what the fork puts there ({made!r}), so it would be "
            "replaced again: make the expression narrower."
        )
    return _Edit(start, end, order, made)


def own_lines(text: str, replacements: Sequence[Replacement]) -> dict[int, list[str]]:
    """Returns the fork's own for lines of a text of upstream's, by the number of the line, from 1."""
    found: dict[int, list[str]] = {}
    for one in replacements:
        for match in one.find(text):
            found.setdefault(line_number(text, match.start()), []).append(match.expand(one.text))
    return found


def _where(path: str, text: str, matches: Sequence[re.Match[str]]) -> str:
    if not matches:
        return f"is not in {path}"
    numbers = [line_number(text, match.start()) for match in matches]
    listed = ", ".join(map(str, numbers[:5]))
    return f"is in {path} {len(numbers)} times (lines {listed}) instead of once"
