"""An account of a person who has logged in. Template's file: do not edit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...package import answers
from .authorization_server import AuthorizationServer
from .token_account import TokenAccount, keys_of


@contextmanager
def open_account(folder: Path) -> Iterator[TokenAccount]:
    """Opens an account with a refresh token, as a server has it; tests of the login make one of their own."""
    with AuthorizationServer(keys_of(answers.TOKEN_FIELD)) as server:
        account = TokenAccount(server, folder)
        account.be_client()
        account.keep_tokens()
        account.environment.update(
            {
                f"{answers.ENV_PREFIX}_DEVICE_AUTHORIZATION_URL": f"{server.url}/device",
                f"{answers.ENV_PREFIX}_REFRESH_TOKEN": server.new_refresh_token(),
            }
        )
        yield account
