"""What is known of an adoption at its end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from provider_template.adopt.code import Code, Function
from provider_template.adopt.confirm import Settled
from provider_template.adopt.layout import Layout
from provider_template.adopt.place import Placed
from provider_template.adopt.sources import Sources
from provider_template.project import TemplateFiles


@dataclass(frozen=True)
class Adoption:
    """What is known at the end."""

    version: str
    sources: Sources
    layout: Layout | None
    code: Code
    settled: Settled
    placed: Placed
    files: TemplateFiles
    left: tuple[str, ...]
    """What of pyproject.toml was not brought over."""
    before: str
    """The commit that was adopted."""
    rendered: str
    """The texts of the rendered README.md, docs and transformation.py, one after the other."""

    @property
    def answers(self) -> dict[str, Any]:
        """The answers."""
        return self.settled.answers

    @property
    def is_sdk(self) -> bool:
        """Whether the package is for a model without an HTTP API."""
        return bool(self.answers["api_format"] == "sdk")

    @property
    def translation(self) -> str:
        """The path of transformation.py."""
        return f"src/{self.answers['module_name']}/transformation.py"

    def now(self, where: str) -> str:
        """Returns a place in the author's files as it is called now."""
        path, colon, line = where.partition(":")
        return f"{self.placed.paths.get(path, path)}{colon}{line}"


def places(adoption: Adoption, functions: Iterable[Function]) -> str:
    """Returns functions with where they are."""
    return ", ".join(f"`{one.shown}` ({adoption.now(one.where)})" for one in functions)


def box(text: str) -> str:
    """Returns a line to tick off."""
    return f"- [ ] {text}"


def listed(words: Iterable[str]) -> str:
    """Returns names with commas in between."""
    return ", ".join(f"`{word}`" for word in words)
