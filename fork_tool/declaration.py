"""What a fork has of its own: `fork.toml` at its top, and `fork/<provider>/provider.toml` of each provider in it."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from textwrap import dedent
from typing import Any

from .errors import Refusal
from .git import Git

FORK_TOML = "fork.toml"
# What a provider needs, by its name now and by that of the versions up to 0.5.0.
_PROVIDER_FILES = ("provider.toml", "hooks.toml")
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")
_PYPROJECT = "pyproject.toml"

# The version in a tag of upstream's, such as v1.106.2 or v1.79.3-stable.
TAGS = r"^v(\d+\.\d+\.\d+)(?:[.-]stable)?$"


@dataclass(frozen=True)
class Insertion:
    """Lines of the fork's inside a file of upstream's, between two markers."""

    owner: str
    """The provider that needs them, or `fork`."""
    name: str
    file: str
    where: str
    """`before` or `after` the line of the anchor, or at the `end` of the file."""
    anchor: str
    """A regular expression that matches in exactly one place of the file; empty at the end."""
    indent: int
    """Spaces before each line."""
    body: str
    why: str
    uses: tuple[str, ...] = ()
    """Names of the file that the body needs; all others are its own."""

    @property
    def tag(self) -> str:
        """The name in its markers."""
        return f"{self.owner}:{self.name}"


@dataclass(frozen=True)
class Replacement:
    """A line of a file of upstream's for which the fork has a line of its own."""

    file: str
    line: str
    r"""A regular expression that matches exactly one whole line; `(?<=…\n)` before it tells equal lines apart."""
    text: str
    r"""The fork's line; `\1` stands for what the first group of the expression matches, as in `re.sub`."""
    why: str

    def find(self, text: str) -> list[re.Match[str]]:
        """Returns the lines of a text of upstream's that it replaces: one, if it fits."""
        return list(re.finditer(f"^(?:{self.line})$", text, re.MULTILINE))


@dataclass(frozen=True)
class Provider:
    """A provider in the fork."""

    name: str
    folder: str
    """Its folder in `fork/`."""
    owned: tuple[str, ...]
    dependencies: tuple[str, ...]
    insertions: tuple[Insertion, ...]


@dataclass(frozen=True)
class Upstream:
    """Where LiteLLM is, and which version of it the fork is made of."""

    remote: str
    url: str
    branch: str
    tags: str
    base: str
    """A tag or commit of upstream's, as it was named; empty before `apply`."""
    commit: str

    def version(self, tag: str) -> tuple[int, ...] | None:
        """Returns the version that a tag of upstream's names, as numbers; None for another tag."""
        found = re.search(self.tags, tag)
        numbers = found[1].split(".") if found else []
        return tuple(map(int, numbers)) if numbers and all(part.isdecimal() for part in numbers) else None


@dataclass(frozen=True)
class Declaration:
    """All that a fork has of its own."""

    name: str
    strategy: str
    own: tuple[str, ...]
    keep: tuple[str, ...]
    take: tuple[str, ...]
    upstream: Upstream
    replacements: tuple[Replacement, ...]
    providers: tuple[Provider, ...]
    insertions: tuple[Insertion, ...]
    """Those of the providers first, then the fork's."""

    @property
    def owned(self) -> tuple[str, ...]:
        """The paths that are the fork's: folders with a slash at their end, files, or patterns."""
        return self.own + tuple(path for provider in self.providers for path in provider.owned)

    @property
    def managed(self) -> list[str]:
        """The files of upstream's with insertions or lines of the fork's in them, sorted."""
        return sorted({insertion.file for insertion in self.insertions} | {one.file for one in self.replacements})

    def owns(self, path: str) -> bool:
        """Returns whether a path is the fork's."""
        return fits(self.owned, path)

    def of(self, file: str) -> tuple[list[Insertion], list[Replacement]]:
        """Returns the insertions and the lines of the fork's in a file."""
        inserted = [one for one in self.insertions if one.file == file]
        return inserted, [one for one in self.replacements if one.file == file]


def fits(patterns: Sequence[str], path: str) -> bool:
    """Returns whether a path is under one of the folders (`a/`), or fits one of the files or patterns (`*`)."""
    return any(
        path.startswith(pattern) if pattern.endswith("/") else path == pattern or fnmatchcase(path, pattern)
        for pattern in patterns
    )


def in_folder(folder: Path) -> Declaration:
    """Reads what the files of a folder say.

    Raises:
        Refusal: there is no fork.toml, or a file breaks a rule.
    """

    def read(path: str) -> bytes | None:
        file = folder / path
        return file.read_bytes() if file.is_file() else None

    found = [path.relative_to(folder).as_posix() for name in _PROVIDER_FILES for path in folder.glob(f"fork/*/{name}")]
    return _declaration(read, found, str(folder))


