"""What a fork has of its own: `fork.toml` at its top, and `fork/<provider>/hooks.toml` of each provider in it."""

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

SPEC = "fork.toml"
_HOOKS = "hooks.toml"
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")
_PYPROJECT = "pyproject.toml"

# The version in a tag of upstream's, such as v1.106.2 or v1.79.3-stable.
TAGS = r"^v(\d+\.\d+\.\d+)(?:[.-]stable)?$"


@dataclass(frozen=True)
class Hook:
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
    hooks: tuple[Hook, ...]


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
class Spec:
    """All that a fork has of its own."""

    name: str
    strategy: str
    own: tuple[str, ...]
    keep: tuple[str, ...]
    take: tuple[str, ...]
    upstream: Upstream
    replacements: tuple[Replacement, ...]
    providers: tuple[Provider, ...]
    hooks: tuple[Hook, ...]
    """Those of the providers first, then the fork's."""

    @property
    def owned(self) -> tuple[str, ...]:
        """The paths that are the fork's: folders with a slash at their end, files, or patterns."""
        return self.own + tuple(path for provider in self.providers for path in provider.owned)

    @property
    def managed(self) -> list[str]:
        """The files of upstream's with hooks or lines of the fork's in them, sorted."""
        return sorted({hook.file for hook in self.hooks} | {one.file for one in self.replacements})

    def owns(self, path: str) -> bool:
        """Returns whether a path is the fork's."""
        return fits(self.owned, path)

    def of(self, file: str) -> tuple[list[Hook], list[Replacement]]:
        """Returns the hooks and the lines of the fork's in a file."""
        return [one for one in self.hooks if one.file == file], [one for one in self.replacements if one.file == file]


def fits(patterns: Sequence[str], path: str) -> bool:
    """Returns whether a path is under one of the folders (`a/`), or fits one of the files or patterns (`*`)."""
    return any(
        path.startswith(pattern) if pattern.endswith("/") else path == pattern or fnmatchcase(path, pattern)
        for pattern in patterns
    )


def in_folder(folder: Path) -> Spec:
    """Reads what the files of a folder say.

    Raises:
        Refusal: There is no fork.toml, or a file breaks a rule.
    """

    def read(path: str) -> bytes | None:
        file = folder / path
        return file.read_bytes() if file.is_file() else None

    found = sorted(path.relative_to(folder).as_posix() for path in folder.glob(f"fork/*/{_HOOKS}"))
    return _spec(read, found, str(folder))


def in_commit(git: Git, commit: str) -> Spec:
    """Reads what a commit says.

    Raises:
        Refusal: There is no fork.toml, or a file breaks a rule.
    """
    found = sorted(path for path in git.tree(commit, "fork/") if re.fullmatch(rf"fork/[^/]+/{_HOOKS}", path))
    return _spec(lambda path: git.blob(commit, path), found, f"{git.folder} (commit {commit[:12]})")


def _spec(read: Callable[[str], bytes | None], hook_files: Sequence[str], place: str) -> Spec:
    content = read(SPEC)
    if content is None:
        raise Refusal(f"There is no {SPEC} in {place}: render a provider with layout=fork there, and commit it.")
    table = _Table.read(SPEC, content)
    providers = [_provider(_Table.read(path, read(path) or b""), path.split("/")[1]) for path in hook_files]
    names = [provider.name for provider in providers]
    for name in names:
        if names.count(name) > 1:
            raise Refusal(f'The provider "{name}" is in fork/ twice: delete one of its folders.')
    fork, upstream = table.table("fork"), table.table("upstream")
    spec = Spec(
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
        hooks=tuple(hook for provider in providers for hook in provider.hooks)
        + tuple(_hook(one, "fork") for one in table.tables("hooks")),
    )
    spec = replace(spec, hooks=_moved(spec.hooks, table))
    for one in (table, fork, upstream):
        one.done()
    return _checked(spec)


def _provider(table: _Table, folder: str) -> Provider:
    name, owned = table.name("provider"), table.texts("owned")
    dependencies = table.texts("dependencies")
    hooks = [_hook(one, name) for one in table.tables("hooks")]
    if dependencies:
        hooks.append(
            Hook(
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
    return Provider(name, folder, owned, dependencies, tuple(hooks))


def _hook(table: _Table, owner: str) -> Hook:
    where = table.choice("where", ("before", "after", "end"))
    hook = Hook(
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
    return hook


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


def _moved(hooks: Sequence[Hook], table: _Table) -> tuple[Hook, ...]:
    """Gives the hooks of providers the places that fork.toml has for them under [anchors]."""
    anchors = table.table("anchors") if "anchors" in table.content else _Table("", {})
    table.asked.add("anchors")
    places = {
        tag: _Table(f'{SPEC}, [anchors] "{tag}"', {"anchor": anchors.text(tag)})
        if not isinstance(place, dict)
        else _Table(f'{SPEC}, [anchors] "{tag}"', place)
        for tag, place in anchors.content.items()
    }
    for tag in places.keys() - {hook.tag for hook in hooks}:
        raise Refusal(f'{SPEC} has an anchor for "{tag}", which is no hook of this fork: delete that line.')
    moved = tuple(
        replace(
            hook,
            file=place.text("file", hook.file),
            where=place.choice("where", ("before", "after", "end"), hook.where),
            anchor=place.pattern("anchor", hook.anchor),
            indent=place.number("indent", hook.indent),
        )
        if (place := places.get(hook.tag))
        else hook
        for hook in hooks
    )
    for place in places.values():
        place.done()
    return moved


def _checked(spec: Spec) -> Spec:
    tags = [hook.tag for hook in spec.hooks]
    for tag in tags:
        if tags.count(tag) > 1:
            raise Refusal(f'The hook "{tag}" is there twice: give one of the two another name.')
    for path in spec.managed:
        if spec.owns(path):
            raise Refusal(f"{path} is an owned path and has a hook, too: take one of the two out of {SPEC}.")
        if fits((*spec.keep, *spec.take), path):
            raise Refusal(
                f"{path} has a hook or a line of its own, and is also listed under keep or take: "
                f"take one of the two out of {SPEC}."
            )
    return spec


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

    def tables(self, key: str) -> list[_Table]:
        value = self._get(key, [])
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            raise self._wrong(key, f"write tables [[{key}]]")
        return [_Table(f"{self.place}, [[{key}]] {one.get('name') or one.get('file') or ''}", one) for one in value]
