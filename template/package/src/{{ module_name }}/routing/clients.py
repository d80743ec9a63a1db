"""Who may use the key of the configuration. Template's file: do not edit.

What goes to LiteLLM has not passed the host's login. So a request gets the key only when its client is known: by a
key of the configuration, by the host, by a function of the host's, or as one on this machine.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import inspect
import ipaddress
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator
from typing import Final

from .asgi import App, Header, Message, Scope, header
from .config import RoutingConfig
from .decide import query_value
from .headers import CREDENTIALS

Authorize = Callable[[Scope], bool | Awaitable[bool]]
"""Says whether the client of a request may use LiteLLM."""

_PROVEN_SECONDS: Final = 60.0
_REFUSED_SECONDS: Final = 5.0
_MOST_KNOWN: Final = 4096
_QUERY: Final = ("key", "api_key", "access_token")
_FORWARDING: Final = (b"x-forwarded-for", b"x-real-ip", b"forwarded")


class Clients:
    """Tells known clients from strangers.

    Args:
        app: the host, which is asked where the configuration says so.
        authorize: asked instead of what the configuration says.
    """

    def __init__(self, app: App, authorize: Authorize | None = None) -> None:
        self._app = app
        self._authorize = authorize
        self._known: OrderedDict[bytes, tuple[float, asyncio.Future[bool]]] = OrderedDict()

    async def may(self, config: RoutingConfig, scope: Scope) -> bool:
        """Returns whether a request may go to LiteLLM."""
        if self._authorize is not None:
            answer = self._authorize(scope)
            return bool(await answer) if inspect.isawaitable(answer) else answer is True
        if config.client_auth == "forward":
            return True
        if config.client_auth == "keys":
            return any(_is_one_of(secret, config.client_keys) for secret in credentials(scope))
        if config.client_auth == "host":
            return await self._known_to_host(scope)
        return is_local(scope)

    async def _known_to_host(self, scope: Scope) -> bool:
        secrets = list(credentials(scope))
        if not secrets:
            return False
        key = hashlib.sha256("\n".join(secrets).encode("utf-8", "surrogateescape")).digest()
        now = time.monotonic()
        found = self._known.get(key)
        if found is None or found[0] < now or (found[1].done() and found[1].cancelled()):
            asked: asyncio.Future[bool] = asyncio.ensure_future(self._ask_host(scope))
            found = (now + _PROVEN_SECONDS, asked)
            self._known[key] = found
            while len(self._known) > _MOST_KNOWN:
                self._known.popitem(last=False)
        proven = await asyncio.shield(found[1])
        if not proven and self._known.get(key) is found:
            self._known[key] = (min(found[0], now + _REFUSED_SECONDS), found[1])
        return proven

    async def _ask_host(self, scope: Scope) -> bool:
        """Asks the host for its models, with the client's credentials and nothing else of the request."""
        query = [
            pair
            for pair in scope.get("query_string", b"").split(b"&")
            if pair.partition(b"=")[0].decode("latin-1") in _QUERY
        ]
        kept = (*CREDENTIALS, b"host", b"anthropic-version", b"user-agent")
        status = 0
        received = False

        async def receive() -> Message:
            nonlocal received
            if not received:
                received = True
                return {"type": "http.request", "body": b"", "more_body": False}
            await asyncio.Event().wait()
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]

        asked: Scope = {
            **scope,
            "method": "GET",
            "path": "/v1/models",
            "raw_path": b"/v1/models",
            "query_string": b"&".join(query),
            "headers": [(name, value) for name, value in scope["headers"] if name in kept],
            "extensions": {},
            "state": dict(scope.get("state") or {}),
        }
        try:
            async with asyncio.timeout(5):
                await self._app(asked, receive, send)
        except Exception:  # a host that cannot say it knows nobody
            return False
        return 200 <= status < 300

    async def close(self) -> None:
        """Ends questions that are under way."""
        for _, asked in self._known.values():
            asked.cancel()
        self._known.clear()


def credentials(scope: Scope) -> Iterator[str]:
    """Yields the keys that a request has, wherever clients put them."""
    headers: list[Header] = scope["headers"]
    for name in CREDENTIALS:
        if value := header(headers, name).decode("latin-1").strip():
            yield value[7:].strip() if value[:7].lower() == "bearer " else value
    query = scope.get("query_string", b"")
    for parameter in _QUERY if query else ():
        if found := query_value(query, parameter):
            yield found


def _is_one_of(secret: str, digests: tuple[bytes, ...]) -> bool:
    given = hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()
    found = False
    for digest in digests:  # all of them, so that the time tells nothing
        found |= hmac.compare_digest(given, digest)
    return found


def is_local(scope: Scope) -> bool:
    """Returns whether a request comes from this machine, and no proxy or web page of somewhere else has sent it here.

    The peer is on loopback; addresses that a proxy notes are, too; the page that a browser sends it for, which for a
    websocket nothing else stops, is of this machine; and the name that was called is no domain, as it is when a page
    has its own domain point to this machine.
    """
    client = scope.get("client")
    if not client or not _is_loopback(str(client[0])):
        return False
    headers: list[Header] = scope["headers"]
    for name, value in headers:
        if name in _FORWARDING and not all(_is_loopback(one) for one in _addresses(value.decode("latin-1"))):
            return False
    origin = header(headers, b"origin").decode("latin-1").strip().lower()
    if origin == "null" or (origin.startswith(("http:", "https:")) and not _names_us(origin.partition("//")[2])):
        return False
    return _names_us(header(headers, b"host").decode("latin-1").strip().lower(), any_address=True)


def _names_us(authority: str, *, any_address: bool = False) -> bool:
    """Returns whether a host name, with or without a port, is this machine's and no domain."""
    host = authority[1:].partition("]")[0] if authority.startswith("[") else authority.partition(":")[0]
    if host in ("127.0.0.1", "localhost"):
        return True
    if _is_address(host):
        return any_address or _is_loopback(host)
    return "." not in host or host.endswith(".localhost")


def _addresses(value: str) -> Iterator[str]:
    for part in value.replace(";", ",").split(","):
        field, equals, address = part.strip().partition("=")
        if equals and field.strip().lower() != "for":
            continue
        text = (address if equals else field).strip().strip('"')
        if text.startswith("["):
            text = text[1:].partition("]")[0]
        elif text.count(":") == 1:
            text = text.partition(":")[0]
        yield text


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _is_loopback(text: str) -> bool:
    if text == "127.0.0.1":
        return True
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback
