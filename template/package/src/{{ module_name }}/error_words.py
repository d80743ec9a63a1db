"""What the codes and words of errors mean: tables, and the questions that they answer. Template's file: do not edit.

An author's own words are in `[errors]` of upstream.toml, which come first. LiteLLM's recognisers are asked before the
tables of messages. Codes are compared without case, signs between words, and "Error" or "Exception" at their end, so that
`RATE_LIMIT`, `rate-limit` and `RateLimitError` are one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from http import HTTPStatus

from ._litellm import ExceptionCheckers
from .upstream import Errors, load_upstream

# OpenAI's, llama.cpp's, and those of gateways.
CONTEXT_CODES = (
    "context_length",
    "context_length_exceeded",
    "context_window_exceeded",
    "context_window_full",
    "exceed_context_size_error",
    "input_too_long",
    "model_context_window_exceeded",
    "prompt_too_long",
)

# OpenAI's, Azure's, Gemini's, AWS's, Alibaba's, and those of gateways.
POLICY_CODES = (
    "bio_policy",
    "blocked_by_safety",
    "blocklist",
    "content_blocked",
    "content_filter",
    "content_filtered",
    "content_moderation",
    "content_policy",
    "content_policy_violation",
    "data_inspection_failed",
    "guardrail_intervened",
    "guardrail_violation",
    "image_content_policy_violation",
    "image_safety",
    "moderation_blocked",
    "policy_violation",
    "prohibited_content",
    "responsible_ai_policy_violation",
    "safety",
    "sensitive_content",
    "spii",
)

# What an error without an HTTP status of its own, as inside a stream, would have had for one. The reasons of HTTP
# ("Too Many Requests") need no line.
STATUS_OF_CODE = {
    # OpenAI's and those of servers that follow it
    "billing_hard_limit_reached": 429,
    "billing_not_active": 429,
    "capacity_exceeded": 503,
    "engine_overloaded": 503,
    "exceeded_current_quota": 429,
    "insufficient_quota": 429,
    "internal_error": 500,
    "invalid_api_key": 401,
    "invalid_request_error": 400,
    "invalid_value": 400,
    "model_not_found": 404,
    "model_overloaded": 503,
    "quota_exceeded": 429,
    "rate_limit": 429,
    "rate_limit_exceeded": 429,
    "rate_limit_reached": 429,
    "rate_limited": 429,
    "requests_limit_exceeded": 429,
    "server_error": 500,
    "server_overloaded": 503,
    "service_tier_capacity_exceeded": 429,
    "slow_down": 429,
    "tokens_limit_exceeded": 429,
    # of OpenAI's Responses, which come inside of answers
    "empty_image_file": 400,
    "failed_to_download_image": 400,
    "image_file_not_found": 400,
    "image_file_too_large": 400,
    "image_parse_error": 400,
    "image_too_large": 400,
    "image_too_small": 400,
    "invalid_base64_image": 400,
    "invalid_image": 400,
    "invalid_image_format": 400,
    "invalid_image_mode": 400,
    "invalid_image_url": 400,
    "invalid_prompt": 400,
    "unsupported_image_media_type": 400,
    "vector_store_timeout": 504,
    # Anthropic's
    "api_error": 500,
    "authentication_error": 401,
    "billing_error": 402,
    "overloaded_error": 503,
    "permission_error": 403,
    "timeout_error": 504,
    # classes of OpenAI's and LiteLLM's libraries
    "api_connection_error": 503,
    "api_timeout_error": 504,
    "internal_server_error": 500,
    "permission_denied_error": 403,
    "unprocessable_entity_error": 422,
    # gRPC's and Google's
    "aborted": 409,
    "api_key_invalid": 401,
    "cancelled": 499,
    "data_loss": 500,
    "deadline_exceeded": 504,
    "failed_precondition": 400,
    "internal": 500,
    "invalid_argument": 400,
    "permission_denied": 403,
    "resource_exhausted": 429,
    "unauthenticated": 401,
    "unavailable": 503,
    "unimplemented": 501,
    "unknown": 500,
    # AWS's
    "access_denied_exception": 403,
    "expired_token_exception": 401,
    "internal_failure": 500,
    "model_error_exception": 500,
    "model_not_ready_exception": 503,
    "model_stream_error_exception": 500,
    "model_timeout_exception": 504,
    "resource_not_found_exception": 404,
    "service_quota_exceeded_exception": 429,
    "throttled": 429,
    "throttled_exception": 429,
    "throttling_exception": 429,
    "too_many_requests_exception": 429,
    "unrecognized_client_exception": 401,
    "validation_exception": 400,
    # Alibaba's and others
    "access_denied": 403,
    "busy": 503,
    "invalid_parameter": 400,
    "no_healthy_upstream": 503,
    "server_busy": 503,
    "throttling_allocation_quota": 429,
    "throttling_rate_quota": 429,
    "timeout": 504,
    "validation_error": 400,
}

# Parts of messages, as regular expressions without case.
CONTEXT_MESSAGES = (
    r"prompt (?:tokens? )?(?:is |are |was )?too (?:long|large)",
    r"input (?:is |was )?too long for",
    r"too many (?:input |prompt )?tokens",
    r"maximum context (?:length|window|size)",
    r"context (?:length|window|size) (?:was |has been )?exceeded",
    r"context (?:length|window|size) is (?:only )?\d",
    r"exceed\w* [^.]{0,40}context (?:length|window|size|limit)",
    r"context (?:length|window|size|limit) exceeds",
    r"(?:larger|longer|greater) than [^.]{0,30}(?:context (?:length|window|size)|model length)",
    r"reduce the length of the (?:message|prompt|input)",
    r"maximum prompt length is \d",
    r"prompt exceeds max",
    r"exceeded model token limit",
    r"exceeds? max message tokens",
    r"input token count is \d+ but",
    r"at most \d+ input tokens",
    r"range of input length should be",
    r"`?inputs`? must have less than \d+ tokens",
    r"number of (?:input |prompt )?tokens[^.]{0,60} (?:cannot|must not|may not) exceed",
    r"tokens in the (?:prompt|input|messages?)\b[^.]{0,30} exceeds?\b",
    r"\btoken limit exceeded",
    r"loaded with context length of only \d",
    r"\b(?:input|prompt) (?:token|length)[^.]{0,60} exceeds? [^.]{0,40}(?:max|limit|allowed)",
    r"#/(?:prompt|inputtext): expected maxlength",
)

POLICY_MESSAGES = (
    r"blocked (?:by|due to) (?:our |the )?(?:content|safety|guardrail|moderation)",
    r"content exists risk",
    r"content (?:management|filtering|moderation) policy",
    r"considered high risk",
    r"flagged (?:as|by|for) [^.]{0,40}(?:polic|moderation|violat|content|safety)",
    r"guardrail intervened",
    r"inappropriate content",
    r"prohibited_content",
    r"rejected (?:as a result of|by) (?:our|the) (?:safety|moderation) system",
    r"requires moderation .{0,100}flagged",
    r"response was blocked",
    r"violat\w+ (?:our |the )?(?:[\w']+ )?(?:usage|content|safety) (?:polic|guideline)",
)

# What speaks of tokens and means a rate: never a context window.
RATE_MESSAGES = (
    r"rate[ _-]?limit",
    r"per[ -](?:second|minute|min|hour|day)\b",
    r"\((?:tpm|rpm|tpd|rpd)\)",
    r"too many requests",
    r"throttl",
    r"quota",
    r"please wait",
)

# For errors that have neither a status nor a code that is known.
STATUS_OF_MESSAGE = (
    (429, (r"rate[ _-]?limit", r"too many requests", r"throttled")),
    (503, (r"\boverloaded\b", r"temporarily unavailable", r"no healthy upstream", r"at capacity", r"server is busy")),
    (504, (r"\btimed out\b", r"deadline exceeded")),
)

_REPLACEABLE = (400, 413, 422, 498, 500)
"""Statuses that say so little that a code may say more."""
_NO_LIMIT_OF_CONTENT = (401, 402, 407, 408, 429)
"""Client errors that are about the caller, whatever words they use."""
_MAX_WORDS = 4096
"""Characters of a message that are searched."""


def plain(code: str) -> str:
    """Returns a code as the tables compare it: `RateLimitError` and `RATE_LIMIT` are both `ratelimit`."""
    # AWS writes com.amazon.coral#ThrottlingException:http://..., LiteLLM litellm.RateLimitError.
    name = code.rpartition("#")[2].partition(":")[0].removeprefix("litellm.")
    letters = re.sub(r"[\W_]+", "", name).lower()
    return re.sub(r"(?:error|exception)$", "", letters) or letters


def known_status(code: str) -> int | None:
    """Returns the HTTP status that a code means, the author's own first; None for a code that says nothing.

    Args:
        code: a word of an error's body.
    """
    return _status_of(plain(code))


def _status_of(name: str) -> int | None:
    return _author_statuses().get(name) or _STATUSES.get(name)


def status_of_message(message: str) -> int | None:
    """Returns the HTTP status that the words of a message mean; None for a message that says nothing of it."""
    return next((status for status, words in _MESSAGE_STATUSES if words.search(message[:_MAX_WORDS])), None)


def is_rate(message: str) -> bool:
    """Returns whether a message is about how much was sent in a time, and not about the length of one prompt."""
    return _RATE.search(message[:_MAX_WORDS]) is not None


def status_by_code(status: int, code: str | None) -> int:
    """Returns the status that an error really has: that of its code, where HTTP's says no more than that it failed.

    Args:
        status: of HTTP.
        code: a word of the error's body.
    """
    if status not in _REPLACEABLE or not code:
        return status
    own = _author_statuses().get(plain(code))
    meant = own or _STATUSES.get(plain(code)) or status
    return meant if own or meant not in _REPLACEABLE else status


def is_context_window(status: int, message: str, code: str | None) -> bool:
    """Returns whether an error says that the prompt is longer than the model's context window.

    Args:
        status: of HTTP, or what it would have been.
        message: for people.
        code: a word of the error's body.
    """
    if not _can_be_of_content(status):
        return False
    if code and plain(code) in _CONTEXT:
        return True
    message = message[:_MAX_WORDS]
    if _has(own_words().context_window, message, code):
        return True
    said = f"{message} {code or ''}"
    return not is_rate(message) and bool(
        ExceptionCheckers.is_error_str_context_window_exceeded(said) or _CONTEXT_SAID.search(message)
    )


def is_content_policy(status: int, message: str, code: str | None) -> bool:
    """Returns whether an error says that the prompt or the answer is not allowed; it takes what `is_context_window` takes."""
    if not _can_be_of_content(status):
        return False
    if code and plain(code) in _POLICY:
        return True
    message = message[:_MAX_WORDS]
    return bool(
        _has(own_words().content_policy, message, code)
        or ExceptionCheckers.is_azure_content_policy_violation_error(f"{message} {code or ''}")
        or _POLICY_SAID.search(message)
    )


def most_telling(codes: Iterable[str]) -> str | None:
    """Returns the code that says the most: of content before a status, that before one of many meanings.

    Args:
        codes: the words of an error's body, the innermost first.
    """
    own = own_words()
    mine = {plain(word) for word in (*own.context_window, *own.content_policy, *own.status)}

    def rank(code: str) -> int:
        name = plain(code)
        if name in mine or name in _CONTEXT or name in _POLICY:
            return 0
        status = known_status(code)
        return 2 if status is None else 1 if status not in _REPLACEABLE else 3

    return min(codes, key=rank, default=None)


def own_words() -> Errors:
    """Returns what the author says of the upstream's errors."""
    return load_upstream().errors


