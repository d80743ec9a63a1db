"""The client of benchmarks/routing.py: as little as a client can do, so that what is measured is the proxy.

One call at a time goes over a blocking socket that is kept; many at once over asyncio.
"""

from __future__ import annotations

import asyncio
import json
import socket
import time
from typing import cast

from benchmarks.routing_upstream import BODY, EVENTS

_STREAM = b"".join(EVENTS)


def request(path: str, size: int = 0) -> bytes:
    """Returns a request for the model `routed`.

    Args:
        path: where it goes.
        size: of the text in its body, besides what a chat has.
    """
    asked = {"model": "routed", "messages": [{"role": "user", "content": "x" * (size or 900)}]}
    body = json.dumps(asked).encode()
    head = f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


class _Reading:
    """An answer that is coming in."""

    def __init__(self) -> None:
        self.seen = bytearray()
        self.first = 0.0
        """When the first byte of its body was there."""

    def takes(self, data: bytes) -> bool:
        """Takes a part; returns whether it was the last one."""
        self.seen += data
        end = self.seen.find(b"\r\n\r\n", 0, 4096)
        if end < 0:
            return False
        if not self.first and len(self.seen) > end + 4:
            self.first = time.perf_counter()
        head = bytes(self.seen[:end]).lower()
        if b"transfer-encoding: chunked" in head:
            return self.seen.endswith(b"0\r\n\r\n", end + 4)
        length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0] or b"0")
        return len(self.seen) - end - 4 >= length

    def check(self) -> None:
        """Times mean nothing where a part of the answer is lost."""
        head, _, body = bytes(self.seen).partition(b"\r\n\r\n")
        if b"transfer-encoding: chunked" in head.lower():
            body = _joined(body)
        if not head.startswith(b"HTTP/1.1 200") or body not in (BODY, _STREAM):
            raise RuntimeError(f"not the whole answer: {bytes(self.seen[:500])!r}")


def _joined(chunks: bytes) -> bytes:
    """Returns a body without its chunks' framing: proxies cut it where they like."""
    found = []
    while chunks:
        size, _, rest = chunks.partition(b"\r\n")
        length = int(size, 16)
        found.append(rest[:length])
        chunks = rest[length + 2 :]
    return b"".join(found)


class Kept:
    """One connection for one call at a time.

    Args:
        port: on loopback.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def call(self, content: bytes) -> tuple[float, float]:
        """Makes a call; returns the seconds until the first byte of the answer's body, and until its end."""
        reading = _Reading()
        started = time.perf_counter()
        try:
            self._socket.sendall(content)
            over = False
            while not over:
                data = self._socket.recv(1 << 18)
                if not data:
                    raise ConnectionError
                over = reading.takes(data)
        except ConnectionError:
            if reading.seen:
                raise RuntimeError(f"the answer was cut: {bytes(reading.seen[:500])!r}") from None
            # A connection that the server had closed while it was idle.
            self._socket.close()
            self._socket = socket.create_connection(("127.0.0.1", self._port))
            return self.call(content)
        ended = time.perf_counter()
        reading.check()
        return reading.first - started, ended - started

    def close(self) -> None:
        """Closes the connection."""
        self._socket.close()


class _Caller(asyncio.Protocol):
    """One of many connections: it calls again as soon as it has an answer, until all calls are made."""

    def __init__(self, content: bytes, left: list[int], done: asyncio.Future[None]) -> None:
        self._content, self._left, self._done = content, left, done
        self._reading = _Reading()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Is ready for `begin`."""
        self._transport = cast("asyncio.Transport", transport)

    def begin(self) -> None:
        """Makes the next call, if one is left."""
        if self._left[0] > 0:
            self._left[0] -= 1
            self._reading = _Reading()
            self._transport.write(self._content)
        else:
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        """Takes a part of an answer."""
        if self._reading.takes(data):
            try:
                self._reading.check()
            except RuntimeError as error:
                if not self._done.done():
                    self._done.set_exception(error)
                return
            self._left[1] -= 1
            if not self._left[1] and not self._done.done():
                self._done.set_result(None)
            self.begin()


def at_once(port: int, content: bytes, number: int, callers: int = 64) -> float:
    """Makes calls over many connections; returns the seconds that all of them took.

    Args:
        port: on loopback.
        content: of each call.
        number: of calls.
        callers: connections.
    """
    return asyncio.run(_at_once(port, content, number, callers))


async def _at_once(port: int, content: bytes, number: int, callers: int) -> float:
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()
    left = [number, number]
    made = [
        (await loop.create_connection(lambda: _Caller(content, left, done), "127.0.0.1", port))[1]
        for _ in range(callers)
    ]
    started = time.perf_counter()
    for caller in made:
        caller.begin()
    async with asyncio.timeout(300):
        await done
    return time.perf_counter() - started
