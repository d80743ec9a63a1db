"""docs/parameters.md is what the calls of testing/parameter_checks.py find."""

from __future__ import annotations

from pathlib import Path

from testing import parameter_table
from testing.parameter_cases import TABLES
from testing.parameter_table import PAGE, page, without_versions
from testing.support import Tools


def test_the_page_is_what_is_found(copier_template: Path, tools: Tools, tmp_path: Path) -> None:
    found = parameter_table.look(copier_template, tmp_path, tools)
    assert len(found.cells) == sum(map(len, TABLES.values())) * 4
    written = PAGE.read_text(encoding="utf-8")
    assert without_versions(written) == without_versions(page(found)), "run make parameter-table"
    (left_out,) = set(written.splitlines()) - set(without_versions(written).splitlines())
    assert left_out.startswith("Last written with litellm ")
    # What LiteLLM's own provider sends, a package sends as well, but for names that nobody has named, and streams of images.
    less = {
        TABLES[table][row].sent
        for (table, row, way), cell in found.cells.items()
        if way == "the package, SDK"
        and (theirs := found.cells[table, row, "`openai/`, SDK"]).startswith("`")
        and cell != theirs
    }
    assert less == {"a name that is not OpenAI's", "`stream`"}
