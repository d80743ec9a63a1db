"""Registration: appended, once, next to others; the facts of models.yaml with it. Template's file: do not edit."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import litellm
import pytest
from litellm.llms.custom_llm import CustomLLM

from ..package import IN_TREE, answers, models, package, registration


@pytest.fixture
def providers() -> Iterator[None]:
    """LiteLLM's list of custom providers, put back afterwards."""
    before = list(litellm.custom_provider_map)
    yield
    litellm.custom_provider_map[:] = before


@pytest.mark.usefixtures("providers")
def test_register_keeps_others_and_is_idempotent() -> None:
    other: Any = {"provider": "someone-else", "custom_handler": CustomLLM()}
    litellm.custom_provider_map[:] = [other]
    with ThreadPoolExecutor(16) as threads:
        made = list(threads.map(lambda _: package.register(), range(64)))
    assert {id(provider) for provider in made} == {id(package.provider)}
    assert litellm.custom_provider_map == [
        other,
        {"provider": answers.PROVIDER, "custom_handler": package.provider},
    ]


@pytest.mark.usefixtures("providers")
def test_register_refuses_a_second_handler_of_its_name() -> None:
    litellm.custom_provider_map[:] = [{"provider": answers.PROVIDER, "custom_handler": CustomLLM()}]
    with pytest.raises(registration.RegistrationError, match="another handler"):
        package.register()


@pytest.mark.usefixtures("providers")
def test_register_refuses_a_name_that_litellm_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registration, "PROVIDER", "openai")
    before = list(litellm.custom_provider_map)
    with pytest.raises(registration.RegistrationError, match="openai"):
        package.register()
    assert litellm.custom_provider_map == before


def test_importing_the_package_is_cheap() -> None:
    """It imports no LiteLLM; in LiteLLM's own tree, where that cannot be, it imports not even the provider."""
    costly = f"{package.__name__}.provider" if IN_TREE else "litellm"
    program = f"import sys, {package.__name__} as p; p.__version__; sys.exit({costly!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0


def test_facts_of_models() -> None:
    package.register()
    for model, facts in models.load_models().items():
        name = f"{answers.PROVIDER}/{model}"
        info: Any = litellm.get_model_info(name)
        assert info["litellm_provider"] == answers.PROVIDER
        for key in ("max_input_tokens", "max_output_tokens", "input_cost_per_token", "output_cost_per_token"):
            if key in facts:
                assert info[key] == facts[key]
        assert litellm.supports_function_calling(name) is bool(facts.get("supports_function_calling"))
        assert litellm.supports_vision(name) is bool(facts.get("supports_vision"))
        assert litellm.supports_reasoning(name) is bool(facts.get("supports_reasoning"))
        assert litellm.supports_response_schema(name) is bool(facts.get("supports_response_schema"))


def test_a_model_named_like_one_of_litellms(monkeypatch: pytest.MonkeyPatch) -> None:
    own = dict(litellm.model_cost["gpt-4o"])
    monkeypatch.setitem(models.load_models(), "gpt-4o", {"input_cost_per_token": 0.5, "supports_vision": False})
    models.register_models()
    try:
        assert litellm.model_cost["gpt-4o"] == own
        assert litellm.get_model_info(f"{answers.PROVIDER}/gpt-4o")["input_cost_per_token"] == 0.5
        assert litellm.supports_vision(f"{answers.PROVIDER}/gpt-4o") is False
        assert litellm.supports_vision("gpt-4o") is True
        usage = {"prompt_tokens": 10, "completion_tokens": 0, "total_tokens": 10}
        answer = litellm.ModelResponse(model="gpt-4o", usage=usage)
        assert litellm.completion_cost(answer, model=f"{answers.PROVIDER}/gpt-4o") == 5.0
    finally:
        litellm.model_cost.pop(f"{answers.PROVIDER}/gpt-4o", None)
