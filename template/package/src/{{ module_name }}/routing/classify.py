"""What kind of failure an answer of the host is, and how long it lasts. Template's file: do not edit.

Only the parsed error of an answer is searched for words: an answer that talks of quota is no failure.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Final

from .asgi import Header, header

LONGEST_COOLDOWN: Final = 300.0
"""A host that names more is asked again by then: its figure may be stale."""
_SHORT: Final = 5.0
CANDIDATES: Final = frozenset((400, 401, 402, 403, 404, 429, 500, 502, 503, 504, 529))
"""The statuses whose body is read before the client gets them."""

_QUOTA: Final = (
    *("quota", "billing", "credit balance", "insufficient credit", "insufficient balance", "insufficient funds"),
    *("usage limit", "usage_limit", "spend limit", "spending limit", "extra usage", "payment required"),
    *("limit reached", "limit_reached", "resource_exhausted", "resource exhausted", "out of credits"),
)
_RATE: Final = ("rate_limit", "rate limit", "ratelimit", "too many requests", "model_cooldown")
_LOGIN: Final = (
    *("expired", "revoked", "invalid_grant", "auth_unavailable", "auth_not_found", "authentication_error"),
    *("unauthenticated", "invalid_api_key"),
)
_OVERLOAD: Final = ("overload", "capacity")
_MODEL: Final = ("model_not_found", "model not found")


@dataclass(frozen=True, slots=True)
class Failure:
    """What the host fails with: one of the kinds of the configuration, and how long to leave it alone."""

    kind: str
    seconds: float | None
    """Until the host is asked again; None for as long as the configuration says, 0 for not at all."""

    @property
    def of_all_models(self) -> bool:
        """Whether the host fails whatever the model: a login is the account's."""
        return self.kind in ("oauth", "network")


def failure_of_answer(status: int, headers: list[Header], body: bytes) -> Failure | None:
    """Returns what an answer with an error status is, or None where it is an error of the request.

    Args:
        status: of the answer.
        headers: its headers, names in lower case.
        body: its first bytes, decoded.
    """
    error = _json(body)
    words = _words(error)
    hint = _hint(headers, error)
    if status == 429:
        if hint is None or _has(words, _QUOTA):
            return Failure("quota", hint)
        return Failure("rate_limit", hint)
    if status == 402:
        return Failure("quota", hint)
    if status == 529:
        return Failure("overloaded", _SHORT if hint is None else hint)
    if status == 401:
        return Failure("oauth", hint)
    if status == 403:
        if _has(words, _QUOTA + _RATE):
            return Failure("quota", hint)
        return Failure("oauth", hint) if _has(words, _LOGIN) else None
    if status == 503:
        if _has(words, ("auth_unavailable", "auth_not_found")):
            return Failure("oauth", hint)
        if _has(words, _OVERLOAD):
            return Failure("overloaded", _SHORT if hint is None else hint)
        return Failure("server", 0)
    if status in (400, 404):
        if _has(words, _MODEL):
            return Failure("model", 0)
        return Failure("quota", hint) if status == 400 and _has(words, _QUOTA) else None
    return Failure("server", 0) if status in (500, 502, 504) else None


def failure_of_success(body: bytes) -> Failure | None:
    """Returns what a JSON body with status 200 fails with: None where it is no error object."""
    return _failure_of_object(_json(body))


def failure_of_event(name: str, data: str) -> Failure | None:
    """Returns what an event of a stream fails with: None where it is no error, or one that nobody knows."""
    found = _json(data.encode())
    if isinstance(found, dict) and found.get("type") == "response.failed":
        response = found.get("response")
        return _failure_of_object(response if isinstance(response, dict) else {})
    if name == "error" and isinstance(found, dict) and "error" not in found:
        found = {"error": found}
    return _failure_of_object(found)


def network_failure() -> Failure:
    """Returns the failure of a host that takes no connection."""
    return Failure("network", _SHORT)


def timeout_failure() -> Failure:
    """Returns the failure of a host that took the request and gave no answer: it may have done the work."""
    return Failure("timeout", 0)


def empty_failure() -> Failure:
    """Returns the failure of a stream that ended before it said anything."""
    return Failure("overloaded", _SHORT)


def _failure_of_object(found: Any) -> Failure | None:
    if not isinstance(found, dict):
        return None
    if found.get("type") == "error" and "error" not in found:
        found = {"error": found}
    error = found.get("error")
    if not isinstance(error, dict | str) or not error:
        return None
    words = _words(found)
    hint = _hint([], found)
    if isinstance(error, dict):
        status = next(
            (error[key] for key in ("code", "status", "status_code", "http_code") if _is_status(error.get(key))), 0
        )
        if status:
            return failure_of_answer(int(status), [], json.dumps(found).encode())
    if _has(words, _RATE):
        return Failure("rate_limit", hint)
    if _has(words, _QUOTA):
        return Failure("quota", hint)
    if _has(words, _OVERLOAD):
        return Failure("overloaded", _SHORT if hint is None else hint)
    if _has(words, _LOGIN):
        return Failure("oauth", hint)
    if _has(words, _MODEL):
        return Failure("model", 0)
    return Failure("server", 0) if _has(words, ("api_error", "server_error", "internal")) else None


def _is_status(value: Any) -> bool:
    if isinstance(value, str) and value.isdigit():
        value = int(value)
    return isinstance(value, int) and not isinstance(value, bool) and 400 <= value < 600


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _words(found: Any) -> str:
    """Returns the texts of an error object, in lower case: its type, code, status and message, and nothing else."""
    return "\n".join(_texts(found, 0)).lower()


def _texts(found: Any, depth: int) -> Iterator[str]:
    if isinstance(found, str):
        yield found
    elif isinstance(found, list):  # Gemini's streams, and FastAPI's details
        for one in found[:4]:
            if depth < 4:
                yield from _texts(one, depth + 1)
    elif isinstance(found, dict) and depth < 4:
        for key in ("error", "type", "code", "status", "reason", "message", "detail", "error_description"):
            if key in found:
                yield from _texts(found[key], depth + 1)


def _has(words: str, wanted: tuple[str, ...]) -> bool:
    return any(one in words for one in wanted)


def _hint(headers: list[Header], error: Any) -> float | None:
    """Returns the seconds that an answer asks to wait, at most LONGEST_COOLDOWN; None where it names no time."""
    if (text := header(headers, b"retry-after-ms")) and (seconds := _seconds(text)) is not None:
        return min(seconds / 1000, LONGEST_COOLDOWN)
    for name in (b"retry-after", b"llm_provider-retry-after"):
        if (text := header(headers, name)) and (seconds := _seconds(text)) is not None:
            return min(seconds, LONGEST_COOLDOWN)
    found = error if isinstance(error, dict) else {}
    for place in (found, found.get("error")):
        for key in ("reset_seconds", "resets_in_seconds"):
            if isinstance(place, Mapping) and isinstance(value := place.get(key), int | float) and value >= 0:
                return min(float(value), LONGEST_COOLDOWN)
    return None


def _seconds(text: bytes) -> float | None:
    """Returns what Retry-After says (RFC 9110, section 10.2.3): seconds, or until a date; None where it says nothing."""
    value = text.decode("latin-1").strip()
    try:
        seconds = float(value)
        return seconds if 0 <= seconds < float("inf") else None
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return None
