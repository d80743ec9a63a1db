"""The author's `events` at work for one call. Template's file: do not edit.

One task starts it, asks it for each event and closes it: SDKs that use anyio's cancel scopes, and asyncio.timeout(), cannot
be entered in one task and left in another. Whoever reads the events may give up at any time; the task then goes on until
everything that was opened is closed.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import json
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from typing import Any

from .sdk_events import Call, Event, Finish, SdkError, chunk_of

Events = Callable[[Call], AsyncIterator[Event] | Iterator[Event]]
"""The author's function."""

MOST_BYTES = 2**26
"""Bytes of an answer that is not streamed: a longer one is an error."""

_AHEAD = 64
"""Events that the author's function may be ahead of who reads them."""

_CLOSE_SECONDS = 1.0
"""How long who gives up waits for the end of the work; it goes on behind his back if it takes longer."""

_END = object()
_at_work: set[asyncio.Task[None]] = set()  # a loop keeps weak references only


class Run:
    """One call at work.

    Args:
        events: the author's function.
        call: what it is asked.
        room: the place among the calls at work, which is given back at the end.
    """

    def __init__(self, events: Events, call: Call, room: asyncio.Semaphore) -> None:
        self.call = call
        self._events = events
        self._room = room
        self._said: asyncio.Queue[object] = asyncio.Queue(_AHEAD)
        self._last: object = None
        """What came last: an error, or the end."""
        self._task = asyncio.ensure_future(self._work())
        _at_work.add(self._task)
        self._task.add_done_callback(self._ended)

    async def piece(self) -> bytes:
        """Returns the events that there are next, as server-sent events; nothing at the end.

        Raises:
            Exception: what the function has raised.
        """
        pieces: list[bytes] = []
        while self._last is None and not (pieces and self._said.empty()):
            said = await self._said.get()
            if isinstance(said, bytes):
                pieces.append(said)
            else:
                self._last = said
        if pieces:
            return b"".join(pieces)
        error, self._last = self._last, _END
        if isinstance(error, Exception):
            raise error
        return b""

    async def rest(self) -> bytes:
        """Returns all events.

        Raises:
            SdkError: there is no end of them.
            Exception: what the function has raised.
        """
        body = bytearray()
        while piece := await self.piece():
            body += piece
            if len(body) > MOST_BYTES:
                raise SdkError(f"the answer has more than {MOST_BYTES} bytes", status=502)
        return bytes(body)

    async def aclose(self) -> None:
        """Ends the work; safe to call often."""
        self._last = _END
        self._task.cancel()
        await asyncio.wait([self._task], timeout=_CLOSE_SECONDS)

    async def _work(self) -> None:
        try:
            source = _source(self._events, self.call)
            try:
                async for event in source:
                    await self._said.put(_sent(chunk_of(event, self.call)))
                    if isinstance(event, Finish):
                        await self._said.put(b"data: [DONE]\n\n")
                        break
                await self._said.put(_END)  # who reads does not wait for the closing
            finally:
                close = getattr(source, "aclose", None)
                if close is not None:
                    await close()
        except Exception as error:
            await self._said.put(error)

    def _ended(self, task: asyncio.Task[None]) -> None:
        _at_work.discard(task)
        self._room.release()
        if not task.cancelled() and (error := task.exception()) is not None:  # KeyboardInterrupt and the like
            with suppress(asyncio.QueueFull):
                self._said.put_nowait(RuntimeError(f"{type(error).__name__}: {error}"))


async def end_all() -> None:
    """Ends the work of all calls of this loop."""
    loop = asyncio.get_running_loop()
    tasks = [task for task in _at_work if task.get_loop() is loop]
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=_CLOSE_SECONDS)


class _InThread:
    """The events of a generator that blocks: it has a thread of its own."""

    def __init__(self, make: Callable[[], Iterator[Event]]) -> None:
        self._make = make
        self._loop = asyncio.get_running_loop()
        self._said: asyncio.Queue[Event | BaseException | None] = asyncio.Queue()
        self._room = threading.Semaphore(_AHEAD)
        self._stopped = threading.Event()
        self._ended = asyncio.Event()
        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=(self._work,), name="sdk-call", daemon=True).start()

    def __aiter__(self) -> _InThread:
        return self

    async def __anext__(self) -> Event:
        said = await self._said.get()
        if isinstance(said, BaseException):
            raise said
        if said is None:
            raise StopAsyncIteration
        self._room.release()
        return said

    async def aclose(self) -> None:
        """Lets the thread end with the event that it waits for: it cannot be stopped from outside."""
        self._stopped.set()
        self._room.release()
        await self._ended.wait()

    def _work(self) -> None:
        try:
            source = self._make()
            try:
                for event in source:
                    self._room.acquire()
                    if self._stopped.is_set():
                        break
                    self._tell(self._said.put_nowait, event)
            finally:
                close = getattr(source, "close", None)
                if close is not None:
                    close()
            self._tell(self._said.put_nowait, None)
        except BaseException as error:
            # SystemExit in a thread would leave the caller waiting; a StopIteration cannot be raised in a coroutine.
            known = isinstance(error, Exception) and not isinstance(error, StopIteration)
            self._tell(self._said.put_nowait, error if known else RuntimeError(f"{type(error).__name__}: {error}"))
        finally:
            self._tell(self._ended.set)

    def _tell(self, what: Callable[..., object], *arguments: object) -> None:
        with suppress(RuntimeError):  # the loop is closed, and nobody waits
            self._loop.call_soon_threadsafe(what, *arguments)


def _source(events: Events, call: Call) -> AsyncIterator[Event]:
    """The author's events, whatever kind of function yields them."""
    if inspect.isgeneratorfunction(events):
        return _InThread(lambda: events(call))
    made: Any = events(call)
    if hasattr(made, "__aiter__"):
        found: AsyncIterator[Event] = aiter(made)
        return found
    if hasattr(made, "__iter__"):
        return _InThread(lambda: iter(made))
    if inspect.iscoroutine(made):
        made.close()
    raise TypeError(f"events() returns {type(made).__name__}: let it yield its events")


def _sent(chunk: dict[str, Any]) -> bytes:
    return b"data: %s\n\n" % json.dumps(chunk, ensure_ascii=False, separators=(",", ":"), default=str).encode()
