"""Keeps secrets out of what people and programs get to see. Template's file: do not edit."""

from __future__ import annotations

import html
import json
import logging
import re
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from functools import lru_cache
from typing import Protocol
from urllib.parse import quote, quote_plus

REDACTED = "[redacted]"

MAX_MESSAGE = 2000
"""Characters of an upstream's message that are passed on."""

_SHORTEST = 8
"""Characters of the shortest secret that is searched for in text: a shorter one stands in it by chance."""
_NEVER_BY_CHANCE = 20
"""A secret of this length is found anywhere, a shorter one as a whole word: "password" is no part of "passwords"."""

_CREDENTIAL_NAME = re.compile(
    r"(^|[-_])(auth|authorization|apikey|cookie|credentials?|key|passw(or)?d|secret|signature|token)([-_]|$)",
    re.IGNORECASE,
)

# Names of response headers that say how the upstream is, and nothing of who asked it.
_HANDED_ON = frozenset(
    {
        "apim-request-id",
        "cf-ray",
        "content-language",
        "content-type",
        "date",
        "location",
        "openai-model",
        "openai-processing-ms",
        "openai-version",
        "request-id",
        "retry-after",
        "retry-after-ms",
        "server",
        "server-timing",
        "via",
        "warning",
        "x-amzn-errortype",
        "x-amzn-requestid",
        "x-correlation-id",
        "x-envoy-upstream-service-time",
        "x-ms-region",
        "x-ms-request-id",
        "x-request-id",
        "x-should-retry",
        "x-trace-id",
    }
)
_HANDED_ON_PREFIXES = ("anthropic-ratelimit-", "ratelimit", "x-ratelimit-", "x-rate-limit-")


class HasSecrets(Protocol):
    """A request on its way: which secrets it has may change while it is sent."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """The strings that no message may contain."""
        ...


class RedactedError(Exception):
    """What an exception said, without secrets, in its place as a cause: the exception itself may hold the request."""


def redacted(text: str, secrets: Iterable[str]) -> str:
    """Returns the text without the secrets: servers like to quote the key that they refuse.

    Args:
        text: a message.
        secrets: what it must not contain, as it is, in a URL, in HTML, in JSON or in a Python literal. Those of fewer
            than eight characters are not looked for.
    """
    for secret in secrets:
        if len(secret) >= _SHORTEST:
            for form, pattern in _forms(secret):
                if form in text:
                    text = pattern.sub(REDACTED, text)
    return text


@lru_cache(maxsize=64)
def _forms(secret: str) -> tuple[tuple[str, re.Pattern[str]], ...]:
    """The ways in which text may have a secret, each with what finds it."""
    in_url = [quote(secret, safe=""), quote(secret), quote_plus(secret)]
    in_url += [re.sub("%..", lambda code: code[0].lower(), form) for form in in_url]
    in_text = [html.escape(secret), json.dumps(secret)[1:-1], secret.replace("/", "\\/"), repr(secret)[1:-1]]
    return tuple((form, _pattern(form)) for form in dict.fromkeys([secret, *in_url, *in_text]))


def _pattern(form: str) -> re.Pattern[str]:
    if len(form) >= _NEVER_BY_CHANCE:
        return re.compile(re.escape(form))
    # A word may begin behind an escape, whose own last letter is none of it: \n, \u0022, %22.
    begin = r"(?:(?<!\w)|(?<=\\[nrtbf])|(?<=\\u[0-9a-fA-F]{4})|(?<=%[0-9a-fA-F]{2}))"
    return re.compile(rf"{begin}{re.escape(form)}(?!\w)")


def without_secrets(error: BaseException, secrets: tuple[str, ...]) -> RedactedError:
    """Returns what stands for an exception as the cause of another one: its text, its traceback, its own causes.

    Args:
        error: what was raised.
        secrets: what no text may contain.
    """
    chain: list[BaseException] = []
    following: BaseException | None = error
    while following is not None and following not in chain:
        chain.append(following)
        following = following.__cause__ or (None if following.__suppress_context__ else following.__context__)
    cause: RedactedError | None = None
    for one in reversed(chain):
        said = redacted(f"{type(one).__name__}: {one}", secrets)[:MAX_MESSAGE]
        copy = RedactedError(said).with_traceback(one.__traceback__)
        copy.__cause__, cause = cause, copy
    return cause or RedactedError(type(error).__name__)


@lru_cache(maxsize=256)  # each call asks for all of its headers
def is_credential(name: str) -> bool:
    """Returns whether a header of that name says who asks."""
    return bool(_CREDENTIAL_NAME.search(name))


def credentials_in(headers: Mapping[str, object]) -> tuple[str, ...]:
    """Returns the credentials among request headers, each without the scheme before it."""
    values = [str(value).split() for name, value in headers.items() if value and is_credential(name)]
    return tuple(words[-1] for words in values if words)


def shown_headers(headers: Mapping[str, str], secrets: tuple[str, ...]) -> dict[str, str]:
    """Returns request headers as logs and callbacks may have them."""
    return {name: REDACTED if is_credential(name) else redacted(value, secrets) for name, value in headers.items()}


def handed_on(headers: Mapping[str, str], secrets: tuple[str, ...], more: frozenset[str]) -> dict[str, str]:
    """Returns what callers may have of an upstream's response headers: names that are known to be harmless.

    Args:
        headers: the response's headers.
        secrets: what their values must not contain.
        more: names that may be handed on as well, in lower case.
    """
    found: dict[str, str] = {}
    for name, value in headers.items():
        lowered = name.lower()
        if lowered in _HANDED_ON or lowered in more or lowered.startswith(_HANDED_ON_PREFIXES):
            found[lowered] = redacted(without_query(value) if lowered == "location" else value, secrets)
    return found


def without_query(url: str) -> str:
    """Returns a URL without user, password, query and fragment, whether or not it can be parsed."""
    address = re.split("[?#]", url, maxsplit=1)[0]
    return re.sub(r"^([a-zA-Z][a-zA-Z0-9+.-]*:)?//[^/]*@", r"\1//", address)


_sending: ContextVar[HasSecrets | None] = ContextVar("sending", default=None)


class KeptOutOfLogs:
    """Keeps the secrets of a request out of what httpx and httpcore log while it is sent, in a `with`.

    Args:
        request: the request.
    """

    __slots__ = ("_request", "_token")

    def __init__(self, request: HasSecrets) -> None:
        self._request = request

    def __enter__(self) -> None:
        self._token = _sending.set(self._request)

    def __exit__(self, *raised: object) -> None:
        _sending.reset(self._token)


class _SecretFilter(logging.Filter):
    """Redacts what is logged about requests of this package; those of others pass as they are."""

    def filter(self, record: logging.LogRecord) -> bool:
        request = _sending.get()
        if request is not None:
            message = record.getMessage()
            clean = redacted(message, request.secrets)
            if clean != message:
                record.msg, record.args = clean, ()
        return True


HTTP_LOGGERS = ("httpx", "httpcore.connection", "httpcore.http11", "httpcore.http2", "httpcore.proxy")
"""The loggers of httpx and of what it sends with: httpcore logs the headers of each response."""

for _name in HTTP_LOGGERS:
    logging.getLogger(_name).addFilter(_SecretFilter())
