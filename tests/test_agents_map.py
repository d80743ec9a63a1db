"""The map of src/ in a package's AGENTS.md names files that the package has."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from testing.answers import Answers, choices, questions
from testing.support import render

FORMATS = choices(questions()["api_format"])


def places(folder: Path) -> list[str]:
    """Returns the files that the map names, as paths in the folder of the package's module."""
    text = (folder / "AGENTS.md").read_text(encoding="utf-8")
    table = text.partition("### Where is what")[2].partition("\n## ")[0]
    return re.findall(r"^\|[^|]+\| `([^`]+)` \|", table, re.MULTILINE)


@pytest.mark.parametrize("auth", choices(questions()["auth"]))
def test_the_map_names_what_is_there(auth: str, copier_template: Path, tmp_path: Path) -> None:
    for number, api_format in enumerate(FORMATS):
        answers: Answers = {"auth": auth, "api_format": api_format, "include": ["cli"] if number else []}
        folder = render(copier_template, tmp_path / api_format, answers)
        module = folder / "src" / "litellm_acme_ai"
        named = places(folder)
        assert len(named) >= 14
        assert not [path for path in named if not (module / path).exists()]
        # What the author has, and the package's own names, need no row.
        others = {"__init__.py", "_answers.py", "transformation.py"}
        assert {path.name for path in module.glob("*.py")} == {path for path in named if path.endswith(".py")} | others
