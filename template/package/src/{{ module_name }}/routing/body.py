"""A request's body, as far as it was read, and the memory that all of them take. Template's file: do not edit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from .asgi import ClientGoneError, Message, Receive


class Budget:
    """The bytes that may be held at a time, over all requests."""

    def __init__(self) -> None:
        self.used = 0

    def give_back(self, size: int) -> None:
        """Counts bytes no longer."""
        self.used -= size


class Body:
    """One request's body. What was read of it can be given to a host, and to LiteLLM after that.

    Args:
        receive: the server's.
        budget: what it counts its bytes in.
    """

    def __init__(self, receive: Receive, budget: Budget) -> None:
        self._receive = receive
        self._budget = budget
        self._chunks: list[bytes] = []
        self._counted = 0
        self.size = 0
        self.complete = False
        self.is_read = asyncio.Event()
        """Set when nothing more of it comes from the client: from then on `receive` tells when it leaves."""

    async def read(self, limit: int, total: int) -> bool:
        """Reads on, as long as the body is not larger than `limit`, and all bodies than `total`; returns whether it is whole.

        Raises:
            ClientGoneError: the client left before.
        """
        while not self.complete:
            if self.size > limit or self._budget.used > total:
                return False
            await self._more()
        return self.size <= limit

    async def read_some(self) -> None:
        """Reads one piece more. Raises ClientGoneError as `read` does."""
        await self._more()

    async def _more(self) -> bytes:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        chunk: bytes = message.get("body", b"")
        if not message.get("more_body", False):
            self.complete = True
            self.is_read.set()
        if chunk:
            self._chunks.append(chunk)
            self.size += len(chunk)
            self._budget.used += len(chunk)
            self._counted += len(chunk)
        return chunk

    def joined(self) -> bytes:
        """Returns what was read so far, as one."""
        if len(self._chunks) > 1:
            self._chunks = [b"".join(self._chunks)]
        return self._chunks[0] if self._chunks else b""

    def replace(self, content: bytes) -> None:
        """Puts other bytes in the place of what was read so far."""
        self.size += len(content) - sum(map(len, self._chunks))
        self._chunks = [content]

    def for_host(self, *, keep: bool) -> Receive:
        """Returns a `receive` that gives the body as it came, and then what the server says.

        Args:
            keep: whether it is needed again.
        """
        waiting = [*self._chunks] if self._chunks or self.complete else []
        if self.complete and not waiting:
            waiting = [b""]
        if not keep:
            self._chunks = []
        complete = self.complete
        if waiting and not keep:
            waiting.reverse()
        else:
            waiting = waiting[::-1]

        async def receive() -> Message:
            if waiting:
                chunk = waiting.pop()
                return {"type": "http.request", "body": chunk, "more_body": bool(waiting) or not complete}
            return await self._receive()

        return receive

    async def stream(self) -> AsyncIterator[bytes]:
        """Yields the body: what was read, and then the rest as it comes in. Raises ClientGoneError as `read` does."""
        chunks, self._chunks = self._chunks, []
        self.release()
        chunks.reverse()
        while chunks:
            yield chunks.pop()
        while not self.complete:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientGoneError
            if not message.get("more_body", False):
                self.complete = True
                self.is_read.set()
            if chunk := message.get("body", b""):
                self.size += len(chunk)
                yield chunk

    def count(self, size: int) -> None:
        """Counts what was made of the body besides, until `release`."""
        self._budget.used += size
        self._counted += size

    def release(self) -> None:
        """Counts the bytes no longer; for the end of the request."""
        self._budget.give_back(self._counted)
        self._counted = 0
