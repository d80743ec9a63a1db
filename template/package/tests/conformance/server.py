"""A real HTTP server on loopback that plays the upstream, and misbehaves on demand.

Template's file: do not edit. It knows HTTP and faults; what the bodies look like is up to the `Format` in
tests/upstream.py (yours). It is written on bare sockets, because no web framework resets a connection or
cuts a chunk in half when asked to.
"""

from __future__ import annotations

import asyncio
import json
import re
import socket
import ssl
import struct
import threading
import zlib
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol


@dataclass(frozen=True)
class ToolCall:
    """A tool call of the model: its arguments as pieces of JSON text, in the order of streaming."""

    id: str
    name: str
    arguments: tuple[str, ...]


@dataclass(frozen=True)
class Reply:
    """What the model says, in no particular format."""

    text: tuple[str, ...] = ("Hello", ", ", "world")
    reasoning: tuple[str, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    interleaved: bool = False
    """Whether the pieces of several tool calls come in turns."""
    finish_reason: str | None = None
    """`stop`, `length` or `content_filter`; None for what follows from the rest."""
    prompt_tokens: int = 11
    completion_tokens: int = 7
    cached_tokens: int = 0
    """How many of the prompt's tokens the upstream says that it had in a cache."""
    id: str = "reply-1"
    quotes: bool = False
    """Whether its headers, and an error event in its stream, repeat the request's path and headers."""


@dataclass(frozen=True)
class Vectors:
    """What a model for embeddings says, in no particular format: one vector for each input, in the order of `indices`."""

    values: tuple[tuple[float, ...], ...]
    indices: tuple[int, ...] | None = None
    """Which input each vector is of; None for the order of the inputs."""
    prompt_tokens: int = 3
    in_base64: bool = False
    """Whether the caller wants them in OpenAI's base64, which not every API has."""


@dataclass(frozen=True)
class Pictures:
    """What a model for images makes, in no particular format: each is an image, or the address of one."""

    images: tuple[bytes | str, ...]
    revised_prompt: str | None = None
    input_tokens: int = 9
    output_tokens: int = 272

    @staticmethod
    def base64(image: bytes) -> str:
        """Returns an image in base64."""
        return b64encode(image).decode("ascii")


@dataclass(frozen=True)
class Refusal:
    """An error of the upstream: `code` is OpenAI's word for it, `message` is for people."""

    status: int
    code: str = ""
    message: str = "the upstream says no"
    headers: Mapping[str, str] = field(default_factory=dict)
    quotes: bool = False
    """Whether its message and its headers repeat the request's path and headers."""


@dataclass(frozen=True)
class Raw:
    """A response that no format would make."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    quotes: bool = False
    """Whether the body goes on with the request's path and headers."""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Fault:
    """How a stream or an answer goes wrong, after a number of events that were right.

    `kind` is one of: `slow` (waits for `seconds` before the first byte), `stall` (goes silent), `open`
    (everything was said, but the connection stays open), `reset`
    (the connection is reset), `truncate` (the body ends in the middle of a chunk), `end` (it ends as if all
    were well), `error` (the format's error event), `garbage` (an event that is no JSON), `insert` (`said` comes
    before the next event), `instead` (`said` comes, and the body ends), `crlf`, `multiline`, `bytes` (legal forms:
    CRLF lines, data over several lines, one byte at a time).
    """

    kind: str
    after: int = 0
    seconds: float = 0.0
    said: bytes = b""


@dataclass
class Received:
    """A request as it came in, and whether the client hung up before the answer was over."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any
    hung_up: threading.Event = field(default_factory=threading.Event)
    goes_on: bool = False
    """Whether it is about a job that an earlier request has begun."""


class Format(Protocol):
    """What the author's stand-in tells the server about the provider's API: tests/upstream.py about chats.

    That of another capability is in a file of its own, such as tests/upstream_embeddings.py, and has
    `serves(received: Received) -> bool`, which says by the path whether a request is for it. One that takes jobs has
    `goes_on(received: Received) -> Raw | None`, the answer to a request about a job, and None for all others.
    """

    def read(self, body: Any) -> dict[str, Any]:
        """Returns a request body as OpenAI's API would have it.

        A format that also needs the path or the headers has `read_request(received: Received)` in its place.
        """
        ...

    def answer(self, reply: Any, model: str) -> dict[str, Any] | bytes:
        """Returns the body of an answer that is not streamed: of a `Reply`, or of what the capability has in its place.

        It is JSON, or an image itself.
        """
        ...

    def refusal(self, refusal: Refusal) -> dict[str, Any]:
        """Returns the body of an error."""
        ...


class ChatFormat(Format, Protocol):
    """The same of a format that streams."""

    def events(self, reply: Reply, model: str) -> Iterator[str]:
        """Yields the data of each event of a streamed answer.

        A format whose events are no server-sent ones has `event_bytes(data: str) -> bytes` besides.
        """
        ...

    def error_event(self, refusal: Refusal) -> str:
        """Returns the data of an event that reports an error inside a stream."""
        ...


Step = Reply | Vectors | Pictures | Refusal | Raw

_OTHERS = ("upstream_embeddings", "upstream_images")
"""Where the stand-ins of other capabilities are, beside tests/upstream.py, in packages that have them."""


def other_formats() -> list[Any]:
    """Returns the formats of the capabilities beside chat."""
    tests = Path(__file__).parents[1]
    names = [name for name in _OTHERS if (tests / f"{name}.py").is_file()]
    return [import_module(f"..{name}", __package__).UpstreamFormat() for name in names]


class Upstream:
    """The server. Use it as a context manager; `url` is where it listens.

    Args:
        wire: the format of the provider's API, for what no other capability serves.
        port: 0 for any free port.
        tls: what it shows its certificate with; plain HTTP without it.
    """

    def __init__(self, wire: Format, port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        self._wire = wire
        self._others = other_formats()
        self._port = port
        self._tls = tls
        self._steps: list[tuple[Step, Fault | None]] = []
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._open: set[asyncio.StreamWriter] = set()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.requests: list[Received] = []
        self.guard: Callable[[Received], bool] | None = None
        """Says whether a request has a credential that is good; all have one without it."""
        self.reply_to: Callable[[Mapping[str, Any]], Step] = reply_to
        """Says what a request gets, in OpenAI's words, where no step was set."""
        self.refuses: Raw | None = None
        """What the others get, in place of a 401."""
        self.url = ""

    def will(self, *steps: Step, fault: Fault | None = None) -> None:
        """Sets what the next requests get, one step each; afterwards it answers by itself again."""
        self._steps = [(step, fault) for step in steps]

    def drop_connections(self) -> None:
        """Closes every open connection, as servers do with idle ones."""

        async def drop() -> None:
            for writer in list(self._open):
                writer.close()

        asyncio.run_coroutine_threadsafe(drop(), self._loop).result(10)

    def reset(self) -> None:
        """Forgets requests and steps."""
        self._steps = []
        self.requests = []

    @property
    def last(self) -> dict[str, Any]:
        """The last call's request in OpenAI's words."""
        return self._asked(self.calls[-1])

    @property
    def calls(self) -> list[Received]:
        """The requests without those that go on with a job, of which a call may need several."""
        return [request for request in self.requests if not request.goes_on]

    def _wire_of(self, received: Received) -> Any:
        """The format of the capability that a request is for."""
        return next((wire for wire in self._others if wire.serves(received)), self._wire)

    def _asked(self, received: Received) -> dict[str, Any]:
        """A request in OpenAI's words."""
        wire = self._wire_of(received)
        read_request = getattr(wire, "read_request", None)
        asked: dict[str, Any] = read_request(received) if read_request else wire.read(received.body)
        return asked

    def __enter__(self) -> Upstream:
        self._thread.start()
        self._ready.wait(10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _run(self) -> None:
        async def start() -> None:
            server = await asyncio.start_server(self._connection, "127.0.0.1", self._port, limit=2**26, ssl=self._tls)
            self.url = f"http{'s' if self._tls else ''}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            self._ready.set()

        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(start())
        self._loop.run_forever()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.close()

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        with suppress(ConnectionError, ssl.SSLError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while (received := await _receive(reader)) is not None:
                received.headers["x-test-connection"] = str(id(writer))
                self.requests.append(received)
                watch = asyncio.ensure_future(_watch(reader, received))
                try:
                    keep = await self._respond(received, writer)
                    await writer.drain()
                except ConnectionError:
                    received.hung_up.set()
                    raise
                finally:
                    watch.cancel()
                if not keep:
                    break
        self._open.discard(writer)
        writer.close()

    async def _respond(self, received: Received, writer: asyncio.StreamWriter) -> bool:
        """Answers one request; returns whether the connection can be used again."""
        wire = self._wire_of(received)
        if received.method != "POST" and not (hasattr(wire, "serves") and wire.serves(received)):
            good = not self.guard or self.guard(received) or received.path == "/v1"  # which `doctor` looks at
            _write(writer, Raw(body=b"{}") if good else Raw(401, b'{"error": {"message": "not accepted"}}'))
            return True
        if not isinstance(received.body, dict) and not hasattr(wire, "read_request"):
            _write(writer, Raw(status=400, body=b'{"error": {"message": "the body is no JSON object"}}'))
            return True
        if self.guard and not self.guard(received):
            refusal = Refusal(401, "invalid_token", "the credential is not accepted")
            _write(writer, self.refuses or Raw(status=401, body=json.dumps(wire.refusal(refusal)).encode()))
            return True
        goes_on = getattr(wire, "goes_on", None)
        going = (
            goes_on(received)
            if goes_on and not (self._steps and isinstance(self._steps[0][0], Raw | Refusal))
            else None
        )
        if going is not None:
            received.goes_on = True
            _write(writer, going)
            return True
        step, fault = self._steps.pop(0) if self._steps else (None, None)
        asked = {} if isinstance(step, Raw | Refusal) else self._asked(received)
        step = step or self.reply_to(asked)
        if fault and fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
        if isinstance(step, Reply) and wire in self._others:
            step = self.reply_to(asked)  # a reply of a chat stands for whatever the capability says
        if isinstance(step, Raw):
            more = " ".join(_repeating(received).values()).encode() if step.quotes else b""
            _write(writer, replace(step, body=step.body + more))
            return True
        if isinstance(step, Refusal):
            if step.quotes:
                said = {**step.headers, **_repeating(received)}
                step = replace(step, message=f"{received.path} {received.headers}", headers=said)
            body = json.dumps(wire.refusal(step)).encode()
            if fault and fault.kind == "stall":
                _head(writer, step.status, {**step.headers, "content-length": str(len(body))})
                writer.write(body[:5])
                await writer.drain()
                await asyncio.sleep(fault.seconds)
                return False
            _write(writer, Raw(status=step.status, body=body), step.headers)
            return True
        model = str(asked.get("model", ""))
        repeated = _repeating(received) if isinstance(step, Reply) and step.quotes else {}
        if isinstance(step, Reply) and asked.get("stream"):
            events = wire.events(step, model)
            return await self._stream(events, writer, wire, fault, repeated)
        answer = wire.answer(step, model)
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        if fault and fault.kind in ("reset", "truncate"):
            _head(writer, 200, {"content-type": "application/json", "content-length": str(len(body))})
            writer.write(body[: len(body) // 2])
            await writer.drain()
            _hang_up(writer, reset=fault.kind == "reset")
            return False
        _write(writer, Raw(body=body), repeated)
        return True

    async def _stream(
        self,
        events: Iterator[str],
        writer: asyncio.StreamWriter,
        wire: ChatFormat,
        fault: Fault | None,
        repeated: Mapping[str, str],
    ) -> bool:
        kind = fault.kind if fault else ""
        _head(writer, 200, {"content-type": "text/event-stream", "transfer-encoding": "chunked", **repeated})
        async for part in _spoiled(events, wire, fault, " ".join(repeated.values())):
            writer.write(b"%x\r\n%s\r\n" % (len(part), part))
            await writer.drain()
        if fault and kind == "open":
            await asyncio.sleep(fault.seconds)
        if kind in ("reset", "truncate"):
            if kind == "truncate":
                writer.write(b"ff\r\ndata: {")
                await writer.drain()
            _hang_up(writer, reset=kind == "reset")
            return False
        writer.write(b"0\r\n\r\n")
        return True


_BREAKS = ("stall", "reset", "truncate", "end", "error", "garbage", "instead")


async def _spoiled(events: Iterator[str], wire: ChatFormat, fault: Fault | None, repeated: str) -> AsyncIterator[bytes]:
    """Yields the bytes to write for each event, up to the fault or with it."""
    kind = fault.kind if fault else ""
    event_bytes: Callable[[str], bytes] = getattr(wire, "event_bytes", _event)
    for number, data in enumerate(events):
        if fault and kind == "insert" and number == fault.after:
            yield fault.said
        if fault and kind in _BREAKS and number == fault.after:
            if kind == "stall":
                await asyncio.sleep(fault.seconds)
            elif kind == "error":
                message = f"the upstream is overloaded {repeated}".strip()
                yield event_bytes(wire.error_event(Refusal(503, "overloaded_error", message)))
                return
            elif kind == "garbage":
                yield event_bytes("{not json")
            elif kind == "instead":
                yield fault.said
                return
            else:
                return
        if kind == "crlf":
            yield event_bytes(data).replace(b"\n", b"\r\n")
        elif kind == "multiline":
            yield b": a comment\nevent: message\nid: 7\n" + _event(_on_many_lines(data))
        elif kind == "bytes":
            for byte in event_bytes(data):
                yield bytes([byte])
        else:
            yield event_bytes(data)


def _repeating(received: Received) -> dict[str, str]:
    """Response headers that repeat the request: those of a redirect that keeps the query, and of an echo."""
    headers = {name: value for name, value in received.headers.items() if not name.startswith("x-test-")}
    return {
        "location": f"https://elsewhere.example{received.path}",
        "x-request-id": f"{received.path} {' '.join(headers.values())}",
        **{f"x-sent-{name}": value for name, value in headers.items()},
    }


def _event(data: str) -> bytes:
    lines = "".join(f"data: {line}\n" for line in data.split("\n"))
    return f"{lines}\n".encode()


def _on_many_lines(data: str) -> str:
    try:
        return json.dumps(json.loads(data), indent=1, ensure_ascii=False)
    except ValueError:
        return data


async def _receive(reader: asyncio.StreamReader) -> Received | None:
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    method, path, _ = first.split(" ", 2)
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines) if name}
    content = await reader.readexactly(int(headers.get("content-length", "0")))
    body: Any = content
    with suppress(ValueError):
        body = json.loads(content) if content else None
    return Received(method, path, headers, body)


async def _watch(reader: asyncio.StreamReader, received: Received) -> None:
    """Waits for the client to hang up; clients that pipeline are none of ours."""
    while not reader.at_eof() and reader.exception() is None:
        await asyncio.sleep(0.01)
    received.hung_up.set()


def _head(writer: asyncio.StreamWriter, status: int, headers: Mapping[str, str]) -> None:
    lines = [f"HTTP/1.1 {status} Whatever", *(f"{name}: {value}" for name, value in headers.items())]
    writer.write("\r\n".join([*lines, "", ""]).encode())


def _write(writer: asyncio.StreamWriter, raw: Raw, headers: Mapping[str, str] | None = None) -> None:
    length = {"content-type": raw.content_type, "content-length": str(len(raw.body))}
    _head(writer, raw.status, {**length, **raw.headers, **(headers or {})})
    writer.write(raw.body)


def _hang_up(writer: asyncio.StreamWriter, *, reset: bool) -> None:
    if reset:
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort() if reset else writer.close()


def reply_to(asked: Mapping[str, Any]) -> Step:
    """Returns what the upstream says when no step was set: enough of a model for demos and proxies.

    It calls the first tool it is given, fills a JSON schema, and else repeats what it was told.

    Args:
        asked: the request in OpenAI's words.
    """
    if "input" in asked and "messages" not in asked:
        return vectors_of(asked)
    if "prompt" in asked and "messages" not in asked:
        return pictures_of(asked)
    messages = asked.get("messages") or []
    last = messages[-1] if messages else {}
    tools = asked.get("tools") or []
    reasoning = ("Let me think. ", "Done.") if asked.get("reasoning_effort") else ()
    if tools and last.get("role") != "tool" and asked.get("tool_choice") != "none":
        function = tools[0]["function"]
        arguments = json.dumps(_example(function.get("parameters") or {}))
        half = len(arguments) // 2
        call = ToolCall("call_1", function["name"], (arguments[:half], arguments[half:]))
        return Reply(text=(), reasoning=reasoning, tool_calls=(call,))
    schema = ((asked.get("response_format") or {}).get("json_schema") or {}).get("schema")
    if schema:
        return Reply(text=(json.dumps(_example(schema)),), reasoning=reasoning)
    content = last.get("content") or ""
    if not isinstance(content, str):
        content = " ".join(part.get("text", "[image]") for part in content)
    words = f"You said: {content}".split(" ")
    text = tuple(word if index == 0 else f" {word}" for index, word in enumerate(words))
    return Reply(text=text, reasoning=reasoning, prompt_tokens=len(content.split()) + 3, completion_tokens=len(words))


def vectors_of(asked: Mapping[str, Any]) -> Vectors:
    """Returns a vector for each input, with as many dimensions as were asked for (else 3): the same one for the same input.

    Args:
        asked: the request in OpenAI's words.
    """
    given = asked["input"]
    single = isinstance(given, str) or (bool(given) and isinstance(given[0], int))
    inputs = [given] if single else given
    size = asked.get("dimensions") or 3
    values = [tuple((zlib.crc32(f"{one}{n}".encode()) % 1000 - 500) / 1024 for n in range(size)) for one in inputs]
    tokens = sum(len(one.split()) if isinstance(one, str) else len(one) for one in inputs)
    return Vectors(tuple(values), prompt_tokens=tokens, in_base64=asked.get("encoding_format") == "base64")


def pictures_of(asked: Mapping[str, Any]) -> Pictures:
    """Returns as many images as were asked for, or their addresses: of one color, which the prompt decides.

    Args:
        asked: the request in OpenAI's words.
    """
    count = int(asked.get("n") or 1)
    color = zlib.crc32(str(asked.get("prompt")).encode()).to_bytes(4)[:3]
    if asked.get("response_format") == "url":
        return Pictures(tuple(f"https://images.example/{number}.png" for number in range(count)))
    return Pictures((png(color),) * count)


def png(color: bytes, size: int = 8) -> bytes:
    """Returns a PNG image of one color.

    Args:
        color: red, green and blue, a byte each.
        size: pixels of each side.
    """

    def chunk(kind: bytes, content: bytes) -> bytes:
        checked = kind + content
        return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))

    rows = (b"\x00" + color * size) * size
    head = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    parts = chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def form_of(received: Received) -> tuple[dict[str, str], list[tuple[str, str, str, bytes]]]:
    """Returns the fields of a form, and its files: name, name of the file, content type, content.

    It is read strictly (RFC 7578): what is no form raises.
    """
    kind, _, boundary = received.headers["content-type"].partition("; boundary=")
    assert kind == "multipart/form-data", kind
    first, *parts, last = received.body.split(b"--" + boundary.encode())
    assert (first, last) == (b"", b"--\r\n"), (first, last)
    fields: dict[str, str] = {}
    files: list[tuple[str, str, str, bytes]] = []
    for part in parts:
        head, _, content = part.removeprefix(b"\r\n").removesuffix(b"\r\n").partition(b"\r\n\r\n")
        about = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        names = dict(re.findall(r'(\w+)="([^"]*)"', about["Content-Disposition"]))
        if "filename" in names:
            files.append((names["name"], names["filename"], about["Content-Type"], content))
        else:
            fields[names["name"]] = content.decode()
    return fields, files


def _example(schema: Mapping[str, Any]) -> Any:
    """Returns a value that fits a JSON schema of the simple kind."""
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type")
    if kind == "object" or "properties" in schema:
        return {name: _example(part) for name, part in (schema.get("properties") or {}).items()}
    simple: dict[Any, Any] = {"array": [], "integer": 3, "number": 1.5, "boolean": True, "null": None}
    return simple.get(kind, "Paris")
