"""A websocket through to another server. Template's file: do not edit."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from .asgi import Header, Message, Receive, Scope, Send
from .config import Timeouts
from .forward import Forwarder

_OF_HANDSHAKE: Final = (b"sec-websocket-key", b"sec-websocket-version", b"sec-websocket-extensions")
_PROTOCOL: Final = b"sec-websocket-protocol"


async def bridge(
    forwarder: Forwarder,
    url: str,
    headers: list[Header],
    scope: Scope,
    receive: Receive,
    send: Send,
    timeouts: Timeouts,
) -> bool:
    """Opens a websocket at a URL and passes messages both ways until one side closes.

    Args:
        forwarder: whose connections are used.
        url: of http or https, with its query.
        headers: of the request; those of the handshake itself are made anew.
        scope: the client's.
        receive: the server's.
        send: the server's.
        timeouts: for connecting.

    Returns:
        Whether the other side took the connection; where it did not, the client's was refused.
    """
    await receive()  # websocket.connect
    sent: CIMultiDict[str] = CIMultiDict()
    for name, value in headers:
        if name not in _OF_HANDSHAKE and name != _PROTOCOL:
            sent.add(name.decode("latin-1"), value.decode("latin-1"))
    try:
        async with asyncio.timeout(timeouts.connect_seconds + 10):
            other = await forwarder.session().ws_connect(
                URL(url, encoded=True),
                protocols=tuple(scope.get("subprotocols", ())),
                headers=sent,
                max_msg_size=0,
                autoping=True,
            )
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError):
        await send({"type": "websocket.close", "code": 1013, "reason": "the other side did not take the connection"})
        return False
    try:
        await send({"type": "websocket.accept", "subprotocol": other.protocol})
        ways = [asyncio.ensure_future(_up(receive, other)), asyncio.ensure_future(_down(other, send))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
    finally:
        with suppress(aiohttp.ClientError, OSError):
            await other.close()
    return True


async def _up(receive: Receive, other: aiohttp.ClientWebSocketResponse) -> None:
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            await other.close(code=_legal(message.get("code")))
            return
        if (text := message.get("text")) is not None:
            await other.send_str(text)
        else:
            await other.send_bytes(message["bytes"])


async def _down(other: aiohttp.ClientWebSocketResponse, send: Send) -> None:
    async for message in other:
        sent: Message = {"type": "websocket.send"}
        sent["text" if message.type is aiohttp.WSMsgType.TEXT else "bytes"] = message.data
        await send(sent)
    await send({"type": "websocket.close", "code": _legal(other.close_code)})


def _legal(code: int | None) -> int:
    """Returns a code that may be sent (RFC 6455, section 7.4): those that say that there was none may not."""
    return code if code is not None and 1000 <= code < 5000 and code not in (1004, 1005, 1006, 1015) else 1000
