"""Tests of embedding_transformation.py, without network. Yours to edit, along with it."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from litellm.types.utils import EmbeddingResponse

from .package import part

CONFIG = part("embedding_transformation").EmbeddingConfig()


def test_url() -> None:
    assert CONFIG.get_complete_url("https://host/v1", None, "m", {}, {}) == "https://host/v1/vectors"


@pytest.mark.parametrize(("given", "texts"), [("one", ["one"]), (["one", "two"], ["one", "two"])])
def test_request(given: Any, texts: list[str]) -> None:
    params = CONFIG.map_openai_params({"dimensions": 8, "user": "u"}, {}, "m", False)
    body = CONFIG.transform_embedding_request("m", given, params, {})
    assert body == {"model": "m", "texts": texts, "size": 8, "end_user": "u"}


def test_tokens() -> None:
    with pytest.raises(ValueError, match="takes texts, no tokens"):
        CONFIG.transform_embedding_request("m", [[1, 2]], {}, {})


def test_answer() -> None:
    content = {"vectors": [{"of": 1, "values": [0.5]}, {"of": 0, "values": [0.25]}], "tokens": {"in": 2}}
    logging: Any = None
    answer = CONFIG.transform_embedding_response(
        "m", httpx.Response(200, json=content), EmbeddingResponse(), logging, None, {}, {}, {}
    )
    assert [(vector["index"], vector["embedding"]) for vector in answer.data] == [(1, [0.5]), (0, [0.25])]
    assert answer.usage.prompt_tokens == 2


@pytest.mark.parametrize(
    ("body", "status", "code", "message"),
    [
        ('{"fault": {"kind": "prompt_too_long", "message": "too long"}}', 400, "context_length_exceeded", "too long"),
        ("<html><title>502 Bad Gateway</title></html>", 502, None, "502 Bad Gateway"),
    ],
)
def test_error(body: str, status: int, code: str | None, message: str) -> None:
    error = CONFIG.get_error_class(body, status, {})
    assert (error.status_code, error.message) == (status, message)
    assert error.body == ({"code": code} if code else None)
