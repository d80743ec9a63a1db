"""The template's pyproject.toml with what the author's has beyond it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import tomlkit
from tomlkit.items import Array

from provider_template.adopt.tables import Section, array_of, line_of, lines_of, sections

DEPENDENCIES = "# Your dependencies go below this line."
# Keys of [project] that the template writes from the answers.
_FROM_ANSWERS = {
    "authors",
    "classifiers",
    "dependencies",
    "description",
    "dynamic",
    "license",
    "license-files",
} | {
    *("name", "readme", "requires-python", "scripts", "version"),
}
_EXTRAS = "optional-dependencies"
# Tables of build backends, which read nothing once Hatchling builds the package.
_BACKENDS = {
    "flit",
    "pdm",
    "poetry",
    "poetry-dynamic-versioning",
    "scikit-build",
    "setuptools",
    "setuptools_scm",
}
_FOR_TESTS = re.compile(r"(dev|develop|development|tests?|testing|lint|typing|types)\Z", re.IGNORECASE)


@dataclass
class Composed:
    """The text, and what of the author's is not in it."""

    text: str
    left: list[str] = field(default_factory=list)
    """A sentence for each thing that could not be placed, or was replaced."""


def compose(
    rendered: str,
    theirs: str,
    *,
    version: str,
    licence: str,
    is_there: Callable[[str], bool],
    unchecked: Iterable[str] = (),
) -> Composed:
    """Returns the template's file with the author's dependencies, metadata and tables.

    Args:
        rendered: The template's text.
        theirs: The author's.
        version: The package's version.
        licence: The expression to put in the place of the template's, if not empty.
        is_there: Whether a module, by its dotted name, is still where it was.
        unchecked: The author's Python files that the template's tools are to leave alone.
    """
    return _Composer(rendered, theirs, is_there).compose(version, licence, sorted(unchecked))


