"""A token that a command prints. Template's file: do not edit.

The command is started directly, never by a shell, and ended when it takes too long. It prints the bare token, or
JSON with the token and its expiry. What it says otherwise is not repeated: it may contain the token.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import threading
from contextlib import suppress

from pydantic import Field, field_validator

from .._answers import ENV_PREFIX, TOKEN_COMMAND, TOKEN_COMMAND_EXPIRY, TOKEN_COMMAND_FIELD
from .authenticator import Console, CredentialError, Status, Tls, status_of
from .cache import CachedAuthenticator
from .flow import secrets_of
from .store_settings import StoreSettings, open_store
from .tokens import DottedKey, Token, TokenFields, cannot_read, read_token, token_from_text

_MAX_OUTPUT = 1024 * 1024
_LAST_WORDS_SECONDS = 1.0
_STATUS_OF_EXIT = {69: 503, 75: 503, 124: 408}
"""What commands end with that would succeed another time: sysexits.h's UNAVAILABLE and TEMPFAIL, and timeout(1)."""


class Settings(StoreSettings):
    """The settings that this kind of authentication adds."""

    token_command: str = TOKEN_COMMAND
    """The command with its arguments, quoted as in a shell, but with nothing expanded."""
    token_command_field: DottedKey = TOKEN_COMMAND_FIELD
    """Where in JSON the token is, as a dotted key."""
    token_command_expiry: str = TOKEN_COMMAND_EXPIRY
    """Where in JSON its expiry is; seconds, milliseconds or ISO 8601."""
    token_command_timeout: float = Field(default=30.0, gt=0, le=60)
    """Seconds that the command may take."""

    @field_validator("token_command")
    @classmethod
    def _words(cls, value: str) -> str:
        try:
            words = shlex.split(value)
        except ValueError as error:
            raise ValueError(f"it must be a command with quotes that match ({error})") from None
        if not words:
            raise ValueError("it must be a command, such as: gcloud auth print-access-token")
        return value


class TokenCommandSource:
    """Runs the command (`TokenSource`).

    Args:
        settings: which command.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._words = shlex.split(settings.token_command)
        expiry = (settings.token_command_expiry,) if settings.token_command_expiry else TokenFields.expires_at
        self._fields = TokenFields(value=settings.token_command_field, expires_at=expiry)

    def check(self) -> None:
        """See `TokenSource.check`."""

    def fetch(self, previous: Token | None, refused: Token | None) -> Token:
        """Runs the command and reads what it prints."""
        output = self._run()
        try:
            return self._parse(output)
        except (ValueError, RecursionError) as error:
            # Texts of parsers quote what they could not read.
            known = type(error) is ValueError
            reason = error if known else ValueError("it prints neither a token nor JSON")
            name = f"The token command `{self._words[0]}`"
            raise cannot_read(name, reason, "run it by hand to see what it prints", retry_after=1.0) from None

    def _parse(self, output: bytes) -> Token:
        text = output.decode("utf-8-sig").strip()
        if text.startswith("{"):
            return read_token(json.loads(text), self._fields)
        return token_from_text(text, self._fields)

    def login(self, console: Console) -> Token:
        """Runs the command: the login itself belongs to it."""
        return self.fetch(None, None)

    def revoke(self, token: Token) -> bool:
        """Does nothing: the token is the command's."""
        return False

    def status(self, token: Token | None) -> Status:
        """See `TokenSource.status`."""
        return Status(
            kind="token_command",
            ready=shutil.which(self._words[0]) is not None,
            source=f"the command `{self._words[0]}`",
            who=token.who if token else None,
            scopes=tuple(token.scope.split()) if token else (),
            expires_at=token.expires_at if token else None,
            renewable=True,
        )

    def _run(self) -> bytes:
        seconds = self._settings.token_command_timeout
        name = f"The token command `{self._words[0]}`"
        try:
            process = subprocess.Popen(
                self._words,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "it has a character that no command has"
            raise CredentialError(
                f"{name} cannot be started: {reason}; mend {ENV_PREFIX}_TOKEN_COMMAND.", status=status_of(error)
            ) from None
        output = bytearray()
        reader = threading.Thread(target=_read, args=(process, output), daemon=True)
        reader.start()
        try:
            status = process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise CredentialError(
                f"{name} was ended after {seconds:g} seconds: make it faster, or raise "
                f"{ENV_PREFIX}_TOKEN_COMMAND_TIMEOUT.",
                retry_after=1.0,
                status=408,
            ) from None
        finally:
            _kill(process)
            reader.join(_LAST_WORDS_SECONDS)  # a program that it leaves behind may keep the pipe open
        if len(output) >= _MAX_OUTPUT:
            raise CredentialError(f"{name} prints without end: run it by hand to see what.", retry_after=1.0)
        if status != 0:
            raise CredentialError(
                f"{name} ended with status {status}: run it by hand to see why.",
                retry_after=1.0,
                status=_STATUS_OF_EXIT.get(status, 401),
            )
        return bytes(output)


def authenticator(settings: Settings, tls: Tls = lambda: True) -> CachedAuthenticator:
    """Returns what authenticates calls with these settings; `tls` is unused, as no authorization server is asked."""
    store = open_store(settings, "token_command", Settings)
    return CachedAuthenticator(TokenCommandSource(settings), store, secrets_of(settings))


def _read(process: subprocess.Popen[bytes], output: bytearray) -> None:
    """Reads what the command prints, and ends a command that prints without end."""
    assert process.stdout is not None
    with process.stdout as pipe:
        while len(output) < _MAX_OUTPUT and (part := os.read(pipe.fileno(), 65536)):
            output.extend(part)
    if len(output) >= _MAX_OUTPUT:
        _kill(process)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Ends the command with all that it started."""
    with suppress(OSError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
