"""A token in a file that the platform rotates. Template's file: do not edit.

The file is the truth: it is looked at before each call and read again when it has changed. Whether the token in
it is still good is the upstream's to say, as its clock counts.
"""

from __future__ import annotations

import asyncio
import json
import os
import stat
from pathlib import Path

from pydantic import BaseModel

from .._answers import ENV_PREFIX, TOKEN_FILE, TOKEN_FILE_FIELD, TOKEN_FILE_HEADERS
from .authenticator import Console, CredentialError, Status, Tls, UnreadableError, read_when_whole, status_of
from .flow import TokenAuthenticator, secrets_of
from .tokens import DottedKey, Headers, Token, TokenFields, cannot_read, keep_private, read_token, token_from_text

_MAX_SIZE = 1024 * 1024


class Settings(BaseModel):
    """The settings that this kind of authentication adds."""

    token_file: str = TOKEN_FILE
    """The file: the bare token, or JSON."""
    token_file_field: DottedKey = TOKEN_FILE_FIELD
    """Where in JSON the token is, as a dotted key."""
    token_file_headers: Headers = TOKEN_FILE_HEADERS
    """Request headers that go with such a token."""


class TokenFileAuthenticator(TokenAuthenticator):
    """Gives each call the token of a file.

    Args:
        settings: which file.
    """

    def __init__(self, settings: Settings) -> None:
        self.secrets = secrets_of(settings)
        self._path = Path(os.path.expanduser(settings.token_file))
        self._text_path = str(self._path)
        self._fields = TokenFields(value=settings.token_file_field, headers=settings.token_file_headers)
        self._read: tuple[tuple[int, int, int], Token] | None = None

    def check(self) -> None:
        """See `TokenAuthenticator.check`."""

    def get_token(self, refused: Token | None = None, within: float | None = None) -> Token:
        """See `TokenAuthenticator.get_token`."""
        return read_when_whole(lambda: self._get(refused), self._path)

    async def aget_token(self, refused: Token | None = None, within: float | None = None) -> Token:
        """See `TokenAuthenticator.get_token`; a look at a file is quicker than a change of threads."""
        try:
            return self._get(refused)
        except UnreadableError:
            return await asyncio.to_thread(self.get_token, refused)  # it may be written at this moment

    def _get(self, refused: Token | None) -> Token:
        remedy = f"see that the platform writes it, or set {ENV_PREFIX}_TOKEN_FILE"
        try:
            status = os.stat(self._text_path)
            if not stat.S_ISREG(status.st_mode):
                raise CredentialError(f"The token file {self._path} is no regular file; {remedy}.")
            # A new file in place of the old, or other content in the same: one of the three differs.
            stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
            if self._read is not None and self._read[0] == stamp and refused is None:
                return self._read[1]
            keep_private(self._path, platform_managed=True)
            with self._path.open(encoding="utf-8") as file:
                text = file.read(_MAX_SIZE)
        except OSError as error:
            text = f"The token file {self._path} cannot be read: {error.strerror}; {remedy}."
            raise CredentialError(text, status=status_of(error)) from None
        except UnicodeDecodeError:
            raise UnreadableError(f"The token file {self._path} is no text; {remedy}.") from None
        try:
            token = _parse(text, self._fields)
        except ValueError as error:
            if self._read is not None:
                return self._read[1]  # somebody is about to write the file, and has emptied it first
            raise UnreadableError(str(cannot_read(f"The token file {self._path}", error, remedy))) from None
        self._read = (stamp, token)
        return token

    def login(self, console: Console) -> str:
        """Tries the file: there is nothing to log in to."""
        self.get_token()
        return f"There is a token in {self._path}; the platform renews it."

    def logout(self) -> str:
        """Leaves the file alone."""
        return f"{self._path} belongs to the platform: nothing was done."

    def status(self) -> Status:
        """See `Authenticator.status`."""
        try:
            token = self._get(None)
        except CredentialError:
            return Status(kind="token_file", ready=False, source=str(self._path))
        return Status(
            kind="token_file",
            ready=True,
            source=str(self._path),
            who=token.who,
            scopes=tuple(token.scope.split()),
            expires_at=token.expires_at,
            renewable=True,
        )


def authenticator(settings: Settings, tls: Tls = lambda: True) -> TokenFileAuthenticator:
    """Returns what authenticates calls with these settings; `tls` is unused, as no authorization server is asked."""
    return TokenFileAuthenticator(settings)


def _parse(text: str, fields: TokenFields) -> Token:
    if text.lstrip().startswith("{"):
        try:
            content = json.loads(text)
        except RecursionError:
            raise ValueError("it is no JSON") from None
        except ValueError:
            raise ValueError("it begins like JSON and is none") from None
        return read_token(content, fields, fresh=False)
    return token_from_text(text, fields, fresh=False)
