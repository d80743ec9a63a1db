"""What is particular about this upstream. Yours to edit."""

from __future__ import annotations

from typing import Any

import litellm
import pytest

from .conformance.calls import HELLO, ask
from .conformance.server import Raw, Upstream
from .package import answers, transformation

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


def test_the_deployment_says_who_pays(upstream: Upstream, model: str) -> None:
    ask("sync", model, extra_headers={"x-tenant-id": "research"})
    assert upstream.requests[-1].headers["x-tenant-id"] == "research"


def test_the_older_model_is_sampled_and_has_a_budget(upstream: Upstream) -> None:
    ask("sync", f"{answers.PROVIDER}/claude-haiku-4-5", temperature=0.5)
    assert upstream.requests[-1].body["temperature"] == 0.5
    ask("sync", f"{answers.PROVIDER}/claude-haiku-4-5", reasoning_effort="low")
    assert upstream.requests[-1].body["thinking"] == {"type": "enabled", "budget_tokens": 1024}
    ask("sync", f"{answers.PROVIDER}/claude-opus-4-8", reasoning_effort="low")
    assert upstream.requests[-1].body["output_config"] == {"effort": "low"}


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("QUOTA", litellm.RateLimitError),
        ("MODEL_BUSY", litellm.ServiceUnavailableError),
        ("NOT_ENTITLED", litellm.PermissionDeniedError),
        ("PROMPT_SIZE", litellm.ContextWindowExceededError),
        ("BLOCKED_CONTENT", litellm.ContentPolicyViolationError),
        ("INVALID", litellm.BadRequestError),
    ],
)
def test_an_error_of_the_gateway(code: str, expected: type[Exception], upstream: Upstream, model: str) -> None:
    body = f'{{"code": "{code}", "message": "Request refused.", "requestId": "r-1"}}'
    upstream.will(Raw(400, body.encode()))
    with pytest.raises(expected, match=r"Request refused\.") as caught:
        litellm.completion(model, HELLO, num_retries=0)
    assert type(caught.value) is expected