def is_known(code: str) -> bool:
    """Returns whether a word is the code of an error, by the tables or by its form."""
    name = plain(code)
    return (
        name in _CONTEXT
        or name in _POLICY
        or _status_of(name) is not None
        or re.search(r"(?:error|exception|failed|failure)$", code, re.IGNORECASE) is not None
    )


def _can_be_of_content(status: int) -> bool:
    return status == 500 or (400 <= status < 500 and status not in _NO_LIMIT_OF_CONTENT)


def _has(words: Iterable[str], message: str, code: str | None) -> bool:
    said = message.lower()
    name = plain(code) if code else None
    return any(word.lower() in said or (name is not None and plain(word) == name) for word in words)


def _author_statuses() -> dict[str, int]:
    return _plain_statuses(tuple(own_words().status.items()))


@cache
def _plain_statuses(statuses: tuple[tuple[str, int], ...]) -> dict[str, int]:
    return {plain(code): status for code, status in statuses}


def _any_of(patterns: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


_CONTEXT = frozenset(map(plain, CONTEXT_CODES))
_POLICY = frozenset(map(plain, POLICY_CODES))
_STATUSES = {
    **{plain(status.phrase): status.value for status in HTTPStatus if status >= 400},
    **{plain(code): status for code, status in STATUS_OF_CODE.items()},
    **dict.fromkeys(_CONTEXT | _POLICY, 400),
}
_CONTEXT_SAID = _any_of(CONTEXT_MESSAGES)
_POLICY_SAID = _any_of(POLICY_MESSAGES)
_RATE = _any_of(RATE_MESSAGES)
_MESSAGE_STATUSES = [(status, _any_of(words)) for status, words in STATUS_OF_MESSAGE]
