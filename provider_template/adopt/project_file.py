"""The template's pyproject.toml with what the author's has beyond it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from provider_template.adopt.toml_text import Entry, Item, Section, entries, items_of_table, loads, sections

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
        self._text = rendered
        self._template: Mapping[str, Any] = loads(rendered) or {}
        self._content: Mapping[str, Any] = loads(theirs) or {}
        self._sections = sections(theirs)
        self._is_there = is_there
        self._left: list[str] = []
        self._tests: list[Entry] = []

    def compose(self, version: str, licence: str, unchecked: list[str]) -> Composed:
        self._replace_line("version", version)
        if licence:
            self._replace_line("license", licence)
        self._project()
        self._scripts()
        self._groups()
        for section in self._sections:
            self._table(section)
        self._leave_alone(unchecked)
        return Composed(self._text, self._left)

    # ---- the template's band ----

    def _project(self) -> None:
        items = {
            item.key: item
            for section in self._sections
            if section.keys == ("project",)
            for item in items_of_table(section)
        }
        mine: Mapping[str, Any] = self._content["project"]
        self._dependencies(_entries(items.get("dependencies"), mine.get("dependencies")))
        known = set(self._template["project"]["classifiers"])
        kept = [one for one in _entries(items.get("classifiers"), mine.get("classifiers")) if one.value not in known]
        # A licence is an expression now; and lower versions of Python are not supported.
        self._into_list(
            "classifiers",
            [one for one in kept if not one.value.startswith(("License ::", "Programming Language"))],
        )
        authors = "".join(f"    {_inline(one)},\n" for one in (mine.get("authors") or ())[1:] if isinstance(one, dict))
        self._insert_before_end("authors", authors)
        readme = mine.get("readme")
        if readme and readme != "README.md":
            self._left.append(f"`readme` was {readme!r}: the package's page is `README.md` now.")
        for key in ("gui-scripts", "entry-points"):
            self._report_gone(mine.get(key))
        placed = set(self._section_keys()) | items.keys() | _FROM_ANSWERS
        self._left += [f"`{key}` of `[project]` was not brought over." for key in mine if key not in placed]
        for item in items.values():
            if item.key not in _FROM_ANSWERS and not self._insert_after("dependencies", item.text):
                self._left.append(f"`{item.key}` of `[project]` was not brought over.")
        dynamic = [key for key in mine.get("dynamic") or () if key != "version"]
        self._left += [f"`{key}` was dynamic: write it into this file." for key in dynamic]
        if "<" in str(mine.get("requires-python", "")):
            self._left.append(f"`requires-python` was `{mine['requires-python']}`: the template has no upper bound.")

    def _section_keys(self) -> list[str]:
        return [section.keys[1] for section in self._sections if section.keys[:1] == ("project",) and section.keys[1:]]

    def _dependencies(self, mine: list[Entry]) -> None:
        known = {_distribution(text): text for text in self._template["project"]["dependencies"]}
        lines: list[str] = []
        for entry in mine:
            name = _distribution(entry.value)
            extras = re.match(r"[^\[;<>=!~@ ]+\s*(\[[^\]]+\])", entry.value)
            if name not in known:
                lines.append(entry.text)
                if "@" in entry.value.partition(";")[0]:
                    self._append("[tool.hatch.metadata]\nallow-direct-references = true\n")
            else:
                if extras:
                    lines.append(f'    "{name}{extras[1]}",\n')
                if entry.value != known[name]:
                    self._left.append(f"The dependency `{entry.value}` is `{known[name]}` in the template.")
        self._put(re.compile(rf"(?m)^[ \t]*{re.escape(DEPENDENCIES)}\n"), "".join(lines))

    def _scripts(self) -> None:
        names = set(self._template["project"].get("scripts", {}))
        lines = ""
        for name, target in self._content["project"].get("scripts", {}).items():
            if name in names:
                self._left.append(f"The command `{name}` was `{target}`: it is the template's now.")
            elif not self._is_there(str(target).partition(":")[0]):
                self._left.append(f"The command `{name}` was `{target}`, which is not there any more: it is left out.")
            else:
                lines += f"{_key(name)} = {_quoted(str(target))}\n"
        if lines and not self._insert_after_header("project.scripts", lines):
            self._append(f"[project.scripts]\n{lines}")

    def _groups(self) -> None:
        """Adds what the author's tests and tools need to the group `dev`, and other groups beside it."""
        items = {
            item.key: item
            for section in self._sections
            if section.keys == ("dependency-groups",)
            for item in items_of_table(section)
        }
        groups: Mapping[str, Any] = self._content.get("dependency-groups", {})
        extras: Mapping[str, Any] = self._content["project"].get("optional-dependencies", {})
        template: Mapping[str, Any] = self._template["dependency-groups"]
        for name, values in groups.items():
            found = _entries(items.get(name), values)
            if name == "dev":
                self._tests += found
            elif name in template:
                known = {_distribution(str(one)) for one in template[name]}
                self._into_list(name, [one for one in found if _distribution(one.value) not in known])
            else:
                if _FOR_TESTS.match(name) and {"include-group": "dev"} not in values:
                    whole = _inline({"include-group": name})
                    self._tests.append(Entry(whole, whole))
                text = items[name].text if name in items else f"{_key(name)} = {_list(values)}\n"
                if not self._insert_after_header("dependency-groups", text):
                    self._left.append(f"The dependency group `{name}` was not brought over.")
        own = _distribution(str(self._content["project"]["name"]))
        for name, values in extras.items():
            if _FOR_TESTS.match(name):
                self._tests += [Entry(str(one), _quoted(str(one))) for one in values if _distribution(str(one)) != own]
        known = {_distribution(one) for one in template["dev"] if isinstance(one, str)}
        fresh = {one.value: one for one in self._tests if _distribution(one.value) not in known}
        if fresh:
            self._insert_before_end(
                "dev", "    # Yours go below this line.\n" + "".join(one.text for one in fresh.values())
            )

    # ---- the author's band ----

    def _table(self, section: Section) -> None:
        keys = section.keys
        if not keys:
            content = loads(section.text)
            self._left += [f"`{key}`, above the first table, was not brought over." for key in content or ()]
        elif keys == ("build-system",):
            backend = self._content["build-system"].get("build-backend", "")
            if "hatchling" not in str(backend):
                self._left.append(f"The build backend was `{backend}`: Hatchling builds the package now.")
        elif keys[0] == "project":
            if len(keys) > 1 and keys[1] not in _FROM_ANSWERS:
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
            item.key
            for item in items_of_table(section)
            if item.key != "markers" or not self._insert_after_header("tool.pytest.ini_options", item.text)
            if item.key not in template or mine.get(item.key) != template[item.key]
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
        if loads(text) is None:
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

    def _insert_before_end(self, key: str, lines: str) -> bool:
        """Adds lines at the end of a list that has a line for each entry."""
        return not lines or self._put(re.compile(rf"(?ms)^{key} = \[\n.*?(?=^\])"), lines)

    def _into_list(self, key: str, found: list[Entry]) -> None:
        if not self._insert_before_end(key, "".join(one.text for one in found)):
            self._left += [f"`{one.value}` in `{key}` was not brought over." for one in found]

    def _insert_after(self, key: str, text: str) -> bool:
        return self._put(re.compile(rf"(?ms)^{key} = \[\n.*?^\]\n"), text)

    def _insert_after_header(self, header: str, text: str) -> bool:
        """Adds lines at the end of a table: before the first blank line that is between two of its keys."""
        table = next((one for one in sections(self._text) if one.name == header), None)
        lines = table.text.splitlines(keepends=True) if table else []
        for number in range(1, len(lines) + 1):
            above = "".join(lines[:number])
            if not "".join(lines[number : number + 1]).strip() and loads(above):
                return self._try(self._text.replace(above, above + text, 1))
        return False

    def _report_gone(self, table: Any) -> None:
        for target in _targets(table):
            if not self._is_there(target.partition(":")[0]):
                self._left.append(f"The entry point `{target}` names a module that is not there any more.")


