"""An account of a program that has a secret or a key. Template's file: do not edit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...package import answers
from .authorization_server import AuthorizationServer
from .token_account import TokenAccount, keys_of


@contextmanager
def open_account(folder: Path) -> Iterator[TokenAccount]:
    """Opens an account with client id and secret."""
    with AuthorizationServer(keys_of(answers.TOKEN_FIELD)) as server:
        account = TokenAccount(server, folder)
        account.be_client()
        account.keep_tokens()
        method: str = answers.TOKEN_ENDPOINT_AUTH_METHOD
        if method == "none":  # then the network vouches for the client, which loopback does not
            account.environment[f"{answers.ENV_PREFIX}_TOKEN_ENDPOINT_AUTH_METHOD"] = "client_secret_basic"
        yield account
