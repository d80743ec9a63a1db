"""The transformation for an upstream that speaks OpenAI's embeddings. Template's file: do not edit.

embedding_transformation.py subclasses it, unless the API has a JSON of its own.
"""

from __future__ import annotations

import json
from typing import Any

import httpx

from ._litellm import BaseEmbeddingConfig, BaseLLMException, EmbeddingResponse, Logging, Usage
from .errors import is_error, read_error

_Params = dict[str, Any]


class EmbeddingFormatConfig(BaseEmbeddingConfig):
    """LiteLLM's `BaseEmbeddingConfig`, for OpenAI's form."""

    embedding_batch: int | None = None
    """How many inputs the API takes at a time, for models of which models.yaml does not say it; None for any number."""

    batches_at_once: int = 4
    """How many batches of one asynchronous call are under way at the same time."""

    def __init__(self) -> None:
        """Keeps nothing; it is written out because LiteLLM's own has no types."""

    def get_supported_openai_params(self, model: str) -> list[str]:
        """Returns the parameters that the API has."""
        return ["dimensions", "encoding_format", "user"]

    def map_openai_params(
        self, non_default_params: _Params, optional_params: _Params, model: str, drop_params: bool
    ) -> _Params:
        """Returns the parameters under the API's names."""
        return {**optional_params, **non_default_params}

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
        return headers

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
        return f"{api_base}/embeddings"

    def transform_embedding_request(
        self,
        model: str,
        input: Any,  # noqa: A002  # LiteLLM's name
        optional_params: _Params,
        headers: _Params,
    ) -> _Params:
        """Returns the request body.

        Args:
            model: the id, without prefix.
            input: a text, the tokens of a text, or a list of either that is no longer than the API takes.
            optional_params: what `map_openai_params` returned.
            headers: what `validate_environment` returned.
        """
        return {"model": model, "input": input, **optional_params}

    def transform_embedding_response(
        self,
        model: str,
        raw_response: httpx.Response,
        model_response: EmbeddingResponse,
        logging_obj: Logging,
        api_key: str | None,
        request_data: _Params,
        optional_params: _Params,
        litellm_params: _Params,
    ) -> EmbeddingResponse:
        """Returns the answer to one request. Number and order of its vectors, and their form, are put right afterwards.

        Raises:
            BaseLLMException: the body is an error, though the status says that all is well.
            ValueError: the body is no answer.
        """
        answer = json.loads(raw_response.content)
        if not isinstance(answer, dict) or not isinstance(answer.get("data"), list):
            if isinstance(answer, dict) and is_error(answer):
                raise read_error(json.dumps(answer), 200, raw_response.headers)
            raise ValueError("the body has no data")
        usage = answer.get("usage") or {}
        tokens = usage.get("prompt_tokens") or usage.get("total_tokens") or 0
        return EmbeddingResponse(
            model=model,
            data=answer["data"],
            usage=Usage(prompt_tokens=tokens, total_tokens=usage.get("total_tokens") or tokens),
        )

    def get_error_class(
        self, error_message: str, status_code: int, headers: dict[str, Any] | httpx.Headers
    ) -> BaseLLMException:
        """Returns the upstream's error, its message and code read from the body."""
        return read_error(error_message, status_code, headers)
