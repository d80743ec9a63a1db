"""What a template's changelog says under `### Security`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from provider_template.template import Repository
from provider_template.version import is_crossed

_RELEASE = re.compile(r"^## \[?v?([^\]\s]+)\]?.*$", re.MULTILINE)
_SECURITY = re.compile(r"^### Security[ \t]*\n(.*?)(?=^#{2,3} |\Z)", re.MULTILINE | re.DOTALL)
_LINKS = re.compile(r"^\[[^\]]+\]: .*$", re.MULTILINE)


@dataclass(frozen=True)
class SecurityEntry:
    """The security fixes of one version."""

    version: str
    """As the changelog has it."""
    fixes: tuple[str, ...]
    """Each fix in one line of Markdown."""


def security_entries(template: Repository, to: str, older: str, newer: str) -> tuple[SecurityEntry, ...]:
    """Returns the security fixes that an update takes, the newest version's first.

    Args:
        template: the template's repository.
        to: the version whose CHANGELOG.md is read.
        older: the version that the package has.
        newer: the version that it goes to, as git describes it.
    """
    text = template.text(to, "CHANGELOG.md") or ""
    # What comes before the first heading, then a heading's version and the text below it, in turn.
    _, *parts = _RELEASE.split(text)
    found: list[SecurityEntry] = []
    for version, body in zip(parts[::2], parts[1::2], strict=True):
        section = _SECURITY.search(body)
        # What is not released comes with a commit after the last tag.
        unreleased = version.lower() == "unreleased" and "-g" in newer and older != newer
        if section and (unreleased or is_crossed(version, older, newer)):
            found.append(SecurityEntry(version, _items(section[1])))
    return tuple(found)


def _items(section: str) -> tuple[str, ...]:
    """Returns the items of a Markdown list, or its paragraphs where there is none, each in one line."""
    blocks = re.split(r"^[-*+] |\n[ \t]*\n", _LINKS.sub("", section), flags=re.MULTILINE)
    return tuple(" ".join(block.split()) for block in blocks if block.strip())
