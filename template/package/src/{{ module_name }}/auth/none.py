"""No credential: for a server of one's own network. Template's file: do not edit."""

from __future__ import annotations

import httpx
from pydantic import BaseModel

from .authenticator import Console, Status, Tls


class Settings(BaseModel):
    """This kind of authentication has no settings."""


class NoAuth(httpx.Auth):
    """Sends each request as it is."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """The strings that no message may contain: there are none."""
        return ()


class NoAuthenticator:
    """Gives each call the same empty authentication (`Authenticator`)."""

    def __init__(self) -> None:
        self._auth = NoAuth()

    def for_call(self, api_key: str | None) -> NoAuth:
        """See `Authenticator.for_call`; a key that comes with the call is not sent."""
        return self._auth

    def login(self, console: Console) -> str:
        """Says that there is nothing to log in to."""
        return "There is nothing to log in to: calls go without a credential."

    def logout(self) -> str:
        """Says that there is nothing to log out of."""
        return "There is nothing to log out of: calls go without a credential."

    def status(self) -> Status:
        """See `Authenticator.status`."""
        return Status(kind="none", ready=True, source="no credential is needed")


def authenticator(settings: Settings, tls: Tls = lambda: True) -> NoAuthenticator:
    """Returns what authenticates calls: nothing does, so both arguments are unused."""
    return NoAuthenticator()
