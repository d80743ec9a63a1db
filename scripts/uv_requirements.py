"""Writes template/package/uv-requirements.txt: what requirements/uv.txt pins, for rendered packages."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PINNED = ROOT / "requirements" / "uv.txt"
RENDERED = ROOT / "template" / "package" / "uv-requirements.txt"
HEAD = "# Template's file: `copier update` replaces it. The uv of machines that have none, and of CI: pip looks at the hashes.\n"


def requirements() -> str:
    """Returns the file's text."""
    lines = PINNED.read_text(encoding="utf-8").splitlines(keepends=True)
    return HEAD + "".join(line for line in lines if not line.lstrip().startswith("#"))


if __name__ == "__main__":
    RENDERED.write_text(requirements(), encoding="utf-8")
