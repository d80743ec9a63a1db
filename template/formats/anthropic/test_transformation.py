"""Tests of transformation.py, without network. Yours to edit: add one for each difference that you map."""

from __future__ import annotations

from typing import Any

from .package import transformation

CONFIG = transformation.ChatConfig()


def test_url() -> None:
    url = CONFIG.get_complete_url("https://host/v1", None, "m", {}, {})
    assert url == "https://host/v1/messages"


def test_headers() -> None:
    headers = CONFIG.validate_environment({"anthropic-beta": "one"}, "m", [], {}, {})
    assert headers["anthropic-version"] == "2023-06-01"
    assert headers["anthropic-beta"] == "one"


def test_request() -> None:
    messages: list[Any] = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hello"}]
    mapped = CONFIG.map_openai_params({"temperature": 0.5, "max_tokens": 9, "stop": "END"}, {}, "m", False)
    assert CONFIG.transform_request("m", messages, mapped, {}, {}) == {
        "model": "m",
        "system": [{"type": "text", "text": "Be brief."}],
        "messages": [{"role": "user", "content": [{"type": "text", "text": "hello"}]}],
        "temperature": 0.5,
        "max_tokens": 9,
        "stop_sequences": ["END"],
    }


def test_event() -> None:
    parser = CONFIG.get_model_response_iterator(iter(()), sync_stream=True)
    event = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "hi"}}
    assert parser.chunk_parser(event).choices[0].delta.content == "hi"


def test_error() -> None:
    body = '{"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}'
    error = CONFIG.get_error_class(body, 529, {})
    assert (error.status_code, error.message, error.body) == (529, "Overloaded", {"code": "overloaded_error"})
