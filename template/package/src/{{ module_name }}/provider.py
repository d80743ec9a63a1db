"""The `CustomLLM`: every way in which LiteLLM calls a provider. Template's file: do not edit.

A call becomes a request through the transformation (transformation.py, yours), gets its credential
(auth/), is sent by a shared client (transport.py), and its answer goes back through the transformation.
Source of the contract: litellm/llms/custom_llm.py and `_complete_custom_providers` in litellm/main.py.
"""

from __future__ import annotations

import re
import threading
import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import aclosing, closing
from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, NoReturn, Self

import httpx

from ._answers import PROVIDER, PROVIDER_NAME
from ._litellm import (
    BadRequestError,
    BaseConfig,
    BaseLLMException,
    CustomLLM,
    EmbeddingResponse,
    ImageResponse,
    ModelResponse,
    ModelResponseStream,
    OpenAIError,
    get_ssl_configuration,
    process_response_headers,
)
from .auth import make_authenticator
from .auth.authenticator import Authenticator, CallAuth, CredentialError
from .errors import before_request, from_exception, from_response, log_failure, raise_clean, unreadable
from .models import register_models
from .redaction import HasSecrets, KeptOutOfLogs, handed_on, redacted
from .request import Request, RequestBuilder, own_request
from .settings import Settings, load_settings
from .stream import ReasoningInText, StreamReader, joined, whole_stream
from .transformation import ChatConfig
from .transport import async_client, async_cut_off, cut_off, sync_client
from .upstream import UpstreamFileError, load_upstream

_MAX_ERROR_BODY = 64 * 1024
_ERROR_BODY_SECONDS = 5.0
"""What of an error is read at most: its body may stall, or have no end."""

_DRAIN_SECONDS = 0.25
"""How long a finished stream is read to its very end, so that its connection can be used again."""


if TYPE_CHECKING:
    provider: Provider


