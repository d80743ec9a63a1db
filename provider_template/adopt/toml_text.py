"""Parts of a TOML file as its author wrote them, with their comments."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, replace

_HEADER = re.compile(r"[ \t]*\[\[?(?P<name>[^\[\]\n]+(?:\[[^\]]*\][^\[\]\n]*)*)\]\]?[ \t]*(?:#.*)?\Z")
_TOKEN = re.compile(r'#[^\n]*|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'|\{[^{}\n]*\}|\n')


@dataclass(frozen=True)
class Section:
    """A table with its header and the comments above it; the first one has no header."""

    keys: tuple[str, ...]
    text: str

    @property
    def name(self) -> str:
        """Its name as in the header."""
        return ".".join(self.keys)


@dataclass(frozen=True)
class Item:
    """A key of a table with its value and comments."""

    key: str
    text: str


@dataclass(frozen=True)
class Entry:
    """An entry of a list with its comments."""

    value: str
    token: str
    """As it is written."""
    above: tuple[str, ...] = ()
    beside: str = ""

    @property
    def text(self) -> str:
        """Its lines for a list that has a line for each entry."""
        line = f"{self.token},  {self.beside}".rstrip()
        return "".join(f"    {one}\n" for one in (*self.above, line))


def loads(text: str) -> dict[str, object] | None:
    """Returns what a text says, or None if it is no TOML."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return None


def sections(text: str) -> list[Section]:
    """Returns the tables of a file in its order; together they are the file."""
    lines = text.splitlines(keepends=True)
    tops: list[tuple[int, tuple[str, ...]]] = [(0, ())]
    for number, line in enumerate(lines):
        # In the midst of a list or a long text, what is above is no TOML.
        if _HEADER.match(line.rstrip("\n")) and loads("".join(lines[:number])) is not None:
            keys = _keys(line)
            top = number
            while top > 0 and lines[top - 1].lstrip().startswith("#"):
                top -= 1
            if keys is not None:
                tops.append((max(top, tops[-1][0]), keys))
    ends = [start for start, _ in tops[1:]] + [len(lines)]
    return [Section(keys, "".join(lines[start:end])) for (start, keys), end in zip(tops, ends, strict=True)]


def _keys(header: str) -> tuple[str, ...] | None:
    node: object = loads(header)
    keys: list[str] = []
    while isinstance(node, dict) and node:
        key, value = next(iter(node.items()))
        keys.append(key)
        node = value[0] if isinstance(value, list) else value
    return tuple(keys) or None


def items_of_table(section: Section) -> list[Item]:
    """Returns the keys of a table, each with its lines and the comments above them."""
    lines = section.text.splitlines(keepends=True)
    first = next((n + 1 for n, line in enumerate(lines) if _HEADER.match(line.rstrip("\n"))), 0) if section.keys else 0
    found: list[Item] = []
    held: list[str] = []
    for line in lines[first:]:
        held.append(line)
        content = loads("".join(held))
        if content is None:
            continue
        if content:
            found.append(Item(_first_key("".join(held)), "".join(held).strip("\n") + "\n"))
            held = []
        elif not line.strip():
            held = []
    return found


def _first_key(text: str) -> str:
    line = next(line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#"))
    return re.split(r"[=.]", line, maxsplit=1)[0].strip().strip("\"'")


def entries(text: str) -> list[Entry]:
    """Returns the entries of a list of texts and inline tables, as `key = [...]` has them."""
    start = re.search(r"^[^#\n]*?=\s*\[", text, re.MULTILINE)
    if start is None:
        return []
    found: list[Entry] = []
    above: list[str] = []
    same_line = False
    for word in _TOKEN.findall(text[start.end() : text.rindex("]")]):
        if word == "\n":
            same_line = False
        elif not word.startswith("#"):
            value = word if word.startswith("{") else str((loads(f"v = {word}") or {}).get("v", ""))
            found.append(Entry(value, word, tuple(above)))
            above, same_line = [], True
        elif same_line:
            found[-1] = replace(found[-1], beside=word)
        else:
            above.append(word)
    return found
