"""Tests of transformation.py, without network. Yours to edit: add one for each difference that you map."""

from __future__ import annotations

from typing import Any

from .package import transformation

CONFIG = transformation.ChatConfig()


def test_url() -> None:
    url = CONFIG.get_complete_url("https://host/v1", None, "m", {}, {})
    assert url == "https://host/v1/chat/completions"


def test_request() -> None:
    messages: list[Any] = [{"role": "user", "content": "hello"}]
    body = CONFIG.transform_request("m", messages, {"temperature": 0.5}, {}, {})
    assert body == {"model": "m", "messages": messages, "temperature": 0.5}


def test_chunk() -> None:
    parser = CONFIG.get_model_response_iterator(iter(()), sync_stream=True)
    chunk = parser.chunk_parser({"id": "c", "choices": [{"index": 0, "delta": {"content": "hi"}}]})
    assert chunk.choices[0].delta.content == "hi"


def test_error() -> None:
    error = CONFIG.get_error_class('{"error": {"message": "too long", "code": "context_length_exceeded"}}', 400, {})
    assert (error.status_code, error.message, error.body) == (400, "too long", {"code": "context_length_exceeded"})
