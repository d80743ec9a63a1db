"""The gateway under test: the middleware in a uvicorn of its own, and a client that hides nothing. Template's file."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import uvicorn
import yaml

from ...package import part
from .side import HostApp, Server

Result = TypeVar("Result")

KEY = "sk-virtual-key-of-the-gateway"
"""What the gateway shows LiteLLM."""
CHAT = "/v1/chat/completions"
MESSAGES = "/v1/messages"
RESPONSES = "/v1/responses"
AT_ONCE = 64


def ask(model: object = "gpt-5", **more: object) -> dict[str, Any]:
    """Returns the body of a chat."""
    return {"model": model, "messages": [{"role": "user", "content": "hello"}], **more}


@dataclass(frozen=True)
class Got:
    """An answer as it arrived."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""
    whole: bool = True
    """Whether it ended as HTTP wants it."""

    def header(self, name: str) -> str | None:
        """Returns a header's first value."""
        return next((value for key, value in self.headers if key.lower() == name), None)

    @property
    def route(self) -> str:
        """Who answered: `host`, `litellm` or `fallback`."""
        return (self.header("x-litellm-route") or "").partition(";")[0]

    @property
    def reason(self) -> str:
        """Why that one."""
        return (self.header("x-litellm-route") or "").partition("reason=")[2]

    @property
    def json(self) -> Any:
        """The body."""
        return json.loads(self.body)

    def is_from(self, name: str) -> bool:
        """Tells whether a side's own answer came, whole and in any of its formats."""
        text = self.body.decode(errors="replace")
        return self.status == 200 and self.whole and f"from-{name}" in text


@dataclass
class Open:
    """An answer that is still coming in."""

    response: http.client.HTTPResponse
    connection: http.client.HTTPConnection
    sent: float
    head: float
    """When its head had arrived, in seconds after the request."""

    def piece(self) -> bytes:
        """Returns what has come in, or waits for it."""
        return self.response.read1(65536)

    def leave(self) -> float:
        """Closes the connection; returns when."""
        now = time.perf_counter()
        assert self.connection.sock or self.response.fp
        if self.connection.sock:
            self.connection.sock.shutdown(socket.SHUT_RDWR)
        self.response.close()
        self.connection.close()
        return now


class Client:
    """An HTTP client that sends exactly what it is told to.

    Args:
        port: on loopback.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"

    def _send(
        self, method: str, target: str, body: bytes | Iterator[bytes] | None, headers: Sequence[tuple[str, str]]
    ) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        named = {name.lower() for name, _ in headers}
        if "host" not in named:
            connection.putheader("host", f"127.0.0.1:{self.port}")
        for name, value in headers:
            connection.putheader(name, value.encode("latin-1"))
        if isinstance(body, bytes) and "content-length" not in named:
            connection.putheader("content-length", str(len(body)))
        chunked = body is not None and not isinstance(body, bytes)
        if chunked:
            connection.putheader("transfer-encoding", "chunked")
        connection.endheaders(body, encode_chunked=chunked)
        return connection

    def call(
        self,
        method: str,
        target: str,
        body: bytes | Iterator[bytes] | None = None,
        headers: Sequence[tuple[str, str]] = (),
    ) -> Got:
        """Makes a request and reads the whole answer."""
        connection = self._send(method, target, body, headers)
        try:
            response = connection.getresponse()
            whole = True
            try:
                content = response.read()
            except http.client.IncompleteRead as error:
                content, whole = error.partial, False
            except ConnectionError:
                content, whole = b"", False
            return Got(response.status, tuple(response.getheaders()), content, whole)
        finally:
            connection.close()

    def post(self, target: str, body: Any, headers: Sequence[tuple[str, str]] = ()) -> Got:
        """Posts JSON; bytes go out as they are."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.call("POST", target, content, [("content-type", "application/json"), *headers])

    def get(self, target: str, headers: Sequence[tuple[str, str]] = ()) -> Got:
        """Gets."""
        return self.call("GET", target, None, headers)

    @contextmanager
    def opened(self, target: str, body: Any, headers: Sequence[tuple[str, str]] = ()) -> Iterator[Open]:
        """Posts JSON; the answer's head is there, its body is still to be read."""
        content = json.dumps(body).encode()
        sent = time.perf_counter()
        connection = self._send("POST", target, content, [("content-type", "application/json"), *headers])
        response = connection.getresponse()
        try:
            yield Open(response, connection, sent, time.perf_counter() - sent)
        finally:
            response.close()
            connection.close()

    def leaving(self, target: str, body: Any, when: Callable[[], bool]) -> float:
        """Posts JSON, and closes the connection as soon as something holds; returns when that was."""
        connection = self._send("POST", target, json.dumps(body).encode(), [("content-type", "application/json")])
        wait_for(when)
        now = time.perf_counter()
        connection.close()
        return now

    def raw(self, content: bytes, seconds: float = 2.0) -> bytes:
        """Sends bytes, and returns what comes back until the other side closes or is silent."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=seconds) as connection:
            connection.sendall(content)
            got = bytearray()
            try:
                while data := connection.recv(65536):
                    got += data
            except (TimeoutError, ConnectionError):
                pass
            return bytes(got)


class Gateway(Client):
    """The middleware around an application, served by uvicorn in a thread. Use it as a context manager.

    Args:
        app: the whole application.
        http: uvicorn's parser of HTTP.
    """

    def __init__(self, app: Any, http: str = "auto") -> None:
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self._server = uvicorn.Server(
            uvicorn.Config(
                app,
                http=http,
                loop="asyncio",
                lifespan="on",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                date_header=False,
                timeout_graceful_shutdown=1,
            )
        )
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        super().__init__(self._socket.getsockname()[1])

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        await self._server.serve(sockets=[self._socket])

    def __enter__(self) -> Gateway:
        self._thread.start()
        wait_for(lambda: self._server.started or not self._thread.is_alive())
        assert self._server.started, "uvicorn did not start"
        self.at_rest = self.tasks()
        """What runs while nobody asks anything."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.should_exit = True  # it ends by itself: the next test need not wait for that

    def stop(self) -> None:
        """Ends the server, as SIGTERM does."""
        self._server.should_exit = True
        self._thread.join(15)

    def tasks(self) -> list[str]:
        """Returns the names of what runs in the gateway, without what its server has for each open connection."""

        async def running() -> list[str]:
            found = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            return sorted(getattr(task.get_coro(), "__qualname__", "") for task in found)

        assert self._loop is not None
        return asyncio.run_coroutine_threadsafe(running(), self._loop).result(10)

    def rests(self) -> list[str]:
        """Waits until no task is left that was not there at the start; returns those that stay all the same."""
        wait_for(lambda: len(self.tasks()) <= len(self.at_rest), seconds=3, fails=False)
        more = self.tasks()
        for name in self.at_rest:
            if name in more:
                more.remove(name)
        return more


