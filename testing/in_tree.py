"""A LiteLLM with the providers of a rendered fork in its tree: links to an installed one, with the insertions put in."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from textwrap import indent
from typing import Any

from testing.support import Tools, must

PACKAGE = "litellm"
PROVIDERS = "litellm/llms"


def installed_litellm(tools: Tools) -> Path:
    """Returns the folder that holds the package `litellm` in the tools' environment."""
    code = "import importlib.util; print(importlib.util.find_spec('litellm').origin)"
    return Path(must(tools.python, "-c", code, cwd=Path("/")).strip()).parents[1]


def insertions_of(render: Path) -> list[dict[str, Any]]:
    """Returns the insertions of all providers of a fork."""
    files = sorted(render.glob("fork/*/provider.toml"))
    return [insertion for file in files for insertion in tomllib.loads(file.read_text(encoding="utf-8"))["insert"]]


def with_insertions(text: str, insertions: Iterable[dict[str, Any]]) -> str:
    """Returns the text of a file with the bodies of its insertions in it."""
    for insertion in insertions:
        body = indent(str(insertion["body"]), " " * int(insertion.get("indent", 0)))
        if insertion["where"] == "end":
            text += body
            continue
        (match,) = re.finditer(insertion["anchor"], text, re.MULTILINE)
        at = match.start() if insertion["where"] == "before" else text.index("\n", match.end()) + 1
        text = text[:at] + body + text[at:]
    return text


def tree(installed: Path, render: Path, folder: Path, *, inserted: bool = True) -> Path:
    """Makes a folder for PYTHONPATH, and returns it.

    Args:
        installed: a folder that holds the package `litellm`; nothing is written there.
        render: the fork: its providers' folders are linked, so that what is edited there holds here.
        folder: the folder to make.
        inserted: whether to put the insertions in.
    """
    insertions = insertions_of(render) if inserted else []
    edited = {f"{PACKAGE}/__init__.py", *(str(insertion["file"]) for insertion in insertions)}
    (folder / PROVIDERS).mkdir(parents=True)
    for parent in (PACKAGE, PROVIDERS):
        for source in (installed / parent).iterdir():
            path = f"{parent}/{source.name}"
            if source.name == "__pycache__":
                _link_compiled(
                    source, folder / path, {Path(name).stem for name in edited if name.startswith(f"{parent}/")}
                )
            elif path != PROVIDERS and path not in edited:
                (folder / path).symlink_to(source)
    for source in (render / PROVIDERS).iterdir():
        (folder / PROVIDERS / source.name).symlink_to(source.resolve())
    for path in sorted(edited):
        text = (installed / path).read_text(encoding="utf-8")
        (folder / path).write_text(
            with_insertions(text, [insertion for insertion in insertions if insertion["file"] == path]),
            encoding="utf-8",
        )
    return folder


def _link_compiled(source: Path, folder: Path, edited: set[str]) -> None:
    """Links what Python has compiled of the files that are linked, too: LiteLLM's own take as long to compile as to import."""
    folder.mkdir()
    for compiled in source.iterdir():
        if compiled.name.partition(".")[0] not in edited:
            (folder / compiled.name).symlink_to(compiled)
