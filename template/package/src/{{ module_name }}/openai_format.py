"""The transformation for an upstream that speaks OpenAI chat completions. Template's file: do not edit.

transformation.py subclasses it where the answer to `api_format` was `openai`.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from copy import deepcopy
from functools import lru_cache
from typing import Any

import httpx

from ._litellm import (
    BaseLLMException,
    BaseModelResponseIterator,
    Logging,
    ModelResponse,
    ModelResponseStream,
    OpenAIGPTConfig,
)
from .errors import is_error, read_error
from .models import allowed_params
from .openai_fields import failure, is_plain, only_what_fits, put_right

# Beyond LiteLLM's list for OpenAI-compatible upstreams. The first ones pass when the deployment allows them
# (`allowed_openai_params`), the last ones are parameters of common inference servers.
_MORE_PARAMS = (
    "response_format",
    "user",
    "reasoning_effort",
    "thinking",
    "verbosity",
    "top_k",
    "min_p",
    "repetition_penalty",
)


# As LiteLLM has it for OpenAI's own API: callers read the attribute without asking whether it is there.
_NO_USAGE = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}

_QUOTED = 300
"""Bytes of a body that is no answer that a message repeats."""

_PDF = "data:application/pdf;"

_Params = dict[str, Any]


class OpenAIFormatConfig(OpenAIGPTConfig):
    """LiteLLM's `OpenAIGPTConfig`, with the abilities of models.yaml in place of OpenAI's catalogue."""

    def get_supported_openai_params(self, model: str) -> list[str]:
        """Returns the parameters that go to the upstream, as the abilities of the model allow them."""
        return allowed_params(model, _known_params(model))

    def transform_request(
        self, model: str, messages: list[Any], optional_params: _Params, litellm_params: _Params, headers: _Params
    ) -> _Params:
        """Returns the request body. LiteLLM edits messages in place here; the caller's own stay as they are."""
        return super().transform_request(model, _own(messages), optional_params, litellm_params, headers)

    async def async_transform_request(
        self, model: str, messages: list[Any], optional_params: _Params, litellm_params: _Params, headers: _Params
    ) -> _Params:
        """Returns the request body, as `transform_request` does; files given by URL are fetched on the way."""
        if not _has_parts(messages):  # nothing to fetch
            return self.transform_request(model, messages, optional_params, litellm_params, headers)
        return await super().async_transform_request(model, _own(messages), optional_params, litellm_params, headers)

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
        """Returns the upstream's answer, its own ids, usage and extra fields kept.

        Raises:
            BaseLLMException: the body is an error, though the status says that all is well.
            ValueError: the body is not a chat completion.
        """
        answer = json.loads(raw_response.content.decode("utf-8-sig", "replace"))
        if isinstance(answer, dict) and is_error(answer):
            raise read_error(json.dumps(answer), 200, raw_response.headers)
        if isinstance(answer, dict):
            if error := failure(answer.get("choices")):
                raise read_error(json.dumps(error), 200, raw_response.headers)
            put_right(answer, "message")
        if not isinstance(answer, dict) or not answer["choices"]:
            raise ValueError(f"the body has no choices: {raw_response.content[:_QUOTED].decode('utf-8', 'replace')}")
        answer["usage"] = answer.get("usage") or _NO_USAGE
        try:
            return ModelResponse(**answer)
        except (ValueError, TypeError):
            return ModelResponse(**only_what_fits(answer, "message"))

    def get_error_class(
        self, error_message: str, status_code: int, headers: dict[str, Any] | httpx.Headers
    ) -> BaseLLMException:
        """Returns the upstream's error, its message and code read from the body."""
        return read_error(error_message, status_code, headers)

    def get_model_response_iterator(
        self,
        streaming_response: Iterator[str] | AsyncIterator[str] | ModelResponse,
        sync_stream: bool,
        json_mode: bool | None = False,
    ) -> OpenAIFormatChunks:
        """Returns the parser of stream chunks."""
        return OpenAIFormatChunks(streaming_response, sync_stream, json_mode)


@lru_cache(maxsize=256)
def _known_params(model: str) -> tuple[str, ...]:
    """The parameters of LiteLLM's list and ours. It looks at the model's name, and at its catalogue only for `user`."""
    return (*OpenAIGPTConfig().get_supported_openai_params(model), *_MORE_PARAMS)


def _has_parts(messages: list[Any]) -> bool:
    """Whether there is more in the messages than text."""
    return any(
        isinstance(message.get("content"), list) or "cache_control" in message or "thinking_blocks" in message
        for message in messages
    )


def _own(messages: list[Any]) -> list[Any]:
    """Returns the messages, copied where there is something inside that could be edited."""
    if not _has_parts(messages):
        return messages
    copied = deepcopy(messages)
    for message in copied:
        # LiteLLM's word for thoughts, for upstreams that seal theirs; what they say is in `reasoning_content` as well.
        blocks = message.get("thinking_blocks") or []
        if message.get("reasoning_content") and not any(
            block.get("signature") or block.get("data") for block in blocks
        ):
            message.pop("thinking_blocks", None)
        if isinstance(message.get("content"), list):
            message["content"] = [_as_file(part) for part in message["content"]]
    return copied


def _as_file(part: Any) -> Any:
    """Returns a PDF as the file that it is: LiteLLM's translation of Anthropic's Messages makes an image of it."""
    image = part.get("image_url") if isinstance(part, dict) else None
    url = image.get("url") if isinstance(image, dict) else image
    if isinstance(url, str) and url.startswith(_PDF):
        return {"type": "file", "file": {"filename": "document.pdf", "file_data": url}}
    return part


class OpenAIFormatChunks(BaseModelResponseIterator):
    """Parses the chunks of a stream."""

    def chunk_parser(self, chunk: dict[str, Any]) -> ModelResponseStream:
        """Returns one chunk.

        Raises:
            BaseLLMException: the chunk is an error message of the upstream.
        """
        if not is_plain(chunk):
            if is_error(chunk):
                raise read_error(json.dumps(chunk), 200, {})
            choices = chunk.get("choices")
            if choices and (error := failure(choices)):
                raise read_error(json.dumps(error), 200, {})
            put_right(chunk, "delta")
        try:
            return ModelResponseStream(**chunk)
        except (ValueError, TypeError):
            return ModelResponseStream(**only_what_fits(chunk, "delta"))
