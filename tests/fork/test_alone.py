"""In a fork, the tool is there without this repository and without any package."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from testing.answers import ROOT
from testing.support import must


def test_each_module_needs_the_standard_library_only(tmp_path: Path) -> None:
    tool = Path(shutil.copytree(ROOT / "fork_tool", tmp_path / "tool", ignore=shutil.ignore_patterns("__pycache__")))
    names = sorted(path.stem for path in tool.glob("[!_]*.py"))
    program = f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
    program += "".join(f"import tool.{name}\n" for name in names)
    must(sys.executable, "-I", "-S", "-c", program, cwd=tmp_path)
    assert "usage: python fork/tool" in must(sys.executable, "-I", "-S", tool, "--help", cwd=tmp_path)
