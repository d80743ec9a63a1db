"""How a call becomes a request of the upstream, and its answer a response. Yours to edit.

This is a worked example, complete and tested, for an imaginary API with a JSON of its own:

    POST {api_base}/generate
    {"model": "m", "system": "Be brief.", "turns": [{"speaker": "user", "parts": [{"text": "Hi"}]}],
     "options": {"max_length": 100, "randomness": 0.2}, "stream": true}

    {"id": "r1", "output": [{"thought": "..."}, {"text": "Hello"}, {"call": {"id", "name", "args": {}}}],
     "ended": "complete", "tokens": {"in": 9, "out": 3, "cached": 4}}      ("cached" are some of "in")

    data: {"type": "text", "text": "Hel"}      (streamed: also "thought", "call", "fault", and at last "end")

Go from the top to the bottom and put your API's names in place of these; then do the same in
tests/upstream.py, the other side of the translation. The methods are LiteLLM's, described in its
litellm/llms/base_llm/chat/transformation.py, so that this file also works inside of LiteLLM's own tree.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import httpx
from litellm.litellm_core_utils.litellm_logging import Logging
from litellm.llms.base_llm.base_model_iterator import BaseModelResponseIterator
from litellm.llms.base_llm.chat.transformation import BaseConfig, BaseLLMException
from litellm.types.utils import Choices, Message, ModelResponse, ModelResponseStream, Usage

from .errors import read_error
from .models import allowed_params

# OpenAI's name of a parameter -> the API's name in "options". Others are translated by code below.
OPTIONS = {
    "max_tokens": "max_length",
    "reasoning_effort": "effort",
    "seed": "seed",
    "stop": "stop_at",
    "temperature": "randomness",
    "top_p": "nucleus",
    "user": "end_user",
}
TRANSLATED = ("parallel_tool_calls", "response_format", "tool_choice", "tools")

# The API's word for why it ended -> OpenAI's finish reason; words that the API invents later are "stop".
FINISH_REASONS = {"complete": "stop", "calls": "tool_calls", "length": "length", "filtered": "content_filter"}

# The API's word for an error -> the code by which errors.py knows context windows, content policy and so on.
ERROR_CODES = {
    "prompt_too_long": "context_length_exceeded",
    "refused": "content_policy_violation",
    "overloaded": "overloaded_error",
    "slow_down": "rate_limit_exceeded",
    "unknown_key": "invalid_api_key",
}


class ChatConfig(BaseConfig):
    """The upstream's chat API."""

    def __init__(self) -> None:
        """Keeps nothing; it is written out because LiteLLM's own has no types."""

    # ---- the request ----

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
        return f"{api_base}/generate"

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
        """Returns the headers. The credential is not here: auth/ adds it when the request is sent."""
        return {"Accept": "application/json", **headers}

    def get_supported_openai_params(self, model: str) -> list[str]:
        """Returns the parameters that the API has; LiteLLM's `drop_params` rule is applied to all others."""
        return allowed_params(model, [*OPTIONS, *TRANSLATED])

    def map_openai_params(
        self, non_default_params: dict[str, Any], optional_params: dict[str, Any], model: str, drop_params: bool
    ) -> dict[str, Any]:
        """Returns the caller's parameters under the API's names."""
        mapped = dict(optional_params)
        options = {OPTIONS[name]: value for name, value in non_default_params.items() if name in OPTIONS}
        if options:
            mapped["options"] = options
        if tools := non_default_params.get("tools"):
            mapped["tools"] = [_tool(tool) for tool in tools]
        if choice := non_default_params.get("tool_choice"):
            mapped["tool_use"] = choice if isinstance(choice, str) else {"only": choice["function"]["name"]}
        if "parallel_tool_calls" in non_default_params:
            mapped["tools_in_parallel"] = non_default_params["parallel_tool_calls"]
        if output := _output(non_default_params.get("response_format") or {}):
            mapped["output"] = output
        return mapped

    def transform_request(
        self,
        model: str,
        messages: list[Any],
        optional_params: dict[str, Any],
        litellm_params: dict[str, Any],
        headers: dict[str, Any],
    ) -> dict[str, Any]:
        """Returns the body. `"stream": true` is added by whoever sends it."""
        system = [_text(message) for message in messages if message["role"] in ("system", "developer")]
        turns = [_turn(message) for message in messages if message["role"] not in ("system", "developer")]
        body = {"model": model, "turns": turns, **optional_params}
        return {**body, "system": "\n".join(system)} if system else body

    # ---- the answer ----

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
        """Returns an answer that was not streamed. Whatever it raises is reported as an unreadable answer."""
        answer = raw_response.json()
        if "fault" in answer:  # an error in spite of HTTP 200
            raise _error(raw_response.text, 200, raw_response.headers)
        output = answer["output"]
        calls = [_tool_call(part["call"]) for part in output if "call" in part]
        message = Message(
            content="".join(part["text"] for part in output if "text" in part) or None,
            reasoning_content="".join(part["thought"] for part in output if "thought" in part) or None,
            tool_calls=calls or None,
        )
        choice = Choices(message=message, finish_reason=FINISH_REASONS.get(answer["ended"], "stop"))
        return ModelResponse(id=answer["id"], model=model, choices=[choice], usage=_usage(answer["tokens"]))

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
        """Returns the error in a body like {"fault": {"kind": "prompt_too_long", "message": "..."}}."""
        return _error(error_message, status_code, headers)


