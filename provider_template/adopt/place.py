"""Where each file of the author's goes, so that nothing of it is lost and the template's files work as rendered."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from provider_template.adopt.imports import Names, broken_import
from provider_template.adopt.infer import LICENCE_FILES
from provider_template.adopt.layout import PROJECT_FILE, Layout
from provider_template.adopt.sources import Sources, folders_of, parsed
from provider_template.project import TemplateFiles
from provider_template.trees import Tree

ADOPTED = "adopted/"
TO_DO = "ADOPTING.md"
IGNORED = ".gitignore"

# These would take effect where they are put; under another name nothing reads them.
_ACTIVE = re.compile(r"(\.(py|pyi|ipynb|toml)|(^|/)\.(gitattributes|gitignore|editorconfig))\Z")
# Settings and make targets that would be read in the place of the template's.
_IN_THE_WAY = {"gnumakefile", "ruff.toml", ".ruff.toml", "mypy.ini", ".mypy.ini"} | {
    *("pytest.ini", ".pytest.ini", "pytest.toml", ".pytest.toml"),
}


@dataclass
class Placed:
    """Where the files have gone."""

    paths: dict[str, str] = field(default_factory=dict)
    """The new path of each of the author's files; those that hold nothing of their own are missing."""
    reasons: dict[str, str] = field(default_factory=dict)
    """Why a file is in `adopted/`, by its old path."""
    added: list[str] = field(default_factory=list)
    """The files of the render that were put in."""
    unchecked: list[str] = field(default_factory=list)
    """The author's Python files that stay among the template's, by their new paths."""

    @property
    def adopted(self) -> dict[str, str]:
        """The files in `adopted/`: old path, new path."""
        return {old: new for old, new in self.paths.items() if new.startswith(ADOPTED)}


def adopted_path(path: str) -> str:
    """Returns the path below `adopted/` of a file that the template's takes the place of."""
    return f"{ADOPTED}{path}{'.txt' if _ACTIVE.search(path) else ''}"


