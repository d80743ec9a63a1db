"""The tables of a TOML file with the comments that belong to them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import tomlkit
from tomlkit.container import Container
from tomlkit.items import AoT, Array, Comment, Item, Key, Null, Table, Whitespace

Line = tuple[Key | None, Item]


@dataclass
class Section:
    """A table without those inside of it; the first one of a file has no header."""

    keys: tuple[str, ...]
    header: str = ""
    above: list[Line] = field(default_factory=list)
    """The comments above the header."""
    body: list[Line] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Its name as in the header."""
        return ".".join(self.keys)

    @property
    def text(self) -> str:
        """Its lines."""
        return _written(self.above) + self.header + _written(self.body)

    def items(self) -> Iterator[tuple[str, str]]:
        """Yields its keys with their lines and the comments above them."""
        lines: list[Line] = []
        for key, item in self.body:
            lines.append((key, item))
            if key is not None:
                yield key.key, _written(lines).strip("\n") + "\n"
            if key is not None or isinstance(item, Whitespace):
                lines = []


def sections(text: str) -> list[Section]:
    """Returns the tables of a file in its order."""
    found = [Section(())]
    _walk(tomlkit.parse(text), (), found)
    for one, following in pairwise(found):
        # What stands right above a header is about its table.
        while one.body and isinstance(one.body[-1][1], Comment):
            following.above.insert(0, one.body.pop())
    return found


def _walk(container: Container, keys: tuple[str, ...], found: list[Section]) -> None:
    for key, item in container.body:
        if key is None or key.is_dotted() or not isinstance(item, Table | AoT):
            if not isinstance(item, Null):
                found[-1].body.append((key, item))
            continue
        for table in item.body if isinstance(item, AoT) else [item]:
            if not table.is_super_table():
                found.append(Section((*keys, key.key), _header(table, isinstance(item, AoT))))
            _walk(table.value, (*keys, key.key), found)


def _header(table: Table, of_array: bool) -> str:
    name = f"[[{table.display_name}]]" if of_array else f"[{table.display_name}]"
    return f"{name}{table.trivia.comment_ws}{table.trivia.comment}\n"


def _written(lines: list[Line]) -> str:
    container = Container()
    for key, item in lines:
        container.append(key, item, validate=False)
    return container.as_string()


def array_of(values: Any) -> Array:
    """Returns a list as one between brackets, whichever way it is written."""
    if isinstance(values, Array):
        return values
    array = tomlkit.array()
    for one in values.unwrap() if isinstance(values, Item) else values or ():
        array.add_line(one)
    return array


def line_of(key: str, value: Any) -> str:
    """Returns a key with its value on one line, whichever way it is written."""
    if isinstance(value, dict):
        table = tomlkit.inline_table()
        table.update(value)
        value = table
    return tomlkit.dumps({key: value})


def lines_of(array: Array) -> str:
    """Returns what stands between the brackets of a list, on lines of its own that end with a comma."""
    if not array:
        return ""
    if "\n" in array.as_string():
        array.add_line()  # puts the comma
    else:
        array.multiline(True)
    lines = re.sub(r"\A[ \t]*\n|\s+\Z", "", array.as_string()[1:-1]) + "\n"
    # Within a text of several lines, blanks count.
    return lines if any("\n" in str(one) for one in array) else re.sub(r"(?m)^[ \t]*(?=\S)", "    ", lines)
