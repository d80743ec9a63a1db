"""The proxies of benchmarks/routing.py, each the smallest that its library makes; runs in an environment that has them.

`python -m benchmarks.routing_servers <kind> <address of the upstream> <port>` serves one on loopback, by uvicorn with one
worker. `host` is no proxy: it answers by itself, and so does `not routed`, through the rendered middleware.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, MutableMapping
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.routing_upstream import BODY, EVENTS

PACKAGE = "litellm_acme_ai"
"""The module that the default answers make."""
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
_HOP = {b"connection", b"keep-alive", b"te", b"trailer", b"transfer-encoding", b"upgrade", b"host", b"content-length"}
_JSON = [(b"content-type", b"application/json"), (b"content-length", str(len(BODY)).encode())]


async def host(scope: Message, receive: Receive, send: Send) -> None:
    """Answers as the upstream does."""
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
        return
    while (await receive()).get("more_body"):
        continue
    streamed = scope["path"].endswith("stream")
    headers = [(b"content-type", b"text/event-stream")] if streamed else _JSON
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    for event in EVENTS if streamed else ():
        await send({"type": "http.response.body", "body": event, "more_body": True})
    await send({"type": "http.response.body", "body": b"" if streamed else BODY})


async def _lifespan(receive: Receive, send: Send) -> None:
    for part in ("startup", "shutdown"):
        await receive()
        await send({"type": f"lifespan.{part}.complete"})


def bare_aiohttp(upstream: str) -> Any:
    """Returns an application that forwards with aiohttp and does nothing else: what a forwarder costs at least."""
    import aiohttp
    from yarl import URL

    sessions: list[aiohttp.ClientSession] = []

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        if not sessions:
            connector = aiohttp.TCPConnector(limit=0)
            sessions.append(
                aiohttp.ClientSession(
                    connector=connector, auto_decompress=False, timeout=aiohttp.ClientTimeout(total=None)
                )
            )
        parts = []
        more = True
        while more:
            message = await receive()
            parts.append(message.get("body", b""))
            more = message.get("more_body", False)
        headers = [(key.decode(), value.decode()) for key, value in scope["headers"] if key not in _HOP]
        url = URL(upstream + scope["path"], encoded=True)
        async with sessions[0].request(scope["method"], url, headers=headers, data=b"".join(parts)) as answer:
            kept = [(key, value) for key, value in answer.raw_headers if key.lower() not in _HOP - {b"content-length"}]
            await send({"type": "http.response.start", "status": answer.status, "headers": kept})
            async for piece in answer.content.iter_any():
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    return app


def with_fastapi_proxy_lib(upstream: str) -> Any:
    """Returns the library's application."""
    import httpx
    from fastapi_proxy_lib.fastapi.app import reverse_http_app

    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    return reverse_http_app(client=httpx.AsyncClient(limits=limits, timeout=60), base_url=f"{upstream}/")


def with_asgiproxy(upstream: str) -> Any:
    """Returns the library's application."""
    from asgiproxy.config import BaseURLProxyConfigMixin, ProxyConfig
    from asgiproxy.context import ProxyContext
    from asgiproxy.simple_proxy import make_simple_proxy_app

    made = type("Config", (BaseURLProxyConfigMixin, ProxyConfig), {"upstream_base_url": upstream})()
    app = make_simple_proxy_app(ProxyContext(made))

    async def with_lifespan(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        else:
            await app(scope, receive, send)

    return with_lifespan


def ours(upstream: str, *, routed: bool) -> Any:
    """Returns the rendered middleware around `host`.

    Args:
        upstream: what stands where LiteLLM does.
        routed: whether the model goes there, or to the host, which is inspected for a fallback.
    """
    routing = import_module(f"{PACKAGE}.routing")
    file = Path.cwd() / f"routing-{int(routed)}.yaml"
    models = '["routed"]' if routed else '["another"]'
    file.write_text(
        f"extensions: {{litellm: {{enabled: true, base-url: '{upstream}', api-key: sk-benchmark, models: {models},\n"
        "  extra-paths: [/v1/stream]}}\n",
        encoding="utf-8",
    )
    return routing.RoutingMiddleware(host, file)


KINDS: dict[str, Callable[[str], Any]] = {
    "host": lambda _: host,
    "not routed": lambda upstream: ours(upstream, routed=False),
    "aiohttp": bare_aiohttp,
    "fastapi-proxy-lib": with_fastapi_proxy_lib,
    "asgiproxy": with_asgiproxy,
    "routed": lambda upstream: ours(upstream, routed=True),
}


def main(kind: str, upstream: str, port: str) -> None:
    """Serves one kind."""
    import uvicorn

    uvicorn.run(
        KINDS[kind](upstream), host="127.0.0.1", port=int(port), log_level="error", access_log=False, lifespan="on"
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
