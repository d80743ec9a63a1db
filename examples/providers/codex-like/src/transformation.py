"""How a call becomes a request of the upstream, and its answer a response. Yours to edit.

The API speaks OpenAI's Responses, streams only, and knows no limit of tokens. The translation is LiteLLM's own: its handler
of messages, and its parser of the stream.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
from litellm.completion_extras.litellm_responses_transformation.transformation import (
    LiteLLMResponsesTransformationHandler,
    OpenAiResponsesToChatCompletionStreamIterator,
)
from litellm.litellm_core_utils.litellm_logging import Logging
from litellm.llms.base_llm.chat.transformation import BaseConfig, BaseLLMException
from litellm.types.utils import ModelResponse, ModelResponseStream

from .errors import read_error
from .models import allowed_params

DEFAULT_INSTRUCTIONS = "You are a helpful assistant."
"""The API wants some."""

PARAMETERS = ("parallel_tool_calls", "reasoning_effort", "response_format", "tool_choice", "tools", "verbosity")
_messages = LiteLLMResponsesTransformationHandler()


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
        return f"{api_base}/responses"

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
        """Returns the headers; auth/ adds the credential and the account's id."""
        return {"Accept": "text/event-stream", **headers}

    def get_supported_openai_params(self, model: str) -> list[str]:
        """Returns the parameters that the API has; upstream.toml says what of the others it ignores."""
        return allowed_params(model, PARAMETERS)

    def map_openai_params(
        self, non_default_params: dict[str, Any], optional_params: dict[str, Any], model: str, drop_params: bool
    ) -> dict[str, Any]:
        """Returns the caller's parameters under the API's names."""
        given = dict(non_default_params)
        text: dict[str, Any] = {}
        if effort := given.pop("reasoning_effort", None):
            given["reasoning"] = {"effort": effort, "summary": "auto"}
        if wanted := given.pop("response_format", None):
            text["format"] = {"type": wanted["type"], **(wanted.get("json_schema") or {})}
        if verbosity := given.pop("verbosity", None):
            text["verbosity"] = verbosity
        if tools := given.pop("tools", None):
            given["tools"] = [{"type": "function", "strict": False, **tool["function"]} for tool in tools]
        choice = given.get("tool_choice")
        if isinstance(choice, dict):
            given["tool_choice"] = {"type": "function", "name": choice["function"]["name"]}
        return {**optional_params, **given, **({"text": text} if text else {})}

    def transform_request(
        self,
        model: str,
        messages: list[Any],
        optional_params: dict[str, Any],
        litellm_params: dict[str, Any],
        headers: dict[str, Any],
    ) -> dict[str, Any]:
        """Returns the body."""
        items, instructions = _messages.convert_chat_completion_messages_to_responses_api(messages)
        kept = {"store": False, "include": ["reasoning.encrypted_content"]}
        return {
            "model": model,
            "input": items,
            "instructions": instructions or DEFAULT_INSTRUCTIONS,
            **kept,
            **optional_params,
        }

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
        """Returns an answer that came whole after all, as some gateways make them."""
        answer = raw_response.json()
        if answer.get("error"):
            raise read_error(raw_response.text, 200, raw_response.headers)
        texts = [part["text"] for item in answer["output"] for part in item.get("content") or () if "text" in part]
        calls = [
            {
                "id": item["call_id"],
                "type": "function",
                "function": {name: item[name] for name in ("name", "arguments")},
            }
            for item in answer["output"]
            if item["type"] == "function_call"
        ]
        message = {"role": "assistant", "content": "".join(texts) or None, "tool_calls": calls or None}
        usage = answer["usage"]
        return ModelResponse(
            id=answer["id"],
            model=model,
            choices=[{"message": message, "finish_reason": "tool_calls" if calls else "stop"}],
            usage={
                "prompt_tokens": usage["input_tokens"],
                "completion_tokens": usage["output_tokens"],
                "total_tokens": usage["total_tokens"],
            },
        )

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
        """Returns the error in a body like {"error": {...}} or {"detail": "..."}."""
        return read_error(error_message, status_code, headers)


class ChatChunks(OpenAiResponsesToChatCompletionStreamIterator):
    """LiteLLM's parser of Responses, with the classes of errors."""

    def chunk_parser(self, chunk: dict[str, Any]) -> ModelResponseStream:
        """Returns what one event says."""
        if chunk["type"] in ("error", "response.failed"):
            error = chunk.get("error") or chunk.get("response", {}).get("error") or chunk
            raise read_error(json.dumps({"error": error}), 200, {})
        item = chunk.get("item")
        if isinstance(item, dict) and "call_id" in item:
            # LiteLLM would name the call by the item's id, which no later turn knows.
            chunk = {**chunk, "item": {**item, "id": item["call_id"]}}
        parsed: ModelResponseStream = super().chunk_parser(chunk)
        return parsed
