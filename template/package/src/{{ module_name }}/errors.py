"""Upstream failures as LiteLLM exceptions. Template's file: do not edit.

LiteLLM infers little for a custom provider, and differently from version to version, so that every failure
leaves here as the exception that it shall be: routers then retry, cool down and fall back as they do for
LiteLLM's own providers. The upstream's response rides along for `retry-after`; its request, which holds the
credential, does not.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from enum import StrEnum
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NoReturn

import httpx

from ._answers import ENV_PREFIX, PROVIDER
from ._litellm import (
    APIConnectionError,
    APIError,
    AuthenticationError,
    BadGatewayError,
    BadRequestError,
    BaseLLMException,
    ContentPolicyViolationError,
    ContextWindowExceededError,
    ExceptionCheckers,
    InternalServerError,
    NotFoundError,
    OpenAIError,
    PermissionDeniedError,
    RateLimitError,
    ServiceUnavailableError,
    Timeout,
    UnprocessableEntityError,
)
from .auth.authenticator import CredentialError, CredentialTimeoutError
from .redaction import MAX_MESSAGE, handed_on, redacted, without_query, without_secrets
from .settings import SettingsError
from .sse import EventTooLargeError

if TYPE_CHECKING:
    from .request import Request

logger = logging.getLogger(__package__)

_MAX_PAGE = 8192
_QUOTED = 300
"""Characters of what was not understood that a message repeats."""

_CONTEXT_CODES = frozenset({"context_length_exceeded", "context_window_exceeded", "prompt_too_long"})
_POLICY_CODES = frozenset({"content_policy_violation", "content_filter", "content_policy"})
# What an error inside a stream, which has no HTTP status of its own, would have had for one.
_STATUS_OF_CODE: Mapping[str, int] = {
    "authentication_error": 401,
    "content_filter": 400,
    "content_policy_violation": 400,
    "context_length_exceeded": 400,
    "insufficient_quota": 429,
    "invalid_api_key": 401,
    "invalid_request_error": 400,
    "not_found_error": 404,
    "overloaded_error": 503,
    "permission_error": 403,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "timeout_error": 504,
}


class FailureKind(StrEnum):
    """Who failed; logs carry it as `error_type`."""

    CLIENT_DISCONNECT = "client_disconnect"
    CONNECT_TIMEOUT = "connect_timeout"
    READ_TIMEOUT = "read_timeout"
    NETWORK_ERROR = "network_error"
    UPSTREAM_ERROR = "upstream_error"


class UnreadableError(ValueError):
    """An answer is not what the transformation reads; the message quotes how it begins."""


class TruncatedStreamError(ValueError):
    """The stream ended before the upstream said that it was finished."""


def failure_kind(error: BaseException) -> FailureKind:
    """Returns who failed.

    Args:
        error: what httpx, the transformation or the event loop raised.
    """
    if isinstance(error, httpx.ConnectTimeout | httpx.PoolTimeout):
        return FailureKind.CONNECT_TIMEOUT
    if isinstance(error, httpx.TimeoutException):
        return FailureKind.READ_TIMEOUT
    if isinstance(error, httpx.TransportError):
        return FailureKind.NETWORK_ERROR
    if isinstance(error, Exception):
        return FailureKind.UPSTREAM_ERROR
    return FailureKind.CLIENT_DISCONNECT  # CancelledError, GeneratorExit, KeyboardInterrupt


def read_error(text: str, status_code: int, headers: Mapping[str, Any] | httpx.Headers) -> BaseLLMException:
    """Reads an error body in one of the usual JSON forms, or whatever a gateway in between sends.

    Args:
        text: the body.
        status_code: the HTTP status; 200 for an error inside a stream, whose code then decides.
        headers: the response's headers.

    Returns:
        The error with the message, and with the code (if any) in `body["code"]`.
    """
    message, codes = _message_and_codes(text)
    if status_code < 300:
        numbers = [code for code in codes if isinstance(code, int) and 400 <= code < 600]
        words = [_STATUS_OF_CODE[code] for code in codes if isinstance(code, str) and code in _STATUS_OF_CODE]
        status_code = (numbers or words or [500])[0]
    error = BaseLLMException(status_code=status_code, message=message, headers=httpx.Headers(dict(headers)))
    words_only = [code for code in codes if isinstance(code, str)]
    error.body = {"code": words_only[0]} if words_only else None
    return error


def is_error(content: Mapping[str, Any]) -> bool:
    """Returns whether a JSON object that came in place of an answer is an error: OpenAI's form, or a flat one.

    Args:
        content: a body, or an event of a stream.
    """
    if content.get("choices"):
        return False
    return bool(content.get("error")) or content.get("object") == "error" or bool(content.get("detail"))


def unreadable(body: bytes, error: Exception) -> Exception:
    """Returns what to raise for a body that is no answer: the error that it says, or one that quotes how it begins.

    Args:
        body: an answer, or an event of a stream.
        error: what its reading has raised.
    """
    text = body[:_MAX_PAGE].decode("utf-8", "replace")
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        content = None
    if isinstance(content, dict) and is_error(content):
        return read_error(body.decode("utf-8", "replace"), 200, {})
    return UnreadableError(f"{type(error).__name__}: {error}; it begins with {text[:_QUOTED]}")


def _message_and_codes(text: str) -> tuple[str, list[Any]]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        page = text[:_MAX_PAGE]
        title = re.search(r"<title>([^<]*)", page, re.IGNORECASE)
        plain = title.group(1) if title else re.sub(r"<[^<>]*>", " ", page)
        return " ".join("".join(char if char.isprintable() else " " for char in plain).split()), []
    if isinstance(content, dict):
        inner = content.get("error")
        if not isinstance(inner, dict | str) or not inner:
            inner = content
        if isinstance(inner, dict):
            message = next((inner[key] for key in ("message", "msg", "detail", "error") if inner.get(key)), inner)
            codes = [inner[key] for key in ("code", "type", "status") if inner.get(key)]
            return message if isinstance(message, str) else json.dumps(message), codes
        content = inner
    return content if isinstance(content, str) else json.dumps(content), []


def from_response(
    error: BaseLLMException, request: Request, response: httpx.Response | None = None, body: str = ""
) -> Exception:
    """Returns the LiteLLM exception for an error that the upstream itself reported.

    Args:
        error: what the transformation's `get_error_class` read.
        request: the request that failed.
        response: the upstream's response; None for an error inside a stream.
        body: the response's body, or as much of it as is worth keeping.
    """
    status = error.status_code
    code = error.body.get("code") if isinstance(error.body, dict) else None
    message = error.message or f"HTTP {status} {_reason(status)} without a message"
    if response is not None and response.has_redirect_location:
        status = 404
        target = without_query(response.headers["location"])
        message = f"the upstream redirects to {target}: set {ENV_PREFIX}_API_BASE to where the API is"
    text = request.describe(message)
    kwargs: dict[str, Any] = {"message": text, "llm_provider": PROVIDER, "model": request.model}
    bare = _without_request(status, request, response, body)
    if code in _CONTEXT_CODES or (status in (400, 413) and _is_context_window(message)):
        return ContextWindowExceededError(response=bare, **kwargs)
    if code in _POLICY_CODES:
        return ContentPolicyViolationError(response=bare, **kwargs)
    if status in _CLASS_OF_STATUS:
        mapped: Exception = _CLASS_OF_STATUS[status](response=bare, **kwargs)
        return mapped
    if status in (408, 504):
        return _with_response(Timeout(exception_status_code=status, **kwargs), bare)
    if status in (402, 501):
        return _with_response(APIError(status_code=status, **kwargs), bare)
    return (InternalServerError if status >= 500 else BadRequestError)(response=bare, **kwargs)


_CLASS_OF_STATUS: Mapping[int, Any] = {
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    429: RateLimitError,
    502: BadGatewayError,
    503: ServiceUnavailableError,
    422: UnprocessableEntityError,
    529: ServiceUnavailableError,
}


def from_exception(error: Exception, request: Request) -> Exception:
    """Returns the LiteLLM exception for whatever was raised while a request was under way.

    Args:
        error: of httpx, of the transformation, or already LiteLLM's.
        request: the request that failed.
    """
    if isinstance(error, OpenAIError):  # all of LiteLLM's exceptions are
        return _cleaned(error, request)
    if isinstance(error, BaseLLMException):
        return from_response(error, request)
    if isinstance(error, CredentialError):
        return _without_credential(error, request.describe(str(error)), request.model)
    kwargs: dict[str, Any] = {"llm_provider": PROVIDER, "model": request.model}
    kind = failure_kind(error)
    detail = " ".join(str(error).split()) or type(error).__name__
    if kind is FailureKind.CONNECT_TIMEOUT:
        return Timeout(message=request.describe(f"connect timeout: no connection to {request.host}"), **kwargs)
    if kind is FailureKind.READ_TIMEOUT:
        return Timeout(message=request.describe(f"read timeout: nothing came from {request.host}"), **kwargs)
    if kind is FailureKind.NETWORK_ERROR or isinstance(error, httpx.InvalidURL | httpx.StreamError):
        text = f"network error with {request.host}: {type(error).__name__}: {detail}"
        return APIConnectionError(message=request.describe(text), **kwargs)
    if isinstance(error, TruncatedStreamError | EventTooLargeError):
        return BadGatewayError(message=request.describe(f"broken stream from {request.host}: {detail}"), **kwargs)
    named = detail if isinstance(error, UnreadableError) else f"{type(error).__name__}: {detail}"
    text = f"the answer of {request.host} cannot be read: {named}"
    return BadGatewayError(message=request.describe(text), **kwargs)


def before_request(error: Exception, model: str, secrets: tuple[str, ...]) -> Exception:
    """Returns the LiteLLM exception for what was raised before there was a request to send.

    Args:
        error: of the settings, the credential or the transformation, or already LiteLLM's.
        model: the model of the call.
        secrets: what the message must not contain.
    """
    if isinstance(error, OpenAIError):
        return error
    kwargs: dict[str, Any] = {"llm_provider": PROVIDER, "model": model}
    if isinstance(error, CredentialError):
        return _without_credential(error, str(error), model)
    if isinstance(error, SettingsError):
        return BadRequestError(message=str(error), **kwargs)
    text = redacted(f"the request cannot be built: {type(error).__name__}: {error}", secrets)[:MAX_MESSAGE]
    return BadRequestError(message=text, **kwargs)


def raise_clean(failure: Exception, error: Exception, secrets: tuple[str, ...]) -> NoReturn:
    """Raises the exception for the caller, with nothing on it that has a secret.

    Args:
        failure: what the caller gets.
        error: what was raised; its text and traceback become the cause, and it goes itself, as it may hold the request.
        secrets: what no text may contain.
    """
    cause = failure.__cause__ if failure is error else error
    try:
        raise failure from without_secrets(cause, secrets) if cause is not None else None
    finally:
        failure.__context__ = None  # where Python keeps what was being handled, whatever is raised from it


def _without_credential(error: CredentialError, message: str, model: str) -> Exception:
    if isinstance(error, CredentialTimeoutError):
        return Timeout(message=message, llm_provider=PROVIDER, model=model)
    return AuthenticationError(message=message, llm_provider=PROVIDER, model=model)


def _cleaned(error: OpenAIError, request: Request) -> OpenAIError:
    """An exception that a transformation raised for itself, perhaps with the upstream's words and response."""
    message = getattr(error, "message", None)
    if isinstance(message, str):
        error.message = redacted(message, request.secrets)  # type: ignore[attr-defined]
    error.args = tuple(redacted(part, request.secrets) if isinstance(part, str) else part for part in error.args)
    response = getattr(error, "response", None)
    if isinstance(response, httpx.Response):
        body = response.text if response.is_closed else ""
        error.response = _without_request(response.status_code, request, response, body)  # type: ignore[attr-defined]
        error.request = error.response.request  # type: ignore[attr-defined]
    return error


