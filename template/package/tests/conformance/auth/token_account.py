"""What the accounts with tokens have in common. Template's file: do not edit."""

from __future__ import annotations

import json
import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from ...package import answers
from ..server import Received
from .account import sent_token
from .authorization_server import CLIENT_ID, AuthorizationServer

PREFIX = answers.ENV_PREFIX
SHORT = 1.0
"""Seconds that a token lasts whose end a test waits for."""


class TokenAccount:
    """An account whose tokens come from the authorization server.

    Args:
        server: the authorization server.
        folder: for its files.
    """

    def __init__(self, server: AuthorizationServer, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.server = server
        self.folder = folder
        self.environment: dict[str, str] = {}
        self.kept_in: set[Path] = set()

    @property
    def secrets(self) -> set[str]:
        """Every secret that has come up so far."""
        return self.server.secrets

    def keep_tokens(self) -> None:
        """Has tokens kept in a file of the test's."""
        file = self.folder / "kept" / "token.json"
        self.environment |= {f"{PREFIX}_TOKEN_STORE": "file", f"{PREFIX}_TOKEN_STORE_FILE": str(file)}
        self.kept_in.add(file)

    def be_client(self) -> None:
        """Sets who the provider is to the authorization server, with every proof that it may use."""
        key_file = self.folder / "client-key.pem"
        key_file.write_bytes(self.server.client_key.as_pem(private=True))
        self.kept_in.add(key_file)
        self.environment |= {
            f"{PREFIX}_TOKEN_URL": self.server.token_url,
            f"{PREFIX}_REVOCATION_URL": f"{self.server.url}/revoke",
            f"{PREFIX}_CLIENT_ID": CLIENT_ID,
            f"{PREFIX}_CLIENT_SECRET": self.server.secret,
            f"{PREFIX}_CLIENT_KEY_FILE": str(key_file),
        }

    def prove_by_locked_key(self, passphrase: str) -> dict[str, str]:
        """Encrypts the client's key, and returns the settings that prove with it who the client is."""
        key_file = self.folder / "locked-key.pem"
        key_file.write_bytes(self.server.client_key.as_pem(private=True, password=passphrase))
        self.kept_in.add(key_file)
        return {
            f"{PREFIX}_TOKEN_ENDPOINT_AUTH_METHOD": "private_key_jwt",
            f"{PREFIX}_CLIENT_KEY_FILE": str(key_file),
            f"{PREFIX}_CLIENT_KEY_PASSPHRASE": passphrase,
        }

    def accepts(self, request: Received) -> bool:
        """Takes the tokens that are valid at the authorization server."""
        return self.server.valid(sent_token(request))

    def make_stale(self, call: Callable[[], object]) -> None:
        """Lets the provider's token expire."""
        self.server.lifetime = SHORT
        call()
        time.sleep(SHORT + 0.1)
        self.server.lifetime = 3600.0
        self.server.forget()

    def revoke(self) -> None:
        """Revokes every access token."""
        self.server.revoke_all()
        self.server.forget()

    def token_requests(self) -> int:
        """Counts the requests to the token endpoint."""
        return self.server.token_requests


def requested(server: AuthorizationServer) -> dict[str, object]:
    """Requests a token as another program would, and returns the answer."""
    form = {"grant_type": "client_credentials", "client_id": CLIENT_ID, "client_secret": server.secret}
    request = Request(server.token_url, data=urlencode(form).encode())
    with urlopen(request, timeout=10) as response:
        content: dict[str, object] = json.loads(response.read())
    return content


def put(content: dict[str, object], path: str, value: object) -> None:
    """Puts a value at a dotted key, as the provider reads it."""
    *parents, last = keys_of(path)
    for key in parents:
        inner = content.setdefault(key, {})
        assert isinstance(inner, dict)
        content = inner
    content[last] = value


def keys_of(path: str) -> tuple[str, ...]:
    """Returns the keys of a dotted key: TOML says what it means."""
    keys: list[str] = []
    inner: object = tomllib.loads(f"{path} = 0")
    while isinstance(inner, dict):
        ((key, inner),) = inner.items()
        keys.append(key)
    return tuple(keys)
