"""CUSTOM_CHANGES.md: what a fork has changed, written from what is really changed."""

from __future__ import annotations

from collections.abc import Iterable

from .declaration import Declaration
from .upstream import Version

CHANGES = "CUSTOM_CHANGES.md"


def changes(declared: Declaration, base: Version, kept: Iterable[str]) -> str:
    """Returns the text of CUSTOM_CHANGES.md.

    Args:
        declared: what the fork has of its own.
        base: the version of upstream that it is made of.
        kept: the files listed under `keep` and `take` that are not as upstream has them.
    """
    lines = [
        "<!-- Written by the tool (python fork/tool changes); do not edit. -->",
        f"# What {declared.name} changes in LiteLLM",
        "",
        f"Made of LiteLLM {base.name} (commit `{base.commit}`). Every file that is not named here is upstream's, byte for byte.",
        "",
        "## Paths of the fork's own",
        "",
    ]
    for provider in declared.providers:
        lines += [f"- `{path}`: provider {provider.name}" for path in provider.owned]
    lines += [f"- `{path}`" for path in declared.own]
    lines += ["", "## Lines in files of upstream's", ""]
    if declared.insertions or declared.replacements:
        lines += ["| file | what | why |", "|---|---|---|"]
        lines += [
            f"| `{insertion.file}` | insertion `{insertion.tag}` | {_cell(insertion.why)} |"
            for insertion in declared.insertions
        ]
        lines += [
            f"| `{one.file}` | the line `{_cell(one.text)}` | {_cell(one.why)} |" for one in declared.replacements
        ]
    else:
        lines.append("None.")
    names = sorted(kept)
    lines += ["", "## Files of upstream's with a version of the fork's own", ""]
    lines += [f"- `{path}`" for path in names] or ["None."]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
