"""How a call becomes a request of the upstream, and its answer a response. Yours to edit.

The API streams only, and does not say why it ends: the event with the usage is the last one.

    POST {api_base}/api/v2/cortex/inference:complete
    {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "tools": [{"tool_spec": {...}}]}

    data: {"choices": [{"delta": {"type": "text", "content": "Hel"}}], "usage": {}}
    data: {"choices": [{"delta": {"type": "tool_use", "tool_use_id": "t1", "name": "weather"}}], "usage": {}}
    data: {"choices": [{"delta": {"type": "tool_use", "input": "{}"}}], "usage": {"prompt_tokens": 9, ...}}
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
from .parser import StreamParser

SAME = ("max_tokens", "temperature", "top_p")


class ChatConfig(BaseConfig):
    """The upstream's chat API."""

    only_streams = True

    def __init__(self) -> None:
        """Keeps nothing; it is written out because LiteLLM's own has no types."""

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
        return f"{api_base}/api/v2/cortex/inference:complete"

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
        return {"Accept": "application/json, text/event-stream", **headers}

    def get_supported_openai_params(self, model: str) -> list[str]:
        """Returns the parameters that the API has."""
        return allowed_params(model, [*SAME, "response_format", "tool_choice", "tools"])

    def map_openai_params(
        self, non_default_params: dict[str, Any], optional_params: dict[str, Any], model: str, drop_params: bool
    ) -> dict[str, Any]:
        """Returns the caller's parameters under the API's names."""
        mapped = {**optional_params, **{name: non_default_params[name] for name in SAME if name in non_default_params}}
        if tools := non_default_params.get("tools"):
            mapped["tools"] = [{"tool_spec": _tool(tool["function"])} for tool in tools]
        choice = non_default_params.get("tool_choice")
        if choice:
            named = isinstance(choice, dict)
            mapped["tool_choice"] = (
                {"type": "tool", "name": [choice["function"]["name"]]} if named else {"type": choice}
            )
        wanted = non_default_params.get("response_format") or {}
        if schema := (wanted.get("json_schema") or {}).get("schema"):
            mapped["response_format"] = {"type": "json", "schema": schema}
        return mapped

    def transform_request(
        self,
        model: str,
        messages: list[Any],
        optional_params: dict[str, Any],
        litellm_params: dict[str, Any],
        headers: dict[str, Any],
    ) -> dict[str, Any]:
        """Returns the body. A result of a tool needs the tool's name, which the call before it has."""
        names = {call["id"]: call["function"]["name"] for said in messages for call in said.get("tool_calls") or ()}
        return {"model": model, "messages": [_message(said, names) for said in messages], **optional_params}

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
        """Returns an answer that came whole after all, as gateways in between make it."""
        answer = raw_response.json()
        parts = answer["choices"][0]["message"]["content_list"]
        uses = [part["tool_use"] for part in parts if part["type"] == "tool_use"]
        calls = [
            {
                "id": use["tool_use_id"],
                "type": "function",
                "function": {"name": use["name"], "arguments": json.dumps(use["input"])},
            }
            for use in uses
        ]
        text = "".join(part["text"] for part in parts if part["type"] == "text")
        message = {"role": "assistant", "content": text or None, "tool_calls": calls or None}
        choice: Any = {"message": message, "finish_reason": "tool_calls" if calls else "stop"}
        return ModelResponse(id=answer["id"], model=model, choices=[choice], usage=answer["usage"])

    def get_model_response_iterator(
        self,
        streaming_response: Iterator[str] | AsyncIterator[str] | ModelResponse,
        sync_stream: bool,
        json_mode: bool | None = False,
    ) -> ChatChunks:
        """Returns the parser of a stream's events."""
        return ChatChunks(streaming_response, sync_stream, json_mode)

    def get_error_class(
        self, error_message: str, status_code: int, headers: dict[str, Any] | httpx.Headers
    ) -> BaseLLMException:
        """Returns the error in a body like {"message": "...", "error_code": "390144"}."""
        return read_error(error_message, status_code, headers)


class ChatChunks(StreamParser):
    """Parses the events of a stream."""

    calls = -1

    def chunk_parser(self, chunk: dict[str, Any]) -> ModelResponseStream:
        """Returns what one event says; the one with figures ends the answer."""
        choices = chunk.get("choices")
        if not choices:
            raise read_error(json.dumps(chunk), 200, {})
        delta = choices[0].get("delta") or {}
        usage = chunk.get("usage") or None
        self.finished = bool(usage)
        said: Any = {"content": delta.get("content")}
        if delta.get("type") == "tool_use":
            self.calls += "tool_use_id" in delta
            function = {"name": delta.get("name"), "arguments": delta.get("input", "")}
            said = {"tool_calls": [{"index": self.calls, "id": delta.get("tool_use_id"), "function": function}]}
        choice: Any = {"index": 0, "delta": said}
        return ModelResponseStream(choices=[choice], usage=usage)


def _message(message: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    role = "system" if message["role"] == "developer" else message["role"]
    content = message.get("content") or ""
    text = content if isinstance(content, str) else "".join(map(_text, content))
    if role == "tool":
        call = message["tool_call_id"]
        result = {"tool_use_id": call, "name": names.get(call, ""), "content": [{"type": "text", "text": text}]}
        return {"role": "user", "content_list": [{"type": "tool_results", "tool_results": result}]}
    uses = [
        {
            "type": "tool_use",
            "tool_use": {
                "tool_use_id": call["id"],
                "name": call["function"]["name"],
                "input": json.loads(call["function"]["arguments"] or "{}"),
            },
        }
        for call in message.get("tool_calls") or ()
    ]
    return {"role": role, "content": text, **({"content_list": uses} if uses else {})}


def _text(part: Mapping[str, Any]) -> str:
    if part["type"] != "text":
        raise ValueError(f"content of type {part['type']!r} is not supported: send text")
    return str(part["text"])


def _tool(function: Mapping[str, Any]) -> dict[str, Any]:
    spec = {"type": "generic", "name": function["name"], "input_schema": function.get("parameters") or {}}
    return {**spec, "description": function.get("description", "")}
