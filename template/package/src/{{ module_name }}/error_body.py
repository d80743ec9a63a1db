"""Error bodies in whatever shape they come: the message and the codes in them. Template's file: do not edit.

OpenAI's, Anthropic's, Google's and AWS's; FastAPI's `detail`; flat ones; lists of them; JSON inside a message; text and
pages of gateways.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .error_words import is_known

MAX_PAGE = 8192
"""Characters of a body that is no JSON that are read."""
_MAX_DEPTH = 5
_MAX_ERRORS = 5
"""Errors of a list that are read."""

# Where an error, or a list of them, is inside of what came.
_INNER = ("error", "Error", "errors", "fault", "exception", "detail", "base_resp", "promptFeedback", "response")
_MESSAGES = (
    "message",
    "Message",
    "msg",
    "error_message",
    "errorMessage",
    "error_description",
    "status_msg",
    "detail",
    "description",
    "title",
    "blockReasonMessage",
)
_CODES = (
    "code",
    "error_code",
    "errorCode",
    "type",
    "error_type",
    "errorType",
    "__type",
    "status",
    "http_status",
    "httpStatus",
    "status_code",
    "statusCode",
    "reason",
    "blockReason",
    "name",
)
_INNER_CODES = ("innererror", "inner_error", "details")
"""What is beside a message and has codes, but no better message."""
_NO_CODES = frozenset({"error", "errors", "fail", "failed", "failure", "false", "none", "null", "object"})
_FAILED = frozenset({"error", "fail", "failed", "failure"})
_GOOD_CODES = frozenset({"", "0", "200", "ok", "success", "succeeded", "none"})
BESIDE_MESSAGE = frozenset(
    {"message", "Message", "msg", "id", "request_id", "requestId", "timestamp", "trace_id", "path"}
)
"""What a flat error without a code may have."""


@dataclass
class ErrorBody:
    """What an error body says."""

    message: str | None = None
    words: list[str] = field(default_factory=list)
    """Codes that are words, the innermost first."""
    statuses: list[int] = field(default_factory=list)
    """Codes that are HTTP statuses, as a number or as text."""

    def take(self, other: ErrorBody) -> None:
        """Adds the codes of another."""
        self.words += other.words
        self.statuses += other.statuses

    def take_code(self, code: object) -> None:
        """Adds a code, if it is one."""
        if isinstance(code, bool):
            return
        if isinstance(code, int | float):
            if code in range(400, 600):
                self.statuses.append(int(code))
        elif isinstance(code, str) and 0 < len(code) <= 200:
            if number := re.match(r"\s*(?:http[ _-]?)?([45]\d\d)\b", code, re.IGNORECASE):
                self.statuses.append(int(number[1]))
            elif code.strip().lower() not in _NO_CODES:
                self.words.append(code.strip())


def read_body(text: str) -> ErrorBody:
    """Returns what an error body says; where its shape is none that is known, the body itself is the message."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return ErrorBody(_plain_text(text))
    body = _read(content, 0)
    if not body.message:
        body.message = json.dumps(content, ensure_ascii=False) if content not in (None, {}, [], "") else text
    return body


def is_error(content: Mapping[str, Any]) -> bool:
    """Returns whether a JSON object that came where an answer was expected is an error, in any shape that is known.

    It costs two look-ups for what has `choices`, as chunks of OpenAI's format do.

    Args:
        content: a body, or an event of a stream. What has `choices` is an error only by a field `error` with something
            in it.
    """
    error = content.get("error")
    if error and (not isinstance(error, dict) or any(error.values())):
        return True
    if content.get("choices") or ("choices" in content and content["choices"] is not None):
        return False
    return _is_flat_error(content)


def _is_flat_error(content: Mapping[str, Any]) -> bool:
    kind = content.get("type") or content.get("object")
    if isinstance(kind, str) and (kind.lower() == "error" or is_known(kind)):
        return True
    response = content.get("response")
    if isinstance(response, dict) and response.get("error"):
        return True
    if len(content) == 1:
        name, value = next(iter(content.items()))
        if isinstance(value, dict) and re.search(r"[a-z](?:Exception|Error)$", name):
            return True
    if (base := content.get("base_resp")) and isinstance(base, dict) and base.get("status_code"):
        return True
    if (feedback := content.get("promptFeedback")) and isinstance(feedback, dict) and feedback.get("blockReason"):
        return True
    if kind is not None and kind != "":
        return False  # an event of a format of its own
    if content.get("errors") or content.get("detail") or content.get("__type"):
        return True
    if content.get("success") is False or content.get("ok") is False:
        return True
    if not any(isinstance(content.get(name), str) and content[name] for name in _MESSAGES):
        return False
    return content.keys() <= BESIDE_MESSAGE or any(
        _says_failed(name, content[name]) for name in _CODES if name in content
    )


