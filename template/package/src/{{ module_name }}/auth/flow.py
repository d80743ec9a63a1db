"""httpx's auth flow for tokens: puts one into each request, and another when it is refused. Template's file: do not edit."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from typing import Any, cast

import httpx
from pydantic import BaseModel, SecretStr

from .._answers import API_KEY_HEADER, API_KEY_PREFIX
from .authenticator import Authenticator, CredentialError, can_repeat
from .refusals import asks_for_renewal, body_asks_for_renewal
from .tokens import Token, checked_token

_BODY_BYTES = 64 * 1024
_BODY_SECONDS = 5.0
"""How much of a refusal's body is read, and for how long, to see whether the token is stale."""


class TokenAuthenticator(Authenticator):
    """Gives each call a token: its own if it brought one, else the one that subclasses get."""

    secrets: tuple[str, ...] = ()
    """What no message may contain, besides the tokens."""

    @abstractmethod
    def check(self) -> None:
        """Looks whether the settings are complete; raises CredentialError when they are not."""

    def knows_as_refresh_token(self, text: str) -> bool:
        """Returns whether that is a refresh token of this authenticator, which only the token endpoint may see."""
        return False

    @abstractmethod
    def get_token(self, refused: Token | None = None, within: float | None = None) -> Token:
        """Returns a token that is good as far as anyone knows.

        Args:
            refused: a token that the upstream has just refused; if the same one comes back, there is no other.
            within: seconds to wait at most when a token has to be fetched.

        Raises:
            CredentialError: there is none.
        """

    @abstractmethod
    async def aget_token(self, refused: Token | None = None, within: float | None = None) -> Token:
        """Does what `get_token` does, without blocking the event loop."""

    def for_call(self, api_key: str | None) -> TokenAuth | GivenToken:
        """See `Authenticator.for_call`."""
        if not api_key:
            self.check()
            return TokenAuth(self)
        if self.knows_as_refresh_token(api_key.strip()):
            raise CredentialError(
                "The api_key of the call is a refresh token, which the API must never see: leave api_key out, as "
                "calls get their tokens with it by themselves."
            )
        try:
            return GivenToken(checked_token(api_key))
        except ValueError as error:
            raise CredentialError(f"The api_key of the call cannot be sent: {error}.") from None


class TokenAuth(httpx.Auth):
    """The authentication of one call: httpx's `Auth` protocol, for any httpx client, sync or async.

    A request that is refused, with 401 or with what else means a stale token (refusals.py), is sent once more with
    another token, if there is one and if its body can be sent again. It stays the same request, with the same id. A
    header that the caller set wins.

    Args:
        authenticator: where tokens come from.
    """

    def __init__(self, authenticator: TokenAuthenticator) -> None:
        self._authenticator = authenticator
        self._tokens: list[Token] = []
        self._headers: list[str] = []
        """The headers that came with the last token."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """The strings that no message may contain."""
        return (*self._authenticator.secrets, *(token.value for token in self._tokens))

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Sends the request, once more if need be (httpx calls this)."""
        if API_KEY_HEADER in request.headers:
            yield request
            return
        token = self._put(request, self._authenticator.get_token(within=_read_timeout(request)))
        response = yield request
        if response.status_code >= 400 and can_repeat(request) and _is_stale(response):
            other = self._authenticator.get_token(refused=token, within=_read_timeout(request))
            if other.value != token.value:
                stream, response.stream = response.stream, httpx.ByteStream(b"")  # it may never end
                if isinstance(stream, httpx.SyncByteStream):
                    stream.close()
                self._put(request, other)
                yield request

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Sends the request, once more if need be (httpx calls this)."""
        if API_KEY_HEADER in request.headers:
            yield request
            return
        token = self._put(request, await self._authenticator.aget_token(within=_read_timeout(request)))
        response = yield request
        if response.status_code >= 400 and can_repeat(request) and await _ais_stale(response):
            other = await self._authenticator.aget_token(refused=token, within=_read_timeout(request))
            if other.value != token.value:
                stream, response.stream = response.stream, httpx.ByteStream(b"")  # it may never end
                if isinstance(stream, httpx.AsyncByteStream):
                    await stream.aclose()
                self._put(request, other)
                yield request

    def _put(self, request: httpx.Request, token: Token) -> Token:
        for name in self._headers:
            request.headers.pop(name, None)
        self._headers = [name for name in token.headers if name not in request.headers]
        for name in self._headers:
            request.headers[name] = token.headers[name]
        request.headers[API_KEY_HEADER] = f"{API_KEY_PREFIX} {token.value}".lstrip()
        self._tokens.append(token)
        return token


class GivenToken(httpx.Auth):
    """The authentication of a call that brought its own token: there is no other.

    Args:
        token: the token.
    """

    def __init__(self, token: str) -> None:
        self.secrets: tuple[str, ...] = (token,)

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Sets the header, unless the caller did, and sends the request (httpx calls this)."""
        request.headers.setdefault(API_KEY_HEADER, f"{API_KEY_PREFIX} {self.secrets[0]}".lstrip())
        yield request


