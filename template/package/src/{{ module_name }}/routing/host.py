"""A host at a URL, in any language, as an ASGI app. Template's file: do not edit."""

from __future__ import annotations

from urllib.parse import urlsplit

from .asgi import ClientGoneError, Receive, Scope, Send, raw_path
from .body import Body, Budget
from .config import Timeouts
from .decide import BadPathError, refuse_ambiguous
from .forward import Forwarder, UpstreamError, relay, watched
from .headers import for_host, from_upstream
from .websocket import bridge


class HostUnavailableError(Exception):
    """The host gave no answer; the client has got nothing yet.

    Attributes:
        kind: as UpstreamError has it.
    """

    def __init__(self, cause: UpstreamError) -> None:
        super().__init__(str(cause))
        self.kind = cause.kind


class HostApp:
    """Sends every request to a URL as it came, and its answer back as it is.

    Args:
        url: of the host; a path in it goes before every path.
        timeouts: how long the host may be silent.
    """

    def __init__(self, url: str, timeouts: Timeouts | None = None) -> None:
        self._url = url.rstrip("/")
        self._timeouts = timeouts or Timeouts()
        parts = urlsplit(self._url)
        self._authority = parts.netloc.encode()
        self._has_path = bool(parts.path)
        self._forwarder = Forwarder()
        self._budget = Budget()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one connection; raises HostUnavailableError where the host gave no answer."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "websocket":
            path = self._path(scope)
            if path is None:
                await send({"type": "websocket.close", "code": 1008})
                return
            await bridge(
                self._forwarder,
                f"{self._url}{path}",
                for_host(scope, self._authority),
                scope,
                receive,
                send,
                self._timeouts,
            )
        else:
            await self._http(scope, receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await send({"type": "lifespan.startup.complete"})
            else:
                await self._forwarder.close()
                await send({"type": "lifespan.shutdown.complete"})
                return

    def _path(self, scope: Scope) -> str | None:
        """Returns path and query as they go to the host; None for what would leave it."""
        path = raw_path(scope).decode("latin-1")
        if self._has_path:
            try:
                refuse_ambiguous(path)
            except BadPathError:
                return None
        if not path.startswith("/") and not (path == "*" and scope.get("method") == "OPTIONS"):
            return None
        query = scope.get("query_string", b"")
        return path + ("?" + query.decode("latin-1") if query else "")

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = self._path(scope)
        if path is None:
            body = b'{"error":{"message":"The path is not one of this server.","type":"invalid_request_error"}}'
            headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
            await send({"type": "http.response.start", "status": 400, "headers": headers})
            await send({"type": "http.response.body", "body": body})
            return
        headers = for_host(scope, self._authority)
        content = Body(receive, self._budget)
        framed = any(name in (b"content-length", b"transfer-encoding") for name, _ in scope["headers"])
        if not framed:
            content.complete = True
            content.is_read.set()
        async with watched(receive, content.is_read) as watch:
            try:
                answer = await self._forwarder.open(
                    scope["method"], f"{self._url}{path}", headers, content.stream() if framed else b"", self._timeouts
                )
            except UpstreamError as error:
                raise HostUnavailableError(error) from None
            try:
                await relay(answer, from_upstream(list(answer.raw_headers)), send, watch)
            finally:
                answer.close()


__all__ = ["ClientGoneError", "HostApp", "HostUnavailableError"]
