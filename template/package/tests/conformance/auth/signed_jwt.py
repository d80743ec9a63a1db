"""An account that knows the public key of a private key of ours. Template's file: do not edit."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from ...package import answers
from ..server import Received
from .account import sent_token

PREFIX = answers.ENV_PREFIX


class KeyAccount:
    """An upstream that checks signatures and times, and can be told to take no more of what it has seen.

    Args:
        folder: for the key file.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        algorithm: str = answers.JWT_ALGORITHM
        rsa = algorithm == "RS256"
        self.key: RSAKey | ECKey = RSAKey.generate_key(2048) if rsa else ECKey.generate_key("P-256")
        self.skew = 0.0
        file, kept = folder / "key.pem", folder / "kept" / "token.json"
        pem = self.key.as_pem(private=True).decode()
        file.write_text(pem, encoding="ascii")
        self.kept_in = {file, kept}
        self.secrets = {pem.splitlines()[1]}
        claims = {**answers.JWT_CLAIMS, "jti": "{uuid}"}
        self.environment = {
            f"{PREFIX}_JWT_KEY_FILE": str(file),
            f"{PREFIX}_JWT_CLAIMS": json.dumps(claims),
            f"{PREFIX}_TOKEN_STORE": "file",
            f"{PREFIX}_TOKEN_STORE_FILE": str(kept),
        }
        self._refused: set[str] = set()
        self._seen: set[str] = set()

    def accepts(self, request: Received) -> bool:
        """Takes what our key has signed, at its time, and checks that the claims are ours."""
        token = sent_token(request)
        try:
            claims = jwt.decode(token, self.key, algorithms=[answers.JWT_ALGORITHM]).claims
        except (JoseError, ValueError):
            return False
        self.secrets.add(token)
        now = time.time() + self.skew
        ours = answers.JWT_CLAIMS.keys() | {"iat", "exp", "jti"} == claims.keys()
        good = ours and token not in self._refused and claims["iat"] <= now < claims["exp"]
        if good:
            self._seen.add(token)
        return bool(good)

    def make_stale(self, call: Callable[[], object]) -> None:
        """Takes nothing more that it has seen."""
        call()
        self.revoke()

    def revoke(self) -> None:
        """Takes nothing more that it has seen."""
        self._refused |= self._seen
        self._seen = set()

    def token_requests(self) -> int:
        """Counts the tokens that were signed."""
        return len(self._seen)


@contextmanager
def open_account(folder: Path) -> Iterator[KeyAccount]:
    """Opens an account with a key."""
    yield KeyAccount(folder)
