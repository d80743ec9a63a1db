"""Several ways to get a token: the first that has one counts. Template's file: do not edit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from .authenticator import Console, CredentialError, Status
from .flow import TokenAuthenticator
from .tokens import Token


class ChainedAuthenticator(TokenAuthenticator):
    """Takes the token of the first authenticator that has one.

    An authenticator whose token was refused, and that has no other, is passed over for that call.

    Args:
        authenticators: the first is the first choice.
    """

    def __init__(self, *authenticators: TokenAuthenticator) -> None:
        self._authenticators = authenticators
        self.secrets = tuple(dict.fromkeys(secret for one in authenticators for secret in one.secrets))

    def check(self) -> None:
        """See `TokenAuthenticator.check`: one that is complete will do."""
        errors: list[CredentialError] = []
        for authenticator in self._authenticators:
            try:
                return authenticator.check()
            except CredentialError as error:
                errors.append(error)
        raise _all_of(errors)

    def knows_as_refresh_token(self, text: str) -> bool:
        """See `TokenAuthenticator.knows_as_refresh_token`."""
        return any(authenticator.knows_as_refresh_token(text) for authenticator in self._authenticators)

    def get_token(self, refused: Token | None = None, within: float | None = None) -> Token:
        """See `TokenAuthenticator.get_token`."""
        errors: list[CredentialError] = []
        for authenticator in self._authenticators:
            with _noted(errors):
                token = authenticator.get_token(refused, within)
                if refused is None or token.value != refused.value:
                    return token
        return _none_left(refused, errors)

    async def aget_token(self, refused: Token | None = None, within: float | None = None) -> Token:
        """See `TokenAuthenticator.get_token`."""
        errors: list[CredentialError] = []
        for authenticator in self._authenticators:
            with _noted(errors):
                token = await authenticator.aget_token(refused, within)
                if refused is None or token.value != refused.value:
                    return token
        return _none_left(refused, errors)

    def login(self, console: Console) -> str:
        """Logs in to the first that can."""
        errors: list[CredentialError] = []
        for authenticator in self._authenticators:
            try:
                return authenticator.login(console)
            except CredentialError as error:
                errors.append(error)
        raise _all_of(errors)

    def logout(self) -> str:
        """Logs out of all, also when one of them fails."""
        said, errors = [], []
        for authenticator in self._authenticators:
            try:
                said.append(authenticator.logout())
            except CredentialError as error:
                errors.append(str(error))
        if errors:
            raise CredentialError(" ".join([*said, *errors]))
        return " ".join(said)

    def status(self) -> Status:
        """Returns the status of the first that is ready, else of the first."""
        statuses = [authenticator.status() for authenticator in self._authenticators]
        return next((status for status in statuses if status.ready), statuses[0])


@contextmanager
def _noted(errors: list[CredentialError]) -> Iterator[None]:
    """Notes why an authenticator has no token, and goes on."""
    try:
        yield
    except CredentialError as error:
        errors.append(error)


def _none_left(refused: Token | None, errors: list[CredentialError]) -> Token:
    """The refused token, which says that there is no other; an error when there never was one, or may be one soon."""
    if refused is not None and all(error.status == 401 for error in errors):
        return refused
    raise _all_of(errors)


def _all_of(errors: list[CredentialError]) -> CredentialError:
    """One error for all: if one of them may be gone at the next try, so may this."""
    first = next((error for error in errors if error.status != 401), errors[0])
    return CredentialError(" Or: ".join(map(str, errors)), first.retry_after, first.status)
