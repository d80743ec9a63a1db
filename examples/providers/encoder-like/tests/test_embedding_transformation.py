"""Tests of embedding_transformation.py. Yours to edit, along with it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import litellm
import pytest
from litellm.types.utils import EmbeddingResponse

from .conformance.auth.account import open_account
from .conformance.server import Upstream
from .package import answers, part, registration
from .upstream import UpstreamFormat

CONFIG = part("embedding_transformation").EmbeddingConfig()


def test_request() -> None:
    params = CONFIG.map_openai_params({"dimensions": 8, "input_type": "search_query"}, {}, "m", False)
    assert CONFIG.transform_embedding_request("m", ["one", "two"], params, {}) == {
        "encoder": "m",
        "passages": [{"key": "0", "text": "one"}, {"key": "1", "text": "two"}],
        "width": 8,
        "purpose": "query",
    }


def test_input_type_that_the_api_does_not_have() -> None:
    with pytest.raises(ValueError, match="use one of search_document, search_query"):
        CONFIG.map_openai_params({"input_type": "clustering"}, {}, "m", False)


def test_tokens() -> None:
    with pytest.raises(ValueError, match="takes texts, no tokens"):
        CONFIG.transform_embedding_request("m", [7, 8], {}, {})


def test_answer() -> None:
    content = {"encoded": {"1": "AAAAPw==", "0": "AACAPg=="}, "billed": {"tokens": 2}}
    logging: Any = None
    answer = CONFIG.transform_embedding_response(
        "m", httpx.Response(200, json=content), EmbeddingResponse(), logging, None, {}, {}, {}
    )
    assert [vector["index"] for vector in answer.data] == [1, 0]
    assert answer.usage.prompt_tokens == 2


@pytest.fixture
def upstream(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Upstream]:
    """The API, and the provider's settings for it."""
    monkeypatch.chdir(tmp_path)
    with Upstream(UpstreamFormat()) as server, open_account(tmp_path) as account:
        monkeypatch.setenv(f"{answers.ENV_PREFIX}_API_BASE", f"{server.url}/v2")
        for name, value in account.environment.items():
            monkeypatch.setenv(name, value)
        registration.register()._ready = None  # the settings are read anew
        yield server
    registration.register()._ready = None


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_long_lists_are_split(mode: str, upstream: Upstream) -> None:
    """The API takes 16 passages; which is whose is said by their keys, which begin anew with each request."""
    arguments: dict[str, Any] = {
        "model": f"{answers.PROVIDER}/passages-3",
        "input": [f"passage {n}" for n in range(50)],
        "input_type": "search_document",
    }
    answer = asyncio.run(litellm.aembedding(**arguments)) if mode == "async" else litellm.embedding(**arguments)
    one_by_one = [litellm.embedding(**{**arguments, "input": text}).data[0] for text in arguments["input"][::7]]
    assert [item["embedding"] for item in answer.data[::7]] == [item["embedding"] for item in one_by_one]
    assert [item["index"] for item in answer.data] == list(range(50))
    assert answer.usage.prompt_tokens == 100
    assert answer._hidden_params["response_cost"] == pytest.approx(100 * 0.00000012)
    sizes = [len(request.body["passages"]) for request in upstream.requests]
    assert sorted(sizes)[-4:] == [2, 16, 16, 16]
    assert {request.body["purpose"] for request in upstream.requests} == {"passage"}
