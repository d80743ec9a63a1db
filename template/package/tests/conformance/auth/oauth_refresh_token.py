"""An account whose token file belongs to another program. Template's file: do not edit."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ...package import answers
from .authorization_server import AuthorizationServer
from .token_account import SHORT, TokenAccount, keys_of, put


class VendorAccount(TokenAccount):
    """The vendor's program, which has logged somebody in and left its file; refresh tokens are good once."""

    def __init__(self, server: AuthorizationServer, folder: Path) -> None:
        super().__init__(server, folder)
        server.rotates = True
        self.be_client()
        self.file = folder / "vendor" / "auth.json"
        self.file.parent.mkdir()
        self.kept_in.add(self.file)
        self.environment[f"{answers.ENV_PREFIX}_TOKEN_FILE"] = str(self.file)

    def make_stale(self, call: Callable[[], object]) -> None:
        """Lets the token of the file, and of the provider, expire."""
        self.server.lifetime = SHORT
        self.log_in()
        super().make_stale(call)

    def log_in(self) -> dict[str, Any]:
        """Writes the file as after a login, and returns its content."""
        refresh_token = self.server.new_refresh_token()
        content: dict[str, Any] = {"version": 3, "last": {"login": "2026-01-01T00:00:00Z"}, "ünï": [1, None, "x"]}
        issued = self.server.issue()
        access_token: Any = issued
        for key in self.server.token_keys:
            access_token = access_token[key]
        put(content, answers.FILE_ACCESS_TOKEN, access_token)
        put(content, answers.FILE_REFRESH_TOKEN, refresh_token)
        if answers.FILE_EXPIRES_AT:
            put(content, answers.FILE_EXPIRES_AT, int((time.time() + (self.server.lifetime or 0)) * 1000))
        self.file.write_text(json.dumps(content, indent=4), encoding="utf-8")
        return content


@contextmanager
def open_account(folder: Path) -> Iterator[VendorAccount]:
    """Opens an account with a fresh file."""
    with AuthorizationServer(keys_of(answers.TOKEN_FIELD)) as server:
        account = VendorAccount(server, folder)
        account.log_in()
        yield account
