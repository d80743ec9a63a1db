"""How a call becomes a request of the upstream, and its answer a response. Yours to edit.

The API is an app's own backend, behind a login of the kind that mobile apps have. What it streams comes in two dialects:
lines with a letter in front, as the AI SDK for JavaScript sends them, and server-sent events of its older models.

    POST {api_base}/chat
    {"model": "m", "messages": [...], "mode": "stream", "settings": {"maxOutputTokens": 5, "temperature": 0.2}}

    0:"Hel"                                     data: {"type": "text", "value": "Hel"}
    g:"Let me think."                           data: {"type": "reasoning", "value": "..."}
    b:{"toolCallId": "c", "toolName": "f"}      data: {"type": "call", "value": {...}}
    c:{"toolCallId": "c", "argsTextDelta": "{"} data: {"type": "arguments", "value": {...}}
    3:"an error"                                data: {"type": "error", "value": "an error"}
    d:{"finishReason": "stop", "usage": {...}}  data: {"type": "finish", "value": {...}}
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import httpx
from litellm.litellm_core_utils.litellm_logging import Logging
from litellm.llms.base_llm.chat.transformation import BaseConfig, BaseLLMException
from litellm.types.utils import ModelResponse, ModelResponseStream

from .errors import read_error
from .models import allowed_params
from .parser import Chunks, StreamParser
from .sse import Decoder, Event, LineDecoder

SETTINGS = {"max_tokens": "maxOutputTokens", "temperature": "temperature", "stop": "stopSequences"}
AS_THEY_ARE = ("reasoning_effort", "response_format", "tool_choice", "tools")
FINISH_REASONS = {"stop": "stop", "tool-calls": "tool_calls", "length": "length", "content-filter": "content_filter"}
KINDS = {b"0": "text", b"g": "reasoning", b"b": "call", b"c": "arguments", b"3": "error", b"d": "finish"}


class ChatConfig(BaseConfig):
    """The upstream's chat API."""

    def __init__(self) -> None:
        """Keeps nothing; it is written out because LiteLLM's own has no types."""

    @property
    def supports_stream_param_in_request_body(self) -> bool:
        """The body says `mode` instead of `stream`."""
        return False

    def get_complete_url(
        self,
        api_base: str | None,
        api_key: str | None,
        model: str,
        optional_params: dict[str, Any],
        litellm_params: dict[str, Any],
        stream: bool | None = None,
    ) -> str:
        """Returns the URL to post to."""
        return f"{api_base}/chat"

    def validate_environment(
        self,
        headers: dict[str, Any],
        model: str,
        messages: list[Any],
        optional_params: dict[str, Any],
        litellm_params: dict[str, Any],
        api_key: str | None = None,
        api_base: str | None = None,
    ) -> dict[str, Any]:
        """Returns the headers; auth/ adds the credential."""
        return headers

    def get_supported_openai_params(self, model: str) -> list[str]:
        """Returns the parameters that the API has."""
        return allowed_params(model, [*SETTINGS, *AS_THEY_ARE])

    def map_openai_params(
        self, non_default_params: dict[str, Any], optional_params: dict[str, Any], model: str, drop_params: bool
    ) -> dict[str, Any]:
        """Returns the caller's parameters under the API's names."""
        same = {name: non_default_params[name] for name in AS_THEY_ARE if name in non_default_params}
        settings = {SETTINGS[name]: value for name, value in non_default_params.items() if name in SETTINGS}
        return {**optional_params, **same, **({"settings": settings} if settings else {})}

    def transform_request(
        self,
        model: str,
        messages: list[Any],
        optional_params: dict[str, Any],
        litellm_params: dict[str, Any],
        headers: dict[str, Any],
    ) -> dict[str, Any]:
        """Returns the body."""
        mode = "stream" if litellm_params.get("stream") else "whole"
        return {"model": model, "messages": messages, "mode": mode, **optional_params}

    def transform_response(
        self,
        model: str,
        raw_response: httpx.Response,
        model_response: ModelResponse,
        logging_obj: Logging,
        request_data: dict[str, Any],
        messages: list[Any],
        optional_params: dict[str, Any],
        litellm_params: dict[str, Any],
        encoding: Any,
        api_key: str | None = None,
        json_mode: bool | None = None,
    ) -> ModelResponse:
        """Returns an answer that was not streamed."""
        answer = raw_response.json()
        calls = [
            {
                "id": call["toolCallId"],
                "type": "function",
                "function": {"name": call["toolName"], "arguments": json.dumps(call["args"])},
            }
            for call in answer["toolCalls"]
        ]
        message = {
            "role": "assistant",
            "content": answer["text"] or None,
            "reasoning_content": answer["reasoning"] or None,
            "tool_calls": calls or None,
        }
        choice: Any = {"message": message, "finish_reason": FINISH_REASONS.get(answer["finishReason"], "stop")}
        return ModelResponse(id=answer["id"], model=model, choices=[choice], usage=_usage(answer["usage"]))

    def get_model_response_iterator(
        self,
        streaming_response: Iterator[str] | AsyncIterator[str] | ModelResponse,
        sync_stream: bool,
        json_mode: bool | None = False,
    ) -> ChatChunks:
        """Returns the parser of a stream's lines."""
        return ChatChunks(streaming_response, sync_stream, json_mode)

    def get_error_class(
        self, error_message: str, status_code: int, headers: dict[str, Any] | httpx.Headers
    ) -> BaseLLMException:
        """Returns the error in a body like {"error": {"status": "RESOURCE_EXHAUSTED", "message": "..."}}."""
        return read_error(error_message, status_code, headers)


class ChatChunks(StreamParser):
    """Parses the lines of a stream, in either dialect."""

    def __init__(self, streaming_response: Any, sync_stream: bool, json_mode: bool | None = False) -> None:
        """Knows no tool call yet."""
        super().__init__(streaming_response, sync_stream, json_mode)
        self._calls: list[str] = []

    def decoder(self) -> Decoder:
        """Takes each line for an event."""
        return LineDecoder()

    def event_parser(self, event: Event) -> Chunks:
        """Returns what a line says."""
        name, _, text = event.data.partition(b":")
        if name == b"data":
            content = json.loads(text)
            return self._chunk(content["type"], content["value"])
        return self._chunk(KINDS[name], json.loads(text)) if name in KINDS else None

    def _chunk(self, kind: str, value: Any) -> ModelResponseStream | None:
        if kind == "error":
            raise read_error(json.dumps({"error": value}), 200, {})
        if kind == "finish":
            self.finished = True
            reason = FINISH_REASONS.get(value["finishReason"], "stop")
            return _chunk({}, finish_reason=reason, usage=_usage(value["usage"]))
        if kind == "call":
            self._calls.append(value["toolCallId"])
            function = {"name": value["toolName"], "arguments": ""}
        elif kind == "arguments":
            function = {"arguments": value["argsTextDelta"]}
        else:
            return _chunk({"content" if kind == "text" else "reasoning_content": value})
        call = value["toolCallId"]
        return _chunk({"tool_calls": [{"index": self._calls.index(call), "id": call, "function": function}]})


def _chunk(delta: dict[str, Any], finish_reason: str | None = None, usage: Any = None) -> ModelResponseStream:
    choice: Any = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return ModelResponseStream(choices=[choice], usage=usage)


def _usage(usage: Mapping[str, int]) -> dict[str, int]:
    figures = {"prompt_tokens": usage["promptTokens"], "completion_tokens": usage["completionTokens"]}
    return {**figures, "total_tokens": sum(figures.values())}