class Provider(CustomLLM):
    """The provider. Make one and share it: it holds settings and credentials, LiteLLM holds it.

    Args:
        config: the transformation; transformation.py's `ChatConfig` unless given.
        settings: read from the environment and files on the first call unless given.
        authenticator: made from the settings unless given.
    """

    def __init__(
        self,
        config: BaseConfig | None = None,
        settings: Settings | None = None,
        authenticator: Authenticator | None = None,
    ) -> None:
        super().__init__()
        self._config = config or ChatConfig()
        self._lock = threading.Lock()
        self._given = settings
        self._authenticator = authenticator
        self._ready: tuple[Settings, Authenticator] | None = None

    def completion(self, *args: Any, **call: Any) -> ModelResponse:
        """Answers `litellm.completion()`. Raises LiteLLM's exceptions (errors.py)."""
        request = self._request(call, stream=self._only_streams)
        with _Translated(request):
            response = self._send(request, call.get("client"))
            if _is_whole(request, response):
                with closing(response):
                    response.read()
                return self._answer(call, request, response)
        chunks = [chunk for chunk in self._chunks(call, request, response) if chunk is not None]
        with _Translated(request):
            return self._joined(chunks, request, response)

    async def acompletion(self, *args: Any, **call: Any) -> ModelResponse:
        """Answers `litellm.acompletion()`. Raises LiteLLM's exceptions (errors.py)."""
        request = await self._async_request(call, stream=self._only_streams)
        with _Translated(request):
            response = await self._async_send(request, call.get("client"))
            if _is_whole(request, response):
                async with aclosing(response):
                    await response.aread()
                return self._answer(call, request, response)
        chunks = [chunk async for chunk in self._async_chunks(call, request, response)]
        with _Translated(request):
            return self._joined(chunks, request, response)

    def streaming(self, *args: Any, **call: Any) -> Iterator[Any]:
        """Answers `litellm.completion(stream=True)`.

        The connection is made before it returns, so that errors before the first chunk have their class.
        """
        request = self._request(call, stream=self._can_stream(call))
        with _Translated(request):
            response = self._send(request, call.get("client"))
            if _is_whole(request, response):
                with closing(response):
                    response.read()
                return _as_wanted(request, iter(whole_stream(self._answer(call, request, response), request.model)))
        chunks: Iterator[Any] = self._chunks(call, request, response)
        next(chunks)  # started, so that dropping it closes the response
        return _as_wanted(request, chunks)

    async def astreaming(self, *args: Any, **call: Any) -> AsyncIterator[ModelResponseStream]:  # type: ignore[override]
        """Answers `litellm.acompletion(stream=True)`. Closing it closes the upstream's connection."""
        request = await self._async_request(call, stream=self._can_stream(call))
        with _Translated(request):
            response = await self._async_send(request, call.get("client"))
        merge = ReasoningInText() if _is_merged(request) else None
        async with aclosing(self._async_chunks(call, request, response)) as chunks:
            async for chunk in chunks:
                yield chunk if merge is None else merge(chunk)

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Sends a request of the author's own to the upstream, with the provider's credential, and reads the answer.

        For what a transformation needs beside a call, such as a list of models or instructions:
        `from .provider import provider`, inside of the method that needs it.

        Args:
            method: of HTTP.
            path: is added to the `api_base` of the settings, with a slash at its start.
            options: of httpx's `build_request`: `json`, `params`, `headers`, `timeout` in seconds and the like.

        Raises:
            Exception: LiteLLM's, as of a call; the upstream refused the request, or did not answer it.
        """
        client = sync_client()
        request, built = self._own_request(client, method, path, options)
        with _Translated(request), KeptOutOfLogs(request):
            response = client.send(built, auth=request.auth, follow_redirects=False)
            if not response.is_success:
                raise self._refused(request, response, response.content[:_MAX_ERROR_BODY])
        return response

    async def arequest(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Does what `request` does, for `async_transform_request`."""
        client = await async_client()
        request, built = self._own_request(client, method, path, options)
        with _Translated(request), KeptOutOfLogs(request):
            response = await client.send(built, auth=request.auth, follow_redirects=False)
            if not response.is_success:
                raise self._refused(request, response, response.content[:_MAX_ERROR_BODY])
        return response

    def make_authenticator(self, settings: Settings) -> Authenticator:
        """Returns what calls authenticate with; a subclass can make one of its own here.

        Args:
            settings: those of the provider, read anew when there is no credential to call with.
        """
        return make_authenticator(settings, get_ssl_configuration)

    @property
    def authenticator(self) -> Authenticator:
        """What calls authenticate with; the command logs in with it, too."""
        return (self._ready or self._read_settings())[1]

    def embedding(self, *args: Any, **call: Any) -> EmbeddingResponse:
        """Refuses: the provider serves chat."""
        _refuse("embeddings", call)

    async def aembedding(self, *args: Any, **call: Any) -> EmbeddingResponse:
        """Refuses: the provider serves chat."""
        _refuse("embeddings", call)

    def image_generation(self, *args: Any, **call: Any) -> ImageResponse:
        """Refuses: the provider serves chat."""
        _refuse("image generation", call)

    async def aimage_generation(self, *args: Any, **call: Any) -> ImageResponse:
        """Refuses: the provider serves chat."""
        _refuse("image generation", call)

    def image_edit(self, *args: Any, **call: Any) -> ImageResponse:
        """Refuses: the provider serves chat."""
        _refuse("image edits", call)

    async def aimage_edit(self, *args: Any, **call: Any) -> ImageResponse:
        """Refuses: the provider serves chat."""
        _refuse("image edits", call)

    def _builder(self, call: Mapping[str, Any], stream: bool, building: _Building) -> RequestBuilder:
        settings, auth = self._credential(call)
        building.knows = auth
        building.knows = builder = RequestBuilder(self._config, settings, auth, call, stream)
        return builder

    def _credential(self, call: Mapping[str, Any]) -> tuple[Settings, CallAuth]:
        settings, authenticator = self._ready or self._read_settings()
        try:
            return settings, authenticator.for_call(call.get("api_key"))
        except CredentialError:
            # It may have been set since the settings were read, as happens in notebooks.
            settings, authenticator = self._read_settings()
            return settings, authenticator.for_call(call.get("api_key"))

    def _own_request(
        self, client: httpx.Client | httpx.AsyncClient, method: str, path: str, options: Mapping[str, Any]
    ) -> tuple[Request, httpx.Request]:
        """A request of the author's own, and what its failures need to be told."""
        with _Building(model=""):
            settings, auth = self._credential({})
        url = f"{settings.api_base}{path}"
        built = client.build_request(method, url, **{"timeout": settings.connect_timeout, **options})
        built.headers.setdefault("x-request-id", f"{PROVIDER}-{uuid.uuid4()}")
        timeout = httpx.Timeout(**built.extensions["timeout"])
        return own_request(url, built.headers, auth, timeout, settings.handed_on), built

    def _read_settings(self) -> tuple[Settings, Authenticator]:
        with self._lock:
            settings = self._given or load_settings()
            self._ready = (settings, self._authenticator or self.make_authenticator(settings))
            return self._ready

    def _request(self, call: Mapping[str, Any], stream: bool) -> Request:
        with _Building(call["model"]) as building:
            builder = self._builder(call, stream, building)
            return builder.build(self._config.transform_request(**builder.transform_arguments))

    async def _async_request(self, call: Mapping[str, Any], stream: bool) -> Request:
        with _Building(call["model"]) as building:
            builder = self._builder(call, stream, building)
            return builder.build(await self._config.async_transform_request(**builder.transform_arguments))

    def _send(self, request: Request, given: object) -> httpx.Response:
        # A transformation whose upstream has no HTTP brings what takes its place.
        own: httpx.Client | None = getattr(self._config, "sync_client", None)
        client = own or sync_client(given, request.ssl_verify)
        started = time.perf_counter()
        with KeptOutOfLogs(request):
            response = client.send(
                _http_request(client, request), auth=request.auth, stream=True, follow_redirects=False
            )
        if _is_open(response, client, request, started):
            return response
        with closing(response):
            if not response.is_success:
                raise self._refused(request, response, _error_body(response))
            response.read()
        _set_duration(request, started)
        return response

    async def _async_send(self, request: Request, given: object) -> httpx.Response:
        own: httpx.AsyncClient | None = getattr(self._config, "async_client", None)
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
                raise self._refused(request, response, await _async_error_body(response))
            await response.aread()
        _set_duration(request, started)
        return response

    def _refused(self, request: Request, response: httpx.Response, body: bytes) -> Exception:
        text = body.decode("utf-8", "replace")
        error = self._config.get_error_class(text, response.status_code, response.headers)
        return from_response(error, request, response, text)

    def _answer(self, call: Mapping[str, Any], request: Request, response: httpx.Response) -> ModelResponse:
        request.logging.post_call(
            input=request.messages,
            api_key="",
            # .text would look for a charset first
            original_response=redacted(response.content.decode("utf-8", "replace"), request.secrets),
            additional_args={"complete_input_dict": request.body},
        )
        return self._completed(self._read(call, request, response), request, response)

    def _joined(self, chunks: list[ModelResponseStream], request: Request, response: httpx.Response) -> ModelResponse:
        """The answer that was streamed by an upstream which does nothing else."""
        answer = joined(chunks, request)
        request.logging.post_call(
            input=request.messages,
            api_key="",
            original_response=redacted(answer.model_dump_json(), request.secrets),
            additional_args={"complete_input_dict": request.body},
        )
        return self._completed(answer, request, response)

    def _completed(self, answer: ModelResponse, request: Request, response: httpx.Response) -> ModelResponse:
        choices: list[Any] = list(answer.choices)
        for choice in choices:
            if choice.finish_reason == "stop" and choice.message.tool_calls:
                choice.finish_reason = "tool_calls"
        # As in streams; and LiteLLM looks for prices under this name, which the upstream may decorate with a date.
        if answer.model != request.model:
            answer.model = request.model
        headers = {"x-request-id": request.request_id}
        headers.update(handed_on(response.headers, request.secrets, request.response_headers))
        hidden = answer._hidden_params
        hidden["custom_llm_provider"] = PROVIDER
        hidden["additional_headers"] = process_response_headers(headers)
        return answer

    def _read(self, call: Mapping[str, Any], request: Request, response: httpx.Response) -> ModelResponse:
        """The answer in a body; some stream also where nobody asked them to, or call a stream JSON."""
        if _is_events(response):
            reader = self._reader(call, request, response)
            return joined([*reader.feed(response.content), *reader.close()], request)
        try:
            return self._config.transform_response(
                model=request.model,
                raw_response=response,
                model_response=call["model_response"],
                logging_obj=request.logging,
                request_data=request.body,
                messages=request.messages,
                optional_params=request.optional_params,
                litellm_params=request.litellm_params,
                encoding=call.get("encoding"),
                json_mode=request.json_mode,
            )
        except (BaseLLMException, OpenAIError):
            raise
        except Exception as error:
            raise unreadable(response.content, error) from error

    @property
    def _only_streams(self) -> bool:
        """Whether the upstream streams in any case, so that whole answers are joined here."""
        return bool(getattr(self._config, "only_streams", False))

    def _can_stream(self, call: Mapping[str, Any]) -> bool:
        return not self._config.should_fake_stream(call["model"], True, PROVIDER)

    def _reader(self, call: Mapping[str, Any], request: Request, response: httpx.Response) -> StreamReader:
        def whole(body: bytes) -> ModelResponse:
            headers = {"content-type": "application/json"}
            return self._read(call, request, httpx.Response(response.status_code, headers=headers, content=body))

        parser = self._config.get_model_response_iterator(iter(()), sync_stream=True, json_mode=request.json_mode)
        return StreamReader(parser, request, whole)

    def _chunks(
        self, call: Mapping[str, Any], request: Request, response: httpx.Response
    ) -> Iterator[ModelResponseStream | None]:
        reader = self._reader(call, request, response)
        try:
            with _Translated(request, reader):
                yield None
                reads = response.iter_bytes()
                for read in reads:
                    yield from reader.feed(read)
                    if reader.complete:
                        with cut_off(response, _DRAIN_SECONDS):
                            for _ in reads:
                                continue
                        return
                yield from reader.close()
        finally:
            response.close()

    async def _async_chunks(
        self, call: Mapping[str, Any], request: Request, response: httpx.Response
    ) -> AsyncGenerator[ModelResponseStream, None]:
        reader = self._reader(call, request, response)
        try:
            with _Translated(request, reader):
                if _is_whole(request, response):
                    await response.aread()
                    for chunk in whole_stream(self._answer(call, request, response), request.model):
                        yield chunk
                    return
                reads = response.aiter_bytes()
                async for read in reads:
                    for chunk in reader.feed(read):
                        yield chunk
                    if reader.complete:
                        async with async_cut_off(_DRAIN_SECONDS):
                            async for _ in reads:
                                continue
                        return
                for chunk in reader.close():
                    yield chunk
        finally:
            await response.aclose()


