"""How a call for embeddings becomes a request of the upstream, and its answer a response. Yours to edit.

This is a worked example, complete and tested, for an imaginary API with a JSON of its own:

    POST {api_base}/vectors
    {"model": "m", "texts": ["Hi", "there"], "size": 256, "end_user": "u-7"}

    {"vectors": [{"of": 0, "values": [0.1, 0.2]}, {"of": 1, "values": [0.3, 0.4]}], "tokens": {"in": 2}}

Go from the top to the bottom and put your API's names in place of these; then do the same in tests/upstream_embeddings.py,
the other side of the translation. The methods are those of LiteLLM's own transformations, in its
litellm/llms/base_llm/embedding/transformation.py. Number and order of the vectors are looked at afterwards, and
`encoding_format` is seen to.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import httpx
from litellm.litellm_core_utils.litellm_logging import Logging
from litellm.llms.base_llm.chat.transformation import BaseLLMException
from litellm.llms.base_llm.embedding.transformation import BaseEmbeddingConfig
from litellm.types.utils import EmbeddingResponse, Usage

from .errors import read_error

# OpenAI's name of a parameter -> the API's.
NAMES = {"dimensions": "size", "user": "end_user"}

# The API's word for an error -> the code by which errors.py knows context windows, rate limits and so on.
ERROR_CODES = {
    "overloaded": "overloaded_error",
    "prompt_too_long": "context_length_exceeded",
    "refused": "content_policy_violation",
    "slow_down": "rate_limit_exceeded",
    "unknown_key": "invalid_api_key",
}


class EmbeddingConfig(BaseEmbeddingConfig):
    """The upstream's API for embeddings."""

    embedding_batch: int | None = None
    """How many inputs the API takes at a time, for models of which models.yaml does not say it; None for any number."""

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
        return f"{api_base}/vectors"

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
        """Returns the parameters that the API has."""
        return list(NAMES)

    def map_openai_params(
        self, non_default_params: dict[str, Any], optional_params: dict[str, Any], model: str, drop_params: bool
    ) -> dict[str, Any]:
        """Returns the parameters under the API's names."""
        return {**optional_params, **{NAMES[name]: value for name, value in non_default_params.items()}}

    def transform_embedding_request(
        self,
        model: str,
        input: Any,  # noqa: A002  # LiteLLM's name
        optional_params: dict[str, Any],
        headers: dict[str, Any],
    ) -> dict[str, Any]:
        """Returns the request body."""
        texts = [input] if isinstance(input, str) else input
        if not all(isinstance(text, str) for text in texts):
            raise ValueError("the API takes texts, no tokens: send a text, or a list of texts")
        return {"model": model, "texts": texts, **optional_params}

    # ---- the answer ----

    def transform_embedding_response(
        self,
        model: str,
        raw_response: httpx.Response,
        model_response: EmbeddingResponse,
        logging_obj: Logging,
        api_key: str | None,
        request_data: dict[str, Any],
        optional_params: dict[str, Any],
        litellm_params: dict[str, Any],
    ) -> EmbeddingResponse:
        """Returns the answer to one request. Whatever it raises is reported as an unreadable answer."""
        answer = raw_response.json()
        if "fault" in answer:  # an error in spite of HTTP 200
            raise _error(raw_response.text, 200, raw_response.headers)
        data = [{"index": vector["of"], "embedding": vector["values"]} for vector in answer["vectors"]]
        tokens = answer["tokens"]["in"]
        return EmbeddingResponse(model=model, data=data, usage=Usage(prompt_tokens=tokens, total_tokens=tokens))

    def get_error_class(
        self, error_message: str, status_code: int, headers: dict[str, Any] | httpx.Headers
    ) -> BaseLLMException:
        """Returns the error in a body like {"fault": {"kind": "prompt_too_long", "message": "..."}}."""
        return _error(error_message, status_code, headers)


def _error(text: str, status_code: int, headers: Mapping[str, Any] | httpx.Headers) -> BaseLLMException:
    """An error of the API; a gateway's error page is left to `read_error`, which knows the usual forms."""
    try:
        fault = json.loads(text)["fault"]
        error = {"message": fault["message"], "code": ERROR_CODES.get(fault["kind"], fault["kind"])}
    except (ValueError, KeyError, TypeError, RecursionError):
        return read_error(text, status_code, headers)
    return read_error(json.dumps({"error": error}), status_code, headers)
