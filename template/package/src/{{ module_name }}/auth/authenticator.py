"""What every way to authenticate has: an authenticator, and the errors that it raises. Template's file: do not edit."""

from __future__ import annotations

import errno
import ssl
import time
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

import httpx

Tls = Callable[[], ssl.SSLContext | str | bool]
"""What httpx takes as `verify`, for an authorization server; made when it is needed."""

Read = TypeVar("Read")

READ_AGAIN_EVERY = 0.05
_WRITING_SECONDS = 1.0
"""How long a program may take to write a small file."""


class CredentialError(Exception):
    """There is no credential to call with, or none that can be sent; the message says what to do.

    Args:
        message: for the caller; without a secret.
        retry_after: seconds in which another try is pointless, when somebody was asked in vain; tries that follow
            are then ever rarer. None when nobody was asked.
        status: what it would be as an HTTP status: 401 when the credential itself is at fault, which no other try
            mends; of a token endpoint in trouble, what it answered; None when nobody answered.
    """

    def __init__(self, message: str, retry_after: float | None = None, status: int | None = 401) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.status = status

    def again(self, within: float | None = None) -> CredentialError:
        """Returns a copy to raise, as one exception cannot be raised for several calls.

        Args:
            within: seconds that are left of `retry_after`, if it was some time ago.
        """
        pause = self.retry_after
        return CredentialError(str(self), min(pause, within) if pause and within is not None else pause, self.status)


class CredentialTimeoutError(CredentialError):
    """The credential did not come within the time that the call has."""

    def __init__(self, message: str) -> None:
        super().__init__(message, status=408)


class UnreadableError(CredentialError):
    """A file holds no credential that can be read: it is damaged, or somebody is writing it at this moment."""


def read_when_whole(read: Callable[[], Read], path: Path | None = None) -> Read:
    """Reads a file that another program may be writing at this moment: again and again for up to a second.

    Args:
        read: reads it once, and raises `UnreadableError` while it is not whole.
        path: the file, when a second matters: one that nobody has written to lately is not read again.
    """
    end = time.monotonic() + _WRITING_SECONDS
    while True:
        try:
            return read()
        except UnreadableError:
            if time.monotonic() > end or not (path is None or being_written(path)):
                raise
        time.sleep(READ_AGAIN_EVERY)


def being_written(path: Path) -> bool:
    """Returns whether somebody has written to a file so lately that this may go on."""
    try:
        return abs(time.time() - path.stat().st_mtime) <= _WRITING_SECONDS
    except OSError:
        return False


_PASSING = {errno.EAGAIN, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO, getattr(errno, "ESTALE", errno.EIO)}
"""Errors of the system that say nothing about a file or a command, and may be gone the next time."""


def status_of(error: OSError | ValueError) -> int:
    """Returns the status of a `CredentialError` for an error of the system."""
    return 503 if isinstance(error, OSError) and error.errno in _PASSING else 401


@dataclass(frozen=True)
class Status:
    """What a person wants to know about the credential; it holds no secret."""

    kind: str
    """The kind of authentication, as the template's question names it."""
    ready: bool
    """Whether a call has a credential to go with."""
    source: str
    """Where the credential is or comes from, in words."""
    who: str | None = None
    """Whose it is, where a token says so."""
    scopes: tuple[str, ...] = ()
    expires_at: float | None = None
    """Seconds since the epoch; None when it is not known, or never."""
    renewable: bool = False
    """Whether it renews itself when it has expired."""

    def in_words(self) -> str:
        """Returns it for people, in a line for each thing."""
        lines = [f"{'ready' if self.ready else 'not ready'}: {self.source} ({self.kind})"]
        if self.who:
            lines.append(f"who: {self.who}")
        if self.scopes:
            lines.append(f"scopes: {', '.join(self.scopes)}")
        if self.expires_at is not None:
            renewed = "; it is renewed by itself" if self.renewable else ""
            lines.append(f"expires: {_in_words(self.expires_at - time.time())}{renewed}")
        return "\n".join(lines)


@dataclass(frozen=True)
class Console:
    """How a login talks to the person who logs in."""

    say: Callable[[str], None]
    """Shows a line of text."""
    open_browser: bool = True
    """Whether a browser may be opened on this machine."""


def _in_words(seconds: float) -> str:
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        count = int(abs(seconds) // length)
        if count:
            span = f"{count} {unit}{'s' if count > 1 else ''}"
            return f"in {span}" if seconds > 0 else f"{span} ago"
    return "in less than a minute" if seconds > 0 else "just now"


def can_repeat(request: httpx.Request) -> bool:
    """Returns whether a request can be sent again: not if its body was read while it was sent, and cannot be read anew."""
    if getattr(request.stream, "repeatable", False):
        return True
    try:
        request.content  # noqa: B018
    except httpx.RequestNotRead:
        return False
    return True


class CallAuth(Protocol):
    """What an authenticator gives to a call: an `httpx.Auth` that knows its secrets."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """The strings that no message may contain."""
        ...


class Authenticator(Protocol):
    """One way to authenticate, ready for calls and for the command line."""

    @abstractmethod
    def for_call(self, api_key: str | None) -> CallAuth:
        """Returns the authentication of one call; raises CredentialError when there can be none.

        Args:
            api_key: the key or token that came with the call or its deployment, if any.
        """

    @abstractmethod
    def login(self, console: Console) -> str:
        """Logs in, or tries the credential where there is nothing to log in to; returns what came of it.

        Raises:
            CredentialError: it failed.
        """

    @abstractmethod
    def logout(self) -> str:
        """Forgets (and revokes, where that is possible) what login left; returns what was done."""

    @abstractmethod
    def status(self) -> Status:
        """Returns what there is, without a network request."""
