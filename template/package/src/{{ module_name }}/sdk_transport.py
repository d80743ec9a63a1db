"""Runs the author's `events` in the place of an HTTP connection. Template's file: do not edit.

To httpx it is a transport (https://www.python-httpx.org/advanced/transports/): a request goes in, and a response comes out
whose body is the events in OpenAI's format. What an exception means becomes the response's status, so that a credential is
renewed after a 401 as it is for any API.

Async calls run on the caller's event loop; sync calls on one loop in a thread of this process, as SDKs keep things that
belong to a loop, and asyncio.run() would end it between two chunks.
"""

from __future__ import annotations

import asyncio
import atexit
import json
import os
import sys
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import httpx

from ._answers import API_BASE, API_KEY_HEADER, API_KEY_PREFIX, AUTH
from .errors import read_error
from .sdk_events import Call, SdkError
from .sdk_run import Events, Run, end_all

Result = TypeVar("Result")

CALLER_HEADER = "x-litellm-caller"
"""In what the provider tells the transport who calls; `events` has it as `Call.caller`."""

_EXIT_SECONDS = 2.0
"""How long a process that ends waits for the work of sync calls to end, too."""

_OF_HTTP = frozenset(
    {"accept", "accept-encoding", "connection", "content-length", "content-type", "host", "user-agent"}
)
_STREAM = {"content-type": "text/event-stream"}


class AsyncSdkTransport(httpx.AsyncBaseTransport):
    """Answers the requests of the loop that runs.

    Args:
        events: the author's function.
        most_at_once: how many calls of a loop are at work at the same time.
    """

    def __init__(self, events: Events, most_at_once: int) -> None:
        self._events = events
        self._most = most_at_once
        self._room: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Returns a response once there is an event; for a caller who wants no stream, once there are all.

        Raises:
            httpx.PoolTimeout: too many calls were at work for the whole time limit.
            httpx.ReadTimeout: no event came within it (of a whole answer: not all of them).
        """
        call = call_of(request)
        run = Run(self._events, call, await self._turn(call.timeout, request))
        try:
            async with _limit(call.timeout, request):
                content = await run.piece() if call.stream else await run.rest()
        except httpx.TransportError:
            await run.aclose()
            raise
        except Exception as error:
            await run.aclose()
            return _refusal(error)
        except BaseException:
            await run.aclose()
            raise
        if call.stream:
            return httpx.Response(200, headers=_STREAM, stream=_Body(run, content, request))
        await run.aclose()
        return httpx.Response(200, headers=_STREAM, content=content)

    async def _turn(self, seconds: float | None, request: httpx.Request) -> asyncio.Semaphore:
        """Waits until fewer calls than the most are at work."""
        room = self._room.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(self._most))
        try:
            async with asyncio.timeout(seconds):
                await room.acquire()
        except TimeoutError:
            raise httpx.PoolTimeout(f"{self._most} calls are at work", request=request) from None
        return room


class SdkTransport(httpx.BaseTransport):
    """Answers the requests of threads without a loop.

    Args:
        events: the author's function.
        most_at_once: how many calls are at work at the same time.
    """

    def __init__(self, events: Events, most_at_once: int) -> None:
        self._transport = AsyncSdkTransport(events, most_at_once)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """See `AsyncSdkTransport.handle_async_request`."""
        response = _portal.run(self._transport.handle_async_request(request))
        if isinstance(response.stream, _Body):
            response.stream = _SyncBody(response.stream)
        return response


class _Body(httpx.AsyncByteStream):
    """The body of a streamed response."""

    def __init__(self, run: Run, first: bytes, request: httpx.Request) -> None:
        self.first = first
        self._run = run
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self.first
        while piece := await self.piece():
            yield piece

    async def piece(self) -> bytes:
        """Returns what there is next; nothing at the end. An error that comes so late is an event of the stream."""
        try:
            async with _limit(self._run.call.timeout, self._request):
                return await self._run.piece()
        except httpx.TransportError:
            raise
        except Exception as error:
            return b"data: %s\n\n" % json.dumps(meaning(error).body()).encode()

    async def aclose(self) -> None:
        """Ends the work."""
        await self._run.aclose()


class _SyncBody(httpx.SyncByteStream):
    """The same, for a thread without a loop."""

    def __init__(self, body: _Body) -> None:
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        yield self._body.first
        while piece := _portal.run(self._body.piece()):
            yield piece

    def close(self) -> None:
        """Ends the work."""
        _portal.end(self._body.aclose())


class _Portal:
    """A loop in a daemon thread for the sync calls of this process; a forked child makes its own."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Starts anew: a forked child has not the thread, and the lock may have been held by another one."""
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Returns what comes of it; if this thread is interrupted, so is the work."""
        loop = self._running()
        if threading.current_thread() is self._thread:
            work.close()
            raise RuntimeError("a sync call from inside of `events` would wait for itself: await litellm.acompletion()")
        future = asyncio.run_coroutine_threadsafe(work, loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def end(self, work: Coroutine[Any, Any, None]) -> None:
        """Does what `run` does, wherever a stream is dropped: by the garbage collector, too, which runs in any thread."""
        if self._loop is None or sys.is_finalizing():
            work.close()
        elif threading.current_thread() is self._thread:
            asyncio.ensure_future(work)  # noqa: RUF006  # what it waits for is kept by sdk_run.py
        else:
            self.run(work)

    def stop(self) -> None:
        """Ends all work at the end of this process, so that no program outlives it."""
        if self._loop is not None:
            with suppress(TimeoutError):
                asyncio.run_coroutine_threadsafe(end_all(), self._loop).result(_EXIT_SECONDS)

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=self._loop.run_forever, name="sdk-calls", daemon=True)
                self._thread.start()
            return self._loop


_portal = _Portal()
atexit.register(_portal.stop)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_portal.forget)


@asynccontextmanager
async def _limit(seconds: float | None, request: httpx.Request) -> AsyncIterator[None]:
    """The time limit of a wait, in httpx's words."""
    limit = asyncio.timeout(seconds)
    try:
        async with limit:
            yield
    except TimeoutError:
        if not limit.expired():  # the author's own
            raise
        raise httpx.ReadTimeout("no event came", request=request) from None


