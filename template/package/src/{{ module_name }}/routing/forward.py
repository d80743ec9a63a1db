"""Sending a request on, and its answer back, byte for byte. Template's file: do not edit.

aiohttp is the client: nothing is decoded or followed, no cookie is kept, no header added.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final, Literal

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from .asgi import ClientGoneError, Header, Receive, Send
from .config import Timeouts

_NOTHING_ADDED: Final = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")
_KEEP_ALIVE: Final = 4.0
"""Less than the 5 s of uvicorn, so that a connection is not used while the other side closes it."""
_LARGEST_HEADER: Final = 64 << 10
_UNWATCHED: Final = 0.005
"""Seconds without a look at the client: most calls that are over sooner need no task for it."""


class UpstreamError(Exception):
    """A side that gave no answer.

    Attributes:
        kind: `network` where nothing was sent, `timeout` where it was silent for too long, `reset` where it hung up.
    """

    def __init__(self, kind: Literal["network", "timeout", "reset"], reason: str) -> None:
        super().__init__(f"{kind}: {reason}")
        self.kind: Literal["network", "timeout", "reset"] = kind


class AnswerCutError(Exception):
    """An answer broke off after its first bytes were passed on: the server has to cut it, too."""


class Forwarder:
    """The connections to one side. They belong to the event loop that uses them first."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    def session(self) -> aiohttp.ClientSession:
        """Returns the session, which is made when it is first used in a loop."""
        if self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEP_ALIVE),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                skip_auto_headers=_NOTHING_ADDED,
                timeout=aiohttp.ClientTimeout(total=None),
                trust_env=False,
                max_line_size=_LARGEST_HEADER,
                max_field_size=_LARGEST_HEADER,
            )
        return self._session

    async def open(
        self, method: str, url: str, headers: list[Header], body: bytes | AsyncIterator[bytes], timeouts: Timeouts
    ) -> aiohttp.ClientResponse:
        """Sends a request and returns its answer, of which the headers are there; the caller closes it.

        Args:
            method: in upper case.
            url: as it is to be sent, percent-encoded.
            headers: all of them, the framing's too where the body is a stream of known length.
            body: the content, or pieces of it.
            timeouts: how long the other side may be silent.

        Raises:
            UpstreamError: there is no answer.
            ClientGoneError: the body broke off, as the client left.
        """
        sent: CIMultiDict[str] = CIMultiDict()
        for name, value in headers:
            sent.add(name.decode("latin-1"), _text(value))
        content: bytes | AsyncIterator[bytes] | None = body if body != b"" else None
        if content is None and method in ("POST", "PUT", "PATCH"):
            content = b""
        try:
            return await self.session().request(
                method,
                URL(url, encoded=True),
                headers=sent,
                data=content,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(
                    total=None, sock_connect=timeouts.connect_seconds, sock_read=timeouts.idle_seconds
                ),
            )
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise UpstreamError("network", type(error).__name__) from None
        except TimeoutError as error:
            raise UpstreamError("timeout", type(error).__name__) from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            if isinstance(error.__cause__, ClientGoneError):
                raise ClientGoneError from None
            raise UpstreamError("reset", type(error).__name__) from None

    async def close(self) -> None:
        """Closes all connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None


def _text(value: bytes) -> str:
    """Returns a header's value such that aiohttp, which writes UTF-8, writes the same bytes where that is possible."""
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")


async def relay(
    answer: aiohttp.ClientResponse, headers: list[Header], send: Send, watch: ClientWatch, first: bytes = b""
) -> None:
    """Passes an answer on, as its pieces come in.

    Args:
        answer: what was opened; it is read to its end.
        headers: as the client is to get them.
        send: the server's.
        watch: of the client that gets it.
        first: what was read of its body before.

    Raises:
        AnswerCutError: it broke off.
    """
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    content = answer.content
    try:
        if first:
            watch.finished = last = content.at_eof()
            await send({"type": "http.response.body", "body": first, "more_body": not last})
            if last:
                return
        async for chunk in content.iter_any():
            if content.at_eof():
                watch.finished = True
                await send({"type": "http.response.body", "body": chunk, "more_body": False})
                return
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise AnswerCutError(f"the answer broke off: {type(error).__name__}") from None
    watch.finished = True
    await send({"type": "http.response.body", "body": b"", "more_body": False})


class ClientWatch:
    """Whether the client is still there. `finished` says that the answer is over, and its leaving no loss."""

    def __init__(self) -> None:
        self.finished = False
        self.gone = False


@asynccontextmanager
async def watched(receive: Receive, after: asyncio.Event | None = None) -> AsyncIterator[ClientWatch]:
    """Ends what is inside when the client leaves.

    Args:
        receive: the server's; nothing else reads from it meanwhile.
        after: from when on; at once unless given.

    Raises:
        ClientGoneError: the client left, and what was inside was cancelled.
    """
    watch = ClientWatch()
    task = asyncio.current_task()
    if task is None:  # there is always one that runs
        raise RuntimeError("no task runs")
    running = task

    async def look() -> None:
        if after is not None:
            await after.wait()
        while (await receive())["type"] not in ("http.disconnect", "websocket.disconnect"):
            continue
        if not watch.finished:
            watch.gone = True
            running.cancel()

    looking: asyncio.Task[None] | None = None

    def begin() -> None:
        nonlocal looking
        looking = asyncio.ensure_future(look())

    timer = asyncio.get_running_loop().call_later(_UNWATCHED, begin)
    try:
        yield watch
    except asyncio.CancelledError:
        if watch.gone and running.uncancel() == 0:
            raise ClientGoneError from None
        raise
    else:
        if watch.gone:  # it was cancelled at its very end
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(0)
            running.uncancel()
            raise ClientGoneError
    finally:
        timer.cancel()
        if looking is not None:
            looking.cancel()