def in_commit(git: Git, commit: str) -> Declaration:
    """Reads what a commit says.

    Raises:
        Refusal: there is no fork.toml, or a file breaks a rule.
    """
    names = "|".join(map(re.escape, _PROVIDER_FILES))
    found = [path for path in git.tree(commit, "fork/") if re.fullmatch(rf"fork/[^/]+/(?:{names})", path)]
    return _declaration(lambda path: git.blob(commit, path), found, f"{git.folder} (commit {commit[:12]})")


def _declaration(read: Callable[[str], bytes | None], files: Sequence[str], place: str) -> Declaration:
    content = read(FORK_TOML)
    if content is None:
        raise Refusal(f"There is no {FORK_TOML} in {place}: render a provider with layout=fork there, and commit it.")
    table = _Table.read(FORK_TOML, content)
    folders = {path: path.split("/")[1] for path in sorted(files)}
    for folder in folders.values():
        if list(folders.values()).count(folder) > 1:
            new, old = _PROVIDER_FILES
            raise Refusal(
                f"fork/{folder} has {new} and {old}, which was its name: take over what is yours, delete {old}."
            )
    providers = [_provider(_Table.read(path, read(path) or b""), folder) for path, folder in folders.items()]
    names = [provider.name for provider in providers]
    for name in names:
        if names.count(name) > 1:
            raise Refusal(f'The provider "{name}" is in fork/ twice: delete one of its folders.')
    fork, upstream = table.table("fork"), table.table("upstream")
    declared = Declaration(
        name=fork.name("name"),
        strategy=fork.choice("strategy", ("merge", "rebase"), "merge"),
        own=fork.texts("owned"),
        keep=fork.texts("keep"),
        take=fork.texts("take"),
        upstream=Upstream(
            remote=upstream.text("remote", "upstream"),
            url=upstream.text("url"),
            branch=upstream.text("branch", "main"),
            tags=upstream.tags(),
            base=upstream.text("base", ""),
            commit=upstream.text("commit", ""),
        ),
        replacements=tuple(_replacement(one) for one in table.tables("replace")),
        providers=tuple(providers),
        insertions=tuple(insertion for provider in providers for insertion in provider.insertions)
        + tuple(_insertion(one, "fork") for one in table.tables("insert", earlier="hooks")),
    )
    declared = replace(declared, insertions=_moved(declared.insertions, table))
    for one in (table, fork, upstream):
        one.done()
    return _checked(declared)


def _provider(table: _Table, folder: str) -> Provider:
    name, owned = table.name("provider"), table.texts("owned")
    dependencies = table.texts("dependencies")
    insertions = [_insertion(one, name) for one in table.tables("insert", earlier="hooks")]
    if dependencies:
        insertions.append(
            Insertion(
                owner=name,
                name="dependencies",
                file=_PYPROJECT,
                where="after",
                anchor=r"^dependencies = \[$",
                indent=4,
                body="".join(f"{json.dumps(one, ensure_ascii=False)},\n" for one in dependencies),
                why="what the provider needs and LiteLLM does not bring along",
            )
        )
    table.done()
    return Provider(name, folder, owned, dependencies, tuple(insertions))


def _insertion(table: _Table, owner: str) -> Insertion:
    where = table.choice("where", ("before", "after", "end"))
    insertion = Insertion(
        owner=owner,
        name=table.name("name"),
        file=table.text("file"),
        where=where,
        anchor=table.pattern("anchor", "" if where == "end" else None),
        indent=table.number("indent", 0),
        body=dedent(table.text("body")).strip("\n") + "\n",
        why=table.text("why"),
        uses=table.texts("uses"),
    )
    table.done()
    return insertion


def _replacement(table: _Table) -> Replacement:
    made = Replacement(table.text("file"), table.pattern("line"), table.text("with"), table.text("why"))
    table.done()
    if "\n" in made.text:
        raise Refusal(f"{table.place} has a text of several lines under with: write one line.")
    try:
        re.sub(made.line, made.text, "")
        re.compile(f"{made.line}|").fullmatch("").expand(made.text)  # type: ignore[union-attr]  # it matches
    except (re.error, IndexError) as error:
        raise Refusal(f"{table.place} has with = {made.text!r}, which does not fit its line: {error}.") from None
    return made


