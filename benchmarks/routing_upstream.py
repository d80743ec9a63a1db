"""The server behind the proxies of benchmarks/routing.py: it counts a body, and answers with what was made before.

`python -m benchmarks.routing_upstream` prints its port. A path that ends in `stream` gets a stream of `CHUNKS` events, each
written by itself; any other gets an answer of about 1 kB.
"""

from __future__ import annotations

import asyncio
import json
from typing import cast

CHUNKS = 500
"""Events in a streamed answer."""

_TEXT = "The quick brown fox jumps over the lazy dog. " * 16
_CHOICE = {"index": 0, "message": {"role": "assistant", "content": _TEXT}, "finish_reason": "stop"}
BODY = json.dumps({"id": "1", "object": "chat.completion", "model": "m", "choices": [_CHOICE]}).encode()
"""The answer that is not streamed."""
WHOLE = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(BODY), BODY)
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
EVENTS = [
    b"data: %b\n\n" % json.dumps({"id": "1", "choices": [{"index": 0, "delta": {"content": f"word{index} "}}]}).encode()
    for index in range(CHUNKS)
]
"""The events of a stream."""
_WRITES = [*(b"%x\r\n%b\r\n" % (len(event), event) for event in EVENTS), b"0\r\n\r\n"]


class Connection(asyncio.Protocol):
    """A connection of a client that does not pipeline; a body is not kept."""

    def __init__(self) -> None:
        self._head = b""
        self._left = -1
        """Bytes of the body that are still to come; -1 where its head is not there yet."""
        self._chunked = False
        self._end = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begins."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Takes a part of a request; answers when it was the last one."""
        if self._left < 0:
            self._head += data
            head, blank, data = self._head.partition(b"\r\n\r\n")
            if not blank:
                return
            lower = head.lower()
            self._chunked = b"transfer-encoding: chunked" in lower
            self._left = int(lower.partition(b"content-length:")[2].partition(b"\r\n")[0] or b"0")
        if self._chunked:
            self._end = (self._end + data)[-5:]
            if self._end != b"0\r\n\r\n":
                return
        else:
            self._left -= len(data)
            if self._left > 0:
                return
        path = self._head.split(b" ", 2)[1].partition(b"?")[0]
        self._head, self._left, self._end = b"", -1, b""
        if path.endswith(b"stream"):
            self._transport.write(_HEAD)
            for write in _WRITES:
                self._transport.write(write)
        else:
            self._transport.write(WHOLE)


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", 0, backlog=256)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve())
