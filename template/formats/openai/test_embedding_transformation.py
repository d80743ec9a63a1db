"""Tests of embedding_transformation.py, without network. Yours to edit: add one for each difference that you map."""

from __future__ import annotations

from typing import Any

import httpx
from litellm.types.utils import EmbeddingResponse

from .package import part

CONFIG = part("embedding_transformation").EmbeddingConfig()


def test_url() -> None:
    assert CONFIG.get_complete_url("https://host/v1", None, "m", {}, {}) == "https://host/v1/embeddings"


def test_request() -> None:
    params = CONFIG.map_openai_params({"dimensions": 8}, {}, "m", False)
    body = CONFIG.transform_embedding_request("m", ["one", "two"], params, {})
    assert body == {"model": "m", "input": ["one", "two"], "dimensions": 8}


def test_answer() -> None:
    content = {"data": [{"index": 0, "embedding": [0.5]}], "usage": {"prompt_tokens": 2, "total_tokens": 2}}
    logging: Any = None
    answer = CONFIG.transform_embedding_response(
        "m", httpx.Response(200, json=content), EmbeddingResponse(), logging, None, {}, {}, {}
    )
    assert [vector["embedding"] for vector in answer.data] == [[0.5]]
    assert answer.usage.prompt_tokens == 2


def test_error() -> None:
    error = CONFIG.get_error_class('{"error": {"message": "too long", "code": "context_length_exceeded"}}', 400, {})
    assert (error.status_code, error.message, error.body) == (400, "too long", {"code": "context_length_exceeded"})
