"""Several credentials, the first that has a token counts. Template's file: do not edit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from .credentials import Console, CredentialError, Status
from .token_auth import Credential
from .tokens import Token


class ChainedCredential:
    """Takes the token of the first credential that has one (`Credential`).

    A credential whose token was refused, and that has no other, is passed over for that call.

    Args:
        credentials: the first is the first choice.
    """

    def __init__(self, *credentials: Credential) -> None:
        self._credentials = credentials

    def check(self) -> None:
        """See `Credential.check`: one that is complete will do."""
        errors: list[str] = []
        for credential in self._credentials:
            try:
                return credential.check()
            except CredentialError as error:
                errors.append(str(error))
        raise CredentialError(" Or: ".join(errors))

    def get_token(self, refused: Token | None = None, within: float | None = None) -> Token:
        """See `Credential.get_token`."""
        errors: list[CredentialError] = []
        for credential in self._credentials:
            with _noted(errors):
                token = credential.get_token(refused, within)
                if refused is None or token.value != refused.value:
                    return token
        return _none_left(refused, errors)

    async def aget_token(self, refused: Token | None = None, within: float | None = None) -> Token:
        """See `Credential.get_token`."""
        errors: list[CredentialError] = []
        for credential in self._credentials:
            with _noted(errors):
                token = await credential.aget_token(refused, within)
                if refused is None or token.value != refused.value:
                    return token
        return _none_left(refused, errors)

    def login(self, console: Console) -> str:
        """Logs in to the first credential that can."""
        errors: list[CredentialError] = []
        for credential in self._credentials:
            try:
                return credential.login(console)
            except CredentialError as error:
                errors.append(error)
        raise CredentialError(" Or: ".join(map(str, errors)))

    def logout(self) -> str:
        """Logs out of all, also when one of them fails."""
        said, errors = [], []
        for credential in self._credentials:
            try:
                said.append(credential.logout())
            except CredentialError as error:
                errors.append(str(error))
        if errors:
            raise CredentialError(" ".join([*said, *errors]))
        return " ".join(said)

    def status(self) -> Status:
        """Returns the status of the first credential that is ready, else of the first."""
        statuses = [credential.status() for credential in self._credentials]
        return next((status for status in statuses if status.ready), statuses[0])


@contextmanager
def _noted(errors: list[CredentialError]) -> Iterator[None]:
    """Notes why a credential has no token, and goes on."""
    try:
        yield
    except CredentialError as error:
        errors.append(error)


def _none_left(refused: Token | None, errors: list[CredentialError]) -> Token:
    """The refused token, which says that there is no other; an error when there never was one."""
    if refused is not None:
        return refused
    raise CredentialError(" Or: ".join(map(str, errors)))
