"""`make check`: uv.lock has no version of LiteLLM that is known to be bad. Template's file: do not edit.

It runs before anything is installed from the lock, so it needs Python alone: `python -I -S tests/conformance/locked_litellm.py`.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def bad(root: Path) -> Iterator[str]:
    """Yields a sentence for each bad LiteLLM in the lock of a package; none where there is no lock."""
    lock = root / "uv.lock"
    if not lock.is_file():
        return
    known: dict[str, str] = {}
    for path in root.glob("src/**/bad_litellm.toml"):
        known |= tomllib.loads(path.read_text(encoding="utf-8"))["versions"]
    for entry in tomllib.loads(lock.read_text(encoding="utf-8")).get("package", ()):
        version = str(entry.get("version", "")).partition("+")[0]
        if entry["name"] in ("litellm", "litellm-proxy") and version in known:
            yield (
                f"uv.lock has {entry['name']} {version}, which {known[version]}: run `make lock`. Machines that have installed it "
                "may be compromised: remove it there and rotate every credential that they could read"
            )


def main() -> int:
    """Prints what is wrong; returns the exit status."""
    found = list(bad(ROOT))
    for sentence in found:
        sys.stderr.write(f"{sentence}.\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