class _Building:
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


class _Translated:
    """Logs whatever is raised inside, and raises it as LiteLLM's exception.

    Args:
        request: the request that is under way.
        reader: of its stream.
    """

    __slots__ = ("_reader", "_request")

    def __init__(self, request: Request, reader: StreamReader | None = None) -> None:
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


_parsed_url = lru_cache(maxsize=64)(httpx.URL)  # parsing one takes a quarter of building a request


def _http_request(client: httpx.Client | httpx.AsyncClient, request: Request) -> httpx.Request:
    return client.build_request(
        "POST",
        _parsed_url(request.url),
        headers=request.headers,
        content=request.content,
        timeout=request.timeout,
    )


def _is_open(response: httpx.Response, client: object, request: Request, started: float) -> bool:
    """Whether it is a stream, which whoever reads it closes."""
    response.extensions["client"] = client  # not closed before the answer is read, however many others there are
    _set_duration(request, started)
    return request.stream and response.is_success


def _error_body(response: httpx.Response) -> bytes:
    """What of an error's body came in time; status and headers say most of it."""
    body = bytearray()
    with cut_off(response, _ERROR_BODY_SECONDS):
        for part in response.iter_bytes():
            if _add(body, part):
                break
    return bytes(body[:_MAX_ERROR_BODY])


