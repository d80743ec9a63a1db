"""What stands on either side of the gateway: it records what it hears, and says what a test wants. Template's file.

`HostApp` is a host in the gateway's own process, `Server` one at an address; the second also stands where LiteLLM does in
the tests that look at bytes.
"""

from __future__ import annotations

import asyncio
import math
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from .replies import reply

Headers = tuple[tuple[str, str], ...]
Message = MutableMapping[str, Any]
FOREVER = math.inf
JSON: Headers = (("content-type", "application/json"),)
SSE: Headers = (("content-type", "text/event-stream"),)
End = Literal["whole", "cut", "reset"]


@dataclass(frozen=True)
class Answer:
    """An answer: a float among its pieces is a pause of so many seconds, `FOREVER` until the client has left.

    It ends as HTTP wants it, or is `cut` (the connection is closed before its end) or `reset`. With `waits`, so many seconds
    pass before the head. A status of 0 is no head at all.
    """

    status: int = 200
    pieces: tuple[bytes | float, ...] = (b"{}",)
    headers: Headers = JSON
    waits: float = 0.0
    ends: End = "whole"


@dataclass
class Received:
    """A request as it came in, and when its client left before the answer was over (`time.perf_counter()`)."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes
    size: int = 0
    left_at: float = 0.0
    left: threading.Event = field(default_factory=threading.Event)

    def header(self, name: str) -> str | None:
        """Returns the first value of a header."""
        return next((value for key, value in self.headers if key.lower() == name), None)

    def leaves(self) -> None:
        """Notes that the client is gone."""
        if not self.left.is_set():
            self.left_at = time.perf_counter()
            self.left.set()


class Side:
    """What both kinds have in common.

    Args:
        name: what it says in its answers, as `from <name>`.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.requests: list[Received] = []
        self.open = 0
        """How many answers are under way."""
        self.keeps_bodies = True
        self._next: deque[Answer] = deque()
        self.answers: Callable[[Received], Answer] = self.own_answer

    def own_answer(self, received: Received) -> Answer:
        """Returns what it says by itself, in the format that was asked for."""
        kind, pieces = reply(self.name, received.target, received.body)
        return Answer(pieces=pieces, headers=(("content-type", kind),))

    def will(self, *answers: Answer) -> None:
        """Sets what the next requests get, one each."""
        self._next.extend(answers)

    def always(self, answer: Answer) -> None:
        """Sets what every request gets from now on."""
        self._next.clear()
        self.answers = lambda _: answer

    @property
    def last(self) -> Received:
        """The newest request."""
        return self.requests[-1]

    def answer_to(self, received: Received) -> Answer:
        """Records a request and returns its answer."""
        self.requests.append(received)
        try:
            return self._next.popleft()
        except IndexError:
            return self.answers(received)


class HostApp(Side):
    """The host as an ASGI application."""

    def __init__(self, name: str = "host") -> None:
        super().__init__(name)
        self.lifespan: list[str] = []

    async def __call__(
        self, scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
    ) -> None:
        """Answers a request, or the server's start and end."""
        if scope["type"] == "lifespan":
            while "shutdown" not in self.lifespan:
                self.lifespan.append((await receive())["type"].rpartition(".")[2])
                await send({"type": f"lifespan.{self.lifespan[-1]}.complete"})
            return
        body = bytearray()
        size, more = 0, True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            size += len(message.get("body", b""))
            if self.keeps_bodies:
                body += message.get("body", b"")
            more = message.get("more_body", False)
        query = scope["query_string"]
        target = (scope.get("raw_path") or scope["path"].encode()) + (b"?" + query if query else b"")
        headers = [(key.decode("latin-1"), value.decode("latin-1")) for key, value in scope["headers"]]
        received = Received(scope["method"], target.decode("latin-1"), headers, bytes(body), size)
        self.open += 1
        watch = asyncio.ensure_future(_until_disconnect(receive, received))
        play = asyncio.ensure_future(_play(self.answer_to(received), received, send))
        try:
            await asyncio.wait({watch, play}, return_when=asyncio.FIRST_COMPLETED)
            if play.done():
                play.result()
        except asyncio.CancelledError:
            received.leaves()
            raise
        finally:
            self.open -= 1
            await _ended(watch, play)