def secrets_of(settings: BaseModel) -> tuple[str, ...]:
    """Returns what the settings keep secret, so that no message contains it."""
    values = [getattr(settings, name) for name in type(settings).model_fields]
    values += [inner for value in values if isinstance(value, dict) for inner in value.values()]
    return tuple(value.get_secret_value() for value in values if isinstance(value, SecretStr))


class _ReadStream(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body whose beginning was read: whoever reads it next finds it whole."""

    def __init__(self, read: list[bytes], rest: Any, stream: Any) -> None:
        self._read = read
        self._rest = rest
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        yield from self._read
        yield from self._rest

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self._read:
            yield part
        async for part in self._rest:
            yield part

    def close(self) -> None:
        self._stream.close()

    async def aclose(self) -> None:
        await self._stream.aclose()


def _is_stale(response: httpx.Response) -> bool:
    """Whether an error means that the token has to be renewed; of the body, only as much as that takes is read."""
    told = asks_for_renewal(response)
    if told is not None:
        return told
    from ..transport import cut_off  # it imports LiteLLM, which a command like `status` does without

    read: list[bytes] = []
    stream = cast("httpx.SyncByteStream", response.stream)
    rest = iter(stream)
    with cut_off(response, _BODY_SECONDS):
        for part in rest:
            if _is_enough(read, part):
                break
    return _told(response, read, _ReadStream(read, rest, stream))


async def _ais_stale(response: httpx.Response) -> bool:
    """Does what `_is_stale` does, for an async response."""
    told = asks_for_renewal(response)
    if told is not None:
        return told
    from ..transport import async_cut_off  # it imports LiteLLM, which a command like `status` does without

    read: list[bytes] = []
    stream = cast("httpx.AsyncByteStream", response.stream)
    rest = aiter(stream)
    async with async_cut_off(_BODY_SECONDS):
        async for part in rest:
            if _is_enough(read, part):
                break
    return _told(response, read, _ReadStream(read, rest, stream))


def _told(response: httpx.Response, read: list[bytes], whole: _ReadStream) -> bool:
    """Gives the response its whole body back; returns what the beginning says."""
    response.stream = whole
    return body_asks_for_renewal(_text(response, read))


def _is_enough(read: list[bytes], part: bytes) -> bool:
    """Adds a part of a body; returns whether that is enough of it."""
    read.append(part)
    return sum(map(len, read)) >= _BODY_BYTES


def _text(response: httpx.Response, read: list[bytes]) -> str:
    """The text of a body, or of its beginning, as its headers say."""
    try:
        return httpx.Response(response.status_code, headers=response.headers, content=b"".join(read)).text
    except (httpx.DecodingError, LookupError):
        return ""


def _read_timeout(request: httpx.Request) -> float | None:
    """How long the call would wait for an answer."""
    timeout: float | None = request.extensions.get("timeout", {}).get("read")
    return timeout
