"""CONTRIBUTING.md names what is there."""

from __future__ import annotations

import re

import pytest

from testing.answers import ROOT

TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
PATHS = sorted(set(re.findall(r"`([^`\n]*/[^`\n]*|\w+\.(?:yml|md))`", TEXT)))


@pytest.mark.parametrize("path", PATHS)
def test_a_path_is_there(path: str) -> None:
    pattern = path.rstrip("/").replace("<kind>", "*")
    assert any(ROOT.glob(pattern)) or any(ROOT.glob(f"**/{pattern}")), path


def test_a_target_is_there() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"`make ([a-z-]+)`", TEXT):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
