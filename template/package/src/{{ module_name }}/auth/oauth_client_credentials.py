"""OAuth client credentials (RFC 6749 section 4.4): a program that acts for itself. Template's file: do not edit."""

from __future__ import annotations

from .authenticator import Console, CredentialError, Status, Tls
from .cache import CachedAuthenticator
from .flow import secrets_of
from .oauth import OAuthSettings, TokenEndpoint
from .store_settings import StoreSettings, open_store
from .tokens import Token


class Settings(OAuthSettings, StoreSettings):
    """The settings that this kind of authentication adds."""


class ClientCredentialsSource:
    """Fetches tokens with the client's secret or key (`TokenSource`).

    Args:
        settings: the authorization server, and who we are to it.
        tls: how its certificate is checked.
    """

    def __init__(self, settings: OAuthSettings, tls: Tls = lambda: True) -> None:
        self._settings = settings
        self._endpoint = TokenEndpoint(settings, tls)

    def check(self) -> None:
        """See `TokenSource.check`."""
        self._endpoint.check()

    def fetch(self, previous: Token | None, refused: Token | None) -> Token:
        """Requests a token."""
        return self._endpoint.token("client_credentials", scope=self._settings.scopes)

    def login(self, console: Console) -> Token:
        """Requests a token: there is nobody to log in."""
        return self.fetch(None, None)

    def revoke(self, token: Token) -> bool:
        """Revokes the token, where the server can."""
        return self._endpoint.revoke(token)

    def status(self, token: Token | None) -> Status:
        """See `TokenSource.status`."""
        try:
            self.check()
            ready = True
        except CredentialError:
            ready = False
        return Status(
            kind="oauth_client_credentials",
            ready=ready,
            source=f"client {self._settings.client_id or '(no id)'} at {self._endpoint.host}",
            who=token.who if token else None,
            scopes=tuple((token.scope if token and token.scope else self._settings.scopes).split()),
            expires_at=token.expires_at if token else None,
            renewable=ready,
        )


def authenticator(settings: Settings, tls: Tls = lambda: True) -> CachedAuthenticator:
    """Returns what authenticates calls with these settings."""
    store = open_store(settings, "oauth_client_credentials", Settings)
    return CachedAuthenticator(ClientCredentialsSource(settings, tls), store, secrets_of(settings))