async def _ended(*tasks: asyncio.Future[Any]) -> None:
    """Ends tasks, whatever they have come to."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


class CutError(Exception):
    """The host breaks off: an ASGI server closes the connection."""


async def _until_disconnect(receive: Callable[[], Awaitable[Message]], received: Received) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue
    received.leaves()


async def _play(answer: Answer, received: Received, send: Callable[[Message], Awaitable[None]]) -> None:
    await _pause(answer.waits)
    if not answer.status:
        raise CutError
    headers = _framed(answer, received)
    await send(
        {
            "type": "http.response.start",
            "status": answer.status,
            "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers],
        }
    )
    for piece in answer.pieces:
        if isinstance(piece, float):
            await _pause(piece)
        else:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
    if answer.ends != "whole":
        raise CutError
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _pause(seconds: float) -> None:
    if seconds == FOREVER:
        await asyncio.Event().wait()
    elif seconds:
        await asyncio.sleep(seconds)


def _framed(answer: Answer, received: Received) -> Headers:
    """Returns the headers with a length, where the answer is of one piece and whole."""
    named = {name.lower() for name, _ in answer.headers}
    if answer.ends != "whole" or named & {"content-length", "transfer-encoding"} or answer.status in (204, 304):
        return answer.headers
    if len(answer.pieces) == 1 and isinstance(answer.pieces[0], bytes) and received.method != "HEAD":
        return (*answer.headers, ("content-length", str(len(answer.pieces[0]))))
    return answer.headers


class Loop:
    """An event loop in a thread, for all servers of a run."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, work: Any) -> Any:
        """Runs a coroutine there; returns its result."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(30)

    def stop(self) -> None:
        """Ends the thread."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(10)


class Server(Side):
    """A server on bare sockets at `url`; `start` and `stop` it as often as wanted, at the same port."""

    def __init__(self, name: str, loop: Loop) -> None:
        super().__init__(name)
        self._loop = loop
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.port = 0
        self.accepted = 0
        """How many connections there were."""
        self.start()

    @property
    def url(self) -> str:
        """Its address, without path."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return len(self._writers)

    def start(self) -> None:
        """Listens, at the port that it had before."""

        async def start() -> None:
            self._server = await asyncio.start_server(self._connection, "127.0.0.1", self.port, limit=2**22)
            self.port = self._server.sockets[0].getsockname()[1]

        self._loop.run(start())

    def stop(self) -> None:
        """Dies: nobody listens any more, and every connection is reset."""

        async def stop() -> None:
            if self._server:
                self._server.close()
            for writer in list(self._writers):
                _reset(writer)
            tasks = list(self._tasks)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._server = None

        self._loop.run(stop())

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        self._writers.add(writer)
        task = cast("asyncio.Task[None]", asyncio.current_task())
        self._tasks.add(task)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                while received := await self._request(reader):
                    if not await self._say(self.answer_to(received), received, reader, writer):
                        break
        finally:
            self._writers.discard(writer)
            self._tasks.discard(task)
            writer.close()

    async def _request(self, reader: asyncio.StreamReader) -> Received | None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return None
        first, *lines = head[:-4].decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ", 2)
        headers = [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]
        received = Received(method, target, headers, b"")
        body = bytearray()
        if (received.header("transfer-encoding") or "").lower() == "chunked":
            while size := int((await reader.readline()).split(b";")[0], 16):
                received.size += size
                data = await reader.readexactly(size + 2)
                if self.keeps_bodies:
                    body += data[:-2]
            await reader.readline()
        else:
            left = int(received.header("content-length") or 0)
            while left:
                data = await reader.read(min(left, 2**16))
                if not data:
                    return None
                left -= len(data)
                received.size += len(data)
                if self.keeps_bodies:
                    body += data
        received.body = bytes(body)
        return received

    async def _say(
        self, answer: Answer, received: Received, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Returns whether the connection goes on."""
        self.open += 1
        watch = asyncio.ensure_future(reader.read(1))
        play = asyncio.ensure_future(_write(answer, received, writer))
        try:
            await asyncio.wait({watch, play}, return_when=asyncio.FIRST_COMPLETED)
            if not play.done():
                received.leaves()
                return False
            if play.exception():
                received.leaves()
                return False
            if answer.ends == "reset":
                _reset(writer)
            return answer.ends == "whole" and bool(answer.status)
        finally:
            self.open -= 1
            await _ended(watch, play)


async def _write(answer: Answer, received: Received, writer: asyncio.StreamWriter) -> None:
    await _pause(answer.waits)
    if not answer.status:
        return
    headers = list(_framed(answer, received))
    named = {name.lower() for name, _ in headers}
    has_body = received.method != "HEAD" and answer.status not in (204, 304)
    chunked = has_body and not named & {"content-length", "transfer-encoding"}
    if chunked:
        headers.append(("Transfer-Encoding", "chunked"))
    lines = [f"HTTP/1.1 {answer.status} Said", *(f"{name}: {value}" for name, value in headers), "", ""]
    writer.write("\r\n".join(lines).encode("latin-1"))
    await writer.drain()
    for piece in answer.pieces if has_body else ():
        if isinstance(piece, float):
            await _pause(piece)
        elif piece:
            writer.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
            await writer.drain()
    if chunked and answer.ends == "whole":
        writer.write(b"0\r\n\r\n")
        await writer.drain()


def _reset(writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        found = writer.get_extra_info("socket")
        found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
