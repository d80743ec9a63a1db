"""Versions as answers files name them: a tag of PEP 440, or what `git describe` says of a commit after it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from packaging.version import Version

_DESCRIBED = re.compile(r"(?P<tag>.+?)(-(?P<commits>[0-9]{1,9})-g[0-9a-f]+)?\Z")


def version_of(text: str) -> tuple[Version, int]:
    """Returns the version and the number of commits after it; a commit before every release is version 0."""
    from packaging.version import InvalidVersion, Version

    found = _DESCRIBED.match(text)
    if found is None:
        return Version("0"), 0
    try:
        return Version(found["tag"]), int(found["commits"] or 0)
    except InvalidVersion:
        return Version("0"), 0


def is_crossed(version: str, old: str, new: str) -> bool:
    """Returns whether an update from the old to the new version comes to that version on its way."""
    return version_of(old) < version_of(version) <= version_of(new)