def _targets(table: Any) -> list[str]:
    if isinstance(table, dict):
        return [target for value in table.values() for target in _targets(value)]
    return [table] if isinstance(table, str) else []


def _entries(item: Item | None, values: Any) -> list[Entry]:
    """Returns the entries of a list with their comments, or without where it is written in another way."""
    plain = [
        Entry(one, _quoted(one)) if isinstance(one, str) else Entry(_inline(one), _inline(one)) for one in values or ()
    ]
    found = entries(item.text) if item else []
    return found if len(found) == len(plain) else plain


def _distribution(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9][A-Za-z0-9._-]*", requirement)
    return re.sub(r"[-_.]+", "-", found[0]).lower() if found else requirement


def _module(path: str) -> str:
    """Returns what mypy calls a file in the folders that it checks."""
    if not path.startswith(("src/", "tests/", "examples/")) or not path.endswith((".py", ".pyi")):
        return ""
    return re.sub(r"(/__init__)?\.pyi?\Z", "", path.removeprefix("src/")).replace("/", ".")


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _quoted(name)


def _inline(table: Mapping[str, Any]) -> str:
    return f"{{ {', '.join(f'{_key(key)} = {_quoted(str(value))}' for key, value in table.items())} }}"


def _list(values: Iterable[Any]) -> str:
    return "[\n" + "".join(f"    {_quoted(one) if isinstance(one, str) else _inline(one)},\n" for one in values) + "]"
