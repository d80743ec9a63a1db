"""`fleet.toml`: which templates and repositories there are, and what is asked of the packages in them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, TypeAlias

from provider_template.errors import Refusal
from provider_template.fleet.addresses import identity

Kind: TypeAlias = Literal["github", "gitlab", "folder", "repository"]

_KEYS: Mapping[str, tuple[str, ...]] = {
    "": ("template", "source", "package", "policy", "answers"),
    "template": ("url", "aliases", "blocked"),
    "source": ("github", "gitlab", "folder", "repository", "api", "topics", "exclude", "paths", "token"),
    "package": ("repository", "path", "owner", "pause"),
    "pause": ("until", "reason"),
    "policy": ("minimum", "deadline", "security_days", "litellm_min"),
    "answers": ("default", "enforce", "allow"),
    "answers.allow": ("package", "names"),
}
_KINDS: tuple[Kind, ...] = ("github", "gitlab", "folder", "repository")
_ONLY_FOR: Mapping[str, tuple[Kind, ...]] = {
    "api": ("github", "gitlab"),
    "topics": ("github", "gitlab"),
    "token": ("github", "gitlab"),
    "exclude": ("github", "gitlab", "folder"),
}
_VARIABLE = re.compile("[A-Z][A-Z0-9_]*")
_SECRET = re.compile("(gh[a-z]_|github_pat_|glpat-)")


@dataclass(frozen=True)
class Template:
    """A template whose packages count."""

    url: str
    aliases: tuple[str, ...] = ()
    blocked: tuple[str, ...] = ()
    """Versions that nobody is to have; they are not counted as newer ones."""

    @property
    def identities(self) -> frozenset[str]:
        """What packages may name it by."""
        return frozenset(map(identity, (self.url, *self.aliases)))


@dataclass(frozen=True)
class Source:
    """Where repositories are."""

    kind: Kind
    where: str
    """An organisation, a group, a folder or an address."""
    api: str = ""
    """The address of the forge's API; else the public one's."""
    topics: tuple[str, ...] = ()
    """Repositories with one of them; else all."""
    exclude: tuple[str, ...] = ()
    """Names of repositories to leave out, as patterns such as `*-sandbox`."""
    paths: tuple[str, ...] = ()
    """Folders with packages in each repository, as patterns; else its top folder and those of a fork's providers."""
    variable: str = ""
    """The variable of the environment with the token."""

    @property
    def words(self) -> str:
        """The source as one reads it."""
        return f"{self.kind} {self.where}"


@dataclass(frozen=True)
class Pause:
    """A package that is left alone for a while."""

    until: date | None = None
    reason: str = ""


@dataclass(frozen=True)
class Package:
    """What is said of one package, or of all in a repository."""

    repository: str
    path: str | None = None
    owner: str = ""
    pause: Pause | None = None


@dataclass(frozen=True)
class Policy:
    """What is asked of every package."""

    minimum: str = ""
    """The oldest version of the template that is fine."""
    deadline: Mapping[str, date] = field(default_factory=dict)
    """Versions that packages have to have from a day on."""
    security_days: int | None = None
    """Days within which a package takes a version with security fixes."""
    litellm_min: str = ""
    """The lowest LiteLLM that a package may promise to run on."""


@dataclass(frozen=True)
class Fleet:
    """All of `fleet.toml`."""

    folder: Path
    """Where the file is; paths in it start there."""
    templates: tuple[Template, ...] = ()
    sources: tuple[Source, ...] = ()
    packages: tuple[Package, ...] = ()
    policy: Policy = Policy()
    default: Mapping[str, Any] = field(default_factory=dict)
    """Answers for new packages."""
    enforce: Mapping[str, Any] = field(default_factory=dict)
    """Answers that packages have to have."""
    allow: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """The exceptions from those: names of answers, by the package's name."""

    def template_of(self, source: str) -> Template | None:
        """Returns the template that a package names by `_src_path`."""
        wanted = identity(source)
        return next((one for one in self.templates if wanted in one.identities), None)