def _moved(insertions: Sequence[Insertion], table: _Table) -> tuple[Insertion, ...]:
    """Gives the insertions of providers the places that fork.toml has for them under [anchors]."""
    anchors = table.table("anchors") if "anchors" in table.content else _Table("", {})
    table.asked.add("anchors")
    places = {
        tag: _Table(f'{FORK_TOML}, [anchors] "{tag}"', {"anchor": anchors.text(tag)})
        if not isinstance(place, dict)
        else _Table(f'{FORK_TOML}, [anchors] "{tag}"', place)
        for tag, place in anchors.content.items()
    }
    for tag in places.keys() - {insertion.tag for insertion in insertions}:
        raise Refusal(f'{FORK_TOML} has an anchor for "{tag}", which is no insertion of this fork: delete that line.')
    moved = tuple(
        replace(
            insertion,
            file=place.text("file", insertion.file),
            where=place.choice("where", ("before", "after", "end"), insertion.where),
            anchor=place.pattern("anchor", insertion.anchor),
            indent=place.number("indent", insertion.indent),
        )
        if (place := places.get(insertion.tag))
        else insertion
        for insertion in insertions
    )
    for place in places.values():
        place.done()
    return moved


def _checked(declared: Declaration) -> Declaration:
    tags = [insertion.tag for insertion in declared.insertions]
    for tag in tags:
        if tags.count(tag) > 1:
            raise Refusal(f'The insertion "{tag}" is there twice: give one of the two another name.')
    for path in declared.managed:
        if declared.owns(path):
            raise Refusal(f"{path} is an owned path and has an insertion, too: take one of the two out of {FORK_TOML}.")
        if fits((*declared.keep, *declared.take), path):
            raise Refusal(
                f"{path} has an insertion or a line of its own, and is also listed under keep or take: "
                f"take one of the two out of {FORK_TOML}."
            )
    return declared


@dataclass(frozen=True)
class _Table:
    """A table of a TOML file, read key by key; what is wrong is refused with the name of the file."""

    place: str
    content: Mapping[str, Any]
    asked: set[str] = field(default_factory=set)

    @classmethod
    def read(cls, path: str, content: bytes) -> _Table:
        try:
            return cls(path, tomllib.loads(content.decode("utf-8-sig").replace("\r\n", "\n")))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise Refusal(f"{path} is not valid TOML: {error}.") from None

    def _wrong(self, key: str, rule: str) -> Refusal:
        value = self.content.get(key)
        shown = f"has {key} = {value!r}" if key in self.content else f"has no {key}"
        return Refusal(f"{self.place} {shown}: {rule}.")

    def done(self) -> None:
        """Refuses a key that nothing has asked for: it is misspelt."""
        for key in self.content.keys() - self.asked:
            raise self._wrong(key, f"there is no such setting, use {', '.join(sorted(self.asked))}")

    def _get(self, key: str, default: object = None) -> Any:
        self.asked.add(key)
        return self.content.get(key, default)

    def text(self, key: str, default: str | None = None) -> str:
        value = self._get(key, default)
        if not isinstance(value, str):
            raise self._wrong(key, "write a text in quotes")
        return value

    def name(self, key: str) -> str:
        value = self.text(key)
        if not _NAME.fullmatch(value):
            raise self._wrong(key, "use a-z, 0-9, ., _ and -, such as acme-ai")
        return value

    def choice(self, key: str, choices: Sequence[str], default: str | None = None) -> str:
        value = self.text(key, default)
        if value not in choices:
            raise self._wrong(key, f"write {' or '.join(choices)}")
        return value

    def pattern(self, key: str, default: str | None = None) -> str:
        value = self.text(key, default)
        try:
            re.compile(value)
        except re.error as error:
            raise self._wrong(key, f"it is no regular expression ({error})") from None
        return value

    def tags(self) -> str:
        value = self.pattern("tags", TAGS)
        if re.compile(value).groups != 1:
            raise self._wrong("tags", "it needs one group, which is the version, such as ^v(\\d+\\.\\d+\\.\\d+)$")
        return value

    def number(self, key: str, default: int) -> int:
        value = self._get(key, default)
        if not isinstance(value, int) or value < 0:
            raise self._wrong(key, "write a number of spaces, such as 4")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        value = self._get(key, [])
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise self._wrong(key, "write a list of texts in quotes")
        return tuple(value)

    def table(self, key: str) -> _Table:
        value = self._get(key)
        if not isinstance(value, dict):
            raise self._wrong(key, f"write a table [{key}]")
        return _Table(f"{self.place}, [{key}],", value)

    def tables(self, key: str, earlier: str = "") -> list[_Table]:
        """Returns the tables of a list, and those under the name that it had in earlier versions."""
        before = self.tables(earlier) if earlier in self.content else []
        value = self._get(key, [])
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            raise self._wrong(key, f"write tables [[{key}]]")
        return before + [
            _Table(f"{self.place}, [[{key}]] {one.get('name') or one.get('file') or ''}", one) for one in value
        ]
