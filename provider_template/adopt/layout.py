"""Where a package keeps its modules."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from provider_template.adopt.sources import Sources, line_of

PROJECT_FILE = "pyproject.toml"
_NO_CODE = {
    "benchmarks",
    "build",
    "dist",
    "doc",
    "docs",
    "example",
    "examples",
    "scripts",
    "test",
    "tests",
    "tools",
}
_NO_MODULES = {"conftest.py", "dodo.py", "fabfile.py", "noxfile.py", "setup.py", "tasks.py"}


@dataclass(frozen=True)
class Layout:
    """A package's modules."""

    module: str
    """What code imports."""
    folder: str
    """Where the modules are, with a slash at its end; empty if they lie beside pyproject.toml."""
    code: tuple[str, ...]
    """The Python files among them."""
    source: str

    def moved(self, path: str, module: str) -> str:
        """Returns where a file goes when the package lies in `src/` under that name."""
        inside = path.startswith(self.folder) if self.folder else path in self.code
        return f"src/{module}/{path.removeprefix(self.folder)}" if inside else path


def find_layout(sources: Sources, project: Mapping[str, Any], text: str) -> Layout | None:
    """Returns where the modules are, as pyproject.toml says or as the folders look; None if there are none."""
    for name, key in _configured(project):
        for folder in dict.fromkeys((name, f"src/{PurePosixPath(name).name}", PurePosixPath(name).name)):
            if folder in sources.folders:
                return _in_folder(sources, folder, f"{PROJECT_FILE}:{line_of(text, key)}")
        if f"{name}.py" in sources.files:
            return _at_root(sources, name, f"{PROJECT_FILE}:{line_of(text, key)}")
    wanted = re.sub(r"[-_.]+", "_", str(project["project"]["name"])).lower()
    packages = [
        folder
        for folder in sorted(sources.folders)
        if f"{folder}/__init__.py" in sources.files
        and (folder.count("/") == 0 or (folder.startswith("src/") and folder.count("/") == 1))
        and PurePosixPath(folder).name.lower() not in _NO_CODE
    ]
    if packages:
        best = max(
            packages,
            key=lambda folder: (_has_provider(sources, folder), PurePosixPath(folder).name == wanted),
        )
        return _in_folder(sources, best, f"{best}/__init__.py")
    modules = _root_modules(sources)
    if not modules:
        return None
    best = max(modules, key=lambda path: ("CustomLLM" in (sources.text(path) or ""), path == f"{wanted}.py"))
    return _at_root(sources, best.removesuffix(".py"), best)


def code_anywhere(sources: Sources) -> tuple[str, ...]:
    """Returns the Python files of folders that are not for tests, examples and the like."""
    return tuple(path for path in sources.named(".py") if not _NO_CODE & {*path.split("/")[:-1]})


def _configured(project: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yields what build backends are told: the name or folder of a package, and a pattern for the line."""
    tool = project.get("tool", {})
    for name in _at(tool, "hatch", "build", "targets", "wheel", "packages") or ():
        yield str(name).strip("/"), r"^packages\s*="
    setuptools = _at(tool, "setuptools") or {}
    packages = setuptools.get("packages")
    for name in packages if isinstance(packages, list) else ():
        yield str(name).split(".")[0], r"^packages\s*="
    for name in setuptools.get("py-modules") or ():
        yield str(name), r"^py-modules\s*="
    for keys, pattern in (
        (("flit", "module", "name"), "^name"),
        (("uv", "build-backend", "module-name"), "^module-name"),
    ):
        if isinstance(found := _at(tool, *keys), str):
            yield found, rf"{pattern}\s*="
    for entry in _at(tool, "poetry", "packages") or ():
        if isinstance(entry, dict) and "include" in entry:
            yield f"{entry.get('from', '')}/{entry['include']}".strip("/"), r"^packages\s*="


def _at(table: Any, *keys: str) -> Any:
    for key in keys:
        table = table.get(key) if isinstance(table, dict) else None
    return table


def _has_provider(sources: Sources, folder: str) -> bool:
    return any("CustomLLM" in (sources.text(path) or "") for path in _python(sources, f"{folder}/"))


def _python(sources: Sources, folder: str) -> list[str]:
    return [path for path in sources.named(".py") if path.startswith(folder)]


def _root_modules(sources: Sources) -> list[str]:
    return [path for path in sources.named(".py") if "/" not in path and path not in _NO_MODULES]


def _in_folder(sources: Sources, folder: str, source: str) -> Layout:
    code = tuple(_python(sources, f"{folder}/"))
    return Layout(PurePosixPath(folder).name, f"{folder}/", code, source)


def _at_root(sources: Sources, module: str, source: str) -> Layout:
    return Layout(module, "", tuple(_root_modules(sources)), source)
