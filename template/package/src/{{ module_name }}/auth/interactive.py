"""Interactive grants: the renewal of tokens that a person got by logging in. Template's file: do not edit."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from dataclasses import replace

from pydantic import SecretStr

from .._answers import COMMAND, ENV_PREFIX, PROVIDER_NAME
from .authenticator import Console, CredentialError, Status, Tls
from .oauth import OAuthError, OAuthSettings, TokenEndpoint
from .refused_tokens import RefusedTokens
from .store_settings import StoreSettings
from .tokens import Token

LOGIN = f"run `{COMMAND} login`"


class InteractiveSettings(OAuthSettings, StoreSettings):
    """The settings of the kinds in which a person logs in."""

    refresh_token: SecretStr | None = None
    """A refresh token, for machines on which nobody can log in."""


class InteractiveSource(ABC):
    """Renews tokens with the refresh token of a login (RFC 6749 section 6); subclasses log in.

    Args:
        settings: the authorization server, and who we are to it.
        tls: how its certificate is checked.
        refused: the refresh tokens that are dead, as far as any process knows.
    """

    kind = ""

    def __init__(
        self, settings: InteractiveSettings, tls: Tls = lambda: True, refused: RefusedTokens | None = None
    ) -> None:
        self._endpoint = TokenEndpoint(settings, tls, remedy=f"{LOGIN}, as this login is over")
        self._scopes = settings.scopes
        given = settings.refresh_token
        self._given = given.get_secret_value().strip() if given else None
        self._refused = refused or RefusedTokens()

    def check(self) -> None:
        """See `TokenSource.check`."""
        self._endpoint.check()

    def fetch(self, previous: Token | None, refused: Token | None) -> Token:
        """Renews the token with the newest refresh token; asks no server twice about one that it refused."""
        known = [token for token in (previous.refresh_token if previous else None, self._given) if token]
        if not known:
            raise CredentialError(
                f"Nobody is logged in to {PROVIDER_NAME}{' any more' if previous else ''}: {LOGIN}, "
                f"or set {ENV_PREFIX}_REFRESH_TOKEN."
            )
        refusals = {token: self._refused.message(token) for token in known}
        refresh_token = next((token for token, refusal in refusals.items() if refusal is None), None)
        if refresh_token is None:
            raise CredentialError(str(refusals[known[0]]))
        basis = replace(previous or Token(""), refresh_token=refresh_token)
        try:
            return self._endpoint.token("refresh_token", basis, refresh_token=refresh_token)
        except OAuthError as error:
            if error.over:
                self._refused.add(refresh_token, str(error))
            raise

    def has_refresh_token(self, text: str) -> bool:
        """See `RefreshTokenSource.has_refresh_token`."""
        return text == self._given

    @abstractmethod
    def login(self, console: Console) -> Token:
        """Logs a person in."""

    def revoke(self, token: Token) -> bool:
        """Revokes the login, where the server can."""
        return self._endpoint.revoke(token)

    def status(self, token: Token | None) -> Status:
        """See `TokenSource.status`."""
        renewable = bool(self._given or (token and token.refresh_token))
        alive = bool(token and (token.expires_at is None or time.time() < token.expires_at))
        return Status(
            kind=self.kind,
            ready=renewable or alive,
            source=f"{'login' if token else 'refresh token' if self._given else 'no login'} at {self._endpoint.host}",
            who=token.who if token else None,
            scopes=tuple((token.scope if token and token.scope else self._scopes).split()),
            expires_at=token.expires_at if token else None,
            renewable=renewable,
        )
