"""Whether a file is still sound with its hooks in it."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence

from . import hooks
from .names import free_names, module_names
from .spec import Hook


def problems(path: str, text: str, inserted: Sequence[Hook]) -> list[str]:
    """Finds what is wrong with a file that hooks were put into.

    Args:
        path: The file's; its end says what is in it.
        text: The text with the hooks.
        inserted: The hooks.

    Returns:
        A sentence for each thing: the file cannot be read as Python or TOML, or a hook uses a name that it should not.
    """
    if path.endswith(".toml"):
        try:
            tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            return [f"{path} with its hooks is no valid TOML ({error}): mend anchor or body."]
    if not path.endswith(".py"):
        return []
    try:
        return _undefined(path, text, inserted)
    except SyntaxError as error:
        return [f"{path} with its hooks is no valid Python, at line {error.lineno}: mend anchor, indent or body."]


def _undefined(path: str, text: str, inserted: Sequence[Hook]) -> list[str]:
    """Finds names in the hooks of a Python file that a hook does not define itself.

    A hook that uses a local name of upstream's merges well and breaks when upstream renames it; so a body may use what
    it imports or assigns itself, what Python has built in, and the names that it declares with `uses`, which have to be
    defined in the file.
    """
    by_tag = {hook.tag: hook for hook in inserted}
    blocks = hooks.blocks(path, text)
    defined = module_names(text, [(block.first, block.last) for block in blocks])
    found: list[str] = []
    for block in blocks:
        hook = by_tag[block.tag]
        for name in sorted(free_names(text, block.first, block.last)):
            if name not in hook.uses:
                found.append(
                    f'The hook "{hook.tag}" in {path} uses {name}, which it does not define: import it in the body, '
                    f"or declare uses = [{name!r}] with the hook."
                )
            elif name not in defined:
                found.append(
                    f'The hook "{hook.tag}" uses {name}, which {path} does not define any more: mend the body.'
                )
    return found