async def _async_error_body(response: httpx.Response) -> bytes:
    """What of an error's body came in time; status and headers say most of it."""
    body = bytearray()
    async with async_cut_off(_ERROR_BODY_SECONDS):
        async for part in response.aiter_bytes():
            if _add(body, part):
                break
    return bytes(body[:_MAX_ERROR_BODY])


def _add(body: bytearray, part: bytes) -> bool:
    """Adds a part of an error's body; returns whether that is enough of it."""
    body += part
    return len(body) > _MAX_ERROR_BODY


def _set_duration(request: Request, started: float) -> None:
    """Tells LiteLLM how long the upstream took; it works out its own overhead from that."""
    request.logging.model_call_details["llm_api_duration_ms"] = (time.perf_counter() - started) * 1000


def _is_whole(request: Request, response: httpx.Response) -> bool:
    """Whether the answer is not streamed, though the caller wants a stream."""
    return not request.stream or bool(re.fullmatch(r"application/([\w.-]+\+)?json", _content_type(response)))


def _is_merged(request: Request) -> bool:
    """Whether the caller wants reasoning inside of the text of a stream, as some user interfaces do."""
    return request.litellm_params.get("merge_reasoning_content_in_choices") is True


def _as_wanted(request: Request, chunks: Iterator[ModelResponseStream]) -> Iterator[ModelResponseStream]:
    """The chunks of a sync stream, with the reasoning where the caller wants it."""
    return ReasoningInText().over(chunks) if _is_merged(request) else chunks


