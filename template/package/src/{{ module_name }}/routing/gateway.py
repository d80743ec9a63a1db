"""The middleware as a server of its own, with its health and its counts. Template's file: do not edit."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Final

from .asgi import Header, Receive, Scope, Send
from .breaker import ALL_MODELS
from .config import RoutingConfig, Timeouts
from .forward import AnswerCutError, Forwarder, UpstreamError
from .middleware import RoutingMiddleware

_KEPT_SECONDS: Final = 2.0


class Gateway:
    """Adds /livez, /readyz and /metrics to a middleware; all else is the middleware's.

    Args:
        door: the middleware.
    """

    def __init__(self, door: RoutingMiddleware) -> None:
        self._door = door
        self._ready: tuple[str, float, bool] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one connection of ASGI."""
        if scope["type"] == "http" and scope["method"] in ("GET", "HEAD"):
            path = scope["path"]
            if path == "/livez":
                await _answer(scope, send, 200, b'{"status": "alive"}')
                return
            if path == "/readyz":
                await self._readiness(scope, send)
                return
            if path == "/metrics":
                await self._metrics(scope, send)
                return
        try:
            await self._door(scope, receive, send)
        except AnswerCutError:
            return  # the server closes the connection of an answer without an end: the client sees a cut

    async def _readiness(self, scope: Scope, send: Send) -> None:
        """Whether requests are served: without LiteLLM the host's are, except where all are LiteLLM's."""
        config = self._door.config
        state, status = "ready", 200
        reached = "off"
        if config.active:
            reached = "reached" if await self._reaches_litellm(config) else "away"
            if reached == "away":
                state, status = ("unavailable", 503) if config.passthrough else ("degraded", 200)
        await _answer(scope, send, status, json.dumps({"status": state, "litellm": reached}).encode())

    async def _reaches_litellm(self, config: RoutingConfig) -> bool:
        known = self._ready
        if known and known[0] == config.base_url and known[1] > time.monotonic():
            return known[2]
        reached = await reaches(self._door.forwarder, config)
        self._ready = (config.base_url, time.monotonic() + _KEPT_SECONDS, reached)
        return reached

    async def _metrics(self, scope: Scope, send: Send) -> None:
        door = self._door
        states: dict[str, bool] = {}
        for model in door.breaker.open_models():
            states["*" if model == ALL_MODELS else door.config.label(model)] = True
        text = door.metrics.text(states, door.budget.used).encode()
        await _answer(scope, send, 200, text, b"text/plain; version=0.0.4; charset=utf-8")


async def reaches(forwarder: Forwarder, config: RoutingConfig) -> bool:
    """Returns whether LiteLLM answers within two seconds, whatever it says; no key is sent."""
    try:
        async with asyncio.timeout(2):
            url = f"{config.base_url}/health/liveliness"
            answer = await forwarder.open("GET", url, [], b"", Timeouts(connect_seconds=2, idle_seconds=2))
            answer.close()
    except (UpstreamError, TimeoutError):
        return False
    return answer.status < 500


async def _answer(scope: Scope, send: Send, status: int, body: bytes, kind: bytes = b"application/json") -> None:
    headers: list[Header] = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
