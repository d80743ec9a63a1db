"""Files of the template that a version has moved or dropped, as its `hooks/moves.yml` says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from provider_template.project import read_yaml
from provider_template.template import Repository
from provider_template.trees import Tree, is_in_the_way
from provider_template.version import is_crossed

MOVES = "hooks/moves.yml"


def between(template: Repository, ref: str, old: str, new: str, answers: Mapping[str, Any]) -> dict[str, str | None]:
    """Returns the moves on the way from one version to another: the old path, and the new one or None.

    Args:
        template: the template.
        ref: the new version, as git knows it; its list is read.
        old: the old version, as answers files name it.
        new: the new version, so named.
        answers: the package's, for names such as `{{ module_name }}` in paths.
    """
    found: dict[str, str | None] = {}
    listed = read_yaml(template.text(ref, MOVES) or "") or {}
    for version, paths in listed.items():
        if not is_crossed(str(version), old, new):
            continue
        for source, target in paths.items():
            # A file that had moved before moves on.
            first = next((path for path, where in found.items() if where == source), source)
            found[first] = target
    return {_named(source, answers): target and _named(target, answers) for source, target in found.items()}


def _named(path: str, answers: Mapping[str, Any]) -> str:
    return re.sub(r"\{\{ *(\w+) *\}\}", lambda name: str(answers.get(name[1], name[0])), path)


def apply(moved: Mapping[str, str | None], base: Tree, ours: Tree) -> None:
    """Moves the files of the base and of ours to where theirs has them, so that edits are merged there.

    Git finds most moves by itself, but not those of small files or of files that were rewritten on their way.
    """
    for source, target in moved.items():
        if target is None or source not in base or source not in ours:
            continue
        if target in ours or is_in_the_way(ours, target) or any(is_in_the_way((target,), path) for path in ours):
            continue
        for tree in (base, ours):
            tree[target] = tree.pop(source)
