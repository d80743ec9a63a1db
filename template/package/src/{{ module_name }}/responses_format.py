"""The transformation for an upstream that speaks OpenAI's Responses. Template's file: do not edit.

transformation.py subclasses it where the answer to `api_format` was `responses`. responses_request.py has the way there,
responses_answer.py the way back.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Collection, Iterator
from typing import Any

import httpx

from ._litellm import BaseConfig, BaseLLMException, Logging, ModelResponse
from .errors import is_error, read_error
from .models import allowed_params
from .responses_answer import ResponsesChunks, answer_of
from .responses_request import choice_of, input_of, reasoning_of, text_format_of, tools_of, web_search

# OpenAI's name of a parameter -> the name in Responses. Others are translated by code below.
_RENAMED = {"max_completion_tokens": "max_output_tokens", "max_tokens": "max_output_tokens"}
_SAME = (
    "include",
    "max_tool_calls",
    "parallel_tool_calls",
    "previous_response_id",
    "prompt_cache_key",
    "prompt_cache_retention",
    "safety_identifier",
    "service_tier",
    "store",
    "temperature",
    "top_p",
    "truncation",
    "user",
)
_TRANSLATED = ("reasoning_effort", "response_format", "tool_choice", "tools", "verbosity", "web_search_options")

_USER = 64
"""Characters of `user` that Responses takes at most; LiteLLM cuts it, too."""

_Params = dict[str, Any]


class ResponsesFormatConfig(BaseConfig):
    """OpenAI's Responses. What upstreams do in different ways, `ChatConfig` says by attributes of the class."""

    only_streams: bool = False
    """Whether the upstream answers in streams only."""

    instructions: str | None = None
    """What it is told where a conversation has no system message; some upstreams want some in any case."""

    store: bool | None = False
    """Whether it keeps responses, unless the call says so; None leaves it to the upstream."""

    min_output_tokens: int = 16
    """What a smaller limit is raised to: OpenAI's own API refuses one, and LiteLLM's checks of health ask for less."""

    include: Collection[str] = ("reasoning.encrypted_content",)
    """What answers shall have besides; the encrypted reasoning is what a model that keeps nothing remembers its thoughts by.
    It is asked of the models that reason: those without `supports_reasoning: false` in models.yaml."""

    reasoning_summary: str | None = "auto"
    """The kind of summary that is asked for with an effort; None asks for none."""

    hosted_tools: Collection[str] = frozenset(
        {"code_interpreter", "file_search", "image_generation", "mcp", "web_search", "web_search_preview"}
    )
    """Types of the tools that the upstream runs itself. Other tools are functions."""

    def __init__(self) -> None:
        """Keeps nothing; it is written out because LiteLLM's own has no types."""

    def get_complete_url(
        self,
        api_base: str | None,
        api_key: str | None,
        model: str,
        optional_params: _Params,
        litellm_params: _Params,
        stream: bool | None = None,
    ) -> str:
        """Returns the URL to post to."""
        return f"{api_base}/responses"

    def validate_environment(
        self,
        headers: _Params,
        model: str,
        messages: list[Any],
        optional_params: _Params,
        litellm_params: _Params,
        api_key: str | None = None,
        api_base: str | None = None,
    ) -> _Params:
        """Returns the headers. The credential is not here: auth/ adds it when the request is sent."""
        return {"Accept": "text/event-stream", **headers} if self.only_streams else headers

    def get_supported_openai_params(self, model: str) -> list[str]:
        """Returns the parameters that go to the upstream, as the abilities of the model allow them."""
        return allowed_params(model, [*_RENAMED, *_SAME, *_TRANSLATED])

    def map_openai_params(
        self, non_default_params: _Params, optional_params: _Params, model: str, drop_params: bool
    ) -> _Params:
        """Returns the caller's parameters under the names of Responses.

        Raises:
            ValueError: a tool is of a type that chat completions cannot have.
        """
        given = non_default_params
        mapped = dict(optional_params)
        mapped |= {_RENAMED.get(name, name): given[name] for name in (*_RENAMED, *_SAME) if given.get(name) is not None}
        limit = mapped.get("max_output_tokens")
        if isinstance(limit, int) and limit < self.min_output_tokens:
            mapped["max_output_tokens"] = self.min_output_tokens
        if isinstance(user := mapped.get("user"), str):
            mapped["user"] = user[:_USER]
        if (effort := given.get("reasoning_effort")) is not None:
            mapped["reasoning"] = reasoning_of(effort, self.reasoning_summary)
        tools = tools_of(given.get("tools") or [], self.hosted_tools, drop_params)
        if (options := given.get("web_search_options")) is not None:
            tools.append(web_search(options))
        if tools:
            mapped["tools"] = tools
        if choice := given.get("tool_choice"):
            mapped["tool_choice"] = choice_of(choice)
        text = {"verbosity": given["verbosity"]} if given.get("verbosity") else {}
        if form := text_format_of(given.get("response_format") or {}):
            text["format"] = form
        if text:
            mapped["text"] = text
        return mapped

    def transform_request(
        self, model: str, messages: list[Any], optional_params: _Params, litellm_params: _Params, headers: _Params
    ) -> _Params:
        """Returns the body. `"stream": true` is added by whoever sends it.

        Raises:
            ValueError: a message has something that Responses does not take.
        """
        items, instructions = input_of(messages)
        body: _Params = {"model": model, "input": items}
        if instructions := instructions or self.instructions or "":
            body["instructions"] = instructions
        if self.store is not None:
            body["store"] = self.store
        reasons = "reasoning_effort" in allowed_params(model, ("reasoning_effort",))
        wanted = [name for name in self.include if reasons or not name.startswith("reasoning.")]
        asked = optional_params.get("include") or ()
        include = [*wanted, *(name for name in asked if name not in self.include)]
        return {**body, **optional_params, **({"include": include} if include else {})}

    def transform_response(
        self,
        model: str,
        raw_response: httpx.Response,
        model_response: ModelResponse,
        logging_obj: Logging,
        request_data: _Params,
        messages: list[Any],
        optional_params: _Params,
        litellm_params: _Params,
        encoding: Any,
        api_key: str | None = None,
        json_mode: bool | None = None,
    ) -> ModelResponse:
        """Returns an answer that was not streamed.

        Raises:
            BaseLLMException: the body is an error, or a response that has failed.
            ValueError: the body is not a finished response.
        """
        answer = json.loads(raw_response.content.decode("utf-8-sig", "replace"))
        if not isinstance(answer, dict):
            raise ValueError("the body is no response")
        if "output" not in answer and is_error(answer):
            raise read_error(json.dumps(answer), 200, raw_response.headers)
        return answer_of(answer, model)

    def get_error_class(
        self, error_message: str, status_code: int, headers: _Params | httpx.Headers
    ) -> BaseLLMException:
        """Returns the upstream's error, its message and code read from the body."""
        return read_error(error_message, status_code, headers)

    def get_model_response_iterator(
        self,
        streaming_response: Iterator[str] | AsyncIterator[str] | ModelResponse,
        sync_stream: bool,
        json_mode: bool | None = False,
    ) -> ResponsesChunks:
        """Returns the parser of a stream's events."""
        return ResponsesChunks(streaming_response, sync_stream, json_mode)
