"""Tests of transformation.py, without network. Yours to edit, along with it."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from litellm.types.utils import ModelResponse

from .package import transformation

CONFIG = transformation.ChatConfig()
CALL = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Paris"}'}}


def request(messages: list[Any], **params: Any) -> dict[str, Any]:
    mapped = CONFIG.map_openai_params(params, {}, "m", False)
    return CONFIG.transform_request("m", messages, mapped, {}, {})


def chunk(event: dict[str, Any]) -> Any:
    return CONFIG.get_model_response_iterator(iter(()), sync_stream=True).chunk_parser(event)


def test_url() -> None:
    assert CONFIG.get_complete_url("https://host/v1", None, "m", {}, {}) == "https://host/v1/generate"


def test_messages() -> None:
    image = {"type": "image_url", "image_url": {"url": "https://host/i.png"}}
    body = request(
        [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "Look:"}, image]},
            {"role": "assistant", "content": None, "tool_calls": [CALL]},
            {"role": "tool", "tool_call_id": "c1", "content": "sunny"},
        ]
    )
    assert body == {
        "model": "m",
        "system": "Be brief.",
        "turns": [
            {"speaker": "user", "parts": [{"text": "Look:"}, {"image": "https://host/i.png"}]},
            {"speaker": "model", "parts": [{"call": {"id": "c1", "name": "weather", "args": {"city": "Paris"}}}]},
            {"speaker": "tool", "parts": [{"result": {"call_id": "c1", "content": "sunny"}}]},
        ],
    }


def test_part_that_the_api_does_not_have() -> None:
    with pytest.raises(ValueError, match="input_audio"):
        request([{"role": "user", "content": [{"type": "input_audio"}]}])


def test_parameters() -> None:
    tool = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
    schema = {"type": "json_schema", "json_schema": {"name": "city", "schema": {"type": "object"}}}
    choice = {"type": "function", "function": {"name": "weather"}}
    body = request([], temperature=0.5, max_tokens=9, tools=[tool], tool_choice=choice, response_format=schema)
    assert body["options"] == {"randomness": 0.5, "max_length": 9}
    assert body["tools"] == [{"name": "weather", "about": "", "takes": {"type": "object"}}]
    assert body["tool_use"] == {"only": "weather"}
    assert body["output"] == {"name": "city", "schema": {"type": "object"}}


def test_answer() -> None:
    output = [
        {"thought": "Hm."},
        {"text": "Yes."},
        {"call": {"id": "c1", "name": "weather", "args": {"city": "Paris"}}},
    ]
    content = {"id": "r1", "output": output, "ended": "calls", "tokens": {"in": 9, "out": 3, "cached": 4}}
    response = httpx.Response(200, json=content)
    logging: Any = None
    answer = CONFIG.transform_response("m", response, ModelResponse(), logging, {}, [], {}, {}, None)
    choice: Any = answer.choices[0]
    assert (choice.message.reasoning_content, choice.message.content) == ("Hm.", "Yes.")
    assert json.loads(choice.message.tool_calls[0].function.arguments) == {"city": "Paris"}
    assert choice.finish_reason == "tool_calls"
    usage = answer.model_dump()["usage"]
    assert (usage["total_tokens"], usage["prompt_tokens_details"]["cached_tokens"]) == (12, 4)


def test_events() -> None:
    assert chunk({"type": "text", "text": "hi"}).choices[0].delta.content == "hi"
    assert chunk({"type": "thought", "text": "hm"}).choices[0].delta.reasoning_content == "hm"
    call = (
        chunk({"type": "call", "slot": 1, "id": "c1", "name": "weather", "args": '{"ci'}).choices[0].delta.tool_calls[0]
    )
    assert (call.index, call.id, call.function.name, call.function.arguments) == (1, "c1", "weather", '{"ci')
    end = chunk({"type": "end", "ended": "length", "tokens": {"in": 9, "out": 3}})
    assert (end.choices[0].finish_reason, end.usage.prompt_tokens) == ("length", 9)
    assert not chunk({"type": "invented"}).choices[0].delta.content


@pytest.mark.parametrize(
    ("body", "status", "code", "message"),
    [
        ('{"fault": {"kind": "prompt_too_long", "message": "too long"}}', 400, "context_length_exceeded", "too long"),
        ('{"fault": {"kind": "novel", "message": "oh"}}', 500, "novel", "oh"),
        ("<html><title>502 Bad Gateway</title></html>", 502, None, "502 Bad Gateway"),
    ],
)
def test_error(body: str, status: int, code: str | None, message: str) -> None:
    error = CONFIG.get_error_class(body, status, {})
    assert (error.status_code, error.message) == (status, message)
    assert error.body == ({"code": code} if code else None)
