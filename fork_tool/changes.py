"""CUSTOM_CHANGES.md: what a fork has changed, written from what is really changed."""

from __future__ import annotations

from collections.abc import Iterable

from .spec import Spec
from .upstream import Version

CHANGES = "CUSTOM_CHANGES.md"


def changes(spec: Spec, base: Version, kept: Iterable[str]) -> str:
    """Returns the text of CUSTOM_CHANGES.md.

    Args:
        spec: What the fork has of its own.
        base: The version of upstream that it is made of.
        kept: The files listed under `keep` and `take` that are not as upstream has them.
    """
    lines = [
        "<!-- Written by the tool (python fork/tool changes); do not edit. -->",
        f"# What {spec.name} changes in LiteLLM",
        "",
        f"Made of LiteLLM {base.name} (commit `{base.commit}`). Every file that is not named here is upstream's, byte for byte.",
        "",
        "## Paths of the fork's own",
        "",
    ]
    for provider in spec.providers:
        lines += [f"- `{path}`: provider {provider.name}" for path in provider.owned]
    lines += [f"- `{path}`" for path in spec.own]
    lines += ["", "## Lines in files of upstream's", ""]
    if spec.hooks or spec.replacements:
        lines += ["| file | what | why |", "|---|---|---|"]
        lines += [f"| `{hook.file}` | hook `{hook.tag}` | {_cell(hook.why)} |" for hook in spec.hooks]
        lines += [f"| `{one.file}` | the line `{_cell(one.text)}` | {_cell(one.why)} |" for one in spec.replacements]
    else:
        lines.append("None.")
    names = sorted(kept)
    lines += ["", "## Files of upstream's with a version of the fork's own", ""]
    lines += [f"- `{path}`" for path in names] or ["None."]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
