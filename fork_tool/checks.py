"""Whether a file is still sound with its insertions in it."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence

from . import insertions
from .declaration import Insertion
from .free_names import free_names, module_names


def problems(path: str, text: str, inserted: Sequence[Insertion]) -> list[str]:
    """Finds what is wrong with a file that insertions were put into.

    Args:
        path: the file's; its end says what is in it.
        text: the text with the insertions.
        inserted: the insertions.

    Returns:
        A sentence for each thing: the file cannot be read as Python or TOML, or an insertion uses a name that it should
        not.
    """
    if path.endswith(".toml"):
        try:
            tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            return [f"{path} with its insertions is no valid TOML ({error}): fix anchor or body."]
    if not path.endswith(".py"):
        return []
    try:
        return _undefined(path, text, inserted)
    except SyntaxError as error:
        return [f"{path} with its insertions is no valid Python, at line {error.lineno}: fix anchor, indent or body."]


def _undefined(path: str, text: str, inserted: Sequence[Insertion]) -> list[str]:
    """Finds names in the insertions of a Python file that an insertion does not define itself.

    An insertion that uses a local name of upstream's merges well and breaks when upstream renames it; so a body may use
    what it imports or assigns itself, what Python has built in, and the names that it declares with `uses`, which have
    to be defined in the file.
    """
    by_tag = {insertion.tag: insertion for insertion in inserted}
    blocks = insertions.blocks(path, text)
    defined = module_names(text, [(block.first, block.last) for block in blocks])
    found: list[str] = []
    for block in blocks:
        insertion = by_tag[block.tag]
        for name in sorted(free_names(text, block.first, block.last)):
            if name not in insertion.uses:
                found.append(
                    f'The insertion "{insertion.tag}" in {path} uses {name}, which it does not define: import it in the '
                    f"body, or declare uses = [{name!r}] with the insertion."
                )
            elif name not in defined:
                found.append(
                    f'The insertion "{insertion.tag}" uses {name}, which {path} does not define any more: fix the body.'
                )
    return found
