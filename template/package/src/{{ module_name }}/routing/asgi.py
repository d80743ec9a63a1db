"""The types of ASGI, as the specification has them (asgiref, version 3.0). Template's file: do not edit."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Header = tuple[bytes, bytes]


class ClientGoneError(Exception):
    """The client has closed its connection: there is nobody to answer."""


def header(headers: list[Header], name: bytes) -> bytes:
    """Returns the first header of that name (in lower case), or nothing."""
    for found, value in headers:
        if found == name:
            return value
    return b""


def raw_path(scope: Scope) -> bytes:
    """Returns the path as the client has sent it, still percent-encoded and without its query."""
    raw: bytes | None = scope.get("raw_path")
    if raw is not None:
        return raw.partition(b"?")[0]
    from urllib.parse import quote  # a server that does not say it

    return quote(scope["path"], safe="/:@!$&'()*+,;=~-._").encode()
