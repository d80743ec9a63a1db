"""What is particular about this upstream. Yours to edit."""

from __future__ import annotations

from typing import Any

from .package import part, registration, transformation

CONFIG = transformation.ChatConfig()


def headers(**given: str) -> dict[str, Any]:
    return CONFIG.validate_environment(dict(given), "m", [], {}, {})


def test_a_tenant_is_always_named() -> None:
    assert headers()["x-tenant-id"] == "shared"
    named = CONFIG.validate_environment({"X-Tenant-Id": "research"}, "m", [], {}, {})
    assert (named["X-Tenant-Id"], "x-tenant-id" in named) == ("research", False)


def test_the_beta_stands_beside_those_of_the_caller() -> None:
    sent = CONFIG.validate_environment({"anthropic-beta": "one"}, "m", [], {}, {})["anthropic-beta"]
    assert sent == "interleaved-thinking-2025-05-14,one"


def request(model: str, **params: Any) -> dict[str, Any]:
    mapped = CONFIG.map_openai_params(params, {}, model, False)
    return CONFIG.transform_request(model, [{"role": "user", "content": "Hi"}], mapped, {}, {})


def test_the_older_model_has_a_budget_and_is_sampled() -> None:
    registration.register()
    older, newer = "claude-haiku-4-5", "claude-opus-4-8"
    assert request(older, reasoning_effort="low")["thinking"] == {"type": "enabled", "budget_tokens": 1024}
    assert request(newer, reasoning_effort="low")["output_config"] == {"effort": "low"}
    assert "temperature" in CONFIG.get_supported_openai_params(older)
    assert "temperature" not in CONFIG.get_supported_openai_params(newer)


def test_an_error_of_the_gateway() -> None:
    error = CONFIG.get_error_class('{"code": "QUOTA", "message": "Spent.", "requestId": "r-1"}', 400, {})
    assert (error.message, error.body) == ("Spent.", {"code": "QUOTA"})
    assert part("error_words").status_by_code(400, "QUOTA") == 429
