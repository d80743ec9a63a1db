"""The transformation for an upstream that speaks Anthropic's Messages. Template's file: do not edit.

transformation.py subclasses it where the answer to `api_format` was `anthropic`. The translation of messages, tools and
usage is LiteLLM's `AnthropicConfig`; what that takes from its environment or from the name of a model, models.yaml and
the settings of this package say. Streams are read by anthropic_stream.py.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from copy import deepcopy
from typing import Any

import httpx
from litellm.llms.anthropic.chat.transformation import ANTHROPIC_TOOL_NAME_REVERSE_MAP_KEY as TOOL_NAMES
from litellm.llms.anthropic.chat.transformation import AnthropicConfig

from ._answers import PROVIDER
from ._litellm import BaseLLMException, Logging, ModelResponse, reasoning_effort_from_thinking_budget
from .anthropic_stream import FINISH_REASONS, AnthropicChunks, call_arguments, call_id
from .errors import is_error, read_error
from .models import allowed_params, load_models

DEFAULT_MAX_TOKENS = 4096
"""Where neither the caller nor `max_output_tokens` of models.yaml says: the API wants a number."""

MIN_THINKING = 1024
"""Tokens: the API takes no smaller budget."""

# OpenAI's parameters, and some of the API's own that clients send under these names.
PARAMETERS = (
    "cache_control",
    "context_management",
    "max_completion_tokens",
    "max_tokens",
    "parallel_tool_calls",
    "reasoning_effort",
    "response_format",
    "stop",
    "temperature",
    "thinking",
    "tool_choice",
    "tools",
    "top_k",
    "top_p",
    "user",
    "web_search_options",
)
_SAMPLING = ("temperature", "top_k", "top_p")

_Params = dict[str, Any]


class AnthropicFormatConfig(AnthropicConfig):
    """LiteLLM's `AnthropicConfig`, with the abilities of models.yaml in place of Anthropic's catalogue."""

    version = "2023-06-01"
    """Sent as `anthropic-version`."""

    betas: tuple[str, ...] = ()
    """Sent as `anthropic-beta` with every call, beside those of the caller and those that a parameter needs."""

    def __init__(self) -> None:
        """Keeps nothing: LiteLLM's own would change the defaults of its own provider."""

    @property
    def custom_llm_provider(self) -> str:
        """The name under which LiteLLM looks up what a model can do: those of models.yaml."""
        return PROVIDER

    # ---- the request ----

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
        return f"{api_base}/messages"

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
        """Returns the headers. The credential is not here: auth/ adds it when the request is sent.

        LiteLLM's own would look for a key of Anthropic's in the environment, and send it to this upstream.
        """
        given = [value for name, value in headers.items() if name.lower() == "anthropic-beta"]
        others = {name: value for name, value in headers.items() if name.lower() != "anthropic-beta"}
        asked = [beta.strip() for value in given for beta in str(value).split(",")]
        betas = [beta for beta in dict.fromkeys([*self.betas, *asked]) if beta]
        made = {"accept": "application/json", "anthropic-version": self.version, **others}
        return {**made, "anthropic-beta": ",".join(betas)} if betas else made

    def get_supported_openai_params(self, model: str) -> list[str]:
        """Returns the parameters that go to the upstream, as the abilities of the model allow them."""
        return allowed_params(model, PARAMETERS)

    def map_openai_params(
        self, non_default_params: _Params, optional_params: _Params, model: str, drop_params: bool
    ) -> _Params:
        """Returns the caller's parameters under the API's names."""
        params = {name: value for name, value in non_default_params.items() if name not in _SAMPLING}
        as_object = _type_of(params.get("response_format")) == "json_object" and params.pop("response_format")
        mapped: _Params = super().map_openai_params(params, dict(optional_params), model, drop_params)
        # LiteLLM asks the name of the model whether it can be sampled; here get_supported_openai_params does.
        mapped |= {name: non_default_params[name] for name in _SAMPLING if name in non_default_params}
        if as_object:
            self._answer_by_tool(mapped)
        if "thinking" not in params:
            _fit_thinking(mapped)
        _as_effort(mapped, load_models().get(model, {}))
        return mapped

    def _answer_by_tool(self, mapped: _Params) -> None:
        """Asks for any JSON object, which the API does by a tool only; LiteLLM drops the wish."""
        tools = mapped.get("tools") or []
        mapped["tools"] = [*tools, self._create_json_tool_call_for_response_format()]
        if not tools and not mapped.get("thinking"):  # a tool that is forced, the API takes without thinking only
            mapped["tool_choice"] = {"type": "tool", "name": mapped["tools"][-1]["name"]}
        mapped["json_mode"] = True

    def transform_request(
        self, model: str, messages: list[Any], optional_params: _Params, litellm_params: _Params, headers: _Params
    ) -> _Params:
        """Returns the request body. LiteLLM edits what it is given; the caller's own stay as they are."""
        params = deepcopy(optional_params)
        params.setdefault("max_tokens", load_models().get(model, {}).get("max_output_tokens") or DEFAULT_MAX_TOKENS)
        # And asks its name again whether it can be sampled.
        sampling = {name: params.pop(name) for name in _SAMPLING if name in params}
        own = {**litellm_params, "metadata": None}  # the proxy's, and none of the upstream's business
        copied: list[Any] = [_own(message) for message in messages]
        # By its bare name, LiteLLM would look for the model among those of all providers, and ask a hub for some.
        body: _Params = super().transform_request(f"{PROVIDER}/{model}", copied, params, own, headers)
        if TOOL_NAMES in own:  # of tools whose names the API does not take: the answer gives them their own again
            litellm_params[TOOL_NAMES] = own[TOOL_NAMES]
        return {**body, "model": model, **sampling}

    async def async_transform_request(
        self, model: str, messages: list[Any], optional_params: _Params, litellm_params: _Params, headers: _Params
    ) -> _Params:
        """Returns the request body, as `transform_request` does; files given by http:// are fetched on the way."""
        arguments = (model, messages, optional_params, litellm_params, headers)
        if any(_is_fetched(part) for message in messages for part in _parts(message)):
            return await asyncio.to_thread(self.transform_request, *arguments)
        return self.transform_request(*arguments)

    # ---- the answer ----

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
        """Returns an answer that was not streamed. Whatever else it raises is reported as an unreadable answer.

        Raises:
            BaseLLMException: the body is an error, though the status says that all is well.
        """
        content = json.loads(raw_response.content.decode("utf-8-sig", "replace"))
        is_answer = isinstance(content, dict) and content.get("type") == "message" and not content.get("error")
        if not is_answer and is_error(content):
            raise read_error(json.dumps(content), 200, raw_response.headers)
        _put_right(content, model)
        stop_reason = content["stop_reason"]
        if stop_reason == "pause_turn" or stop_reason not in FINISH_REASONS:
            content["stop_reason"] = "end_turn"  # LiteLLM would log that it knows no other
        answer: ModelResponse = self.transform_parsed_response(
            content,
            raw_response,
            model_response,
            json_mode=json_mode,
            tool_name_reverse_map=litellm_params.get(TOOL_NAMES),
        )
        choice: Any = answer.choices[0]
        choice.finish_reason = FINISH_REASONS.get(stop_reason, "stop")
        if stop_reason in ("pause_turn", "refusal"):
            choice.message.provider_specific_fields["stop_reason"] = stop_reason
        answer.id = content.get("id") or answer.id
        return answer

    def get_error_class(
        self, error_message: str, status_code: int, headers: Mapping[str, Any] | httpx.Headers
    ) -> BaseLLMException:
        """Returns the upstream's error, its message and type read from the body."""
        return read_error(error_message, status_code, headers)

    def get_model_response_iterator(
        self,
        streaming_response: Iterator[str] | AsyncIterator[str] | ModelResponse,
        sync_stream: bool,
        json_mode: bool | None = False,
    ) -> AnthropicChunks:
        """Returns the parser of a stream's events."""
        return AnthropicChunks(streaming_response, sync_stream, json_mode)


