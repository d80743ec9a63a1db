"""A token that is fetched once, however many calls want it. Template's file: do not edit.

The work is done in a thread of its own: sync calls and calls on any number of event loops wait for the same
one, and none that gives up takes it along. Between processes, the token store's lock does the same.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
import threading
import time
from concurrent.futures import Future, wait
from contextlib import suppress
from typing import Protocol, runtime_checkable
from weakref import WeakSet

from .authenticator import Console, CredentialError, CredentialTimeoutError, Status
from .flow import TokenAuthenticator
from .store import FileStore, MemoryStore, TokenStore
from .tokens import Token

logger = logging.getLogger(__package__)

_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0
"""Seconds between tries while a token endpoint fails; doubled each time."""

_FORCED_EVERY = 10.0
"""Seconds between renewals that a refusal asks for: if the first did not help, another will not."""

_SHORTEST_LIFE = 1.0
"""Seconds that a token is used in any case, whatever the server says about its life."""

_LAST_WAIT = 10.0
"""Seconds that a program waits at its end for a renewal that is under way: a new refresh token may be in it."""

_all: WeakSet[CachedAuthenticator] = WeakSet()


class TokenSource(Protocol):
    """Where new tokens come from; its methods may block, and are never called twice at a time in a process."""

    def check(self) -> None:
        """Looks whether the settings are complete; raises CredentialError when they are not."""
        ...

    def fetch(self, previous: Token | None, refused: Token | None) -> Token:
        """Returns a new token.

        Args:
            previous: the last one, whose refresh token may be of use.
            refused: the token that the upstream has just refused, if that is why.

        Raises:
            CredentialError: there is none.
        """
        ...

    def login(self, console: Console) -> Token:
        """Returns the token that a person got by logging in; raises CredentialError."""
        ...

    def revoke(self, token: Token) -> bool:
        """Makes a token useless at the authorization server, and returns whether that was done."""
        ...

    def status(self, token: Token | None) -> Status:
        """Returns the status with this token."""
        ...


@runtime_checkable
class RefreshTokenSource(Protocol):
    """A `TokenSource` that has refresh tokens from its settings or from a file."""

    def has_refresh_token(self, text: str) -> bool:
        """Returns whether that is one of them."""
        ...


class CachedAuthenticator(TokenAuthenticator):
    """Hands out the current token and sees to it that there is one.

    Calls go on with a token that is still good while its successor is on the way; they wait, all for the same
    request, only when it is about to expire, or when the upstream has refused it.

    Args:
        source: where new tokens come from.
        store: where they are kept, and shared with other processes.
        secrets: what no message may contain, besides the tokens.
    """

    def __init__(self, source: TokenSource, store: TokenStore | None = None, secrets: tuple[str, ...] = ()) -> None:
        self.secrets = secrets
        self._source = source
        self._store = store or MemoryStore()
        self._token: Token | None = None
        self._renew_at = 0.0
        self._forced_at = -_FORCED_EVERY
        self._unsaved: Token | None = None
        self._failure: CredentialError | None = None
        self._failures = 0
        self._retry_at = 0.0
        self._reset_lock()
        _all.add(self)

    def check(self) -> None:
        """See `TokenAuthenticator.check`."""
        if self._token is None:
            self._source.check()

    def knows_as_refresh_token(self, text: str) -> bool:
        """See `TokenAuthenticator.knows_as_refresh_token`."""
        token = self._token or self._unsaved
        if token is None and isinstance(self._store, FileStore):
            with suppress(CredentialError):
                token = self._store.load()
        if token and token.refresh_token == text:
            return True
        return isinstance(self._source, RefreshTokenSource) and self._source.has_refresh_token(text)

    def get_token(self, refused: Token | None = None, within: float | None = None) -> Token:
        """See `TokenAuthenticator.get_token`."""
        renewal = self._kept_or_renewal(refused)
        if isinstance(renewal, Token):
            return renewal
        try:
            return renewal.result(within)
        except TimeoutError:
            raise _too_late(within) from None
        except CredentialError as error:
            raise error.again() from error

    async def aget_token(self, refused: Token | None = None, within: float | None = None) -> Token:
        """See `TokenAuthenticator.get_token`."""
        renewal = self._kept_or_renewal(refused)
        if isinstance(renewal, Token):
            return renewal
        try:
            return await asyncio.wait_for(asyncio.wrap_future(renewal), within)
        except TimeoutError:
            raise _too_late(within) from None
        except CredentialError as error:
            raise error.again() from error

    def login(self, console: Console) -> str:
        """See `Authenticator.login`."""
        token = self._source.login(console)
        with self._store.lock():
            self._store.save(token)
        self._take(token)
        return f"There is a token, kept in {self._store.place}."

    def logout(self) -> str:
        """See `Authenticator.logout`."""
        with self._store.lock():
            token = self._store.load()
            revoked = token is not None and self._source.revoke(token)
            left = self._store.clear()
        with self._lock:
            self._token = self._unsaved = None
        if token is None:
            said = f"There was no token in {self._store.place}."
        else:
            said = f"The token is gone from {self._store.place}{', and revoked' if revoked else ''}."
        return f"{said} {left}".rstrip()

    def status(self) -> Status:
        """See `Authenticator.status`."""
        return self._source.status(self._store.load() or self._token)

    def _reset_lock(self) -> None:
        self._lock = threading.Lock()
        self._renewing: Future[Token] | None = None

    def _kept_or_renewal(self, refused: Token | None) -> Token | Future[Token]:
        """Returns the token that is kept, while it is good; else what `_renewal` does."""
        token = self._token
        if refused is None and token is not None and time.time() < self._renew_at:
            return token
        return self._renewal(refused)

    def _renewal(self, refused: Token | None) -> Token | Future[Token]:
        """The token that will do, or the future of the one that is being fetched."""
        with self._lock:
            token, now = self._token, time.time()
            resting = time.monotonic() < self._retry_at
            if token is not None and (refused is None or token.value != refused.value):
                if now < self._renew_at:
                    return token
                if now < token.usable_until:
                    if self._renewing is None and not resting:
                        self._start(None)
                    return token
            elif token is not None and time.monotonic() - self._forced_at < _FORCED_EVERY:
                return token
            if self._renewing is not None:
                return self._renewing
            if self._failure is not None and resting:
                raise self._failure.again(self._retry_at - time.monotonic())
            return self._start(refused)

    def _start(self, refused: Token | None) -> Future[Token]:
        """Has the token renewed in a thread of its own."""
        renewing: Future[Token] = Future()
        renewing.set_running_or_notify_cancel()  # so that a waiter who gives up cannot cancel it for all
        thread = threading.Thread(target=self._renew, args=(renewing, refused), name="token-renewal", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # there are too many threads, or the program is about to end
            renewing.set_exception(CredentialError("No token could be fetched: no thread can be started.", status=503))
            return renewing
        self._renewing = renewing
        return renewing

    def _renew(self, renewing: Future[Token], refused: Token | None) -> None:
        try:
            token = self._obtain(refused)
        except BaseException as error:  # whatever it is, nobody may wait for ever
            failure = error if isinstance(error, CredentialError) else _unexpected(error)
            with self._lock:
                self._renewing = None
                self._failure = failure
                self._retry_at = time.monotonic() + self._pause(failure)
            renewing.set_exception(failure)
            return
        if refused is not None:
            self._forced_at = time.monotonic()
        self._take(token)
        renewing.set_result(token)

    def _pause(self, failure: CredentialError) -> float:
        """Seconds until the next try: always the same while nobody else is asked, else longer each time."""
        if failure.retry_after is None:
            return _FIRST_PAUSE
        self._failures += 1
        pause: float = min(_FIRST_PAUSE * 2.0 ** min(self._failures - 1, 10), _LONGEST_PAUSE)
        return max(pause, failure.retry_after)

    def _take(self, token: Token) -> None:
        with self._lock:
            self._token = token
            self._renew_at = max(token.renew_at, time.time() + _SHORTEST_LIFE)
            self._renewing = None
            self._failure = None
            self._failures = 0
            self._retry_at = 0.0

    def _obtain(self, refused: Token | None) -> Token:
        """The token that is kept, if it is good and not the one that we have; else a new one."""
        with self._store.lock():
            stored, now = self._store.load(), time.time()
            good = stored is not None and (refused is None or stored.value != refused.value)
            ours = self._token is not None and stored is not None and stored.value == self._token.value
            if stored and good and (now < stored.renew_at or (now < stored.usable_until and not ours)):
                return stored
            token = self._source.fetch(self._unsaved or stored, refused)
            try:
                self._store.save(token)
                self._unsaved = None
            except CredentialError as error:
                self._unsaved = token
                logger.warning("the token cannot be kept: %s", error)
            return token

    def _wait(self) -> None:
        """Waits for the renewal that is under way, if there is one, but not for long."""
        renewing = self._renewing
        if renewing is not None:
            wait([renewing], _LAST_WAIT)

    def _after_fork(self) -> None:
        """The thread that renews, and whoever held the lock, stayed with the parent."""
        self._reset_lock()


def _too_late(within: float | None) -> CredentialTimeoutError:
    return CredentialTimeoutError(f"no token came within {within:g} seconds; it is still being fetched")


def _unexpected(error: BaseException) -> CredentialError:
    # Its text is left out: it may quote what it could not read.
    return CredentialError(f"No token could be fetched: {type(error).__name__}.", retry_after=0.0, status=500)


def _after_fork_in_child() -> None:
    for authenticator in list(_all):
        authenticator._after_fork()


def _wait_at_exit() -> None:
    for authenticator in list(_all):
        authenticator._wait()


atexit.register(_wait_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
