"""What is particular about this upstream. Yours to edit."""

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


def test_nothing_is_kept() -> None:
    body = request([{"role": "user", "content": "Hi"}])
    assert (body["store"], body["include"]) == (False, ["reasoning.encrypted_content"])