@dataclass
class Setup:
    """A gateway with both of its sides."""

    gateway: Gateway
    host: HostApp
    litellm: Server
    file: Path
    middleware: Any = field(repr=False, default=None)

    def counts(self) -> tuple[int, int]:
        """How many requests the host and LiteLLM have had."""
        return len(self.host.requests), len(self.litellm.requests)


def config(url: str, **settings: Any) -> dict[str, Any]:
    """Returns a configuration: `gpt-5` goes to LiteLLM, unless settings say otherwise.

    Args:
        url: LiteLLM's.
        settings: keys of `extensions.litellm`, with `_` for `-`; None takes one out.
    """
    own: dict[str, Any] = {"enabled": True, "base-url": url, "api-key": KEY, "models": ["gpt-5"]}
    own |= {name.replace("_", "-"): value for name, value in settings.items()}
    return {"extensions": {"litellm": {name: value for name, value in own.items() if value is not None}}}


def write(file: Path, content: Mapping[str, Any] | str) -> Path:
    """Puts a configuration into a file by renaming, so that nobody reads half of it."""
    text = content if isinstance(content, str) else yaml.safe_dump(dict(content))
    new = file.with_name(f".{file.name}.new")
    new.write_text(text, encoding="utf-8")
    new.replace(file)
    return file


def middleware(host: Any, file: Path, *, live: bool = True) -> Any:
    """Returns the middleware under test; with `live` it watches its file."""
    return part("routing").RoutingMiddleware(host, file if live else load(file))


def load(file: Path) -> Any:
    """Returns a configuration as the middleware reads it."""
    return part("routing").load_config(file)


def wait_for(done: Callable[[], object], seconds: float = 10.0, *, fails: bool = True) -> None:
    """Waits until something holds."""
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            assert not fails, f"it did not happen in {seconds} s"
            return
        time.sleep(0.002)


def at_once(work: Callable[[int], Result], number: int = AT_ONCE) -> list[Result]:
    """Calls something many times at the same moment; returns all results."""
    start = threading.Barrier(number)

    def one(index: int) -> Result:
        start.wait(30)
        return work(index)

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(one, range(number)))


def sockets() -> int:
    """Returns how many sockets this process has open."""
    found = 0
    for entry in Path("/proc/self/fd").iterdir():
        try:
            found += os.readlink(entry).startswith("socket:")
        except OSError:  # it was the one of this loop
            continue
    return found
