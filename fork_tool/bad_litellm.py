"""Versions of LiteLLM that must not run; bad_litellm.toml beside this file lists them."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

from .errors import Refusal


def refuse_bad(version: tuple[int, ...] | str | None) -> None:
    """Refuses a version of LiteLLM that is known to be bad.

    Args:
        version: its numbers, such as 1.107.0; None where they are not known.

    Raises:
        Refusal: it is; the message says why, and what to do.
    """
    name = version if isinstance(version, str) else ".".join(map(str, version or ()))
    if why := _known().get(name):
        raise Refusal(
            f"LiteLLM {name} {why}: take another version. Where it was installed or run, the machine may be compromised: "
            "remove it and rotate every credential that could be read there."
        )


def is_bad(version: tuple[int, ...] | None) -> bool:
    """Whether a version of LiteLLM is known to be bad."""
    return ".".join(map(str, version or ())) in _known()


@cache
def _known() -> dict[str, str]:
    found: dict[str, str] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))["versions"]
    return found
