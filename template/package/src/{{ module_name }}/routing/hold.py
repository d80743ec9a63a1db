"""Holding an answer of the host until it is known whether it serves the request. Template's file: do not edit.

Nothing reaches the client while it is held, so that LiteLLM can take over; then it goes out byte for byte.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from enum import Enum
from typing import Final

from .asgi import App, Header, Message, Receive, Scope, Send, header
from .classify import (
    CANDIDATES,
    Failure,
    empty_failure,
    failure_of_answer,
    failure_of_event,
    failure_of_success,
    network_failure,
    timeout_failure,
)
from .forward import AnswerCutError, UpstreamError
from .host import HostUnavailableError
from .model_name import BombError, UnreadableError, decoded
from .sse import Events, is_preliminary

_MOST_BYTES: Final = 64 << 10
_MOST_EVENTS: Final = 16
_ERROR_SECONDS: Final = 2.0


class _Reads(Enum):
    NOTHING = "nothing"
    """The answer is passed on."""
    ERROR = "error"
    """It has an error status: its body says which."""
    JSON = "json"
    """Its status is good, and it is short enough to be an error all the same."""
    STREAM = "stream"


class HeldAnswer:
    """One answer of the host, held until its beginning is known.

    Args:
        send: where it goes when it is let go.
        kinds: the failures that it is not let go for.
        hold_seconds: how long a stream is held that says nothing.
    """

    def __init__(self, send: Send, kinds: frozenset[str], hold_seconds: float) -> None:
        self._send = send
        self._kinds = kinds
        self._hold_seconds = hold_seconds
        self._held: list[Message] = []
        self._size = 0
        self._events = Events()
        self._count = 0
        self._reads = _Reads.NOTHING
        self._lock = asyncio.Lock()
        self._timer: asyncio.TimerHandle | None = None
        self._verdict: asyncio.Future[Failure | None] = asyncio.get_running_loop().create_future()
        self.released = False
        """Whether the client has it, or gets it."""
        self.status = 0
        self.failure: Failure | None = None
        """What the host failed with, whether that is one of the kinds or not."""
        self.error: HostUnavailableError | None = None
        """Why there is no answer, if there is none."""
        self.seconds: float | None = None
        """How long something was held; None where nothing was."""
        self._since = 0.0

    async def run(self, app: App, scope: Scope, receive: Receive) -> Failure | None:
        """Asks the host; returns what it failed with while the client has nothing, None when the client has its answer.

        Raises:
            HostUnavailableError: it gave no answer, and that is not one of the kinds.
        """
        host = asyncio.ensure_future(app(scope, receive, self._take))
        try:
            await asyncio.wait((host, self._verdict), return_when=asyncio.FIRST_COMPLETED)
            if self._verdict.done() and (failure := self._verdict.result()) is not None:
                return failure
            if not host.done():  # it takes its time
                await self.release()
            try:
                await host
            except HostUnavailableError as error:
                return self._without_answer(error)
            except AnswerCutError:
                if not self.released and "timeout" in self._kinds:
                    return self._without_answer(HostUnavailableError(UpstreamError("reset", "the answer broke off")))
                await self.release()
                raise
            except Exception:
                await self.release()
                raise
            if self._verdict.done() and (failure := self._verdict.result()) is not None:
                return failure
            await self.release()
            return None
        finally:
            if self._timer:
                self._timer.cancel()
                if self.seconds is None:
                    self.seconds = time.monotonic() - self._since
            if not host.done():
                host.cancel()
                # What it says of being cancelled is nobody's concern.
                with suppress(asyncio.CancelledError, Exception):
                    await host

    async def release(self) -> None:
        """Lets go of what is held; what follows passes."""
        async with self._lock:
            if self.released:
                return
            self.released = True
            if self._timer and self.seconds is None:
                self._timer.cancel()
                self.seconds = time.monotonic() - self._since
            held, self._held = self._held, []
            for message in held:
                await self._send(message)

    async def _take(self, message: Message) -> None:
        if self.released and not self._lock.locked():
            await self._send(message)
            return
        async with self._lock:
            if not self.released:
                self._held.append(message)
                if message["type"] == "http.response.start":
                    self._begin(message)
                elif message["type"] == "http.response.body":
                    self._read(message.get("body", b""), whole=not message.get("more_body", False))
                if self._reads is not _Reads.NOTHING or (self._verdict.done() and self._verdict.result() is not None):
                    return
            else:
                await self._send(message)
                return
        await self.release()
        self._decide(None)

    def _begin(self, start: Message) -> None:
        self.status = start["status"]
        headers: list[Header] = [(name.lower(), value) for name, value in start["headers"]]
        kind = header(headers, b"content-type").partition(b";")[0].strip().lower()
        length = header(headers, b"content-length")
        short = not length or (length.isdigit() and int(length) <= _MOST_BYTES)
        encoded = header(headers, b"content-encoding") not in (b"", b"identity")
        seconds = _ERROR_SECONDS
        if self.status in CANDIDATES:
            self._reads = _Reads.ERROR if short else _Reads.NOTHING
        elif self.status == 200 and kind == b"text/event-stream" and not encoded:
            self._reads = _Reads.STREAM
            seconds = self._hold_seconds
        elif self.status == 200 and (kind == b"application/json" or kind.endswith(b"+json")) and short:
            self._reads = _Reads.JSON
        if self._reads is not _Reads.NOTHING:
            self._since = time.monotonic()
            self._timer = asyncio.get_running_loop().call_later(seconds, self._decide, None)

    def _read(self, chunk: bytes, *, whole: bool) -> None:
        self._size += len(chunk)
        if self._reads is _Reads.STREAM:
            self._read_events(chunk, whole=whole)
        elif self._size > _MOST_BYTES:
            self._reads = _Reads.NOTHING
        elif whole and self._reads is not _Reads.NOTHING:
            self._judge(self._failure_of_body())

    def _read_events(self, chunk: bytes, *, whole: bool) -> None:
        for name, data in self._events.feed(chunk):
            if (failure := failure_of_event(name, data)) is not None:
                self._judge(failure)
                return
            self._count += 1
            if not is_preliminary(name, data):
                self._reads = _Reads.NOTHING
                return
        if self._count > _MOST_EVENTS or self._size > _MOST_BYTES:
            self._reads = _Reads.NOTHING
        elif whole:
            self._judge(None if self._events.rest.strip() else empty_failure())

    def _failure_of_body(self) -> Failure | None:
        body = b"".join(message.get("body", b"") for message in self._held[1:])
        headers: list[Header] = [(name.lower(), value) for name, value in self._held[0]["headers"]]
        encoding = header(headers, b"content-encoding").decode("latin-1")
        if encoding not in ("", "identity"):
            try:
                body = decoded(body, encoding, 16 * _MOST_BYTES)
            except (BombError, UnreadableError):
                body = b""
        return failure_of_success(body) if self._reads is _Reads.JSON else failure_of_answer(self.status, headers, body)

    def _judge(self, failure: Failure | None) -> None:
        self.failure = failure
        if failure is not None and failure.kind in self._kinds:
            self._decide(failure)
        else:
            self._reads = _Reads.NOTHING

    def _without_answer(self, error: HostUnavailableError) -> Failure | None:
        self.error = error
        failure = network_failure() if error.kind == "network" else timeout_failure()
        self.failure = failure
        if self.released or failure.kind not in self._kinds:
            raise error
        return failure

    def _decide(self, failure: Failure | None) -> None:
        if not self._verdict.done():
            self._verdict.set_result(failure)
