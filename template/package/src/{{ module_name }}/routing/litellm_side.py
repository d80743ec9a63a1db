"""Requests to LiteLLM, and its answers. Template's file: do not edit."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Final
from urllib.parse import quote

import aiohttp

from .asgi import Header, Send, header
from .classify import failure_of_event, failure_of_success
from .config import RoutingConfig, Timeouts
from .decide import query_for_litellm
from .exchange import Exchange
from .forward import ClientWatch, Forwarder, UpstreamError, relay
from .headers import from_litellm, from_upstream
from .sse import Events

_LARGEST_ERROR: Final = 64 << 10
_THINKING: Final = ("thinking", "redacted_thinking")


@dataclass(frozen=True, slots=True)
class ToLiteLLM:
    """A request as it goes to LiteLLM."""

    method: str
    url: str = field(repr=False)
    headers: list[Header] = field(repr=False)
    content: bytes | AsyncIterator[bytes] = field(repr=False)
    timeouts: Timeouts


def url_of(config: RoutingConfig, path: str, query: bytes, *, model: str = "", forward: bool = False) -> str:
    """Returns the address of a path at LiteLLM.

    Args:
        config: has its base.
        path: after rewriting, percent-encoded.
        query: the client's.
        model: put in the place of the query's parameter of that name.
        forward: whether the client's own key goes along.
    """
    kept = query_for_litellm(query, keep_secrets=forward)
    if model:
        others = [pair for pair in kept.split(b"&") if pair.partition(b"=")[0] != b"model"]
        kept = b"&".join([*others, b"model=" + quote(model, safe="").encode()])
    return f"{config.base_url}{path}" + (f"?{kept.decode('latin-1')}" if kept else "")


class LiteLLMSide:
    """LiteLLM at its address.

    Args:
        forwarder: whose connections are used.
    """

    def __init__(self, forwarder: Forwarder) -> None:
        self._forwarder = forwarder

    async def serve(self, call: ToLiteLLM, send: Send, exchange: Exchange, watch: ClientWatch) -> None:
        """Sends a request and passes its answer on, whatever it is.

        Raises:
            UpstreamError: there is no answer, and the client has got nothing.
            AnswerCutError: it broke off.
        """
        answer = await self._open(call, exchange)
        try:
            await relay(answer, _headers(answer), send, watch)
        finally:
            answer.close()

    async def serve_or_not(
        self, call: ToLiteLLM, send: Send, exchange: Exchange, watch: ClientWatch, *, resend: bool
    ) -> bool:
        """Sends a request and passes its answer on, unless that is an error; returns whether it was passed on.

        Args:
            call: the request, with its whole body.
            send: the server's.
            exchange: what is noted.
            watch: of the client.
            resend: whether to send it once more without thinking, where LiteLLM's provider refuses its signature.

        Raises:
            UpstreamError: there is no answer.
            AnswerCutError: it broke off.
        """
        answer = await self._open(call, exchange)
        try:
            if answer.status == 400 and resend and isinstance(call.content, bytes):
                said = await answer.content.read(_LARGEST_ERROR)
                shorter = without_thinking(call.content) if b"signature" in said else None
                if shorter is not None:
                    answer.close()
                    answer = await self._open(replace(call, content=shorter), exchange)
            if answer.status >= 400:
                return False
            headers = _headers(answer)
            try:
                first = await answer.content.readany()
            except (aiohttp.ClientError, OSError, TimeoutError) as error:
                raise UpstreamError("reset", type(error).__name__) from None
            if _is_error(headers, first, whole=answer.content.at_eof()):
                return False
            await relay(answer, headers, send, watch, first)
            return True
        finally:
            answer.close()

    async def _open(self, call: ToLiteLLM, exchange: Exchange) -> aiohttp.ClientResponse:
        answer = await self._forwarder.open(call.method, call.url, call.headers, call.content, call.timeouts)
        exchange.litellm_status = answer.status
        return answer


def _headers(answer: aiohttp.ClientResponse) -> list[Header]:
    return from_litellm(from_upstream(list(answer.raw_headers)))


def _is_error(headers: list[Header], first: bytes, *, whole: bool) -> bool:
    """Returns whether an answer with a good status begins with an error, as LiteLLM's sometimes do."""
    kind = header(headers, b"content-type").partition(b";")[0].strip().lower()
    if header(headers, b"content-encoding") not in (b"", b"identity"):
        return False
    if kind == b"text/event-stream":
        if whole and not first:
            return True
        return any(failure_of_event(name, data) is not None for name, data in islice(Events().feed(first), 1))
    return whole and kind == b"application/json" and failure_of_success(first) is not None


def without_thinking(content: bytes) -> bytes | None:
    """Returns an Anthropic request without the thinking of earlier turns, whose signatures belong to another provider.

    None where it has none, or a message that would be left empty.
    """
    try:
        request = json.loads(content)
    except (ValueError, RecursionError):
        return None
    found = False
    for message in request.get("messages", ()) if isinstance(request, dict) else ():
        blocks = message.get("content") if isinstance(message, dict) else None
        if not isinstance(blocks, list):
            continue
        kept = [block for block in blocks if not (isinstance(block, dict) and block.get("type") in _THINKING)]
        if len(kept) < len(blocks):
            found = True
            if not kept:
                return None
            message["content"] = kept
    return json.dumps(request, ensure_ascii=False).encode() if found else None
