"""This gateway's own errors, in the words of the API that was called. Template's file: do not edit."""

from __future__ import annotations

import json
from typing import Final

from .asgi import Header, Send
from .headers import marked

_TYPES: Final = {
    400: ("invalid_request_error", "invalid_request_error", "INVALID_ARGUMENT"),
    401: ("authentication_error", "authentication_error", "UNAUTHENTICATED"),
    413: ("invalid_request_error", "request_too_large", "INVALID_ARGUMENT"),
    502: ("server_error", "api_error", "UNAVAILABLE"),
    504: ("server_error", "timeout_error", "DEADLINE_EXCEEDED"),
}


def error_body(status: int, message: str, path: str, rid: str) -> bytes:
    """Returns an error as OpenAI's, Anthropic's or Gemini's clients read it.

    Args:
        status: one of 400, 401, 413, 502 and 504.
        message: a sentence without secrets.
        path: of the request; it says which API it is.
        rid: the id of the request.
    """
    openai, anthropic, gemini = _TYPES[status]
    if "/messages" in path:
        found: dict[str, object] = {
            "type": "error",
            "error": {"type": anthropic, "message": message},
            "request_id": rid,
        }
    elif "/models/" in path or "v1beta" in path:
        found = {"error": {"code": status, "message": message, "status": gemini}}
    else:
        found = {"error": {"message": message, "type": openai, "param": None, "code": None}}
    return json.dumps(found).encode()


async def send_error(send: Send, status: int, message: str, path: str, rid: bytes, route: str) -> None:
    """Answers a request with an error of this gateway; `route` is what `x-litellm-route` says."""
    body = error_body(status, message, path, rid.decode())
    headers: list[Header] = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    await send({"type": "http.response.start", "status": status, "headers": marked(headers, rid, route)})
    await send({"type": "http.response.body", "body": body})
