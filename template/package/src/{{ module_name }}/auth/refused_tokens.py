"""Refresh tokens that the server has refused: none is sent twice. Template's file: do not edit."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from pathlib import Path

from .store import make_private_folder, write_private

_REMEMBERED = 8


class RefusedTokens:
    """What is known of them, shared with other processes by a file that holds their SHA-256 and what was said.

    Args:
        path: the file, beside that of the token; None keeps it in this process.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._messages: dict[str, str] = {}

    def message(self, token: str) -> str | None:
        """Returns what was said when a refresh token was refused; None if it never was."""
        return self._all().get(_name(token))

    def add(self, token: str, message: str) -> None:
        """Remembers a refresh token that was refused just now.

        Args:
            token: the token.
            message: what was said; it must hold no secret.
        """
        self._messages = {**self._all(), _name(token): message}
        if self._path is not None:
            newest = dict(list(self._messages.items())[-_REMEMBERED:])
            with suppress(OSError):  # then only this process knows
                make_private_folder(self._path.parent)
                write_private(self._path, json.dumps(newest))

    def _all(self) -> dict[str, str]:
        shared: object = {}
        if self._path is not None:
            with suppress(OSError, ValueError, RecursionError):
                shared = json.loads(self._path.read_text(encoding="utf-8"))
        known = shared.items() if isinstance(shared, dict) else ()
        return {**{name: text for name, text in known if isinstance(text, str)}, **self._messages}


def _name(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
