"""An account whose platform rotates a token file. Template's file: do not edit."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ...package import answers
from ..server import Received
from .authorization_server import AuthorizationServer
from .token_account import TokenAccount, requested


class PlatformAccount(TokenAccount):
    """The platform: it requests tokens, and puts each in place of the one before."""

    def __init__(self, server: AuthorizationServer, folder: Path) -> None:
        super().__init__(server, folder)
        self.file = folder / "token"
        self.kept_in.add(self.file)
        self._due = False
        self.environment[f"{answers.ENV_PREFIX}_TOKEN_FILE"] = str(self.file)

    def rotate(self) -> str:
        """Puts a new token into the file, and returns it."""
        token = str(requested(self.server)["access_token"])
        new = self.file.with_suffix(".new")
        new.write_text(token + "\n", encoding="utf-8")
        os.replace(new, self.file)
        return token

    def make_stale(self, call: Callable[[], object]) -> None:
        """Revokes the token that is in use, and puts another one in its place."""
        call()
        self.revoke()

    def revoke(self) -> None:
        """Revokes every token; the platform puts a new one into the file when it hears of the first refusal."""
        super().revoke()
        self._due = True

    def accepts(self, request: Received) -> bool:
        """See `TokenAccount.accepts`."""
        good = super().accepts(request)
        if not good and self._due:
            self._due = False
            self.rotate()
        return good


@contextmanager
def open_account(folder: Path) -> Iterator[PlatformAccount]:
    """Opens an account with a token in the file."""
    with AuthorizationServer() as server:
        account = PlatformAccount(server, folder)
        account.rotate()
        server.forget()
        yield account