def _is_events(response: httpx.Response) -> bool:
    """Whether a body that was read to its end is a stream."""
    start = response.content[:64].removeprefix(b"\xef\xbb\xbf").lstrip()
    if start[:1] in (b"{", b"[", b"<"):
        return False
    return start.startswith((b"data:", b"event:", b": ")) or _content_type(response) == "text/event-stream"


def _content_type(response: httpx.Response) -> str:
    """The media type of a response, without parameters, in lower case."""
    kind: str = response.headers.get("content-type", "")
    return kind.partition(";")[0].strip().lower()


def _refuse(operation: str, call: Mapping[str, Any]) -> NoReturn:
    raise BadRequestError(
        message=f"{PROVIDER_NAME} serves chat completions, no {operation}.",
        model=str(call.get("model", "")),
        llm_provider=PROVIDER,
    )


if not __package__.startswith("litellm."):  # in LiteLLM's own tree, it has them since it was imported
    register_models()


def __getattr__(name: str) -> Provider:
    if name == "provider":
        return chosen_provider()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


_lock = threading.RLock()
_chosen: Provider | None = None
_choosing = False


def chosen_provider() -> Provider:
    """Returns the provider that register(), the tests, the command and a proxy's YAML use, the same one each time.

    It is the author's, where upstream.toml names one, else a `Provider()`. It is made on first use: the author's module
    imports this one.

    Raises:
        UpstreamFileError: upstream.toml names what is not there, or no `Provider`.
    """
    global _chosen, _choosing
    if _chosen is not None:
        return _chosen
    with _lock:
        if _choosing:
            raise UpstreamFileError(
                "The provider that upstream.toml names asks for itself while it is made: let its module import `Provider` "
                "from provider.py, and use `provider` and `register()` inside of methods only."
            )
        if _chosen is None:
            _choosing = True
            try:
                _chosen = named_provider(load_upstream().provider)
            finally:
                _choosing = False
        return _chosen


def named_provider(place: str | None) -> Provider:
    """Returns the provider at `module:name`, made anew where that is a function or a class.

    Args:
        place: as in upstream.toml; None for provider.py's own.

    Raises:
        UpstreamFileError: there is none.
    """
    if place is None:
        return Provider()
    module, _, name = place.partition(":")
    module = f"{__package__}{module}" if module.startswith(".") else module
    try:
        found: Any = import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except ModuleNotFoundError as error:
        raise UpstreamFileError(f"upstream.toml has provider = {place!r}: there is no module {error.name!r}.") from None
    except AttributeError as error:
        raise UpstreamFileError(f"upstream.toml has provider = {place!r}: {error}.") from None
    if not isinstance(found, Provider) and callable(found):
        found = found()
    if not isinstance(found, Provider):
        raise UpstreamFileError(
            f"upstream.toml has provider = {place!r}, which is a {type(found).__name__}: name a Provider of provider.py, an "
            "object of a subclass, or a function that returns one."
        )
    return found