def _type_of(response_format: object) -> object:
    return response_format.get("type") if isinstance(response_format, dict) else None


def _parts(message: Mapping[str, Any]) -> list[Any]:
    """The parts of a message's content, if it has some."""
    content = message.get("content")
    return content if isinstance(content, list) else []


def _is_fetched(part: object) -> bool:
    """Whether a part is given by a URL that LiteLLM fetches, as the API takes https:// only; files may be megabytes."""
    values = part.values() if isinstance(part, dict) else ()
    texts = [text for value in values for text in (value.values() if isinstance(value, dict) else (value,))]
    return any(isinstance(text, str) and text.startswith("http://") for text in texts)


def _own(message: Mapping[str, Any]) -> _Params:
    """A copy of a message that LiteLLM may edit, in words that it knows."""
    # Texts alone need no deep copy, and most messages have nothing else.
    copied = dict(message) if all(type(value) is str for value in message.values()) else deepcopy(dict(message))
    if copied.get("role") == "developer":
        copied["role"] = "system"
    for block in copied.get("thinking_blocks") or []:
        block.pop("index", None)  # LiteLLM's own, as is an empty cache_control; the API would refuse them
        if not block.get("cache_control"):
            block.pop("cache_control", None)
    return copied


def _fit_thinking(mapped: _Params) -> None:
    """Makes the budget of an effort fit into the tokens that the caller allows: an effort is a wish, the other a limit."""
    thinking = mapped.get("thinking") or {}
    budget = thinking.get("budget_tokens")
    limit = mapped.get("max_tokens")
    if not isinstance(budget, int) or not isinstance(limit, int) or budget < limit:
        return
    if limit > MIN_THINKING:
        thinking["budget_tokens"] = max(MIN_THINKING, limit // 2)
    else:
        del mapped["thinking"]


def _as_effort(mapped: _Params, facts: Mapping[str, object]) -> None:
    """Makes an effort of a budget, for a model that takes no budgets; older versions of LiteLLM send it one."""
    thinking = mapped.get("thinking")
    if not facts.get("supports_adaptive_thinking") or facts.get("supports_legacy_thinking"):
        return
    if not isinstance(thinking, dict) or thinking.get("type") != "enabled":
        return
    effort = reasoning_effort_from_thinking_budget(int(thinking.get("budget_tokens") or 0))
    others = {name: value for name, value in thinking.items() if name != "budget_tokens"}
    mapped["thinking"] = {**others, "type": "adaptive"}
    asked = {"effort": "low" if effort == "minimal" else effort}  # the API has no word for less
    mapped["output_config"] = {**asked, **(mapped.get("output_config") or {})}


def _put_right(content: _Params, model: str) -> None:
    """Adds to an answer what LiteLLM looks up in it, and servers of this format were seen to leave out.

    Raises:
        ValueError: it has no content.
    """
    blocks = content.get("content")
    if isinstance(blocks, str):
        blocks = [{"type": "text", "text": blocks}]
    if not isinstance(blocks, list):
        raise ValueError("the body has no content")
    content["content"] = [_right_block(block) for block in blocks if isinstance(block, dict) and block.get("type")]
    content["usage"] = content.get("usage") or {}
    content["model"] = content.get("model") or model
    content["stop_reason"] = content.get("stop_reason") or "end_turn"


def _right_block(block: _Params) -> _Params:
    if block["type"] == "text":
        return {**block, "text": str(block.get("text") or "")}
    if block["type"] in ("tool_use", "server_tool_use"):
        return {**block, "id": call_id(block), "input": json.loads(call_arguments(block))}
    return block