class ChatChunks(BaseModelResponseIterator):
    """Parses the events of a stream, one at a time."""

    def chunk_parser(self, chunk: dict[str, Any]) -> ModelResponseStream:
        """Returns what one event says. Order, ids and usage are put right by stream.py."""
        kind = chunk["type"]
        if kind == "text":
            return _chunk({"content": chunk["text"]})
        if kind == "thought":
            return _chunk({"reasoning_content": chunk["text"]})
        if kind == "call":
            # The name comes with the first piece of a call only; "slot" tells parallel calls apart.
            function = {"name": chunk.get("name"), "arguments": chunk["args"]}
            return _chunk({"tool_calls": [{"index": chunk["slot"], "id": chunk.get("id"), "function": function}]})
        if kind == "end":
            return _chunk({}, finish_reason=FINISH_REASONS.get(chunk["ended"], "stop"), usage=_usage(chunk["tokens"]))
        if kind == "fault":
            raise _error(json.dumps({"fault": chunk}), 200, {})
        return _chunk({})  # "start", and whatever the API will invent


def _turn(message: Mapping[str, Any]) -> dict[str, Any]:
    """One message as the API's turn."""
    if message["role"] == "tool":
        result = {"call_id": message["tool_call_id"], "content": _text(message)}
        return {"speaker": "tool", "parts": [{"result": result}]}
    content = message.get("content") or []
    parts: list[dict[str, Any]] = [{"text": content}] if isinstance(content, str) else [_part(part) for part in content]
    for call in message.get("tool_calls") or []:
        arguments = json.loads(call["function"]["arguments"] or "{}")
        parts.append({"call": {"id": call["id"], "name": call["function"]["name"], "args": arguments}})
    return {"speaker": "model" if message["role"] == "assistant" else "user", "parts": parts}


def _part(part: Mapping[str, Any]) -> dict[str, Any]:
    """One part of a message's content: text, or an image by URL or data URL."""
    if part["type"] == "text":
        return {"text": part["text"]}
    if part["type"] == "image_url":
        image = part["image_url"]
        return {"image": image if isinstance(image, str) else image["url"]}
    raise ValueError(f"content of type {part['type']!r} is not supported: send text or image_url")


def _text(message: Mapping[str, Any]) -> str:
    """The text of a message whose content is text or parts of text."""
    content = message.get("content") or ""
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


def _tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    """One tool that the model may call."""
    if tool["type"] != "function":
        raise ValueError(f"tools of type {tool['type']!r} are not supported: send functions")
    function = tool["function"]
    return {"name": function["name"], "about": function.get("description", ""), "takes": function.get("parameters", {})}


def _output(response_format: Mapping[str, Any]) -> dict[str, Any] | str | None:
    """The form that the answer shall have; None for plain text."""
    if response_format.get("type") == "json_schema":
        schema = response_format["json_schema"]
        return {"name": schema.get("name", "answer"), "schema": schema["schema"]}
    return "json" if response_format.get("type") == "json_object" else None


def _tool_call(call: Mapping[str, Any]) -> dict[str, Any]:
    """One call of the model, its arguments as JSON text."""
    function = {"name": call["name"], "arguments": json.dumps(call["args"])}
    return {"id": call["id"], "type": "function", "function": function}


def _usage(tokens: Mapping[str, int]) -> Usage:
    """The API's own count of tokens: what costs are made of."""
    return Usage(
        prompt_tokens=tokens["in"],
        completion_tokens=tokens["out"],
        total_tokens=tokens["in"] + tokens["out"],
        prompt_tokens_details={"cached_tokens": tokens["cached"]} if "cached" in tokens else None,
    )


def _chunk(delta: dict[str, Any], finish_reason: str | None = None, usage: Usage | None = None) -> ModelResponseStream:
    """A chunk with one delta; without an id of its own it gets the one of the stream."""
    choice: Any = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return ModelResponseStream(choices=[choice], usage=usage)


def _error(text: str, status_code: int, headers: Mapping[str, Any] | httpx.Headers) -> BaseLLMException:
    """An error of the API; a gateway's error page is left to `read_error`, which knows the usual forms."""
    try:
        fault = json.loads(text)["fault"]
        error = {"message": fault["message"], "code": ERROR_CODES.get(fault["kind"], fault["kind"])}
    except (ValueError, KeyError, TypeError, RecursionError):
        return read_error(text, status_code, headers)
    return read_error(json.dumps({"error": error}), status_code, headers)