def read_fleet(path: Path) -> Fleet:
    """Reads the file.

    Raises:
        Refusal: it is not there, is no TOML, or has something in it that means nothing.
    """
    try:
        text = path.read_text(encoding="utf-8")
        content = tomllib.loads(text)
    except FileNotFoundError:
        raise Refusal(f"There is no {path}: write one with provider-template fleet init.") from None
    except IsADirectoryError:
        raise Refusal(f"{path} is a folder: name the file in it, such as {path / 'fleet.toml'}.") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Refusal(f"{path} is no TOML: {error}.") from None
    return _Reader(path, text).fleet(content)


class _Reader:
    """Reads the content of one file; what it refuses, it names with the file."""

    def __init__(self, path: Path, text: str) -> None:
        self._path = path
        self._lines = text.splitlines()

    def fleet(self, content: dict[str, Any]) -> Fleet:
        self._known(content, "")
        templates = tuple(map(self._template, self._tables(content, "template")))
        sources = tuple(map(self._source, self._tables(content, "source")))
        packages = tuple(map(self._package, self._tables(content, "package")))
        if not templates:
            raise self._no("has no [[template]]: name the template that the packages are from, by its url")
        if not sources and not packages:
            raise self._no("names no repositories: add a [[source]] or a [[package]]")
        answers = self._table(content, "answers", "")
        self._known(answers, "answers")
        allow: dict[str, frozenset[str]] = {}
        for one in self._tables(answers, "allow", "answers.allow"):
            self._known(one, "answers.allow")
            name = self._text(one, "package", "answers.allow")
            if not name:
                raise self._no("has an [[answers.allow]] without package: name the package")
            allow[name] = allow.get(name, frozenset()) | set(self._texts(one, "names", "answers.allow"))
        return Fleet(
            folder=self._path.absolute().parent,
            templates=templates,
            sources=sources,
            packages=packages,
            policy=self._policy(self._table(content, "policy", "")),
            default=self._answers(answers, "default"),
            enforce=self._answers(answers, "enforce"),
            allow=allow,
        )

    def _template(self, one: dict[str, Any]) -> Template:
        self._known(one, "template")
        url = self._address(one, "url", "template")
        if not url:
            raise self._no("has a [[template]] without url: write the address of its repository")
        aliases = self._texts(one, "aliases", "template")
        return Template(url, aliases, self._texts(one, "blocked", "template"))

    def _source(self, one: dict[str, Any]) -> Source:
        self._known(one, "source")
        kinds = [kind for kind in _KINDS if kind in one]
        if len(kinds) != 1:
            named = f"both {kinds[0]} and {kinds[1]}" if kinds else "none of them"
            raise self._no(f"has a [[source]] that names {named}: give it one of {', '.join(_KINDS)}")
        (kind,) = kinds
        for key, fitting in _ONLY_FOR.items():
            if key in one and kind not in fitting:
                raise self._no(f"has {key} in a [[source]] with {kind}: it is for {' and '.join(fitting)}")
        token = self._text(one, "token", "source")
        if token and (_SECRET.match(token) or not _VARIABLE.fullmatch(token)):
            raise self._no(
                "has a token in a [[source]] that is no name of a variable: write the name, such as GITHUB_TOKEN, and "
                "set the token itself in the environment"
            )
        api = self._address(one, "api", "source").rstrip("/")
        if api and not re.match("https?://[^/]", api):
            raise self._no(
                f'has api = "{api}" in a [[source]]: write the whole URL, such as https://git.example.com/api/v4'
            )
        where = self._address(one, kind, "source")
        if not where.strip():
            raise self._no(f"has a [[source]] with an empty {kind}: name it")
        return Source(
            kind=kind,
            where=where,
            api=api,
            topics=self._texts(one, "topics", "source"),
            exclude=self._texts(one, "exclude", "source"),
            paths=self._texts(one, "paths", "source"),
            variable=token,
        )

    def _package(self, one: dict[str, Any]) -> Package:
        self._known(one, "package")
        repository = self._address(one, "repository", "package")
        if not repository:
            raise self._no("has a [[package]] without repository: write its address or folder")
        pause = None
        if "pause" in one:
            table = self._table(one, "pause", "package")
            self._known(table, "pause")
            pause = Pause(self._date(table, "until", "pause"), self._text(table, "reason", "pause"))
        path = self._text(one, "path", "package").strip("/") if "path" in one else None
        return Package(repository, path, self._text(one, "owner", "package"), pause)

    def _policy(self, one: dict[str, Any]) -> Policy:
        self._known(one, "policy")
        days = one.get("security_days")
        if days is not None and (not isinstance(days, int) or isinstance(days, bool) or days < 0):
            raise self._no(f"has security_days = {days!r} in [policy]: write a number of days, such as 14")
        deadline = self._table(one, "deadline", "policy")
        for version in deadline:
            self._version(version, "deadline")
        minimum, litellm = (self._text(one, name, "policy") for name in ("minimum", "litellm_min"))
        for name, value in (("minimum", minimum), ("litellm_min", litellm)):
            if value:
                self._version(value, name)
        dates = {version: self._date(deadline, version, "policy.deadline") for version in deadline}
        return Policy(minimum, {version: day for version, day in dates.items() if day}, days, litellm)

    def _version(self, text: str, name: str) -> None:
        from packaging.version import InvalidVersion, Version

        try:
            Version(text)
        except InvalidVersion:
            raise self._no(f'has "{text}" as {name} in [policy]: write a version, such as "v0.6.0"') from None

    def _answers(self, answers: dict[str, Any], name: str) -> dict[str, Any]:
        found = self._table(answers, name, "answers")
        for key, value in found.items():
            if key.startswith("_"):
                raise self._no(f"has {key} in [answers.{name}]: that is Copier's own, and no answer")
            if not isinstance(value, str | int | float | list):
                raise self._no(
                    f"has {key} = {value!r} in [answers.{name}]: an answer is a text, a number, yes or no, or a list"
                )
        return found

    def _known(self, table: Mapping[str, Any], where: str) -> None:
        """Refuses a key that means nothing, and names the nearest."""
        for key in table:
            if key not in _KEYS[where]:
                line = next(
                    (n for n, text in enumerate(self._lines, 1) if re.match(rf'[\[\s."]*{re.escape(key)}\b', text)), 0
                )
                place = f" (line {line})" if line else ""
                table_name = f" in [{where}]" if where else ""
                near = get_close_matches(key, _KEYS[where], 1, 0.5)
                mend = f'did you mean "{near[0]}"' if near else f"known are {', '.join(_KEYS[where])}"
                raise self._no(f'has "{key}"{table_name}{place}, which means nothing: {mend}')

    def _tables(self, table: Mapping[str, Any], key: str, where: str = "") -> list[dict[str, Any]]:
        found = table.get(key, [])
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            raise self._no(f"has {key} that is no list of tables: write it as [[{where or key}]]")
        return found

    def _table(self, table: Mapping[str, Any], key: str, where: str) -> dict[str, Any]:
        found = table.get(key, {})
        if not isinstance(found, dict):
            name = f"{where}.{key}" if where else key
            raise self._no(f"has {name} = {found!r}, which is no table: write it as [{name}]")
        return found

    def _text(self, table: Mapping[str, Any], key: str, where: str) -> str:
        found = table.get(key, "")
        if not isinstance(found, str):
            raise self._no(f"has {key} = {found!r} in [{where}]: write a text in quotes")
        return found

    def _address(self, table: Mapping[str, Any], key: str, where: str) -> str:
        found = self._text(table, key, where)
        if re.search(r"://[^/@\s]*:[^/@\s]+@", found):
            raise self._no(
                f"has a password in {key} of [{where}]: leave it out, and give it to git by a credential helper"
            )
        return found

    def _texts(self, table: Mapping[str, Any], key: str, where: str) -> tuple[str, ...]:
        found = table.get(key, [])
        if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
            raise self._no(f'has {key} = {found!r} in [{where}]: write a list of texts, such as ["one"]')
        return tuple(found)

    def _date(self, table: Mapping[str, Any], key: str, where: str) -> date | None:
        found = table.get(key)
        if found is None:
            return None
        if isinstance(found, datetime):
            return found.date()
        if not isinstance(found, date):
            raise self._no(f"has {key} = {found!r} in [{where}]: write a date without quotes, such as 2027-03-31")
        return found

    def _no(self, words: str) -> Refusal:
        return Refusal(f"{self._path} {words}.")
