"""Tests of transformation.py, without network. Yours to edit: add one for each difference that you map."""

from __future__ import annotations

from typing import Any

from .package import transformation

CONFIG = transformation.ChatConfig()


def request(messages: list[Any], **params: Any) -> dict[str, Any]:
    mapped = CONFIG.map_openai_params(params, {}, "m", False)
    return CONFIG.transform_request("m", messages, mapped, {}, {})


def test_url() -> None:
    assert CONFIG.get_complete_url("https://host/v1", None, "m", {}, {}) == "https://host/v1/responses"


def test_request() -> None:
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hello"}]
    body = request(messages, temperature=0.5, max_tokens=100)
    assert body["instructions"] == "Be brief."
    assert body["input"] == [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hello"}]}]
    assert (body["temperature"], body["max_output_tokens"]) == (0.5, 100)


def test_event() -> None:
    parser = CONFIG.get_model_response_iterator(iter(()), sync_stream=True)
    chunk: Any = parser.chunk_parser({"type": "response.output_text.delta", "output_index": 0, "delta": "hi"})
    assert chunk.choices[0].delta.content == "hi"


def test_error() -> None:
    error = CONFIG.get_error_class('{"error": {"message": "too long", "code": "context_length_exceeded"}}', 400, {})
    assert (error.status_code, error.message, error.body) == (400, "too long", {"code": "context_length_exceeded"})
