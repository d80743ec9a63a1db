"""`make check`: nobody has edited the template's files, and no update is half resolved. Template's file: do not edit.

`python -m tests.conformance.template_files [--allow] [PATH ...]`: the paths are files of the template that may differ.
In a fork of LiteLLM, where there is no `make check`, run this file by its path.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import yaml

_TESTS = Path(__file__).resolve().parents[1]
IN_FORK = _TESTS.parts[-4:-1] == ("tests", "test_litellm", "llms")
ROOT = _TESTS.parents[3] if IN_FORK else _TESTS.parent
FILES = ".template-files.yml"
LIST = f"fork/{_TESTS.name}/{FILES}" if IN_FORK else FILES
# LiteLLM's own files are none of its business.
OWN = ("fork", f"litellm/llms/{_TESTS.name}/", f"tests/test_litellm/llms/{_TESTS.name}/") if IN_FORK else ("",)
MARK = re.compile(rb"^(<{7}|>{7}) ", re.MULTILINE)


def edited(root: Path, files: dict[str, Any], allowed: frozenset[str]) -> Iterator[str]:
    """Yields a sentence for each file of the template that is not as it was rendered; a deleted one is well."""
    # What the providers of a fork share is as the last update of one of them has left it.
    lists = [files, *(yaml.safe_load(path.read_text(encoding="utf-8")) for path in root.glob(f"fork/*/{FILES}"))]
    for path in files["template"]:
        if path in allowed or not (root / path).is_file():
            continue
        content = (root / path).read_bytes().replace(b"\r\n", b"\n")
        if hashlib.sha256(content).hexdigest() not in [one["template"].get(path) for one in lists]:
            yield (
                f"{path} is the template's and was edited, so the next update may conflict there: "
                f"{instead(path, files['instead'])}, and take the file back as it was rendered "
                f"(from the last commit of {LIST}, if it was not edited by then); or let it be: "
                f"{f'give {path} as an argument' if IN_FORK else f'make check ALLOW={path}'}"
            )


def instead(path: str, ways: dict[str, str]) -> str:
    """Returns what to do rather than to edit that file: the words of the first pattern that fits."""
    for pattern, words in ways.items():
        if fnmatchcase(path, pattern.lstrip("/") + ("*" if pattern.endswith("/") else "")):
            return words
    return "see AGENTS.md"


def unresolved(root: Path) -> Iterator[str]:
    """Yields a sentence for each file with the marks of a conflict, unmerged ones, and each rejected change."""
    for path in sorted(listed(root, "diff", "--name-only", "--relative", "-z", "--diff-filter=U") or ()):
        if path.startswith(OWN):
            yield f"{path} is not merged: choose what it is to be, then git add or git rm it"
    for path in sorted(path for path in committed(root) if path.startswith(OWN)):
        if path.endswith(".rej"):
            yield f"{path} is a change that an update could not make: make it by hand, then delete the file"
        elif (root / path).is_file() and MARK.search((root / path).read_bytes()):
            yield f"{path} has the marks of a conflict: choose between the two sides, then delete the marks"


def committed(root: Path) -> set[str]:
    """Returns the files that git knows or would add; without git, all but what tools have made."""
    known = listed(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    if known is not None:
        return known
    found = (path.relative_to(root) for path in root.rglob("*") if path.is_file())
    return {path.as_posix() for path in found if not any(part.startswith(".") for part in path.parts[:-1])}


def listed(root: Path, *arguments: str) -> set[str] | None:
    """Returns the paths that a command of git lists, or None where there is no repository."""
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, check=False)
    return {name for name in done.stdout.decode(errors="replace").split("\0") if name} if done.returncode == 0 else None


def main(arguments: list[str]) -> int:
    """Prints what is wrong; returns the exit status."""
    allowed = frozenset(path for path in arguments if path != "--allow")
    files = yaml.safe_load((ROOT / LIST).read_text(encoding="utf-8"))
    unknown = sorted(allowed - set(files["template"]))
    found = [f"{path} is no file of the template: {LIST} lists those" for path in unknown]
    found += [*edited(ROOT, files, allowed), *unresolved(ROOT)]
    for sentence in found:
        sys.stderr.write(f"{sentence}.\n")
    return 1 if found else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except FileNotFoundError:
        sys.exit(f"{LIST} is missing: take it back from the last commit (git checkout HEAD -- {LIST}).")
