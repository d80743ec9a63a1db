"""The translation to Responses. Yours to edit."""

from __future__ import annotations

from typing import Any

from .package import transformation

CONFIG = transformation.ChatConfig()


def request(messages: list[Any], **params: Any) -> dict[str, Any]:
    mapped = CONFIG.map_openai_params(params, {}, "m", False)
    return CONFIG.transform_request("m", messages, mapped, {}, {})


def test_instructions_are_never_missing() -> None:
    assert request([{"role": "user", "content": "Hi"}])["instructions"] == "You are a helpful assistant."
    assert request([{"role": "system", "content": "Be brief."}])["instructions"] == "Be brief."


def test_effort_and_format_are_where_responses_has_them() -> None:
    schema = {"type": "json_schema", "json_schema": {"name": "a", "schema": {}}}
    body = request([], reasoning_effort="low", response_format=schema)
    assert body["reasoning"] == {"effort": "low", "summary": "auto"}
    assert body["text"] == {"format": {"type": "json_schema", "name": "a", "schema": {}}}
