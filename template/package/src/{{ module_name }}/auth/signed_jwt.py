"""A JWT that we sign ourselves with a private key (RFC 7519, RFC 7515). Template's file: do not edit."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Mapping
from typing import Any, Literal

from joserfc import jwt
from pydantic import Field, SecretStr, field_validator

from .._answers import ENV_PREFIX, JWT_ALGORITHM, JWT_CLAIMS, JWT_HEADERS
from .authenticator import Console, CredentialError, Status, Tls
from .cache import CachedAuthenticator
from .flow import secrets_of
from .signing import Passphrase, fingerprint, load_key, valid_from
from .store_settings import StoreSettings, open_store
from .tokens import Headers, Token


class Settings(StoreSettings):
    """The settings that this kind of authentication adds."""

    jwt_key: SecretStr | None = None
    """The private key as PEM."""
    jwt_key_file: str = ""
    """A file with that key."""
    jwt_key_passphrase: SecretStr | None = None
    """What opens that key, if it is encrypted."""
    jwt_key_id: str = ""
    """The `kid` of the JWT's header, where the upstream has several keys."""
    jwt_algorithm: Literal["RS256", "ES256"] = JWT_ALGORITHM
    jwt_claims: dict[str, Any] = JWT_CLAIMS
    """Claims by name; in a text, {fingerprint} is the SHA-256 of the public key in base64, {uuid} is a new one, and
    {account}, {user} and the names of `jwt_values` are what these settings say."""
    jwt_account: str = ""
    """What {account} in a claim stands for."""
    jwt_user: str = ""
    """What {user} in a claim stands for."""
    jwt_values: dict[str, str] = Field(default_factory=dict)
    """What other names in braces stand for, by name."""
    jwt_lifetime: float = Field(default=3600.0, ge=60, le=86400)
    """Seconds between `iat` and `exp`."""
    jwt_headers: Headers = JWT_HEADERS
    """Request headers that go with such a token."""

    @field_validator("jwt_claims")
    @classmethod
    def _without_times(cls, value: dict[str, Any]) -> dict[str, Any]:
        if {"iat", "exp"} & value.keys():
            raise ValueError("it must not have iat and exp, which are added (JWT_LIFETIME says how far apart)")
        return value


class SignedJwtSource:
    """Signs tokens (`TokenSource`).

    Args:
        settings: the key and the claims.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def check(self) -> None:
        """Loads the key; see `TokenSource.check`."""
        settings = self._settings
        pem = settings.jwt_key.get_secret_value() if settings.jwt_key else None
        remedy = f"set {ENV_PREFIX}_JWT_KEY_FILE or {ENV_PREFIX}_JWT_KEY to the key that the upstream knows"
        passphrase = Passphrase(f"{ENV_PREFIX}_JWT_KEY_PASSPHRASE", settings.jwt_key_passphrase)
        self._key = load_key(pem, settings.jwt_key_file, settings.jwt_algorithm, remedy, passphrase)

    def fetch(self, previous: Token | None, refused: Token | None) -> Token:
        """Signs a token; it looks a few minutes old, for an upstream whose clock is behind."""
        self.check()
        settings = self._settings
        now = time.time()
        issued_at = valid_from(now, settings.jwt_lifetime)
        expires_at = issued_at + int(settings.jwt_lifetime)
        values = {
            **settings.jwt_values,
            "account": settings.jwt_account or settings.jwt_values.get("account", ""),
            "user": settings.jwt_user or settings.jwt_values.get("user", ""),
            "fingerprint": fingerprint(self._key),
            "uuid": str(uuid.uuid4()),
        }
        claims = {name: _filled_in(value, name, values) for name, value in settings.jwt_claims.items()}
        header = {"alg": settings.jwt_algorithm, **({"kid": settings.jwt_key_id} if settings.jwt_key_id else {})}
        value = jwt.encode(header, {**claims, "iat": issued_at, "exp": expires_at}, self._key)
        who = claims.get("sub") or claims.get("iss")
        return Token(
            value=value,
            expires_at=float(expires_at),
            issued_at=now,
            who=str(who) if who else None,
            headers=settings.jwt_headers,
        )

    def login(self, console: Console) -> Token:
        """Signs a token: there is nobody to log in."""
        return self.fetch(None, None)

    def revoke(self, token: Token) -> bool:
        """Does nothing: what is signed is good until it expires."""
        return False

    def status(self, token: Token | None) -> Status:
        """See `TokenSource.status`."""
        try:
            self.check()
            ready = True
        except CredentialError:
            ready = False
        return Status(
            kind="signed_jwt",
            ready=ready,
            source=self._settings.jwt_key_file or f"{ENV_PREFIX}_JWT_KEY",
            who=token.who if token else None,
            expires_at=token.expires_at if token else None,
            renewable=ready,
        )


def authenticator(settings: Settings, tls: Tls = lambda: True) -> CachedAuthenticator:
    """Returns what authenticates calls with these settings; `tls` is unused, as no authorization server is asked."""
    store = open_store(settings, "signed_jwt", Settings)
    return CachedAuthenticator(SignedJwtSource(settings), store, secrets_of(settings))


def _filled_in(value: Any, claim: str, values: Mapping[str, str]) -> Any:
    """A claim with every name in braces replaced; names that nobody knows stay, as they may be meant so."""
    if isinstance(value, list):
        return [_filled_in(item, claim, values) for item in value]
    if isinstance(value, dict):
        return {name: _filled_in(item, claim, values) for name, item in value.items()}
    if not isinstance(value, str):
        return value

    def fill(found: re.Match[str]) -> str:
        name = found[1]
        if values.get(name) == "":
            setting = f"{ENV_PREFIX}_JWT_{name.upper()}"
            raise CredentialError(f"The claim {claim} needs {found[0]}: set {setting}, or {ENV_PREFIX}_JWT_CLAIMS.")
        return values.get(name, found[0])

    return re.sub(r"\{(\w+)\}", fill, value)
