"""How a call for embeddings becomes a request of the upstream, and its answer a response.

POST {api_base}/encode
{"encoder": "passages-3", "passages": [{"key": "0", "text": "Hi"}], "width": 256, "purpose": "query"}

{"encoded": {"0": "AAAAPw=="}, "billed": {"tokens": 2}}          (four bytes a number, the lowest first)
{"problem": {"slug": "passage-too-long", "detail": "..."}}
"""

from __future__ import annotations

import json
from typing import Any

import httpx
from litellm.litellm_core_utils.litellm_logging import Logging
from litellm.llms.base_llm.chat.transformation import BaseLLMException
from litellm.types.utils import EmbeddingResponse, Usage

from .embedding_format import EmbeddingFormatConfig
from .errors import read_error

# What callers say to many APIs for search -> what this one calls it.
PURPOSES = {"search_document": "passage", "search_query": "query"}


class EmbeddingConfig(EmbeddingFormatConfig):
    """The upstream's API for embeddings."""

    embedding_batch = 16

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
        return f"{api_base}/encode"

    def get_supported_openai_params(self, model: str) -> list[str]:
        """Returns the parameters that the API has: OpenAI's, and one that is not OpenAI's."""
        return ["dimensions", "input_type"]

    def map_openai_params(
        self, non_default_params: dict[str, Any], optional_params: dict[str, Any], model: str, drop_params: bool
    ) -> dict[str, Any]:
        """Returns the parameters under the API's names."""
        mapped = dict(optional_params)
        if "dimensions" in non_default_params:
            mapped["width"] = non_default_params["dimensions"]
        if kind := non_default_params.get("input_type"):
            if kind not in PURPOSES:
                raise ValueError(f"input_type is {kind!r}: use one of {', '.join(PURPOSES)}")
            mapped["purpose"] = PURPOSES[kind]
        return mapped

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
        passages = [{"key": str(number), "text": text} for number, text in enumerate(texts)]
        return {"encoder": model, "passages": passages, **optional_params}

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
        """Returns the answer to one request. Its base64 is OpenAI's own, which is made numbers of afterwards."""
        answer = raw_response.json()
        if "problem" in answer:  # an error in spite of HTTP 200
            raise self.get_error_class(raw_response.text, 200, raw_response.headers)
        data = [{"index": int(key), "embedding": packed} for key, packed in answer["encoded"].items()]
        tokens = answer["billed"]["tokens"]
        return EmbeddingResponse(model=model, data=data, usage=Usage(prompt_tokens=tokens, total_tokens=tokens))

    def get_error_class(
        self, error_message: str, status_code: int, headers: dict[str, Any] | httpx.Headers
    ) -> BaseLLMException:
        """Returns the error in a body; what the slugs mean is in upstream.toml."""
        try:
            problem = json.loads(error_message)["problem"]
            error = {"message": problem["detail"], "code": problem["slug"]}
        except (ValueError, KeyError, TypeError, RecursionError):
            return read_error(error_message, status_code, headers)
        return read_error(json.dumps({"error": error}), status_code, headers)
