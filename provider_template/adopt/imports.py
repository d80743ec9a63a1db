"""Whether the imports of the author's files still find what they name, once files have moved."""

from __future__ import annotations

import ast
import re
from collections.abc import Container, Iterator, Mapping
from pathlib import PurePosixPath

from provider_template.adopt.sources import Sources


class Names:
    """What can be imported: before, from the author's files; after, from those that stay and the template's."""

    def __init__(self, sources: Sources, stay: Mapping[str, str], templates: Mapping[str, frozenset[str]]) -> None:
        """Lists the modules.

        Args:
            sources: The author's files.
            stay: Those that stay: old path, new path.
            templates: The template's modules by path, with the names that each has.
        """
        self._before: dict[str, str] = {}
        for path in sources.named(".py"):
            for name in names_of(path, sources.files):
                self._before.setdefault(name, path)
        everything = {*stay.values(), *templates}
        self._after: dict[str, str] = {}
        for old, new in stay.items():
            if new.endswith(".py"):
                self._after |= dict.fromkeys(names_of(new, everything), old)
        self._templates: dict[str, frozenset[str]] = {}
        taken = set(stay.values())
        for path, names in templates.items():
            if path not in taken:
                self._templates |= dict.fromkeys(names_of(path, everything), names)

    def missing(self, before: str, after: str, name: str = "") -> bool:
        """Returns whether a module, or what is taken from it, was the author's and is not there any more.

        Args:
            before: The module's name.
            after: Its name now: another one for a relative import in a file that has moved.
            name: What is taken from it.
        """
        if name and (was := self._before.get(f"{before}.{name}")):
            return self._after.get(f"{after}.{name}") != was
        if before not in self._before or self._after.get(after) == self._before[before]:
            return False
        return name not in self._templates.get(after, frozenset()) and f"{after}.{name}" not in self._templates

    def missing_path(self, dotted: str) -> bool:
        """Returns whether a dotted name leads into a module of the author's that is not there."""
        parts = dotted.split(".")
        for length in range(len(parts) - 1, 0, -1):
            module = ".".join(parts[:length])
            if module in self._before:
                return self.missing(module, module, parts[length])
        return False


def names_of(path: str, files: Container[str]) -> Iterator[str]:
    """Yields the names by which a file can be imported: from the top, from src/, and from its own folder."""
    stem = re.sub(r"(/__init__)?\.py\Z", "", path)
    yield stem.replace("/", ".")
    if stem.startswith("src/"):
        yield stem.removeprefix("src/").replace("/", ".")
    folder = PurePosixPath(path).parent.as_posix()
    if folder not in (".", "src") and f"{folder}/__init__.py" not in files:
        yield PurePosixPath(stem).name


def broken_import(sources: Sources, old: str, new: str, there: Names) -> str:
    """Returns why a file cannot work any more: what it imports was the author's and is not there; or nothing.

    Args:
        sources: The author's files.
        old: The file's path.
        new: Its new path.
        there: What can be imported.
    """
    tree = sources.python(old)
    is_test = new.startswith("tests/")
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, ast.Import):
            for alias in node.names:
                if there.missing(alias.name, alias.name):
                    return f"it imports `{alias.name}`, which is not there as it was"
        elif isinstance(node, ast.ImportFrom):
            before, after = (module_of(path, node) for path in (old, new))
            for alias in node.names:
                if there.missing(before, after, "" if alias.name == "*" else alias.name):
                    name = f"{'.' * node.level}{node.module or ''} {alias.name}"
                    return f"it imports `{name}`, which is not there as it was"
        elif is_test and isinstance(node, ast.Call) and (name := _patched(node)) and there.missing_path(name):
            return f"it patches `{name}`, which is not there as it was"
    return ""


def _patched(call: ast.Call) -> str:
    """Returns the dotted name that `patch("a.b")` or `monkeypatch.setattr("a.b", ...)` replaces, or nothing."""
    function, first = call.func, call.args[0] if call.args else None
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    if name not in ("patch", "setattr", "delattr") or not isinstance(first, ast.Constant):
        return ""
    return first.value if isinstance(first.value, str) and "." in first.value else ""


def module_of(path: str, node: ast.ImportFrom) -> str:
    """Returns the dotted name, from the top folder, of the module that a file imports from."""
    package = path.split("/")[: -node.level] if node.level else []
    return ".".join([*package, *([node.module] if node.module else [])])