def log_failure(error: BaseException, request: Request) -> None:
    """Logs a failure with its kind and request id: a client that went away is no fault of the upstream."""
    kind = failure_kind(error)
    level = logging.INFO if kind is FailureKind.CLIENT_DISCONNECT else logging.WARNING
    logger.log(
        level,
        "%s: error_type=%s model=%s request_id=%s error=%s",
        PROVIDER,
        kind.value,
        request.model,
        request.request_id,
        type(error).__name__,
    )


def _is_context_window(message: str) -> bool:
    lowered = message.lower()
    return ExceptionCheckers.is_error_str_context_window_exceeded(message) or "maximum context length" in lowered


def _reason(status: int) -> str:
    return HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else "(unknown status)"


def _without_request(status: int, request: Request, response: httpx.Response | None, body: str) -> httpx.Response:
    """The response as it can be attached to an exception: its own request holds the credential."""
    received = response.headers if response is not None else {}
    headers = {"x-request-id": request.request_id}
    headers.update(handed_on(received, request.secrets, request.response_headers))
    text = redacted(body, request.secrets)
    url = redacted(without_query(request.url), request.secrets)
    return httpx.Response(status, headers=headers, text=text, request=httpx.Request("POST", url))


def _with_response(error: Exception, response: httpx.Response) -> Exception:
    error.response = response  # type: ignore[attr-defined]  # where LiteLLM looks for retry-after
    return error
