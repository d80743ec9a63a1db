"""The files of a package as they are committed: read as text, never imported or run."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any

import yaml

from provider_template.trees import Store, Tree

# Files whose content is nobody's business, whatever they are called beyond that.
_SECRET_FILE = re.compile(r"(^|/)(\.env[^/]*|\.netrc|id_[a-z0-9]+|[^/]+\.(pem|key|p12|pfx|jks))\Z", re.IGNORECASE)

_SECRET_START = re.compile(r"((sk|pk|rk)[-_]|xox[a-z]-|gh[a-z]_|glpat-|(AKIA|ASIA)[A-Z0-9]|eyJ|-----BEGIN)")
_UUID = re.compile(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
_MAX_SIZE = 1024 * 1024


@dataclass(frozen=True)
class Found:
    """An answer that the files give, and where they do."""

    value: str | list[str]
    source: str
    of: str = ""
    """The kind of API that it is an answer for, `http` or `sdk`; nothing for both."""


def looks_secret(text: str) -> bool:
    """Returns whether a text may be a key, a token or a password, so that it must not become an answer."""
    if any(_SECRET_START.match(word) for word in text.split()) or _UUID.search(text) or re.search(r"://[^/\s]*@", text):
        return True
    long = re.findall(r"[A-Za-z0-9+=]{20,}", text)
    return any(re.search("[0-9]", part) and re.search("[A-Za-z]", part) for part in long)


def line_of(text: str, pattern: str) -> int:
    """Returns the number of the first line that a pattern matches, or 1."""
    found = re.search(pattern, text, re.MULTILINE)
    return text.count("\n", 0, found.start()) + 1 if found else 1


class Sources:
    """What a package's tree holds."""

    def __init__(self, store: Store, tree: str) -> None:
        """Reads the list of files, and each of them when it is asked for."""
        self._store = store
        self._contents: dict[str, bytes] = {}
        self._modules: dict[str, ast.Module | None] = {}
        self.files: Tree = store.read(tree)

    def content(self, path: str) -> bytes:
        """Returns the bytes of a file; none for a submodule."""
        if path not in self._contents:
            mode, blob = self.files[path]
            self._contents[path] = b"" if mode == "160000" else self._store.blob(blob)
        return self._contents[path]

    def text(self, path: str) -> str | None:
        """Returns the text of a file, with the line ends of Unix; None if it has none, or is not to be read."""
        if path not in self.files or self.files[path][0] == "120000" or _SECRET_FILE.search(path):
            return None
        content = self.content(path)
        if len(content) > _MAX_SIZE or b"\0" in content:
            return None
        try:
            return content.decode("utf-8-sig").replace("\r\n", "\n")
        except UnicodeDecodeError:
            return None

    def python(self, path: str) -> ast.Module | None:
        """Returns a Python file as a tree; None if it cannot be read."""
        if path not in self._modules:
            self._modules[path] = parsed(self.text(path))
        return self._modules[path]

    def yaml(self, path: str) -> Any:
        """Returns what a YAML file says, or None."""
        try:
            return yaml.safe_load(self.text(path) or "")
        except (yaml.YAMLError, ValueError, RecursionError):
            return None

    def named(self, *endings: str) -> list[str]:
        """Returns the files whose names end so, in the order of their paths."""
        return sorted(path for path in self.files if path.endswith(endings))

    @cached_property
    def folders(self) -> set[str]:
        """Every folder of the package."""
        return folders_of(self.files)


def parsed(text: str | None) -> ast.Module | None:
    """Returns Python code as a tree; None if there is none that can be read."""
    if text is None:
        return None
    try:
        with warnings.catch_warnings(action="ignore"):
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def folders_of(paths: Iterable[str]) -> set[str]:
    """Returns every folder that holds one of these files."""
    return {parent.as_posix() for path in paths for parent in PurePosixPath(path).parents} - {"."}
