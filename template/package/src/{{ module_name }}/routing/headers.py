"""Which headers go where, and the id of a request. Template's file: do not edit."""

from __future__ import annotations

import re
import secrets
from typing import Final

from .asgi import Header, Scope, header

ROUTE: Final = b"x-litellm-route"
HOP: Final = b"x-litellm-route-hop"
"""Marks a request that a gateway has sent to its LiteLLM: another gateway behind that one sends it to its host."""
REQUEST_ID: Final = b"x-request-id"
CALL_ID: Final = b"x-litellm-call-id"
HOP_VALUE: Final = secrets.token_hex(8).encode()
"""This process: a marker that comes back to it is a loop."""

_ID: Final = re.compile(rb"[A-Za-z0-9._:/+=@-]{1,128}\Z")
_HOP_BY_HOP: Final = frozenset(
    (
        *(b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"proxy-authentication-info"),
        *(b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade", b"http2-settings"),
    )
)
"""RFC 9110, section 7.6.1, and what RFC 7540 and older clients added."""
CREDENTIALS: Final = (b"authorization", b"x-api-key", b"api-key", b"x-goog-api-key", b"x-litellm-api-key")
_NOT_FOR_LITELLM: Final = frozenset(
    (
        *CREDENTIALS,
        *(b"cookie", b"openai-organization", b"openai-project", b"chatgpt-account-id", b"idempotency-key"),
        *(b"host", b"content-length", b"expect", b"forwarded", b"x-forwarded-for", b"x-forwarded-host"),
        *(b"x-forwarded-proto", b"x-forwarded-port", b"x-forwarded-prefix", b"x-real-ip", b"via"),
        *(REQUEST_ID, CALL_ID, HOP, ROUTE),
    )
)
_FORWARDED_KEYS: Final = frozenset(CREDENTIALS)
_NOT_FOR_CLIENTS: Final = frozenset((b"set-cookie", b"date", b"server", ROUTE, REQUEST_ID))
_MONEY: Final = (b"api-base", b"spend", b"cost", b"budget")


def request_id(headers: list[Header]) -> bytes:
    """Returns the client's id of the request where it is a plain one, else a new one."""
    given = header(headers, REQUEST_ID)
    return given if given and _ID.match(given) else b"req-" + secrets.token_hex(16).encode()


def with_id(scope: Scope, rid: bytes) -> Scope:
    """Returns the scope with one `x-request-id`: all else is as sent."""
    headers: list[Header] = [*scope["headers"]]
    given = [value for name, value in headers if name == REQUEST_ID]
    if given == [rid]:
        return scope
    kept = [(name, value) for name, value in headers if name != REQUEST_ID]
    return {**scope, "headers": [*kept, (REQUEST_ID, rid)]}


def _nominated(headers: list[Header]) -> frozenset[bytes]:
    """Returns the hop-by-hop headers: the usual ones, and those that Connection names."""
    named = {part.strip().lower() for name, value in headers if name == b"connection" for part in value.split(b",")} - {
        b"close",
        b"keep-alive",
        b"",
    }
    return _HOP_BY_HOP | named if named else _HOP_BY_HOP


def for_litellm(
    scope: Scope, rid: bytes, api_key: str, *, decoded: bool = False, clients_key: bool = False
) -> list[Header]:
    """Returns the headers of a request to LiteLLM: nothing that is the client's secret, and the key in its place.

    Args:
        scope: the request.
        rid: its id.
        api_key: the key to put in; none where it is empty.
        decoded: whether the body was decoded.
        clients_key: whether the client's own key is LiteLLM's, and goes along.
    """
    headers: list[Header] = scope["headers"]
    hop = _nominated(headers)
    kept: list[Header] = []
    for name, value in headers:
        # Servers that speak CGI's language take x_api_key for x-api-key.
        plain = name.replace(b"_", b"-")
        if plain in hop or name in hop:
            continue
        if plain in _NOT_FOR_LITELLM and not (clients_key and name in _FORWARDED_KEYS):
            continue
        if decoded and plain == b"content-encoding":
            continue
        kept.append((name, value))
    if api_key:
        kept.append((b"authorization", b"Bearer " + api_key.encode()))
    if client := scope.get("client"):
        kept.append((b"x-forwarded-for", str(client[0]).encode()))
    kept += ((REQUEST_ID, rid), (CALL_ID, rid), (HOP, HOP_VALUE))
    return kept


def for_host(scope: Scope, authority: bytes) -> list[Header]:
    """Returns the headers of a request to a host at a URL: as sent, less what is between the client and this server."""
    headers: list[Header] = scope["headers"]
    hop = _nominated(headers)
    chunked = any(name == b"transfer-encoding" for name, _ in headers)
    lengths = [value for name, value in headers if name == b"content-length"]
    kept = [
        (name, value)
        for name, value in headers
        if name not in hop and name not in (b"host", b"expect", b"content-length", b"x-forwarded-for")
    ]
    kept.insert(0, (b"host", authority))
    # RFC 9112, section 6.1: with both, the length is a lie.
    if lengths and not chunked:
        kept.append((b"content-length", lengths[0]))
    if client := scope.get("client"):
        before = [value for name, value in headers if name == b"x-forwarded-for"]
        kept.append((b"x-forwarded-for", b", ".join([*before, str(client[0]).encode()])))
    return kept


def from_upstream(headers: list[Header]) -> list[Header]:
    """Returns the headers of an answer, in lower case, less those of the connection that it came on."""
    lower = [(name.lower(), value) for name, value in headers]
    hop = _nominated(lower)
    return [(name, value) for name, value in lower if name not in hop]


def from_litellm(headers: list[Header]) -> list[Header]:
    """Returns the headers of LiteLLM's answer as clients get them: no cookies, no internal address, no money."""
    return [
        (name, value)
        for name, value in headers
        if name not in _NOT_FOR_CLIENTS
        and not (name.startswith(b"x-litellm-") and any(word in name for word in _MONEY))
    ]


def marked(headers: list[Header], rid: bytes, route: str) -> list[Header]:
    """Returns the headers of an answer with the request's id and the route that it took."""
    kept = [(name, value) for name, value in headers if name.lower() not in (REQUEST_ID, ROUTE)]
    return [*kept, (REQUEST_ID, rid), (ROUTE, route.encode())]
