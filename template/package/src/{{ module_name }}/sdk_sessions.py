"""What an SDK keeps open from one call to the next, such as a conversation. Template's file: do not edit.

Most calls need none: each brings the whole conversation with it. Where opening takes long, or the SDK remembers what it was
told, `events` of transformation.py keeps the SDK's object here under a name that the caller gives.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

Session = TypeVar("Session")
Key = tuple[str, str]
"""Whose session it is (`Call.caller`), and its name: callers cannot get at each other's."""


@dataclass(eq=False)
class _Kept(Generic[Session]):
    session: Session | None = None
    used: float = 0.0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0


class Sessions(Generic[Session]):
    """Sessions by their names, for each event loop its own. Make one, beside `ChatConfig`.

    Args:
        close: closes a session; what it raises is of no interest any more.
        most: how many are kept in a loop; the one that was used least lately is closed for a new one.
        idle_seconds: how long one is kept that nobody uses. It is closed when sessions are used the next time.
    """

    def __init__(
        self, close: Callable[[Session], Awaitable[object]], most: int = 100, idle_seconds: float = 600.0
    ) -> None:
        self._close = close
        self._most = most
        self._idle = idle_seconds
        self._loops: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Key, _Kept[Session]]] = WeakKeyDictionary()
        self._closers: WeakKeyDictionary[asyncio.AbstractEventLoop, AsyncGenerator[None, None]] = WeakKeyDictionary()

    @asynccontextmanager
    async def use(self, key: Key, open_one: Callable[[], Awaitable[Session]]) -> AsyncIterator[Session]:
        """Gives a session to one call at a time; the next call with the same key waits.

        A call that fails or is given up closes it, as nobody knows in which state it is.

        Args:
            key: `(call.caller, name)`.
            open_one: opens it, where there is none.
        """
        kept = await self._of_this_loop()
        await self._close_old(kept)
        entry = kept.setdefault(key, _Kept())
        entry.users += 1
        try:
            async with entry.lock:
                if entry.session is None:
                    entry.session = await open_one()
                try:
                    yield entry.session
                except BaseException:
                    session, entry.session = entry.session, None
                    await self._closed(session)
                    raise
                entry.used = time.monotonic()
        finally:
            entry.users -= 1
            if entry.session is None and not entry.users and kept.get(key) is entry:
                del kept[key]

    async def _of_this_loop(self) -> dict[Key, _Kept[Session]]:
        loop = asyncio.get_running_loop()
        kept = self._loops.get(loop)
        if kept is None:
            kept = self._loops[loop] = {}
            closer = self._closers[loop] = self._close_with_loop(kept)
            await anext(closer)
        return kept

    async def _close_old(self, kept: dict[Key, _Kept[Session]]) -> None:
        unused = sorted((entry.used, key) for key, entry in kept.items() if not entry.users)
        too_many = len(kept) - self._most + 1
        limit = time.monotonic() - self._idle
        for number, (used, key) in enumerate(unused):
            if number < too_many or used < limit:
                entry = kept.pop(key, None)  # another call may have been here in the meantime
                if entry is not None:
                    await self._closed(entry.session)

    async def _closed(self, session: Session | None) -> None:
        if session is not None:
            with suppress(Exception):
                await self._close(session)

    async def _close_with_loop(self, kept: dict[Key, _Kept[Session]]) -> AsyncGenerator[None, None]:
        """Waits for the loop's end: `loop.shutdown_asyncgens()` closes it, and it closes what is open."""
        try:
            yield
        finally:
            for entry in kept.values():
                await self._closed(entry.session)
            kept.clear()