def _says_failed(name: str, code: object) -> bool:
    if isinstance(code, bool) or not isinstance(code, str | int):
        return False
    if name in ("status", "reason", "name"):  # of an answer, too: "completed"
        said = str(code).lower()
        return said in _FAILED or bool(re.match(r"[45]\d\d\b", said)) or (isinstance(code, str) and is_known(code))
    return str(code).lower() not in _GOOD_CODES


def _read(content: object, depth: int) -> ErrorBody:
    if depth > _MAX_DEPTH:
        return ErrorBody()
    if isinstance(content, str):
        return _read_text(content, depth)
    if isinstance(content, list):
        return _read_list(content, depth)
    if isinstance(content, dict):
        return _read_object(content, depth)
    body = ErrorBody()
    body.take_code(content)
    return body


def _read_text(content: str, depth: int) -> ErrorBody:
    if content.lstrip()[:1] in ("{", "["):  # an upstream's own upstream
        try:
            inner = _read(json.loads(content), depth + 1)
        except (ValueError, RecursionError):
            inner = ErrorBody()
        if inner.message:
            return inner
    return ErrorBody(content.strip() or None)


def _read_list(content: list[Any], depth: int) -> ErrorBody:
    body = ErrorBody()
    messages = []
    for part in content[:_MAX_ERRORS]:
        one = _read(part, depth + 1)
        body.take(one)
        if one.message:
            messages.append(one.message)
    body.message = "; ".join(messages) or None
    return body


def _read_object(content: dict[str, Any], depth: int) -> ErrorBody:
    own = _message(content, depth)
    body = ErrorBody()
    for name in _INNER:
        value = content.get(name)
        if not value or value is True or value is own.message:
            continue
        if isinstance(value, str) and own.message:
            body.take_code(value)  # {"error": "invalid_grant", "message": "..."}
            continue
        inner = _read(value, depth + 1)
        body.take(inner)
        body.message = body.message or inner.message
    body.message = body.message or own.message
    body.take(own)
    for name in _CODES:
        body.take_code(content.get(name))
    for name in _INNER_CODES:
        if isinstance(value := content.get(name), dict | list):
            body.take(_read(value, depth + 1))
    if body.message is None and len(content) == 1:
        name, value = next(iter(content.items()))
        if isinstance(value, dict):  # AWS's events: {"throttlingException": {"message": "..."}}
            body = _read(value, depth + 1)
            body.take_code(name)
    if isinstance(content.get("loc"), list) and body.message:  # FastAPI's; its input is the caller's, and stays out
        body.message = f"{'.'.join(map(str, content['loc']))}: {body.message}"
    metadata = content.get("metadata")
    if isinstance(metadata, dict) and isinstance(raw := metadata.get("raw"), str) and raw.strip():
        inner = _read_text(raw, depth + 1)  # OpenRouter's: what its own upstream said
        body.take(inner)
        body.message = ": ".join(filter(None, (body.message, inner.message)))
    return body


def _message(content: dict[str, Any], depth: int) -> ErrorBody:
    """The message beside the codes, which some make an object, or JSON in a text."""
    for name in _MESSAGES:
        value = content.get(name)
        if isinstance(value, str) and value.strip():
            return _read_text(value, depth)
        if name in ("message", "Message") and isinstance(value, dict | list) and value:
            inner = _read(value, depth + 1)
            return inner if inner.message else ErrorBody(json.dumps(value, ensure_ascii=False))
    return ErrorBody()


def _plain_text(text: str) -> str:
    page = text[:MAX_PAGE]
    title = re.search(r"<title>([^<]*)", page, re.IGNORECASE)
    said = title.group(1) if title else re.sub(r"<[^<>]*>", " ", page)
    return " ".join("".join(char if char.isprintable() else " " for char in said).split())
