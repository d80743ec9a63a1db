"""A sample of `make test-upgrades`: from every released version, edits of every kind, with both tools."""

from __future__ import annotations

from pathlib import Path

import pytest

from testing.support import copier_in
from testing.tool import tool
from testing.upgrades import (
    Case,
    Result,
    cases,
    faults_of,
    measure,
    prepare,
)
from tests.tool.conftest import versions  # noqa: F401

QUICK = {
    Case("v0.1.0", "custom", "developed"),
    Case("v0.2.0", "default", "planted"),
    Case("v0.2.0", "default", "unedited"),
    Case("v0.2.0", "device", "rearranged"),
}
UPDATES = {
    "provider-template": lambda folder: tool(folder, "update", "--defaults").returncode,
    "copier": lambda folder: copier_in(folder, "update", "--defaults", "--trust", "--quiet").returncode,
}
SAMPLE = [pytest.param(case, id=case.name, marks=[] if case in QUICK else pytest.mark.slow) for case in cases()]


def comparable(result: Result) -> dict[str, str]:
    """Returns the files that are not in conflict: the two tools word their markers in their own ways."""
    return {path: text for path, text in result.contents.items() if path not in result.conflicts}


@pytest.mark.parametrize("case", SAMPLE)
def test_update(case: Case, versions: Path, tmp_path: Path) -> None:  # noqa: F811
    results: list[Result] = []
    for name, update in UPDATES.items():
        edits, old, new = prepare(versions, case, tmp_path / name)
        result = measure(update, tmp_path / name, edits, old, new)
        assert faults_of(case, name, result, old, new) == []
        results.append(result)
    ours, copiers = results
    if not (copiers.lost or copiers.returned or case.kind == "rearranged"):
        assert sorted(ours.conflicts) == sorted(copiers.conflicts)
        assert comparable(ours) == comparable(copiers)
