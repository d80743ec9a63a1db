"""A request's way to the upstream and back, the same for every capability. Template's file: do not edit."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import aclosing, closing
from functools import lru_cache
from typing import Any, Protocol, Self, TypeAlias

import httpx

from ._answers import PROVIDER
from ._litellm import BaseLLMException, process_response_headers
from .auth.authenticator import CallAuth
from .errors import before_request, from_exception, from_response, log_failure, raise_clean
from .redaction import HasSecrets, KeptOutOfLogs, handed_on, redacted
from .request import Request
from .settings import Settings
from .transport import async_client, async_cut_off, cut_off, sync_client

MAX_ERROR_BODY = 64 * 1024
ERROR_BODY_SECONDS = 5.0
"""What of an error is read at most: its body may stall, or have no end."""

Credential: TypeAlias = Callable[[Mapping[str, Any]], tuple[Settings, CallAuth]]
"""Returns the settings and the credential of a call, of the arguments of a `CustomLLM` method."""


class ReadsErrors(Protocol):
    """A transformation, of whatever capability.

    One whose upstream has no HTTP has a `sync_client` and an `async_client` besides, which take its place.
    """

    def get_error_class(
        self, error_message: str, status_code: int, headers: dict[str, Any] | httpx.Headers
    ) -> BaseLLMException:
        """Returns the error in a body."""
        ...


class HasEnd(Protocol):
    """A stream that knows whether all of it has come."""

    @property
    def complete(self) -> bool:
        """Whether the upstream has said everything."""
        ...


class Building:
    """Raises whatever is raised inside, before there is a request, as LiteLLM's exception.

    A class, as is the next one: `contextmanager` would take three times as long, with every call.

    Args:
        model: the model of the call.
    """

    __slots__ = ("_model", "knows")

    def __init__(self, model: str) -> None:
        self._model = model
        self.knows: HasSecrets | None = None
        """What has the secrets that there are so far, if any."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, Exception):
            secrets = self.knows.secrets if self.knows is not None else ()
            raise_clean(before_request(error, self._model, secrets), error, secrets)


class Translated:
    """Logs whatever is raised inside, and raises it as LiteLLM's exception.

    Args:
        request: the request that is under way.
        reader: of its stream.
    """

    __slots__ = ("_reader", "_request")

    def __init__(self, request: Request, reader: HasEnd | None = None) -> None:
        self._request = request
        self._reader = reader

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, Exception):
            log_failure(error, self._request)
            raise_clean(from_exception(error, self._request), error, self._request.secrets)
        elif error is not None and (self._reader is None or not self._reader.complete):
            log_failure(error, self._request)


def send(config: ReadsErrors, request: Request, given: object) -> httpx.Response:
    """Sends a request, and reads the answer unless it is a stream.

    Args:
        config: the transformation, which reads errors.
        request: what is sent.
        given: what the caller passed as `client`.

    Raises:
        Exception: LiteLLM's, as the upstream refused the request; or httpx's.
    """
    own: httpx.Client | None = getattr(config, "sync_client", None)
    client = own or sync_client(given, request.ssl_verify)
    started = time.perf_counter()
    with KeptOutOfLogs(request):
        response = client.send(_http_request(client, request), auth=request.auth, stream=True, follow_redirects=False)
    if _is_open(response, client, request, started):
        return response
    with closing(response):
        if not response.is_success:
            raise refused(config, request, response, _error_body(response))
        response.read()
    _set_duration(request, started)
    return response


async def async_send(config: ReadsErrors, request: Request, given: object) -> httpx.Response:
    """Does what `send` does, without blocking the event loop."""
    own: httpx.AsyncClient | None = getattr(config, "async_client", None)
    client = own or await async_client(given, request.ssl_verify)
    started = time.perf_counter()
    with KeptOutOfLogs(request):
        response = await client.send(
            _http_request(client, request), auth=request.auth, stream=True, follow_redirects=False
        )
    if _is_open(response, client, request, started):
        return response
    async with aclosing(response):
        if not response.is_success:
            raise refused(config, request, response, await _async_error_body(response))
        await response.aread()
    _set_duration(request, started)
    return response


def refused(config: ReadsErrors, request: Request, response: httpx.Response, body: bytes) -> Exception:
    """Returns the LiteLLM exception for an upstream's refusal, of which `body` is what came of it."""
    text = body.decode("utf-8", "replace")
    error = config.get_error_class(text, response.status_code, response.headers)
    return from_response(error, request, response, text)


def said(request: Request, response: httpx.Response) -> None:
    """Tells LiteLLM's callbacks what the upstream answered."""
    request.logging.post_call(
        input=request.messages,
        api_key="",
        # .text would look for a charset first
        original_response=redacted(response.content.decode("utf-8", "replace"), request.secrets),
        additional_args={"complete_input_dict": request.body},
    )


def set_headers(hidden: dict[str, Any], request: Request, response: httpx.Response) -> None:
    """Puts what callers may see of the upstream's headers into the `_hidden_params` of an answer."""
    headers = {"x-request-id": request.request_id}
    headers.update(handed_on(response.headers, request.secrets, request.response_headers))
    hidden["custom_llm_provider"] = PROVIDER
    hidden["additional_headers"] = process_response_headers(headers)


_parsed_url = lru_cache(maxsize=64)(httpx.URL)  # parsing one takes a quarter of building a request


def _http_request(client: httpx.Client | httpx.AsyncClient, request: Request) -> httpx.Request:
    content = request.content
    built = client.build_request(
        request.method,
        _parsed_url(request.url),
        headers=request.headers,
        content=content if isinstance(content, bytes) else None,
        timeout=request.timeout,
    )
    if isinstance(content, bytes):
        return built
    return httpx.Request(built.method, built.url, headers=built.headers, stream=content, extensions=built.extensions)


def _is_open(response: httpx.Response, client: object, request: Request, started: float) -> bool:
    """Whether it is a stream, which whoever reads it closes."""
    response.extensions["client"] = client  # not closed before the answer is read, however many others there are
    _set_duration(request, started)
    return request.stream and response.is_success


def _error_body(response: httpx.Response) -> bytes:
    """What of an error's body came in time; status and headers say most of it."""
    body = bytearray()
    with cut_off(response, ERROR_BODY_SECONDS):
        for part in response.iter_bytes():
            if _add(body, part):
                break
    return bytes(body[:MAX_ERROR_BODY])


async def _async_error_body(response: httpx.Response) -> bytes:
    """What of an error's body came in time; status and headers say most of it."""
    body = bytearray()
    async with async_cut_off(ERROR_BODY_SECONDS):
        async for part in response.aiter_bytes():
            if _add(body, part):
                break
    return bytes(body[:MAX_ERROR_BODY])


def _add(body: bytearray, part: bytes) -> bool:
    """Adds a part of an error's body; returns whether that is enough of it."""
    body += part
    return len(body) > MAX_ERROR_BODY


def _set_duration(request: Request, started: float) -> None:
    """Tells LiteLLM how long the upstream took; it works out its own overhead from that."""
    request.logging.model_call_details["llm_api_duration_ms"] = (time.perf_counter() - started) * 1000