def call_of(request: httpx.Request) -> Call:
    """Returns what a request asks, as `events` is given it.

    Args:
        request: of the provider, with its credential.
    """
    body: dict[str, Any] = json.loads(request.content)
    headers = {name: value for name, value in request.headers.items() if name not in _OF_HTTP}
    credential = headers.get(API_KEY_HEADER.lower(), "") if "none" not in AUTH else ""
    base = str(request.url).rstrip("/")
    timeout: Mapping[str, float | None] = request.extensions.get("timeout", {})
    return Call(
        caller=headers.pop(CALLER_HEADER, ""),
        model=body.pop("model"),
        messages=body.pop("messages"),
        stream=bool(body.pop("stream", False)),
        parameters=body,
        credential=credential.removeprefix(API_KEY_PREFIX).strip() or None,
        headers=headers,
        api_base=None if base == API_BASE else base,
        timeout=timeout.get("read"),
        request_id=headers.get("x-request-id", ""),
    )


def meaning(error: Exception) -> SdkError:
    """Returns what an exception of `events` means: the author's own says it, and those of SDKs often have a status."""
    if isinstance(error, SdkError):
        return error
    said = f"{type(error).__name__}: {error}"
    response = getattr(error, "response", None)
    if isinstance(response, dict):  # botocore's ClientError
        code = (response.get("Error") or {}).get("Code")
        found = [(response.get("ResponseMetadata") or {}).get("HTTPStatusCode")]
    else:
        code = None
        found = [getattr(error, name, None) for name in ("status_code", "http_status", "status", "code")]
        found.append(getattr(response, "status_code", None))
    for status in found:
        if isinstance(status, int) and 400 <= status < 600:
            return SdkError(said, status, code)
    if isinstance(error, TimeoutError):
        return SdkError(said, status=408)
    return SdkError(said, status=503 if isinstance(error, ConnectionError) else None)


def _refusal(error: Exception) -> httpx.Response:
    """An error before the first event, or of a whole answer: what it means is the response's status."""
    meant = meaning(error)
    status = meant.status or read_error(json.dumps(meant.body()), 200, {}).status_code
    return httpx.Response(status, headers=meant.headers(), json=meant.body())