class Placing:
    """Works out the places."""

    def __init__(
        self,
        sources: Sources,
        rendered: Tree,
        text: Callable[[str], str],
        files: TemplateFiles,
        layout: Layout | None,
        module: str,
    ) -> None:
        """Keeps what it needs.

        Args:
            sources: The author's files.
            rendered: What the template renders.
            text: Reads one of those.
            files: Whose each of them is.
            layout: Where the author's modules are.
            module: The package's name in `src/`.
        """
        self._sources = sources
        self._rendered = rendered
        self._text = text
        self._files = files
        self._layout = layout
        self._module = module
        self._folded = {path.casefold(): path for path in rendered}
        self._folders = {folder.casefold() for folder in folders_of(rendered)}
        self._placed = Placed()

    def place(self) -> Placed:
        """Returns where everything goes."""
        for path in self._sources.files:
            self._place(path)
        self._follow_imports()
        taken = {new.casefold() for new in self._placed.paths.values()}
        self._placed.added = [path for path in self._rendered if path.casefold() not in taken]
        self._placed.unchecked = sorted(
            new
            for old, new in self._placed.paths.items()
            if old.endswith((".py", ".pyi", ".ipynb"))
            and not new.startswith(ADOPTED)
            and self._sources.content(old).strip()
        )
        return self._placed

    def _place(self, path: str) -> None:
        if path == PROJECT_FILE:
            self._adopt(path, "what was brought over is in the new one")
            return
        if path == IGNORED and self._sources.text(path) is not None:
            return  # put together from both
        new = self._new_path(path)
        mine = self._folded.get(new.casefold())
        if mine and self._sources.files[path][1] == self._rendered[mine][1]:
            return
        new = mine or new
        reason = self._collision(path, new) or ("" if self._is_python(path) else "it is no Python 3 in UTF-8")
        if not reason and new != path and (new in self._sources.files or new in self._placed.paths.values()):
            reason = f"`{new}` is there, too"
        if not reason:
            self._placed.paths[path] = new
        elif self._sources.content(path).strip() or self._sources.files[path][0] == "160000":
            self._adopt(path, reason)

    def _adopt(self, path: str, reason: str) -> None:
        self._placed.paths.pop(path, None)
        new = adopted_path(path)
        while new in self._placed.paths.values():
            new += ".txt"
        self._placed.paths[path] = new
        self._placed.reasons[path] = reason

    def _new_path(self, path: str) -> str:
        if self._layout and (moved := self._layout.moved(path, self._module)) != path:
            return moved
        licences = [one for one in self._sources.files if LICENCE_FILES.fullmatch(one)]
        return "LICENSE" if licences == [path] else path

    def _collision(self, path: str, new: str) -> str:
        """Returns why the template's files leave no room for a file, or nothing."""
        if new in self._rendered:
            if not self._files.is_yours(new):
                return f"`{new}` is the template's"
            return "" if self._fits(path, new) else f"the template's files read `{new}` in another form"
        folder = re.sub(r"\.pyi?\Z", "", new) if new.startswith(("src/", "tests/")) else new
        if folder.casefold() in self._folders:
            return f"`{folder}/` is a folder of the template"
        for parent in folders_of([new]):
            for name in (parent, f"{parent}.py"):
                if found := self._folded.get(name.casefold()):
                    return f"`{found}` is the template's"
        return "it would be read in the place of the template's settings" if new.casefold() in _IN_THE_WAY else ""

    def _is_python(self, path: str) -> bool:
        if not path.endswith((".py", ".pyi")) or self._sources.files[path][0] == "120000":
            return True
        return self._sources.python(path) is not None

    def _fits(self, path: str, new: str) -> bool:
        """Whether a file at the path of an author's file is what the template's files expect there."""
        text = self._sources.text(path) or ""
        tree = self._sources.python(path) if path.endswith(".py") else None
        classes = {node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)} if tree else set()
        if re.fullmatch(r"src/[^/]+/transformation\.py", new):
            return "ChatConfig" in classes
        if new == "tests/upstream.py":
            return "UpstreamFormat" in classes
        if new == "proxy/config.yaml":
            return bool(re.search(rf"(?m)custom_handler:\s*[\"']?{re.escape(self._module)}\.provider[\"']?\s*$", text))
        if re.fullmatch(r"src/[^/]+/models\.yaml", new):
            content = self._sources.yaml(path)
            return isinstance(content, dict) and all(isinstance(facts, dict) for facts in content.values())
        return new != "tests/unsupported.toml"

    def _follow_imports(self) -> None:
        """Moves code along that imports what has moved away: it cannot work any more."""
        templates = {
            path: names for path in self._rendered if path.endswith(".py") and (names := self._names(path)) is not None
        }
        while True:
            stay = {old: new for old, new in self._placed.paths.items() if not new.startswith(ADOPTED)}
            there = Names(self._sources, stay, templates)
            broken = {
                old: reason
                for old, new in stay.items()
                if old.endswith(".py")
                and (reason := broken_import(self._sources, old, new, there) or self._lacks_fixture(old, new))
            }
            if not broken:
                return
            for old, reason in broken.items():
                self._adopt(old, reason)

    def _lacks_fixture(self, old: str, new: str) -> str:
        """Returns which fixture a test takes from a conftest.py that is in `adopted/`, or nothing."""
        for other in self._placed.adopted if new.startswith("tests/") else ():
            folder = other.removesuffix("conftest.py")
            if other == folder or not old.startswith(folder):
                continue
            wanted = _parameters(self._sources.python(old)) & _fixtures(self._sources.python(other))
            if wanted - _fixtures(self._sources.python(old)):
                return f"it uses the fixture `{min(wanted)}` of `{other}`, which is in `{ADOPTED}`, too"
        return ""

    def _names(self, path: str) -> frozenset[str] | None:
        tree = parsed(self._text(path))
        return None if tree is None else top_names(tree)


def _functions(tree: ast.Module | None) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    nodes = ast.walk(tree) if tree else ()
    return [node for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def _parameters(tree: ast.Module | None) -> set[str]:
    return {argument.arg for node in _functions(tree) for argument in node.args.args}


def _fixtures(tree: ast.Module | None) -> set[str]:
    """Returns the names of a file's fixtures."""
    return {
        node.name
        for node in _functions(tree)
        if any("fixture" in ast.unparse(decorator) for decorator in node.decorator_list)
    }


def top_names(tree: ast.Module) -> frozenset[str]:
    """Returns the names that a module defines, imports or says it exports."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.alias):
            found.add((node.asname or node.name).partition(".")[0])
        elif isinstance(node, ast.Assign) and "__all__" in {getattr(target, "id", "") for target in node.targets}:
            found |= {
                one.value
                for one in ast.walk(node.value)
                if isinstance(one, ast.Constant) and isinstance(one.value, str)
            }
    return frozenset(found)


def merged_gitignore(rendered: str, theirs: str) -> str:
    """Returns the template's lines, then the author's that it lacks."""
    known = {line.strip() for line in rendered.splitlines()}
    fresh = [line.rstrip() for line in theirs.splitlines() if line.strip() and line.strip() not in known]
    return rendered if not fresh else f"{rendered.rstrip()}\n\n" + "\n".join(fresh) + "\n"


def module_names(paths: Iterable[str]) -> set[str]:
    """Returns the dotted names of the modules at these paths, as entry points have them."""
    stems = [re.sub(r"(/__init__)?\.py\Z", "", path.removeprefix("src/")) for path in paths if path.endswith(".py")]
    return {stem.replace("/", ".") for stem in stems}
