"""Versions of LiteLLM that must not run: bad_litellm.toml lists them. Template's files: do not edit.

Nothing here imports LiteLLM: a bad one must not be run to be found.
"""

from __future__ import annotations

import tomllib
from importlib.resources import files


def warning_about(version: str) -> str | None:
    """Returns what is wrong with a version of LiteLLM and what to do; None for one that is not known to be bad.

    Args:
        version: as the installed distribution has it; a fork's local part (1.2.3+acme.1) does not count.
    """
    text = (files(__package__) / "bad_litellm.toml").read_text(encoding="utf-8")
    why = tomllib.loads(text)["versions"].get(version.partition("+")[0])
    if why is None:
        return None
    return (
        f"litellm {version} {why}: this machine may be compromised. Stop what runs it, remove the environment and the "
        "caches that it came from, and rotate every credential that could be read here, the provider's first; then "
        "install another version."
    )
