"""The tree of a package under the template: the render, the author's files in their places, and what both write."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from provider_template import git
from provider_template.adopt.adoption import Adoption
from provider_template.adopt.code import Code
from provider_template.adopt.confirm import CORRECTED, GIVEN, Settled
from provider_template.adopt.infer import licence_named
from provider_template.adopt.layout import PROJECT_FILE, Layout
from provider_template.adopt.place import (
    IGNORED,
    TO_DO,
    Placed,
    Placing,
    merged_gitignore,
    module_names,
)
from provider_template.adopt.project_file import Composed, compose
from provider_template.adopt.sources import Sources
from provider_template.adopt.todo import write_todo
from provider_template.errors import Refusal
from provider_template.project import FILES, TemplateFiles
from provider_template.trees import Store, Tree

_PLAIN = "100644"


@dataclass(frozen=True)
class Package:
    """The author's package, as it was read."""

    folder: Path
    sources: Sources
    project: Mapping[str, Any]
    text: str
    """The text of pyproject.toml."""
    layout: Layout | None
    code: Code


def compose_tree(package: Package, settled: Settled, version: str, store: Store) -> tuple[str, Placed]:
    """Writes the tree and returns its id, with where the author's files are in it.

    Args:
        package: What was read.
        settled: The answers, with their render.
        version: The template's version.
        store: Where to write.
    """
    sources = package.sources
    rendered = store.read(store.tree_of_folder(settled.folder))

    def text(path: str) -> str:
        return (settled.folder / path).read_text(encoding="utf-8") if path in rendered else ""

    def blob(content: str) -> tuple[str, str]:
        return _PLAIN, git.must("hash-object", "-w", "--stdin", cwd=package.folder, content=content)

    if FILES not in rendered:
        raise Refusal(f"Version {version} of the template does not say whose its files are: name a newer one.")
    files = TemplateFiles.from_text(text(FILES))
    module = str(settled.answers["module_name"])
    placed = Placing(sources, rendered, text, files, package.layout, module).place()
    composed = _project_file(package, settled, placed, text(PROJECT_FILE))
    tree: Tree = {new: sources.files[old] for old, new in placed.paths.items()}
    tree |= {path: rendered[path] for path in placed.added}
    tree[PROJECT_FILE] = blob(composed.text)
    if IGNORED in rendered:
        tree[IGNORED] = blob(
            merged_gitignore(text(IGNORED), sources.text(IGNORED) or "" if IGNORED in sources.files else "")
        )
    pages = [path for path in rendered if path == "README.md" or path.startswith("docs/")]
    pages += [f"src/{module}/{name}.py" for name in ("transformation", "openai_format")]
    adoption = Adoption(
        version=version,
        sources=sources,
        layout=package.layout,
        code=package.code,
        settled=settled,
        placed=placed,
        files=files,
        left=tuple(composed.left),
        before=git.must("rev-parse", "--short=12", "HEAD", cwd=package.folder),
        rendered="\n".join(map(text, pages)),
    )
    tree[TO_DO] = blob(write_todo(adoption))
    return store.write(tree), placed


def _project_file(package: Package, settled: Settled, placed: Placed, rendered: str) -> Composed:
    project = package.project["project"]
    there = module_names(new for old, new in placed.paths.items() if old not in placed.adopted)
    version = _version(package)
    given = settled.sources["license"] in (GIVEN, CORRECTED)
    licence = "" if given else _expression(licence_named(project))
    composed = compose(
        rendered,
        package.text,
        version=version or "0.1.0",
        licence=licence,
        is_there=there.__contains__,
        unchecked=placed.unchecked,
    )
    if not version:
        composed.left.append("The version was found out by the build: it is 0.1.0 now.")
    if "version" not in project:
        composed.left.append("`version` is written here from now on, by hand: a release begins with it.")
    if (named := licence_named(project)) and settled.answers["license"] == "Proprietary":
        if not licence and not given:
            composed.left.append(f"The licence was `{named}`: write its SPDX expression into `license`.")
        if "LICENSE" in placed.added:
            composed.left.append(
                f"`LICENSE` is the template's for no licence at all: put the text of `{named}` into it."
            )
    return composed


def _expression(named: str) -> str:
    """Returns a licence as the expression that builds take, or nothing."""
    from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

    try:
        return str(canonicalize_license_expression(named)) if named else ""
    except InvalidLicenseExpression:
        return ""


def _version(package: Package) -> str:
    """Returns the package's version: as written, as its code says, or of its last tag."""
    version = package.project["project"].get("version")
    if isinstance(version, str):
        return version
    written = [
        found[1]
        for path in (package.layout.code if package.layout else ())
        if (found := re.search(r"(?m)^__version__\b[^=\n]*=\s*[\"'](\d[^\"']*)", package.sources.text(path) or ""))
    ]
    done = git.run("describe", "--tags", "--abbrev=0", cwd=package.folder)
    tagged = re.findall(r"\d+(?:\.\d+)+\S*", done.stdout.decode(errors="replace"))
    by_git = re.search(r"\bvcs\b|\bscm\b|setuptools[-_]scm|hatch-vcs|dunamai|versioneer", package.text)
    return next(iter([*tagged, *written] if by_git else [*written, *tagged]), "")
