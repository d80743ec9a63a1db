"""Chat completions: how LiteLLM calls for them, streamed and not. Template's file: do not edit."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import aclosing, closing
from typing import Any

import httpx

from ._answers import PROVIDER
from ._litellm import BaseConfig, BaseLLMException, ModelResponse, ModelResponseStream, OpenAIError
from .errors import unreadable
from .redaction import redacted
from .request import Request, RequestBuilder
from .sending import Building, Credential, Translated, async_send, said, send, set_headers
from .stream import ReasoningInText, StreamReader, joined, whole_stream
from .transport import async_cut_off, cut_off

_DRAIN_SECONDS = 0.25
"""How long a finished stream is read to its very end, so that its connection can be used again."""


class Chat:
    """Answers chat calls.

    Args:
        config: the transformation.
        credential: gives each call settings and a credential.
    """

    def __init__(self, config: BaseConfig, credential: Credential) -> None:
        self.config = config
        self._credential = credential

    def completion(self, call: Mapping[str, Any]) -> ModelResponse:
        """Answers `litellm.completion()`. Raises LiteLLM's exceptions (errors.py)."""
        request = self._request(call, stream=self._only_streams)
        with Translated(request):
            response = send(self.config, request, call.get("client"))
            if _is_whole(request, response):
                with closing(response):
                    response.read()
                return self._answer(call, request, response)
        chunks = [chunk for chunk in self._chunks(call, request, response) if chunk is not None]
        with Translated(request):
            return self._joined(chunks, request, response)

    async def acompletion(self, call: Mapping[str, Any]) -> ModelResponse:
        """Answers `litellm.acompletion()`. Raises LiteLLM's exceptions (errors.py)."""
        request = await self._async_request(call, stream=self._only_streams)
        with Translated(request):
            response = await async_send(self.config, request, call.get("client"))
            if _is_whole(request, response):
                async with aclosing(response):
                    await response.aread()
                return self._answer(call, request, response)
        chunks = [chunk async for chunk in self._async_chunks(call, request, response)]
        with Translated(request):
            return self._joined(chunks, request, response)

    def streaming(self, call: Mapping[str, Any]) -> Iterator[Any]:
        """Answers `litellm.completion(stream=True)`.

        The connection is made before it returns, so that errors before the first chunk have their class.
        """
        request = self._request(call, stream=self._can_stream(call))
        with Translated(request):
            response = send(self.config, request, call.get("client"))
            if _is_whole(request, response):
                with closing(response):
                    response.read()
                return _as_wanted(request, iter(whole_stream(self._answer(call, request, response), request.model)))
        chunks: Iterator[Any] = self._chunks(call, request, response)
        next(chunks)  # started, so that dropping it closes the response
        return _as_wanted(request, chunks)

    async def astreaming(self, call: Mapping[str, Any]) -> AsyncIterator[ModelResponseStream]:
        """Answers `litellm.acompletion(stream=True)`. Closing it closes the upstream's connection."""
        request = await self._async_request(call, stream=self._can_stream(call))
        with Translated(request):
            response = await async_send(self.config, request, call.get("client"))
        merge = ReasoningInText() if _is_merged(request) else None
        async with aclosing(self._async_chunks(call, request, response)) as chunks:
            async for chunk in chunks:
                yield chunk if merge is None else merge(chunk)

    def _builder(self, call: Mapping[str, Any], stream: bool, building: Building) -> RequestBuilder:
        settings, auth = self._credential(call)
        building.knows = auth
        building.knows = builder = RequestBuilder(self.config, settings, auth, call, stream)
        return builder

    def _request(self, call: Mapping[str, Any], stream: bool) -> Request:
        with Building(call["model"]) as building:
            builder = self._builder(call, stream, building)
            return builder.build(self.config.transform_request(**builder.transform_arguments))

    async def _async_request(self, call: Mapping[str, Any], stream: bool) -> Request:
        with Building(call["model"]) as building:
            builder = self._builder(call, stream, building)
            return builder.build(await self.config.async_transform_request(**builder.transform_arguments))

    def _answer(self, call: Mapping[str, Any], request: Request, response: httpx.Response) -> ModelResponse:
        said(request, response)
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
        set_headers(answer._hidden_params, request, response)
        return answer

    def _read(self, call: Mapping[str, Any], request: Request, response: httpx.Response) -> ModelResponse:
        """The answer in a body; some stream also where nobody asked them to, or call a stream JSON."""
        if _is_events(response):
            reader = self._reader(call, request, response)
            return joined([*reader.feed(response.content), *reader.close()], request)
        try:
            return self.config.transform_response(
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
        return bool(getattr(self.config, "only_streams", False))

    def _can_stream(self, call: Mapping[str, Any]) -> bool:
        return not self.config.should_fake_stream(call["model"], True, PROVIDER)

    def _reader(self, call: Mapping[str, Any], request: Request, response: httpx.Response) -> StreamReader:
        def whole(body: bytes) -> ModelResponse:
            headers = {"content-type": "application/json"}
            return self._read(call, request, httpx.Response(response.status_code, headers=headers, content=body))

        parser = self.config.get_model_response_iterator(iter(()), sync_stream=True, json_mode=request.json_mode)
        return StreamReader(parser, request, whole)

    def _chunks(
        self, call: Mapping[str, Any], request: Request, response: httpx.Response
    ) -> Iterator[ModelResponseStream | None]:
        reader = self._reader(call, request, response)
        try:
            with Translated(request, reader):
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
            with Translated(request, reader):
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
