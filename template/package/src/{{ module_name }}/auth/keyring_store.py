"""The desktop's keyring as a token store. Template's file: do not edit."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

import keyring
from keyring.errors import PasswordDeleteError

from .authenticator import CredentialError
from .store import process_lock
from .tokens import Token

_PIECE = 1000
"""Characters of an entry: Windows takes no more than 1280 in one."""


class KeyringStore:
    """Keeps the token in the keyring of the person who is logged in to this machine.

    Args:
        service: the name of the entries, for the keyring's own window.
        account: tells the tokens of a service apart.
        lock_file: locked while the token is renewed, as keyrings have no locks.
        otherwise: what to do on a machine without a keyring, in words.
    """

    def __init__(self, service: str, account: str, lock_file: Path, otherwise: str) -> None:
        self._service = service
        self._account = account
        self._lock_file = lock_file
        self._otherwise = otherwise

    @property
    def place(self) -> str:
        """The keyring's name."""
        try:
            return f"the keyring ({keyring.get_keyring().name})"
        except Exception:  # backends raise what the system's libraries raise
            return "the keyring"

    def lock(self) -> AbstractContextManager[None]:
        """Locks a file of the user's."""
        return process_lock(self._lock_file)

    def load(self) -> Token | None:
        """Returns the token that is kept, if any."""
        with self._translated():
            pieces = [keyring.get_password(self._service, entry) or "" for entry in self._entries()]
        try:
            return Token.from_json(json.loads("".join(pieces))) if pieces else None
        except (ValueError, RecursionError):
            return None

    def save(self, token: Token) -> None:
        """Keeps a token: in entries of its own first, so that the one before is there until all are written."""
        text = json.dumps(token.to_json())
        pieces = [text[start : start + _PIECE] for start in range(0, len(text), _PIECE)]
        index = f"{secrets.token_hex(4)} {len(pieces)}"
        with self._translated():
            before = self._entries()
            for entry, piece in zip(self._named(index), pieces, strict=True):
                keyring.set_password(self._service, entry, piece)
            keyring.set_password(self._service, self._account, index)
            # Some backends take everything and keep nothing: the one named null, or one that was switched off.
            kept = keyring.get_password(self._service, self._account) == index
            if not kept or any(map(self._differs, self._named(index), pieces)):
                raise CredentialError(
                    f"The token is not kept: {self.place} takes it and has nothing when asked; {self._otherwise}."
                )
            self._delete(before)

    def clear(self) -> str:
        """Removes the entries."""
        with self._translated():
            self._delete([*self._entries(), self._account])
        return ""

    def _entries(self) -> list[str]:
        return self._named(keyring.get_password(self._service, self._account) or "")

    def _named(self, index: str) -> list[str]:
        """The names of the entries of an index, which says under which word they are and how many."""
        word, _, count = index.partition(" ")
        return [f"{self._account}.{word}.{number}" for number in range(int(count))] if count.isdecimal() else []

    def _delete(self, entries: list[str]) -> None:
        for entry in entries:
            with suppress(PasswordDeleteError):
                keyring.delete_password(self._service, entry)

    def _differs(self, entry: str, piece: str) -> bool:
        return keyring.get_password(self._service, entry) != piece

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except CredentialError:
            raise
        except Exception as error:  # backends raise what the system's libraries raise
            raise CredentialError(
                f"The keyring cannot be used ({type(error).__name__}): unlock it, or {self._otherwise}."
            ) from None
