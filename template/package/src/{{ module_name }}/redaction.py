"""Keeps secrets out of what people read. Template's file: do not edit."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import quote


def redacted(text: str, secrets: Iterable[str]) -> str:
    """Returns the text without the secrets: servers like to quote the key that they refuse.

    Args:
        text: a message.
        secrets: what it must not contain, as it is, in a URL or in a Python literal.
    """
    for secret in secrets:
        for form in (secret, quote(secret, safe=""), repr(secret)[1:-1]):
            if form:
                text = text.replace(form, "[redacted]")
    return text