class _Composer:
    def __init__(self, rendered: str, theirs: str, is_there: Callable[[str], bool]) -> None:
        theirs = theirs.replace("\r\n", "\n")
        self._text = rendered
        self._template: Mapping[str, Any] = tomllib.loads(rendered)
        self._content: Mapping[str, Any] = tomllib.loads(theirs)
        self._written: Mapping[str, Any] = tomlkit.parse(theirs)
        self._sections = sections(theirs)
        self._is_there = is_there
        self._left: list[str] = []

    def compose(self, version: str, licence: str, unchecked: list[str]) -> Composed:
        self._replace_line("version", version)
        if licence:
            self._replace_line("license", licence)
        self._project()
        self._scripts()
        self._groups()
        self._extras()  # after the groups, which may have the same names
        for section in self._sections:
            self._table(section)
        self._leave_alone(unchecked)
        return Composed(self._text, self._left)

    # ---- the template's band ----

    def _project(self) -> None:
        mine: Mapping[str, Any] = self._written["project"]
        self._dependencies(array_of(mine.get("dependencies")))
        plain: Mapping[str, Any] = self._content["project"]
        # A licence is an expression now; and lower versions of Python are not supported.
        gone = [one for one in plain.get("classifiers") or () if one.startswith(("License ::", "Programming Language"))]
        known = [*gone, *self._template["project"]["classifiers"]]
        self._into_list("classifiers", _without(array_of(mine.get("classifiers")), known, str))
        authors = array_of(mine.get("authors"))
        if authors:
            del authors[0]
        self._into_list("authors", authors)
        readme = plain.get("readme")
        if readme and readme != "README.md":
            self._left.append(f"`readme` was {readme!r}: the package's page is `README.md` now.")
        for key in ("gui-scripts", "entry-points"):
            self._report_gone(plain.get(key))
        tables = {
            section.keys[1] for section in self._sections if section.keys[:1] == ("project",) and section.keys[1:]
        }
        lines = self._items("project")
        placed = {_EXTRAS} & self._template["project"].keys()
        rest = {key: mine[key] for key in mine if key not in _FROM_ANSWERS | tables | placed}
        text = "".join(lines.get(key) or line_of(key, value) for key, value in rest.items())
        if not self._put(re.compile(r"(?ms)^dependencies = \[\n.*?^\]\n"), text):
            self._left += [f"`{key}` of `[project]` was not brought over." for key in rest]
        dynamic = [key for key in plain.get("dynamic") or () if key != "version"]
        self._left += [f"`{key}` was dynamic: write it into this file." for key in dynamic]
        if "<" in str(plain.get("requires-python", "")):
            self._left.append(f"`requires-python` was `{plain['requires-python']}`: the template has no upper bound.")

    def _items(self, *keys: str) -> dict[str, str]:
        """Returns the keys of one of the author's tables, with their lines and comments."""
        found: dict[str, str] = {}
        for section in self._sections:
            if section.keys == keys:
                for key, lines in section.items():
                    found[key] = found.get(key, "") + lines  # `urls.home` and `urls.docs` are one key
        return found

    def _dependencies(self, mine: Array) -> None:
        known = {_distribution(text): text for text in self._template["project"]["dependencies"]}
        for text in map(str, mine.unwrap()):
            name = _distribution(text)
            extras = re.match(r"[^\[;<>=!~@ ]+\s*(\[[^\]]+\])", text)
            if name in known:
                number = mine.index(text)
                if extras:
                    mine[number] = f"{name}{extras[1]}"
                else:
                    del mine[number]
                if text != known[name]:
                    self._left.append(f"The dependency `{text}` is `{known[name]}` in the template.")
            elif "@" in text.partition(";")[0]:
                self._append("[tool.hatch.metadata]\nallow-direct-references = true\n")
        self._put(re.compile(rf"(?m)^[ \t]*{re.escape(DEPENDENCIES)}\n"), lines_of(mine))

    def _extras(self) -> None:
        """Adds the author's extras to the template's, which has some where the answers name an SDK."""
        template: Mapping[str, Any] = self._template["project"].get(_EXTRAS, {})
        if not template:
            return
        lines = self._items("project", _EXTRAS)
        for name, values in self._content["project"].get(_EXTRAS, {}).items():
            if name in template:
                if values != template[name]:
                    self._left.append(
                        f"The extra `{name}` was `{values}`: it is the template's now, `{template[name]}`."
                    )
            elif not self._insert_into_table(f"project.{_EXTRAS}", lines.get(name) or line_of(name, values)):
                self._left.append(f"The extra `{name}` was not brought over.")

    def _scripts(self) -> None:
        names = set(self._template["project"].get("scripts", {}))
        kept: dict[str, str] = {}
        for name, target in self._content["project"].get("scripts", {}).items():
            if name in names:
                self._left.append(f"The command `{name}` was `{target}`: it is the template's now.")
            elif not self._is_there(str(target).partition(":")[0]):
                self._left.append(f"The command `{name}` was `{target}`, which is not there any more: it is left out.")
            else:
                kept[name] = str(target)
        if kept and not self._insert_into_table("project.scripts", tomlkit.dumps(kept)):
            self._append(tomlkit.dumps({"project": {"scripts": kept}}))

    def _groups(self) -> None:
        """Adds what the author's tests and tools need to the group `dev`, and other groups beside it."""
        groups: Mapping[str, Any] = self._written.get("dependency-groups", {})
        extras: Mapping[str, Any] = self._content["project"].get("optional-dependencies", {})
        template: Mapping[str, Any] = self._template["dependency-groups"]
        lines = self._items("dependency-groups")
        tests = array_of(groups.get("dev"))
        fresh: dict[str, str] = {}
        for name, values in groups.items():
            if name == "dev":
                continue
            if name in template:
                self._into_list(name, _without(array_of(values), template[name], _distribution))
                continue
            inclusion = {"include-group": name}
            if _FOR_TESTS.match(name) and {"include-group": "dev"} not in values and inclusion not in tests:
                tests.add_line(inclusion)
            fresh[name] = lines.get(name) or line_of(name, values)
        if not self._insert_into_table("dependency-groups", "".join(fresh.values())):
            self._left += [f"The dependency group `{name}` was not brought over." for name in fresh]
        own = _distribution(self._content["project"]["name"])
        for name, values in extras.items():
            if _FOR_TESTS.match(name):
                for one in values:
                    if _distribution(one) != own and one not in tests:
                        tests.add_line(one)
        self._into_list("dev", _without(tests, template["dev"], _distribution), "    # Yours go below this line.\n")

    # ---- the author's band ----

    def _table(self, section: Section) -> None:
        keys = section.keys
        if not keys:
            known = ("project", "dependency-groups")  # written in another way, and read
            self._left += [
                f"`{key}`, above the first table, was not brought over."
                for key, _ in section.items()
                if key not in known
            ]
        elif keys == ("build-system",):
            backend = self._content["build-system"].get("build-backend", "")
            if "hatchling" not in str(backend):
                self._left.append(f"The build backend was `{backend}`: Hatchling builds the package now.")
        elif keys[0] == "project":
            has_extras = keys[1:] == (_EXTRAS,) and _EXTRAS in self._template["project"]
            if len(keys) > 1 and keys[1] not in _FROM_ANSWERS and not has_extras:
                self._place(section)
        elif keys[0] != "tool":
            if keys[0] != "dependency-groups":
                self._place(section)
        elif len(keys) == 1 or keys[1] in _BACKENDS or keys[1:3] == ("uv", "build-backend"):
            self._left.append(f"`[{section.name}]` is left out: Hatchling does not read it.")
        elif keys[1] == "pytest":
            self._markers(section)
        elif (
            keys[1] not in self._template["tool"] or keys[1:] == ("mypy", "overrides") or keys[1:3] == ("hatch", "envs")
        ):
            self._place(section)
        else:
            self._left.append(
                f"`[{section.name}]` is left out: the template sets up {keys[1]}; bring over what your files need."
            )

    def _place(self, section: Section) -> None:
        if not self._append(section.text):
            self._left.append(f"`[{section.name}]` was not brought over.")

    def _markers(self, section: Section) -> None:
        """Keeps the author's markers: pytest refuses tests with others."""
        mine: Mapping[str, Any] = self._content["tool"]["pytest"].get("ini_options", {})
        template: Mapping[str, Any] = self._template["tool"]["pytest"]["ini_options"]
        rest = [
            key
            for key, lines in section.items()
            if key != "markers" or not self._insert_into_table("tool.pytest.ini_options", lines)
            if key not in template or mine.get(key) != template[key]
        ]
        if rest:
            self._left.append(f"{', '.join(f'`{key}`' for key in rest)} of `[{section.name}]`: not brought over.")

    def _leave_alone(self, paths: list[str]) -> None:
        """Keeps the template's formatter, linter and type checker from code that was written before it."""
        if not paths:
            return
        modules = [name for path in paths if (name := _module(path))]
        patterns = [_quoted(re.sub(r"([*?\[\]{}])", r"[\1]", path)) for path in paths]
        lines = "".join(f"    {pattern},\n" for pattern in patterns)
        rules = "".join(f'{pattern} = ["ALL"]\n' for pattern in patterns)
        parts = [
            f"# Code from before the template, which its tools leave alone: ADOPTING.md says when to take lines out.\n"
            f"[tool.ruff.format]\nexclude = [\n{lines}]\n",
            f"[tool.ruff.lint.extend-per-file-ignores]\n{rules}",
        ]
        if modules:
            names = "".join(f"    {_quoted(name)},\n" for name in modules)
            parts.append(f"[[tool.mypy.overrides]]\nmodule = [\n{names}]\nignore_errors = true\n")
        for part in parts:
            self._append(part)

    # ---- text ----

    def _try(self, text: str) -> bool:
        """Takes a text if it is TOML."""
        try:
            tomllib.loads(text)
        except tomllib.TOMLDecodeError:
            return False
        self._text = text
        return True

    def _append(self, text: str) -> bool:
        return self._try(f"{self._text.rstrip()}\n\n{text.strip()}\n")

    def _put(self, after: re.Pattern[str], text: str) -> bool:
        found = after.search(self._text)
        return found is not None and self._try(self._text[: found.end()] + text + self._text[found.end() :])

    def _replace_line(self, key: str, value: str) -> None:
        line = f"{key} = {_quoted(value)}"
        self._try(re.sub(rf'(?m)^{key} = ".*"$', lambda _: line, self._text, count=1))

    def _into_list(self, key: str, array: Array, heading: str = "") -> None:
        """Adds entries at the end of one of the template's lists, which have a line for each entry."""
        lines = lines_of(array)
        if lines and not self._put(re.compile(rf"(?ms)^{key} = \[\n.*?(?=^\])"), heading + lines):
            self._left += [f"`{one}` in `{key}` was not brought over." for one in array.unwrap()]

    def _insert_into_table(self, header: str, lines: str) -> bool:
        """Adds lines at the end of one of the template's tables, which have no blank lines inside."""
        return self._put(re.compile(rf"(?m)^\[{re.escape(header)}\]\n(?:.+\n)*"), lines)

    def _report_gone(self, table: Any) -> None:
        for target in _targets(table):
            if not self._is_there(target.partition(":")[0]):
                self._left.append(f"The entry point `{target}` names a module that is not there any more.")


def _targets(table: Any) -> list[str]:
    if isinstance(table, dict):
        return [target for value in table.values() for target in _targets(value)]
    return [table] if isinstance(table, str) else []


def _without(array: Array, known: Iterable[object], name: Callable[[object], str]) -> Array:
    """Takes the entries out of a list whose names are known."""
    names = {*map(name, known)}
    for number, one in reversed([*enumerate(array.unwrap())]):
        if name(one) in names:
            del array[number]
    return array


def _distribution(requirement: object) -> str:
    """Returns the name in a requirement; anything else as it is."""
    found = re.match(r"[A-Za-z0-9][A-Za-z0-9._-]*", str(requirement))
    return re.sub(r"[-_.]+", "-", found[0]).lower() if found else str(requirement)


def _module(path: str) -> str:
    """Returns what mypy calls a file in the folders that it checks."""
    if not path.startswith(("src/", "tests/", "examples/")) or not path.endswith((".py", ".pyi")):
        return ""
    return re.sub(r"(/__init__)?\.pyi?\Z", "", path.removeprefix("src/")).replace("/", ".")


def _quoted(text: str) -> str:
    return tomlkit.item(text).as_string()
