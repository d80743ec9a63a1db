"""API keys: in a header or in the query, one or several. Template's file: do not edit."""

from __future__ import annotations

import logging
import re
from collections.abc import Generator
from typing import Annotated, Literal

import httpx
from pydantic import BaseModel, SecretStr, field_validator
from pydantic_settings import NoDecode

from .._answers import API_KEY_HEADER, API_KEY_IN, API_KEY_PREFIX, API_KEY_QUERY, ENV_PREFIX, PROVIDER_NAME
from ..redaction import HTTP_LOGGERS, REDACTED
from .authenticator import Console, CredentialError, Status, Tls, can_repeat

_PLACE: Literal["header", "query"] = API_KEY_IN


class Settings(BaseModel):
    """The settings that this kind of authentication adds."""

    api_key: SecretStr | None = None
    api_keys: Annotated[tuple[SecretStr, ...], NoDecode] = ()
    """More keys, with commas in between: when one is refused, the next takes its place."""

    @field_validator("api_keys", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return [key for key in map(str.strip, value.split(",")) if key] if isinstance(value, str) else value


class KeyRing:
    """The keys, and which of them is in use.

    Args:
        keys: the keys, without their prefix.
    """

    def __init__(self, keys: tuple[str, ...]) -> None:
        self.keys = keys
        self._current = 0

    def current(self) -> str:
        """Returns the key in use."""
        return self.keys[self._current]

    def after(self, key: str) -> str:
        """Returns the key after one that was refused, and makes it the one in use, unless another already is."""
        if self.keys[self._current] == key:
            self._current = (self._current + 1) % len(self.keys)
        return self.keys[self._current]


class ApiKeyAuth(httpx.Auth):
    """Puts a key into each request, unless the caller set that header; a key that is refused gives way to the next.

    Each key is tried once at most, and only if the request's body can be sent again.

    Args:
        ring: the keys.
    """

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring

    @property
    def secrets(self) -> tuple[str, ...]:
        """The strings that no message may contain."""
        return self._ring.keys

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Sends the request with one key after the other (httpx calls this)."""
        if _PLACE == "header" and API_KEY_HEADER in request.headers:
            yield request
            return
        tried: set[str] = set()
        key = self._ring.current()
        while key not in tried:
            tried.add(key)
            _put(request, key)
            response = yield request
            if response.status_code != httpx.codes.UNAUTHORIZED or len(self._ring.keys) == 1 or not can_repeat(request):
                return
            key = self._ring.after(key)


class ApiKeyAuthenticator:
    """Gives each call its credential: the caller's own key, else the keys of the settings (`Authenticator`).

    Args:
        settings: where keys are looked up when the caller has none.
    """

    def __init__(self, settings: Settings) -> None:
        given = [settings.api_key] if settings.api_key else []
        keys = dict.fromkeys(key.get_secret_value().strip() for key in (*given, *settings.api_keys))
        self._ring = KeyRing(tuple(filter(None, keys)))
        if _PLACE == "query":
            _keep_out_of_logs()

    def for_call(self, api_key: str | None) -> ApiKeyAuth:
        """See `Authenticator.for_call`."""
        # Keys that come from files like to end in a newline.
        own = (api_key or "").strip()
        ring = KeyRing((own,)) if own and own not in self._ring.keys else self._ring
        if not ring.keys:
            raise CredentialError(
                f"No API key for {PROVIDER_NAME}: set {ENV_PREFIX}_API_KEY in the environment or in .env, "
                "or pass api_key."
            )
        if not all(key.isascii() and key.isprintable() for key in ring.keys):
            raise CredentialError(
                f"The API key for {PROVIDER_NAME} has characters that a header cannot carry: "
                f"look at {ENV_PREFIX}_API_KEY, or at the api_key that was passed."
            )
        return ApiKeyAuth(ring)

    def login(self, console: Console) -> str:
        """Looks whether there is a key: there is nothing to log in to."""
        self.for_call(None)
        return f"There is nothing to log in to: the key comes from {ENV_PREFIX}_API_KEY."

    def logout(self) -> str:
        """Does nothing: the key is where the user put it."""
        return f"There is nothing to log out of: remove {ENV_PREFIX}_API_KEY from where you set it."

    def status(self) -> Status:
        """See `Authenticator.status`."""
        count = len(self._ring.keys)
        return Status(kind="api_key", ready=count > 0, source=f"{count} API key{'' if count == 1 else 's'}")


def authenticator(settings: Settings, tls: Tls = lambda: True) -> ApiKeyAuthenticator:
    """Returns what authenticates calls with these settings; `tls` is unused, as no authorization server is asked."""
    return ApiKeyAuthenticator(settings)


def _put(request: httpx.Request, key: str) -> None:
    if _PLACE == "query":
        request.url = request.url.copy_set_param(API_KEY_QUERY, key)
    else:
        request.headers[API_KEY_HEADER] = f"{API_KEY_PREFIX} {key}".lstrip()


class _QueryFilter(logging.Filter):
    """Takes the key out of addresses: those that httpx logs, and those that httpcore finds in response headers."""

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        clean = _IN_ADDRESS.sub(rf"\g<1>{REDACTED}", message)
        if clean != message:
            record.msg, record.args = clean, ()
        return True


_IN_ADDRESS = re.compile(rf"([?&]{re.escape(API_KEY_QUERY)}=)[^&#\s'\"<>]*")


def _keep_out_of_logs() -> None:
    for name in HTTP_LOGGERS:
        logger = logging.getLogger(name)
        if not any(isinstance(present, _QueryFilter) for present in logger.filters):
            logger.addFilter(_QueryFilter())
